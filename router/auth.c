/* SPDX-License-Identifier: MIT */
/*
 * Digest authentication.  An unknown user is challenged like any other, so
 * nobody can find out who exists; a wrong password gets a fresh challenge
 * that is not stale, which tells a phone to stop and ask its user.
 */

#include <string.h>
#include <time.h>
#include "proto/digest.h"
#include "router/answer.h"
#include "router/auth.h"
#include "router/core.h"
#include "router/nonce.h"

enum verdict {
	NOTHING,   /* no credentials for our realm */
	GOOD,
	STALE,     /* right, but for an old nonce  */
	WRONG,
};

/*
 * RFC 3261 20.27 has a client skip challenges that it does not know; some
 * give up instead as soon as there are two.  They are named here, and get
 * MD5 alone.  (libre before 3.0: EAUTH or ENOSYS on the second challenge.)
 */
static bool wants_one_challenge(const struct view *v)
{
	static const char *const agents[] = {
		"baresip v0.", "baresip v1.", "baresip v2.",
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
	char str[NONCE_LEN];
	struct challenge c = {
		.header = reg ? "WWW-Authenticate" : "Proxy-Authenticate",
		.realm = config_get(m->w->config)->settings->realm,
		.more = stale ? ", stale=true" : "",
		.nonce = {str, sizeof(str)},
	};

	nonce_print(str, m->w->router->key, (uint32_t)time(NULL), rand_u32());
	stat_inc(&m->w->stats, stale ? STAT_AUTH_STALE : STAT_AUTH_CHALLENGE);
	answer(m, reg ? 401 : 407, NULL, "%H", one ? print_md5 : print_both,
	       &c);
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

static enum verdict judge(struct msg *m, const struct digest_response *r,
			  const Sy__Device **devp)
{
	const Sy__Device *dev;
	enum nonce_state nonce;

	if (!r->alg_known)
		return NOTHING;
	dev = config_device(m->w->config, r->username.p, r->username.l);
	if (!dev || !*ha1(dev, r->alg) ||
	    !digest_check(r, ha1(dev, r->alg), &m->v->methodstr, NULL))
		return WRONG;
	nonce = nonce_check(m->w->router->key, r->nonce.p, r->nonce.l,
			    (uint32_t)time(NULL), m->w->router->conf.nonce_s);
	if (nonce != NONCE_GOOD)
		return STALE;
	*devp = dev;

	return GOOD;
}

/* Look at all credentials under one header name, and cut out ours. */
static enum verdict look(struct msg *m, enum view_hdr id,
			 const Sy__Device **devp)
{
	const Sy__Config *conf = config_get(m->w->config);
	const struct view_field *f = view_first(m->v, id);
	enum verdict best = NOTHING;

	for (; f; f = view_next(m->v, f)) {
		struct digest_response r;
		enum verdict v;
		struct pl val;

		view_val(m->v, f, &val);
		if (digest_response_read(&r, &val) ||
		    pl_strcmp(&r.realm, conf->settings->realm))
			continue;
		(void)edit_put(&m->ed, f->line, f->next - f->line, NULL, 0);
		v = judge(m, &r, devp);
		if (best == NOTHING || v == GOOD)
			best = v;
	}

	return best;
}

const Sy__Device *auth_device(struct msg *m, const char *user)
{
	struct stats *st = &m->w->stats;
	const Sy__Device *dev = NULL;
	enum verdict v;

	v = look(m, m->v->method == VIEW_REGISTER ? VIEW_AUTHORIZATION
						  : VIEW_PROXY_AUTHORIZATION,
		 &dev);
	switch (v) {
	case NOTHING:
		challenge(m, false);
		return NULL;
	case STALE:
		challenge(m, true);
		return NULL;
	case WRONG:
		stat_inc(st, STAT_AUTH_FAILED);
		challenge(m, false);
		return NULL;
	case GOOD:
		break;
	}
	if (strcmp(dev->id, user)) {
		stat_inc(st, STAT_AUTH_FAILED);
		answer(m, 403, "Not Your Address", NULL);
		return NULL;
	}
	stat_inc(st, STAT_AUTH_OK);

	return dev;
}
