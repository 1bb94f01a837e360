/* SPDX-License-Identifier: MIT */
/* A registration at a carrier; see trunk_reg.h. */

#include <string.h>
#include "proto/random.h"
#include "router/trunk_reg.h"
#include "router/trunk_reg_impl.h"

enum {
	AGAIN_MS = 2000,      /* nobody answered: first pause            */
	AGAIN_MAX_MS = 120000,
	REFUSED_MS = 30000,   /* refused: first pause                    */
	REFUSED_MAX_MS = 600000,
	RETRY_MAX_S = 3600,   /* that a Retry-After may ask for          */
	EXPIRES_MAX_S = 86400,
	ROUNDS_MAX = 6,       /* challenges and 423 of one request       */
	BRIEF_S = 10,         /* what is shorter is no registration      */
};

static void destructor(void *arg)
{
	struct trunk_reg *r = arg;

	if (r->password)
		explicit_bzero(r->password, strlen(r->password));
	mem_deref(r->domain);
	mem_deref(r->user);
	mem_deref(r->contact);
	mem_deref(r->mark);
	mem_deref(r->proxy);
	mem_deref(r->username);
	mem_deref(r->password);
	mem_deref(r->digest);
	mem_deref(r->uri);
	mem_deref(r->from);
	mem_deref(r->to);
	mem_deref(r->call_id);
	mem_deref(r->stands);
	mem_deref(r->old);
	mem_deref(r->headers);
	trunk_reg_routes_clear(r);
}

static int copy(struct trunk_reg *r, const struct trunk_reg_conf *c)
{
	int err = str_dup(&r->domain, c->domain);

	err |= str_dup(&r->user, c->user);
	err |= str_dup(&r->contact, c->contact);
	err |= str_dup(&r->mark, c->mark);
	if (c->proxy)
		err |= str_dup(&r->proxy, c->proxy);
	if (c->username)
		err |= str_dup(&r->username, c->username);
	if (c->password)
		err |= str_dup(&r->password, c->password);

	return err ? ENOMEM : 0;
}

static int identify(struct trunk_reg *r)
{
	uint8_t id[16], tag[8];
	int err;

	random_bytes(id, sizeof(id));
	random_bytes(tag, sizeof(tag));
	err = re_sdprintf(&r->uri, "sip:%s", r->domain);
	err |= re_sdprintf(&r->from, "<sip:%s@%s>;tag=%w", r->user, r->domain,
			   tag, sizeof(tag));
	err |= re_sdprintf(&r->to, "<sip:%s@%s>", r->user, r->domain);
	err |= re_sdprintf(&r->call_id, "%w", id, sizeof(id));

	return err ? ENOMEM : 0;
}

int trunk_reg_alloc(struct trunk_reg **rp, const struct trunk_reg_conf *conf,
		    uint64_t now_ms)
{
	struct trunk_reg *r;
	int err;

	if (!rp || !conf || !conf->domain || !conf->user || !conf->contact ||
	    !conf->mark)
		return EINVAL;

	r = mem_zalloc(sizeof(*r), destructor);
	if (!r)
		return ENOMEM;
	r->expires_s = conf->expires_s;
	r->due_ms = now_ms;
	err = copy(r, conf);
	if (!err)
		err = identify(r);
	if (!err)
		err = digest_client_alloc(&r->digest);

	if (err)
		mem_deref(r);
	else
		*rp = r;

	return err;
}

int trunk_reg_resume(struct trunk_reg *r, const struct trunk_reg_past *past,
		     uint64_t now_ms)
{
	int err = 0;

	if (!past->call_id || !past->call_id[0])
		return 0;

	r->call_id = mem_deref(r->call_id);
	err = str_dup(&r->call_id, past->call_id);
	r->cseq = past->cseq + TRUNK_REG_CSEQ_MARGIN;
	if (err || !past->contact[0] || past->expires_ms <= now_ms)
		return err;

	err = str_dup(&r->stands, past->contact);
	if (err)
		return err;
	r->registered = true;
	r->expires_ms = past->expires_ms;
	r->refresh_ms = past->refresh_ms;
	if (!strcmp(r->stands, r->contact))
		r->due_ms = r->refresh_ms > now_ms ? r->refresh_ms : now_ms;

	return 0;
}

/* ----------------------------------------------------------------- asking */

uint64_t trunk_reg_due(const struct trunk_reg *r)
{
	if (r->asking || r->gone)
		return UINT64_MAX;
	if (r->registered && r->expires_ms < r->due_ms)
		return r->expires_ms;

	return r->due_ms;
}

bool trunk_reg_wants(const struct trunk_reg *r, uint64_t now_ms)
{
	return !r->asking && !r->gone && now_ms >= r->due_ms;
}

bool trunk_reg_is_again(const struct trunk_reg *r)
{
	return r->again;
}

size_t trunk_reg_target(const struct trunk_reg *r)
{
	return r->target;
}

enum trunk_reg_out trunk_reg_tick(struct trunk_reg *r, uint64_t now_ms)
{
	if (!r->registered || now_ms < r->expires_ms)
		return TRUNK_REG_SAME;

