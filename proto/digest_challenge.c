/* SPDX-License-Identifier: MIT */
/* The parser of a challenge: RFC 7616 3.3, RFC 8760 2. */

#include <errno.h>
#include <string.h>

#include "proto/digest_client.h"
#include "proto/digest_impl.h"

enum field {
	REALM, NONCE, OPAQUE, ALGORITHM, QOP, STALE,
	FIELD_COUNT,
	MUST_COUNT = OPAQUE,  /* those before it must be there */
};

static const char *const field_names[FIELD_COUNT] = {
	"realm", "nonce", "opaque", "algorithm", "qop", "stale",
};

static const char sess_suffix[] = "-sess";

static void set_alg(struct digest_challenge *c, struct pl name)
{
	const size_t n = sizeof(sess_suffix) - 1;
	int i;

	c->alg = DIGEST_MD5; /* what it is when absent */
	c->alg_known = !name.l;
	if (name.l > n) {
		const struct pl tail = {name.p + name.l - n, n};

		c->sess = !pl_strcasecmp(&tail, sess_suffix);
		if (c->sess)
			name.l -= n;
	}
	for (i = 0; i < DIGEST_ALG_COUNT; i++) {
		if (!pl_strcasecmp(&name,
				   digest_alg_name((enum digest_alg)i))) {
			c->alg = (enum digest_alg)i;
			c->alg_known = true;
		}
	}
}

/* "auth,auth-int": words between commas, white space and both. */
static void set_qop(struct digest_challenge *c, const struct pl *list)
{
	static const char between[] = ", \t\r\n";
	const char *p = list->p, *end = list->p + list->l;
	struct pl word;

	c->qop = list->l > 0;
	while (p < end) {
		if (*p && strchr(between, *p)) {
			p++;
			continue;
		}
		word.p = p;
		while (p < end && !(*p && strchr(between, *p)))
			p++;
		word.l = (size_t)(p - word.p);
		c->auth |= !pl_strcasecmp(&word, "auth");
		c->auth_int |= !pl_strcasecmp(&word, "auth-int");
	}
}

int digest_challenge_read(struct digest_challenge *c, const struct pl *hval)
{
	struct pl fieldv[FIELD_COUNT];
	int err;

	if (!c)
		return EBADMSG;

	memset(c, 0, sizeof(*c));
	err = digest_fields_read(fieldv, field_names, FIELD_COUNT, MUST_COUNT,
				 hval);
	if (err)
		return err;

	c->realm = fieldv[REALM];
	c->nonce = fieldv[NONCE];
	c->opaque = fieldv[OPAQUE];
	c->stale = !pl_strcasecmp(&fieldv[STALE], "true");
	set_alg(c, fieldv[ALGORITHM]);
	set_qop(c, &fieldv[QOP]);

	return 0;
}
