/* SPDX-License-Identifier: MIT */
/*
 * One slot a realm and kind (server or proxy).  The cnonce lives as long as
 * its nonce: so the session key of -sess is the same whether a server makes
 * it once (RFC 7616 3.4.2) or of what each request brings, as most do.
 */

#include <errno.h>
#include <string.h>

#include "proto/digest_client.h"

enum {
	SLOTS = 4,          /* a server, and proxies on the way             */
	STALE_MAX = 3,      /* times a request's nonce may be stale         */
	TEXT_MAX = 2048,    /* of a realm, a nonce, an opaque               */
	CNONCE_LEN = 2 * DIGEST_CNONCE_BYTES,
};

struct slot {
	bool proxy;
	char *realm, *nonce, *opaque;  /* owned; opaque may be NULL */
	enum digest_alg alg;
	bool sess;
	const char *qop;               /* "auth", "auth-int" or NULL */
	char cnonce[CNONCE_LEN + 1];
	uint32_t nc;
	bool tried;       /* this request brought an answer to a challenge that
			     it had got                                     */
	unsigned stale;   /* how often this request was stale               */
	bool fresh;       /* the challenge came to this request             */
};

struct digest_client {
	struct slot slotv[SLOTS];
	size_t n;
};

static void slot_clear(struct slot *s)
{
	s->realm = mem_deref(s->realm);
	s->nonce = mem_deref(s->nonce);
	s->opaque = mem_deref(s->opaque);
}

static void destructor(void *arg)
{
	struct digest_client *dc = arg;
	size_t i;

	for (i = 0; i < dc->n; i++)
		slot_clear(&dc->slotv[i]);
}

int digest_client_alloc(struct digest_client **dcp)
{
	if (!dcp)
		return EINVAL;

	*dcp = mem_zalloc(sizeof(**dcp), destructor);

	return *dcp ? 0 : ENOMEM;
}

void digest_client_start(struct digest_client *dc)
{
	size_t i;

	for (i = 0; dc && i < dc->n; i++) {
		dc->slotv[i].tried = false;
		dc->slotv[i].fresh = false;
		dc->slotv[i].stale = 0;
	}
}

bool digest_client_has(const struct digest_client *dc)
{
	return dc && dc->n > 0;
}

/* ------------------------------------------------------------- challenges */

static const char *cred_ha1(const struct digest_credentials *cred,
			    enum digest_alg alg)
{
	switch (alg) {

	case DIGEST_MD5:
		return cred->ha1_md5;

	case DIGEST_SHA256:
		return cred->ha1_sha256;

	default:
		return NULL;
	}
}

static bool can_answer(const struct digest_challenge *c,
		       const struct digest_credentials *cred)
{
	if (!c->alg_known || (c->qop && !c->auth && !c->auth_int))
		return false;
	if (c->realm.l > TEXT_MAX || c->nonce.l > TEXT_MAX ||
	    c->opaque.l > TEXT_MAX)
		return false;

	return cred->password || cred_ha1(cred, c->alg);
}

/* The higher, the better. */
static int rank(const struct digest_challenge *c)
{
	static const int ranks[DIGEST_ALG_COUNT] = {
		[DIGEST_SHA256] = 3,
		[DIGEST_SHA512_256] = 2,
		[DIGEST_MD5] = 1,
	};

	return ranks[c->alg];
}

static struct slot *slot_find(struct digest_client *dc, bool proxy,
			      const struct pl *realm)
{
	size_t i;

	for (i = 0; i < dc->n; i++) {
		if (dc->slotv[i].proxy == proxy &&
		    !pl_strcmp(realm, dc->slotv[i].realm))
			return &dc->slotv[i];
	}

	return NULL;
}

/* A further realm: with no slot left the eldest goes. */
static struct slot *slot_new(struct digest_client *dc, bool proxy)
{
	struct slot *s;

	if (dc->n == SLOTS) {
		slot_clear(&dc->slotv[0]);
		memmove(&dc->slotv[0], &dc->slotv[1],
			(SLOTS - 1) * sizeof(dc->slotv[0]));
		dc->n--;
	}
	s = &dc->slotv[dc->n++];
	memset(s, 0, sizeof(*s));
	s->proxy = proxy;

	return s;
}

static int slot_set(struct slot *s, const struct digest_challenge *c,
		    const uint8_t *cnonce)
{
	int err;

	slot_clear(s);
	err = pl_strdup(&s->realm, &c->realm);
	if (!err)
		err = pl_strdup(&s->nonce, &c->nonce);
	if (!err && c->opaque.p)
		err = pl_strdup(&s->opaque, &c->opaque);
	if (err)
		return err;

	s->alg = c->alg;
	s->sess = c->sess;
	s->qop = c->auth ? "auth" : c->auth_int ? "auth-int" : NULL;
	s->nc = 0;
	s->fresh = true;
	(void)re_snprintf(s->cnonce, sizeof(s->cnonce), "%w", cnonce,
			  (size_t)DIGEST_CNONCE_BYTES);

	return 0;
}

