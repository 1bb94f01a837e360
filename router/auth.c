/* SPDX-License-Identifier: MIT */
/*
 * Digest authentication.  An unknown user is challenged like any other, so
 * nobody can find out who exists; a wrong password gets a fresh challenge
 * that is not stale, which tells a phone to stop and ask its user.  Who gets
 * it wrong too often is the guard's (guard.h).
 */

#include <string.h>
#include <time.h>
#include "proto/digest.h"
#include "router/answer.h"
#include "router/auth.h"
#include "router/core.h"
#include "router/domain.h"
#include "router/guard.h"
#include "router/nonce.h"
#include "router/replay.h"
#include "router/wire_impl.h"

enum verdict {
	NOTHING,   /* no credentials for our realm                    */
	GOOD,
	STALE,     /* right, but for an old nonce, or used before     */
	WRONG,
	ELSEWHERE, /* right, but for another Request-URI              */
	BANNED,
};

/* Credentials that were read. */
struct claim {
	struct digest_response r;
	const Sy__Device *dev;     /* GOOD: whose they are             */
};

/*
 * RFC 3261 20.27 has a client skip challenges that it does not know; some
 * give up instead as soon as there are two.  They are named here, and get
 * MD5 alone.  (libre before 3.0: EAUTH or ENOSYS on the second challenge;
 * SIPp: the first algorithm of both must be MD5.)
 */
static bool wants_one_challenge(const struct view *v)
{
	static const char *const agents[] = {
		"baresip v0.", "baresip v1.", "baresip v2.", "SIPp",
	};
	const struct view_field *f = view_first(v, VIEW_USER_AGENT);
	struct pl val;

	if (!f)
		return false;
	view_val(v, f, &val);
	for (size_t i = 0; i < sizeof(agents) / sizeof(agents[0]); i++) {
		if (val.l >= strlen(agents[i]) &&
		    !memcmp(val.p, agents[i], strlen(agents[i])))
			return true;
	}

	return false;
}

/* What a challenge says. */
struct challenge {
	const char *header;
	const char *realm;
	const char *more;
	struct pl nonce;
};

static int print_challenge(struct re_printf *pf, const struct challenge *c,
			   enum digest_alg alg)
{
	return re_hprintf(pf,
			  "%s: Digest realm=\"%s\", nonce=\"%r\", "
			  "algorithm=%s, qop=\"auth\"%s\r\n",
			  c->header, c->realm, &c->nonce,
			  digest_alg_name(alg), c->more);
}

/* A header field each, the preferred one first: RFC 8760 2.3. */
static int print_both(struct re_printf *pf, const struct challenge *c)
{
	int err = print_challenge(pf, c, DIGEST_SHA256);

	return err ? err : print_challenge(pf, c, DIGEST_MD5);
}

static int print_md5(struct re_printf *pf, const struct challenge *c)
{
	return print_challenge(pf, c, DIGEST_MD5);
}

static void challenge(struct msg *m, bool stale)
{
	const bool reg = m->v->method == VIEW_REGISTER;
	const bool one = wants_one_challenge(m->v);
	const struct nonce n = {
		.made_s = (uint32_t)time(NULL),
		.rnd = rand_u32(),
		.source = nonce_source(m->w->router->key, &m->from.peer),
	};
	char str[NONCE_LEN];
	struct challenge c = {
		.header = reg ? "WWW-Authenticate" : "Proxy-Authenticate",
		.realm = config_get(m->w->config)->settings->realm,
		.more = stale ? ", stale=true" : "",
		.nonce = {str, sizeof(str)},
	};

	nonce_print(str, m->w->router->key, &n);
	stat_inc(&m->w->stats, stale ? STAT_AUTH_STALE : STAT_AUTH_CHALLENGE);
	answer(m, reg ? 401 : 407, NULL, "%H", one ? print_md5 : print_both,
	       &c);
}

/* Neither right nor wrong: nothing can be learnt from it. */
static void refuse_banned(struct msg *m)
{
	stat_inc(&m->w->stats, STAT_GUARD_USER);
	answer(m, 403, "Too Many Wrong Passwords", "Retry-After: 60\r\n");
}

static const char *ha1(const Sy__Device *dev, enum digest_alg alg)
{
	switch (alg) {
	case DIGEST_MD5:
		return dev->ha1_md5;
	case DIGEST_SHA256:
		return dev->ha1_sha256;
	default:
		return "";
	}
}

/* ----------------------------------------------------------- credentials */

/*
 * The digest's URI must be that of the request (RFC 7616 3.4.6), or who heard
 * credentials could call another number by them.  Phones differ in what they
 * write there; the same user at any name of this cluster is the same.
 */
static bool uri_fits(const struct msg *m, const struct pl *uri)
{
	struct view_uri a, b;

	if (!pl_cmp(uri, &m->v->uri))
		return true;
	if (view_uri_read(&a, uri) || view_uri_read(&b, &m->v->uri) ||
	    a.user.l != b.user.l ||
	    (a.user.l && memcmp(a.user.p, b.user.p, a.user.l)))
		return false;

	return !pl_casecmp(&a.host, &b.host) ||
	       (domain_is_ours(m->w, &a.host) &&
		domain_is_ours(m->w, &b.host));
}

