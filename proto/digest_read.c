/* SPDX-License-Identifier: MIT */
/*
 * The parser of an Authorization header, RFC 7616 3.4, RFC 3261 25.1; that
 * of a challenge (digest_challenge.c) uses its fields.
 * Tolerant in what changes nothing (order, white space, folding, quotes or
 * none, empty list elements, unknown parameters), strict in what does: a
 * known parameter that stands twice is refused, for two readers of one
 * header must not see two different users.
 */

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "proto/digest.h"
#include "proto/digest_impl.h"

enum field {
	USERNAME, REALM, NONCE, URI, RESPONSE,
	ALGORITHM, CNONCE, NC, QOP, OPAQUE,
	FIELD_COUNT,
	MUST_COUNT = ALGORITHM,  /* those before it must be there */
};

struct cursor {
	const char *p, *end;
};

static const char *const field_names[FIELD_COUNT] = {
	"username", "realm", "nonce", "uri", "response",
	"algorithm", "cnonce", "nc", "qop", "opaque",
};

static void skip_space(struct cursor *c)
{
	while (c->p < c->end && strchr(" \t\r\n", *c->p) && *c->p)
		c->p++;
}

static bool is_token(char ch)
{
	return isalnum((unsigned char)ch) ||
	       (ch && strchr("-.!%*_+`'~", ch));
}

static bool take_token(struct cursor *c, struct pl *pl)
{
	pl->p = c->p;
	while (c->p < c->end && is_token(*c->p))
		c->p++;
	pl->l = (size_t)(c->p - pl->p);

	return pl->l > 0;
}

/* Past the opening quote. */
static bool take_quoted(struct cursor *c, struct pl *pl)
{
	pl->p = ++c->p;
	while (c->p < c->end && *c->p != '"') {
		if (!*c->p)
			return false;
		if (*c->p == '\\')
			c->p++;
		c->p++;
	}
	if (c->p >= c->end)
		return false;

	pl->l = (size_t)(c->p++ - pl->p);

	return true;
}

/* Some clients leave quotes away where there must be some (uri=sip:a): what
 * is not quoted goes up to a comma or white space. */
static bool take_value(struct cursor *c, struct pl *pl)
{
	if (c->p < c->end && *c->p == '"')
		return take_quoted(c, pl);

	pl->p = c->p;
	while (c->p < c->end && *c->p > ' ' && *c->p < 0x7f &&
	       *c->p != ',' && *c->p != '"')
		c->p++;
	pl->l = (size_t)(c->p - pl->p);

	return pl->l > 0;
}

/* name LWS "=" LWS value */
static bool take_param(struct cursor *c, struct pl *name, struct pl *val)
{
	if (!take_token(c, name))
		return false;
	skip_space(c);
	if (c->p >= c->end || *c->p != '=')
		return false;
	c->p++;
	skip_space(c);

	return take_value(c, val);
}

/* Is there another parameter? Takes the commas before it.
 * @return 1, 0 (end), -1 (no comma where one must be). */
static int next_param(struct cursor *c, bool first)
{
	bool comma = first;

	for (;;) {
		skip_space(c);
		if (c->p >= c->end)
			return 0;
		if (*c->p != ',')
			return comma ? 1 : -1;
		c->p++;
		comma = true;
	}
}

static int read_fields(struct pl *fieldv, struct cursor *c,
		       const char *const *names, size_t n, size_t must)
{
	bool seenv[DIGEST_FIELDS_MAX] = {false};
	struct pl name, val;
	size_t i;
	int more;

	for (more = next_param(c, true); more > 0; more = next_param(c, false)) {
		if (!take_param(c, &name, &val))
			return EBADMSG;

		for (i = 0; i < n; i++) {
			if (pl_strcasecmp(&name, names[i]))
				continue;
			if (seenv[i])
				return EBADMSG;
			seenv[i] = true;
			fieldv[i] = val;
			break;
		}
	}
	if (more < 0)
		return EBADMSG;

	for (i = 0; i < must; i++) {
		if (!seenv[i])
			return EBADMSG;
	}

	return 0;
}

int digest_fields_read(struct pl *fieldv, const char *const *names, size_t n,
		       size_t must, const struct pl *hval)
{
	struct pl scheme;
	struct cursor c;

	if (!hval || !hval->p || n > DIGEST_FIELDS_MAX)
		return EBADMSG;

	memset(fieldv, 0, n * sizeof(*fieldv));
	c.p = hval->p;
	c.end = hval->p + hval->l;

	skip_space(&c);
	if (!take_token(&c, &scheme) || pl_strcasecmp(&scheme, "Digest"))
		return EBADMSG;
	if (c.p < c.end && !strchr(" \t\r\n", *c.p))
		return EBADMSG;

	return read_fields(fieldv, &c, names, n, must);
}

static void set_alg(struct digest_response *r, const struct pl *name)
{
	int i;

	r->alg = DIGEST_MD5; /* what it is when absent */
	r->alg_known = !name->l;
	for (i = 0; i < DIGEST_ALG_COUNT; i++) {
		if (!pl_strcasecmp(name, digest_alg_name((enum digest_alg)i))) {
			r->alg = (enum digest_alg)i;
			r->alg_known = true;
		}
	}
}

/* With a qop there must be a count of eight digits, and a cnonce. */
static bool qop_complete(const struct digest_response *r)
{
	size_t i;

	if (!r->qop.l)
		return true;
	if (!r->cnonce.l || r->nc.l != 8)
		return false;
	for (i = 0; i < r->nc.l; i++) {
		if (!isxdigit((unsigned char)r->nc.p[i]))
			return false;
	}

	return true;
}

int digest_response_read(struct digest_response *r, const struct pl *hval)
{
	struct pl fieldv[FIELD_COUNT];
	int err;

	if (!r)
		return EBADMSG;

	memset(r, 0, sizeof(*r));
	err = digest_fields_read(fieldv, field_names, FIELD_COUNT, MUST_COUNT,
				 hval);
	if (err)
		return err;

	set_alg(r, &fieldv[ALGORITHM]);
	r->username = fieldv[USERNAME];
	r->realm = fieldv[REALM];
	r->nonce = fieldv[NONCE];
	r->uri = fieldv[URI];
	r->response = fieldv[RESPONSE];
	r->cnonce = fieldv[CNONCE];
	r->nc = fieldv[NC];
	r->qop = fieldv[QOP];
	r->opaque = fieldv[OPAQUE];

	return qop_complete(r) ? 0 : EBADMSG;
}