/* Take a challenge into its slot. */
static int take(struct digest_client *dc, bool proxy,
		const struct digest_challenge *c, const uint8_t *cnonce)
{
	struct slot *s = slot_find(dc, proxy, &c->realm);
	int err;

	if (s && s->tried && !c->stale)
		return EACCES;
	if (s && c->stale && s->stale++ >= STALE_MAX)
		return EACCES;
	if (!s)
		s = slot_new(dc, proxy);

	err = slot_set(s, c, cnonce);
	if (err) { /* a slot without a nonce is none */
		slot_clear(s);
		*s = dc->slotv[--dc->n];
	}

	return err;
}

/* Is a better challenge for the same realm there, or the same one before? */
static bool is_beaten(const struct digest_challenge *cv, size_t n, size_t i)
{
	size_t j;

	for (j = 0; j < n; j++) {
		if (j == i || pl_cmp(&cv[i].realm, &cv[j].realm))
			continue;
		if (rank(&cv[j]) > rank(&cv[i]) ||
		    (rank(&cv[j]) == rank(&cv[i]) && j < i))
			return true;
	}

	return false;
}

enum { CHALLENGES_MAX = 8 };

int digest_client_challenge(struct digest_client *dc, uint16_t code,
			    const struct pl *hvalv, size_t n,
			    const struct digest_credentials *cred,
			    const uint8_t cnonce[DIGEST_CNONCE_BYTES])
{
	struct digest_challenge cv[CHALLENGES_MAX];
	size_t i, read = 0, good = 0;
	int err = 0;

	if (!dc || !hvalv || !cred || !cred->user || !cnonce ||
	    (code != 401 && code != 407))
		return EINVAL;

	for (i = 0; i < n && good < CHALLENGES_MAX; i++) {
		if (digest_challenge_read(&cv[good], &hvalv[i]))
			continue;
		read++;
		if (can_answer(&cv[good], cred))
			good++;
	}
	if (!good)
		return read ? ENOTSUP : EBADMSG;

	for (i = 0; !err && i < good; i++) {
		if (!is_beaten(cv, good, i))
			err = take(dc, code == 407, &cv[i], cnonce);
	}

	return err;
}

/* --------------------------------------------------------------- printing */

static int make_ha1(char *hex, const struct slot *s,
		    const struct digest_credentials *cred)
{
	char base[DIGEST_HEX_MAX + 1];
	const char *ha1 = cred_ha1(cred, s->alg);
	int err = 0;

	if (cred->password)
		err = digest_ha1(base, s->alg, cred->user, s->realm,
				 cred->password);
	else if (!ha1)
		err = EINVAL;
	else
		(void)re_snprintf(base, sizeof(base), "%s", ha1);
	if (err)
		return err;

	/* RFC 7616 3.4.2: the same hash, of other three */
	if (s->sess)
		err = digest_ha1(hex, s->alg, base, s->nonce, s->cnonce);
	else
		memcpy(hex, base, sizeof(base));
	explicit_bzero(base, sizeof(base));

	return err;
}

static int print_slot(struct mbuf *mb, const struct slot *s,
		      const struct digest_credentials *cred,
		      const char *response, const char *uri, const char *nc)
{
	int err;

	err = mbuf_printf(mb,
			  "%sAuthorization: Digest username=\"%s\", "
			  "realm=\"%s\", nonce=\"%s\", uri=\"%s\", "
			  "response=\"%s\", algorithm=%s%s",
			  s->proxy ? "Proxy-" : "", cred->user, s->realm,
			  s->nonce, uri, response, digest_alg_name(s->alg),
			  s->sess ? "-sess" : "");
	if (s->qop)
		err |= mbuf_printf(mb, ", qop=%s, nc=%s", s->qop, nc);
	if (s->qop || s->sess)
		err |= mbuf_printf(mb, ", cnonce=\"%s\"", s->cnonce);
	if (s->opaque)
		err |= mbuf_printf(mb, ", opaque=\"%s\"", s->opaque);

	return err | mbuf_write_str(mb, "\r\n");
}

static int answer(struct mbuf *mb, struct slot *s,
		  const struct digest_credentials *cred, const char *method,
		  const char *uri, const struct pl *body)
{
	char ha1[DIGEST_HEX_MAX + 1], response[DIGEST_HEX_MAX + 1], nc[9];
	struct digest_response r = {.alg = s->alg, .alg_known = true};
	struct pl m;
	int err;

	(void)re_snprintf(nc, sizeof(nc), "%08x", ++s->nc);
	pl_set_str(&m, method);
	pl_set_str(&r.nonce, s->nonce);
	pl_set_str(&r.uri, uri);
	pl_set_str(&r.cnonce, s->cnonce);
	pl_set_str(&r.nc, nc);
	if (s->qop)
		pl_set_str(&r.qop, s->qop);

	err = make_ha1(ha1, s, cred);
	if (!err)
		err = digest_compute(response, &r, ha1, &m, body);
	explicit_bzero(ha1, sizeof(ha1));
	if (err)
		return err;
	if (s->fresh)
		s->tried = true;

	return print_slot(mb, s, cred, response, uri, nc);
}

int digest_client_print(struct mbuf *mb, struct digest_client *dc,
			const struct digest_credentials *cred,
			const char *method, const char *uri,
			const struct pl *body)
{
	size_t i;
	int err = 0;

	if (!mb || !dc || !cred || !cred->user || !method || !uri ||
	    strpbrk(cred->user, "\"\\\r\n"))
		return EINVAL;

	for (i = 0; !err && i < dc->n; i++)
		err = answer(mb, &dc->slotv[i], cred, method, uri, body);

	return err;
}