/* What a retransmission has in common with what it repeats. */
static uint32_t transaction(const struct msg *m)
{
	char ctx[2048];
	const size_t n = msg_branch_ctx(ctx, sizeof(ctx), m->v, &m->v->via);

	return (uint32_t)guard_hash_bytes(m->w->guard, ctx, n) | 1;
}

static bool was_used(const struct msg *m, const struct digest_response *r,
		     const struct nonce *n)
{
	uint32_t nc = 0;

	for (size_t i = 0; i < r->nc.l; i++) /* eight hex digits, or none */
		nc = nc << 4 | (uint32_t)ch_hex(r->nc.p[i]);

	return !replay_check(m->w->replay, (uint64_t)n->made_s << 32 | n->rnd,
			     nc, transaction(m));
}

/* Only what was made for a nonce that went to this very address counts: any
 * other may have been sent by somebody else. */
static enum verdict wrong(const struct msg *m, const struct digest_response *r,
			  const struct nonce *n)
{
	if (n->source == nonce_source(m->w->router->key, &m->from.peer))
		guard_failed(m->w->guard, &m->from.peer, &r->username,
			     wire_now_ms());

	return WRONG;
}

static enum verdict judge(const struct msg *m, struct claim *c)
{
	const struct digest_response *r = &c->r;
	const struct pl body = {m->v->p + m->v->body,
				m->v->len - m->v->body};
	const Sy__Device *dev;
	enum nonce_state state;
	struct nonce n;

	if (!r->alg_known)
		return NOTHING;
	if (guard_user_is_banned(m->w->guard, &m->from.peer, &r->username,
				 wire_now_ms()))
		return BANNED;
	state = nonce_check(&n, m->w->router->key, r->nonce.p, r->nonce.l,
			    (uint32_t)time(NULL), m->w->router->conf.nonce_s);
	if (state == NONCE_FORGED) /* another cluster's, or a guess */
		return NOTHING;
	dev = config_device(m->w->config, r->username.p, r->username.l);
	if (!dev || !*ha1(dev, r->alg) ||
	    !digest_check(r, ha1(dev, r->alg), &m->v->methodstr, &body))
		return state == NONCE_GOOD ? wrong(m, r, &n) : WRONG;
	if (state != NONCE_GOOD)
		return STALE;
	if (!uri_fits(m, &r->uri))
		return ELSEWHERE;
	if (was_used(m, r, &n)) {
		stat_inc(&m->w->stats, STAT_GUARD_REPLAY);
		return STALE;
	}
	c->dev = dev;

	return GOOD;
}

/* Look at all credentials under one header name, and cut out ours. */
static enum verdict look(struct msg *m, enum view_hdr id, struct claim *c)
{
	const Sy__Config *conf = config_get(m->w->config);
	const struct view_field *f = view_first(m->v, id);
	enum verdict best = NOTHING;

	for (; f; f = view_next(m->v, f)) {
		enum verdict v;
		struct pl val;

		view_val(m->v, f, &val);
		if (digest_response_read(&c->r, &val) ||
		    pl_strcmp(&c->r.realm, conf->settings->realm))
			continue;
		(void)edit_put(&m->ed, f->line, f->next - f->line, NULL, 0);
		if (best == GOOD)
			continue;
		v = judge(m, c);
		if (best == NOTHING || v == GOOD)
			best = v;
	}

	return best;
}

/* --------------------------------------------------------------- answers */

static void nothing(struct msg *m, const char *user)
{
	struct pl pl;

	pl_set_str(&pl, user);
	if (guard_user_is_banned(m->w->guard, &m->from.peer, &pl,
				 wire_now_ms())) {
		refuse_banned(m);
		return;
	}
	if (!config_device(m->w->config, user, strlen(user)))
		guard_probe(m->w->guard, &m->from.peer, &pl, wire_now_ms());
	challenge(m, false);
}

static const Sy__Device *good(struct msg *m, const Sy__Device *dev,
			      const char *user)
{
	guard_good(m->w->guard, &m->from.peer, wire_now_ms());
	if (user && strcmp(dev->id, user)) {
		stat_inc(&m->w->stats, STAT_AUTH_FAILED);
		stat_inc(&m->w->stats, STAT_GUARD_ADDRESS);
		answer(m, 403, "Not Your Address", NULL);
		return NULL;
	}
	stat_inc(&m->w->stats, STAT_AUTH_OK);

	return dev;
}

const Sy__Device *auth_device(struct msg *m, const char *user)
{
	struct stats *st = &m->w->stats;
	struct claim c = {.dev = NULL};

	switch (look(m,
		     m->v->method == VIEW_REGISTER ? VIEW_AUTHORIZATION
						   : VIEW_PROXY_AUTHORIZATION,
		     &c)) {
	case NOTHING:
		nothing(m, user);
		return NULL;
	case STALE:
		challenge(m, true);
		return NULL;
	case WRONG:
		stat_inc(st, STAT_AUTH_FAILED);
		challenge(m, false);
		return NULL;
	case ELSEWHERE:
		stat_inc(st, STAT_GUARD_URI);
		answer(m, 400, "Credentials For Another URI", NULL);
		return NULL;
	case BANNED:
		refuse_banned(m);
		return NULL;
	case GOOD:
	default:
		return good(m, c.dev, user);
	}
}
