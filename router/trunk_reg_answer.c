/* SPDX-License-Identifier: MIT */
/* What follows from a registrar's answer, and when it is asked again; see
 * trunk_reg.h. */

#include <stdarg.h>
#include <string.h>
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
	const struct digest_credentials cred = trunk_reg_credentials(r);
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
