/* SPDX-License-Identifier: MIT */
/* What follows a hunt that failed: see next.h. */

#include <stdlib.h>
#include <string.h>
#include "node/app/app.h"
#include "node/app/chain.h"
#include "node/app/follow.h"
#include "node/app/next.h"
#include "node/app/number.h"
#include "proto/log.h"

enum { NO_ANSWER_S = 20, MEMBER_RING_S = 15 };

int next_set(char **sp, const char *text)
{
	char *copy = strdup(text);

	if (!copy)
		return ENOMEM;
	if (*sp != (char *)protobuf_c_empty_string)
		free(*sp);
	*sp = copy;

	return 0;
}

static Sy__Forward *forward_copy(const Sy__Forward *fwd)
{
	Sy__Forward *f = calloc(1, sizeof(*f));
	int err;

	if (!f)
		return NULL;

	sy__forward__init(f);
	f->no_answer_s = fwd->no_answer_s;
	err = next_set(&f->always, fwd->always);
	err |= next_set(&f->busy, fwd->busy);
	err |= next_set(&f->no_answer, fwd->no_answer);
	err |= next_set(&f->unreachable, fwd->unreachable);
	if (err) {
		sy__forward__free_unpacked(f, NULL);
		return NULL;
	}

	return f;
}

void next_forward(struct hunt *hunt, const Sy__Forward *fwd)
{
	const uint32_t ms =
	    (fwd->no_answer_s ? fwd->no_answer_s : NO_ANSWER_S) * 1000;

	if (!hunt->what || hunt->what->forward ||
	    !(fwd->always[0] || fwd->busy[0] || fwd->no_answer[0] ||
	      fwd->unreachable[0]))
		return;

	hunt->what->forward = forward_copy(fwd);
	if (fwd->no_answer[0] && ms < hunt->conf.ring_ms)
		hunt_limit(hunt, ms);
}

/* ----------------------------------------------------------------- groups */

uint32_t next_member_ms(const Sy__Group *g)
{
	return (g->member_ring_s ? g->member_ring_s : MEMBER_RING_S) * 1000;
}

static int set_members(Sy__HuntState *what, char *const *memberv, size_t n)
{
	char **v = calloc(n + 1, sizeof(*v));

	if (!v)
		return ENOMEM;
	what->members = v;
	for (; what->n_members < n; what->n_members++) {
		v[what->n_members] = strdup(memberv[what->n_members]);
		if (!v[what->n_members])
			return ENOMEM;
	}

	return 0;
}

static int set_overall(Sy__HuntState *what, uint64_t until_ms)
{
	Google__Protobuf__Timestamp *ts = calloc(1, sizeof(*ts));

	if (!ts)
		return ENOMEM;
	google__protobuf__timestamp__init(ts);
	timestamp_set_ms(ts, until_ms);
	what->overall = ts;

	return 0;
}

/* It is the first device that is rung from now on. */
static int set_target(Sy__HuntState *what, const char *device)
{
	Sy__Destination *d = calloc(1, sizeof(*d));

	if (!d)
		return ENOMEM;
	sy__destination__init(d);
	d->kind_case = SY__DESTINATION__KIND_DEVICE;
	d->device = strdup(device);
	if (!d->device) {
		free(d);
		return ENOMEM;
	}
	if (what->target)
		sy__destination__free_unpacked(what->target, NULL);
	what->target = d;

	return 0;
}

int next_group(struct hunt *hunt, const char *group, char *const *memberv,
	       size_t n, uint32_t member_ms)
{
	Sy__HuntState *what = hunt->what;
	int err;

	if (!what)
		return EINVAL;
	err = next_set(&what->group, group);
	if (err || !n)
		return err;

	err = set_members(what, memberv + 1, n - 1);
	if (!err)
		err = set_overall(what, hunt->until_ms);
	if (!err)
		err = set_target(what, memberv[0]);
	if (!err && member_ms < hunt->conf.ring_ms)
		hunt_limit(hunt, member_ms);

	return err;
}

/* ------------------------------------------------------------- the next one */

void next_inherit(Sy__HuntState *what, const Sy__HuntState *after)
{
	if (!after)
		return;

	what->payer = after->payer;
	what->group = after->group;
	what->members = after->members;
	what->n_members = after->n_members;
	what->overall = after->overall;
	what->diversions = after->diversions;
	what->n_diversions = after->n_diversions;
}

bool next_is_loop(const struct hub *hub, const Sy__HuntState *what)
{
	return what->n_diversions >= NEXT_DIVERSIONS_MAX ||
	       what->n_diversions + chain_before(hub) >= CHAIN_MAX;
}

/* Same caller, another destination. */
static bool go_on(struct node *n, struct hunt *hunt, struct hub *hub,
		  const Sy__Destination *dest, uint32_t ring_ms,
		  const Sy__HuntState *after, const Sy__Source *payer)
{
	const struct app_call call = {
		.hub = hub,
		.leg = hunt->conf.caller,
		.dest = dest,
		.ring_ms = ring_ms,
		.after = after,
		.payer = payer,
	};
	const uint16_t code = app_run(n, &call);

	if (code)
		log_warn("call not forwarded", LOG_S("call", hub->id),
			 LOG_U("code", code));

	return !code;
}