	r->registered = false;
	r->stands = mem_deref(r->stands);

	return TRUNK_REG_DOWN;
}

/* What this one is about: our contact, one that we had, or the end. */
static const char *subject(const struct trunk_reg *r, uint32_t *expires_s)
{
	*expires_s = r->leaving || r->cleaning ? 0 : r->expires_s;
	if (r->cleaning)
		return r->old;
	if (r->leaving && r->stands)
		return r->stands;

	return r->contact;
}

static struct digest_credentials credentials(const struct trunk_reg *r)
{
	return (struct digest_credentials){.user = r->username ? r->username
							       : "",
					   .password = r->password};
}

static int print_headers(struct trunk_reg *r, struct mbuf *mb)
{
	const struct digest_credentials cred = credentials(r);
	uint32_t expires_s;
	const char *contact = subject(r, &expires_s);
	int err = 0;

	if (r->proxy)
		err = mbuf_printf(mb, "Route: %s\r\n", r->proxy);
	err |= mbuf_printf(mb,
			   "Contact: <%s>\r\nExpires: %u\r\n"
			   "Supported: path\r\n"
			   "User-Agent: Switchyard/" SY_VERSION "\r\n",
			   contact, expires_s);
	if (digest_client_has(r->digest))
		err |= digest_client_print(mb, r->digest, &cred, "REGISTER",
					   r->uri, NULL);
	err |= mbuf_write_u8(mb, 0);

	return err ? ENOMEM : 0;
}

int trunk_reg_print(struct trunk_reg *r, struct trunk_reg_msg *m)
{
	struct mbuf *mb;
	int err;

	if (!r || !m)
		return EINVAL;

	mb = mbuf_alloc(512);
	if (!mb)
		return ENOMEM;
	if (!r->again) {
		r->rounds = 0;
		r->cleaning = r->old && r->registered && !r->leaving;
		digest_client_start(r->digest);
	}
	err = print_headers(r, mb);
	if (err) {
		mem_deref(mb);
		return err;
	}
	mem_deref(r->headers);
	r->headers = mb;
	r->again = false;
	r->asking = true;
	r->left = r->leaving;
	*m = (struct trunk_reg_msg){.uri = r->uri,
				    .from = r->from,
				    .to = r->to,
				    .call_id = r->call_id,
				    .cseq = ++r->cseq,
				    .headers = (const char *)mb->buf};

	return 0;
}

/* ---------------------------------------------------------------- answers */

static void say(struct trunk_reg *r, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)re_vsnprintf(r->reason, sizeof(r->reason), fmt, ap);
	va_end(ap);
}

/* 2^n times, within bounds, a fifth more or less by chance. */
static uint64_t pause_ms(const struct trunk_reg *r, uint64_t first,
			 uint64_t max, uint32_t random)
{
	const unsigned n = r->failures < 16 ? r->failures : 16;
	uint64_t ms = first << n;

	if (ms > max)
		ms = max;

	return ms * (80 + random % 41) / 100;
}

static void again_now(struct trunk_reg *r, const struct trunk_reg_answer *a)
{
	r->again = true;
	r->due_ms = a->now_ms;
}

/* This was nothing. @param hard  Refused, not just unheard. */
static enum trunk_reg_out failed(struct trunk_reg *r,
				 const struct trunk_reg_answer *a, bool hard)
{
	const bool was = r->registered;
	uint64_t ms = hard ? pause_ms(r, REFUSED_MS, REFUSED_MAX_MS, a->random)
			   : pause_ms(r, AGAIN_MS, AGAIN_MAX_MS, a->random);
	uint32_t after_s = 0;

	if (a->v)
		after_s = trunk_reg_number(a->v, "Retry-After", RETRY_MAX_S);
	if (ms < (uint64_t)after_s * 1000)
		ms = (uint64_t)after_s * 1000;
	++r->failures;
	r->target = 0;
	r->due_ms = a->now_ms + ms;
	if (!hard)
		return TRUNK_REG_SAME; /* until it lapses */
	r->registered = false;
	r->stands = mem_deref(r->stands);

	return was ? TRUNK_REG_DOWN : TRUNK_REG_SAME;
}

static enum trunk_reg_out unheard(struct trunk_reg *r,
				  const struct trunk_reg_answer *a)
{
	if (a->v)
		say(r, "the registrar answers %u", a->code);
	else
		say(r, a->code == 408 ? "the registrar does not answer"
				      : "the registrar cannot be reached");
	if (++r->target < a->targets) {
		r->due_ms = a->now_ms;
		return TRUNK_REG_SAME;
	}

	return failed(r, a, false);
}

static enum trunk_reg_out refused(struct trunk_reg *r,
				  const struct trunk_reg_answer *a,
				  const char *why)
{
	if (why)
		say(r, "%s", why);
	else if (a->code == 403)
		say(r, "the registrar refuses us (403)");
	else if (a->code == 404)
		say(r, "the registrar does not know %s (404)", r->user);
	else
		say(r, "the registrar answers %u", a->code);

	return failed(r, a, true);
}

/* @return NULL: it is sent once more, else why not */
static const char *challenged(struct trunk_reg *r,
			      const struct trunk_reg_answer *a)
{
	const struct digest_credentials cred = credentials(r);
	struct pl valv[8];
	size_t n;
	int err;

	if (!r->password)
		return "the registrar wants a password";
	n = trunk_reg_values(valv, 8, a->v,
			     a->code == 401 ? "WWW-Authenticate"
					    : "Proxy-Authenticate");
	err = digest_client_challenge(r->digest, a->code, valv, n, &cred,
				      a->cnonce);
	if (err == EACCES || r->rounds++ >= ROUNDS_MAX)
		return "the registrar refuses user or password";
	if (err)
		return "the registrar's challenge cannot be answered: none "
		       "of MD5, SHA-256, SHA-512-256";
	again_now(r, a);

	return NULL;
}

static enum trunk_reg_out too_brief(struct trunk_reg *r,
				    const struct trunk_reg_answer *a)
{
	const uint32_t min_s =
		trunk_reg_number(a->v, "Min-Expires", EXPIRES_MAX_S);

	if (min_s <= r->expires_s || r->rounds++ >= ROUNDS_MAX)
		return refused(r, a, NULL);
	r->expires_s = min_s;
	again_now(r, a);

	return TRUNK_REG_SAME;
}

static enum trunk_reg_out accepted(struct trunk_reg *r,
				   const struct trunk_reg_answer *a)
{
	const bool was = r->registered;
	const uint32_t s = trunk_reg_granted(r, a->v);

	if (s < BRIEF_S)
		return refused(r, a, "the registrar took the contact for "
				     "no time");

	r->failures = 0;
	r->reason[0] = '\0';
	r->registered = true;
	r->expires_ms = a->now_ms + (uint64_t)s * 1000;
	/* at 80 %, or a little before */
	r->refresh_ms = a->now_ms + (uint64_t)s * (800 - a->random % 41);
	r->due_ms = r->refresh_ms;
	r->stands = mem_deref(r->stands);
	(void)str_dup(&r->stands, r->contact);
	trunk_reg_routes(r, a->v);
	r->old = mem_deref(r->old);
	r->old = trunk_reg_stranger(r, a->v);
	if (r->old)
		r->due_ms = a->now_ms;

	return was ? TRUNK_REG_SAME : TRUNK_REG_UP;
}

/* The old binding is gone, or will lapse. */
static void cleaned(struct trunk_reg *r)
{
	r->old = mem_deref(r->old);
	r->cleaning = false;
	r->due_ms = r->refresh_ms;
}

static enum trunk_reg_out ended(struct trunk_reg *r)
{
	const bool was = r->registered;

	r->gone = true;
	r->registered = false;
	r->stands = mem_deref(r->stands);

	return was ? TRUNK_REG_DOWN : TRUNK_REG_SAME;
}

static enum trunk_reg_out judge(struct trunk_reg *r,
				const struct trunk_reg_answer *a,
				const char *why)
{
	r->last_code = a->code;
	if (a->code / 100 == 2 && a->v)
		return accepted(r, a);
	if (a->code == 423 && a->v)
		return too_brief(r, a);
	if (a->code == 408 || a->code == 430 || a->code / 100 == 5)
		return unheard(r, a);

	return refused(r, a, why);
}

enum trunk_reg_out trunk_reg_answer(struct trunk_reg *r,
				    const struct trunk_reg_answer *a)
{
	enum trunk_reg_out out = TRUNK_REG_SAME;
	const char *why = NULL;

	r->asking = false;
	if (a->v && (a->code == 401 || a->code == 407)) {
		why = challenged(r, a);
		if (!why)
			return TRUNK_REG_SAME;
	}
	if (r->left)
		return ended(r);
	if (r->cleaning)
		cleaned(r);
	else
		out = judge(r, a, why);
	if (r->leaving) { /* it was under way when we were told */
		r->again = false;
		r->due_ms = a->now_ms;
		r->gone = !r->registered;
	}

	return out;
}

/* ------------------------------------------------------------------- end */

void trunk_reg_leave(struct trunk_reg *r, uint64_t now_ms)
{
	if (r->leaving)
		return;
	r->leaving = true;
	r->again = false;
	r->due_ms = now_ms;
	if (!r->registered && !r->asking)
		r->gone = true;
}

bool trunk_reg_is_gone(const struct trunk_reg *r)
{
	return r->gone;
}

void trunk_reg_stat(const struct trunk_reg *r, struct trunk_reg_stat *st)
{
	*st = (struct trunk_reg_stat){
		.registered = r->registered,
		.expires_ms = r->expires_ms,
		.refresh_ms = r->refresh_ms,
		.last_code = r->last_code,
		.reason = r->reason,
		.call_id = r->call_id,
		.cseq = r->cseq,
		.contact = r->stands ? r->stands : "",
		.routev = r->routev,
		.routec = r->routec,
	};
}