/* How the call came to its group, without what a member's phone did. */
static size_t chain_of_group(const Sy__HuntState *what)
{
	return what->n_diversions > what->redirects
		       ? what->n_diversions - what->redirects
		       : 0;
}

static bool next_member(struct node *n, struct hunt *hunt, struct hub *hub)
{
	const Sy__Group *g = config_group(n->config, hunt->what->group);
	const uint64_t until_ms = timestamp_ms(hunt->what->overall);
	const uint64_t now_ms = hub->env->wall_ms();
	uint32_t ring_ms = g ? next_member_ms(g) : MEMBER_RING_S * 1000;
	Sy__Destination dest = SY__DESTINATION__INIT;
	Sy__HuntState after = *hunt->what;

	if (now_ms >= until_ms)
		return false;
	if (until_ms - now_ms < ring_ms)
		ring_ms = (uint32_t)(until_ms - now_ms);

	dest.kind_case = SY__DESTINATION__KIND_DEVICE;
	dest.device = after.members[0];
	after.members++;
	after.n_members--;
	after.n_diversions = chain_of_group(hunt->what);

	return go_on(n, hunt, hub, &dest, ring_ms, &after, NULL);
}

/* @param src    As whose call, in the dial plan.
 * @param payer  Whose it is where it costs. */
static bool to_number(struct node *n, struct hunt *hunt, struct hub *hub,
		      const char *number, const Sy__Source *src,
		      const Sy__Source *payer, const Sy__HuntState *after)
{
	struct dialplan_match match;
	uint32_t ring_ms;
	const uint16_t code = app_number(&match, &ring_ms, n, number, src);

	if (code) {
		log_warn("forwarded to a number that leads nowhere",
			 LOG_S("call", hub->id), LOG_U("code", code));
		return false;
	}

	return go_on(n, hunt, hub, &match.dest, ring_ms, after, payer);
}

static bool overflow(struct node *n, struct hunt *hunt, struct hub *hub)
{
	const Sy__Group *g = config_group(n->config, hunt->what->group);
	const Sy__Source *payer =
		hunt->what->payer ? hunt->what->payer : hub->source;
	Sy__HuntState after = SY__HUNT_STATE__INIT;

	after.diversions = hunt->what->diversions;
	after.n_diversions = chain_of_group(hunt->what);

	return g && g->overflow[0] &&
	       to_number(n, hunt, hub, g->overflow, NULL, payer, &after);
}

static bool is_busy(uint16_t code)
{
	return code == 486 || code == 600 || code == 603;
}

/* The same as RFC 4458 says it. */
static uint16_t cause(const struct hunt *hunt, uint16_t code)
{
	return hunt->diverted ? 302 :
	       is_busy(code)  ? 486 :
	       hunt->rang     ? 408 : 503;
}

/* Why it goes on, as RFC 5806 says it; NULL: it does not. */
static const char *reason(const struct hunt *hunt, uint16_t code,
			  const char **numberp)
{
	const Sy__Forward *f = hunt->what->forward;
	const bool busy = is_busy(code);
	const char *why = hunt->diverted ? "unconditional" :
			  busy		 ? "user-busy" :
			  hunt->rang	 ? "no-answer" : "unavailable";

	*numberp = hunt->diverted ? f->always :
		   busy		  ? f->busy :
		   hunt->rang	  ? f->no_answer : f->unreachable;

	return **numberp ? why : NULL;
}

static bool forward(struct node *n, struct hunt *hunt, struct hub *hub,
		    uint16_t code)
{
	const Sy__HuntState *what = hunt->what;
	Sy__Diversion here = SY__DIVERSION__INIT;
	Sy__Diversion *v[NEXT_DIVERSIONS_MAX];
	Sy__HuntState after = SY__HUNT_STATE__INIT;
	Sy__Source src = SY__SOURCE__INIT;
	const char *number, *why = reason(hunt, code, &number);

	if (!why || !what->target ||
	    what->target->kind_case != SY__DESTINATION__KIND_DEVICE)
		return false;
	if (next_is_loop(hub, what)) {
		log_warn("forwarded too often", LOG_S("call", hub->id));
		return false;
	}

	src.kind_case = SY__SOURCE__KIND_DEVICE;
	src.device = here.device = what->target->device;
	here.reason = (char *)(uintptr_t)why;
	here.code = cause(hunt, code);
	here.target = (char *)(uintptr_t)number;
	for (size_t i = 0; i < what->n_diversions; i++)
		v[after.n_diversions++] = what->diversions[i];
	v[after.n_diversions++] = &here;
	after.diversions = v;

	if (!to_number(n, hunt, hub, number, &src, &src, &after))
		return false;
	follow_tell(hub, hunt->conf.caller, &here);

	return true;
}

bool next_start(struct node *n, struct hunt *hunt, struct hub *hub,
		uint16_t code)
{
	const Sy__HuntState *what = hunt->what;

	if (!what || !hunt->conf.caller || hub_is_over(hub) ||
	    leg_is(hunt->conf.caller, SY__LEG_STATE__LEG_ENDED))
		return false;

	if (what->n_members && next_member(n, hunt, hub))
		return true;
	if (what->group[0] && !what->n_members)
		return overflow(n, hunt, hub);

	return what->forward && forward(n, hunt, hub, code);
}
