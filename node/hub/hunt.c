/* SPDX-License-Identifier: MIT */
/* Parallel ringing: see hunt.h. */

#include "node/hub/hub.h"
#include "proto/schema_copy.h"

static void destructor(void *data)
{
	struct hunt *hunt = data;

	mem_deref(hunt->conf.arg);
	if (hunt->what)
		sy__hunt_state__free_unpacked(hunt->what, NULL);
}

bool hunt_is_on(const struct hunt *hunt)
{
	return hunt->hub != NULL;
}

static struct leg *first_branch(const struct hub *hub,
				const struct hunt *hunt)
{
	const struct le *le;

	for (le = list_head(&hub->legs); le; le = le->next) {
		struct leg *leg = le->data;

		if (leg->hunt == hunt)
			return leg;
	}

	return NULL;
}

struct hunt *hunt_sibling(const struct hub *hub, const struct hunt *hunt)
{
	const struct le *le;

	if (!hunt->what || !hunt->what->family)
		return NULL;
	for (le = list_head(&hub->hunts); le; le = le->next) {
		struct hunt *other = le->data;

		if (other != hunt && other->what &&
		    other->what->family == hunt->what->family)
			return other;
	}

	return NULL;
}

bool hunt_is_heard(const struct hunt *hunt)
{
	const struct le *le;

	if (hunt->heard)
		return true;
	if (!hunt->hub || !hunt->what || !hunt->what->family)
		return false;
	for (le = list_head(&hunt->hub->hunts); le; le = le->next) {
		const struct hunt *other = le->data;

		if (other->heard && other->what &&
		    other->what->family == hunt->what->family)
			return true;
	}

	return false;
}

/* Out of the hub, with every branch but one hung up. */
static void detach(struct hunt *hunt, struct leg *winner, const char *why)
{
	struct hub *hub = hunt->hub;
	struct leg *leg;

	alarm_stop(hub->env->alarms, &hunt->timer);
	list_unlink(&hunt->le);
	hunt->hub = NULL;
	hunt->heard = NULL;
	if (winner)
		winner->hunt = NULL;

	while ((leg = first_branch(hub, hunt)))
		leg_finish(leg, 487, why, true);
}

static void end_family(struct hunt *hunt, struct hub *hub, const char *why)
{
	struct hunt *other;

	while ((other = hunt_sibling(hub, hunt))) {
		detach(other, NULL, why);
		mem_deref(other);
	}
}

/* @return true: the call goes on. */
static bool goes_on(struct hunt *hunt, struct hub *hub)
{
	struct hunt *other = hunt_sibling(hub, hunt);

	if (!hunt->follow || hub_is_over(hub) ||
	    !hunt->follow->failed(hunt, hub, other))
		return false;

	/* Another one may have begun just now. */
	other = hunt_sibling(hub, hunt);
	if (other)
		other->best = hunt_better(other->best, hunt->best);

	return true;
}

static void finish(struct hunt *hunt, enum hunt_event ev, struct leg *leg,
		   uint16_t code)
{
	struct hub *hub = hunt->hub;
	const char *why = ev == HUNT_ANSWERED ? HUNT_ELSEWHERE : "gave up";

	detach(hunt, leg, why);
	/* A 6xx speaks for everybody (RFC 3261 16.7). */
	if (ev == HUNT_ANSWERED || code >= 600)
		end_family(hunt, hub, why);
	if (ev != HUNT_FAILED || code >= 600 || !goes_on(hunt, hub))
		hunt->conf.h(hunt, ev, leg, code, hunt->conf.arg);
	mem_deref(hunt);
	hub_check(hub, code, NULL);
}

static void timeout_handler(void *arg)
{
	struct hunt *hunt = arg;

	hunt->best = hunt_better(hunt->best, 480);
	finish(hunt, HUNT_FAILED, NULL, hunt->best);
}

int hunt_alloc(struct hunt **hp, struct hub *hub,
	       const struct hunt_conf *conf)
{
	struct hunt *hunt;

	if (!hp || !hub || !conf || !conf->h || hub_is_over(hub))
		return EINVAL;

	hunt = mem_zalloc(sizeof(*hunt), destructor);
	if (!hunt)
		return ENOMEM;

	if (conf->what) {
		hunt->what = schema_copy(&conf->what->base);
		if (!hunt->what) {
			mem_deref(hunt); /* its arg is still the caller's */
			return ENOMEM;
		}
	}

	hunt->hub = hub;
	hunt->conf = *conf;
	hunt->conf.what = NULL;
	hunt->until_ms = hub->env->wall_ms() + conf->ring_ms;
	list_append(&hub->hunts, &hunt->le, hunt);
	alarm_start(hub->env->alarms, &hunt->timer, conf->ring_ms,
		    timeout_handler, hunt);

	*hp = hunt;
	return 0;
}

void hunt_limit(struct hunt *hunt, uint32_t ms)
{
	struct hub *hub = hunt->hub;

	if (!hunt_is_on(hunt))
		return;

	hunt->until_ms = hub->env->wall_ms() + ms;
	alarm_stop(hub->env->alarms, &hunt->timer);
	alarm_start(hub->env->alarms, &hunt->timer, ms, timeout_handler, hunt);
}

void hunt_add(struct hunt *hunt, struct leg *leg)
{
	if (!hunt_is_on(hunt) || leg_is(leg, SY__LEG_STATE__LEG_ENDED))
		return;

	leg->hunt = hunt;
	leg->silent = true; /* nothing of it runs yet */
	hunt->branches++;
}

void hunt_failed(struct hunt *hunt, uint16_t code)
{
	hunt->best = hunt_better(hunt->best, hunt_code(code));
}

void hunt_seal(struct hunt *hunt, uint16_t code)
{
	if (!hunt_is_on(hunt) || hunt->sealed)
		return;

	hunt->sealed = true;
	if (!hunt->branches) {
		if (!hunt->best)
			hunt->best = code;
		finish(hunt, HUNT_FAILED, NULL, hunt->best);
		return;
	}

	hunt->conf.h(hunt, HUNT_STARTED, first_branch(hunt->hub, hunt), 0,
		     hunt->conf.arg);
}

void hunt_cancel(struct hunt *hunt)
{
	if (!hunt_is_on(hunt))
		return;

	detach(hunt, NULL, "gave up");
	mem_deref(hunt);
}

void hunt_leg_progress(struct hunt *hunt, struct leg *leg, uint16_t code)
{
	hunt->rang = true;
	hunt->conf.h(hunt, HUNT_PROGRESS, leg, code, hunt->conf.arg);
}

static void hear(struct hunt *hunt, struct leg *leg)
{
	hunt->rang = true;
	hunt->heard = leg;
	if (leg)
		leg_unsilence(leg);
	hunt->conf.h(hunt, HUNT_EARLY, leg, 0, hunt->conf.arg);
}

/* Who is added to a call is not heard by those who talk before it is
 * there; only who waits for it hears it. */
void hunt_leg_sounding(struct hunt *hunt, struct leg *leg)
{
	if (hunt->conf.caller && !hunt_is_heard(hunt))
		hear(hunt, leg);
	else
		hunt_leg_progress(hunt, leg, 183);
}

static struct leg *sounding_branch(const struct hunt *hunt)
{
	const struct le *le;

	for (le = list_head(&hunt->hub->legs); le; le = le->next) {
		struct leg *leg = le->data;

		if (leg->hunt == hunt && leg->early)
			return leg;
	}

	return NULL;
}

void hunt_leg_answered(struct hunt *hunt, struct leg *leg)
{
	finish(hunt, HUNT_ANSWERED, leg, 200);
}

void hunt_leg_ended(struct hunt *hunt, struct leg *leg, uint16_t code)
{
	if (!hunt_is_on(hunt))
		return;

	if (leg->spareh && leg->spareh(hunt, leg, code))
		code = 0;
	if (hunt->branches)
		hunt->branches--;
	if (code >= 300 && code < 400 && hunt->follow &&
	    hunt->follow->redirected(hunt, leg, code))
		code = 0;
	if (code)
		hunt_failed(hunt, code);

	if (code && hunt->sealed && !hunt->branches && hunt->moreh &&
	    hunt->moreh(hunt, code, hunt->more_arg)) {
		hunt->sealed = false;
		if (hunt->heard == leg)
			hear(hunt, NULL);
		return;
	}

	/* A 6xx speaks for all of the callee's phones (RFC 3261 16.7). */
	if (code >= 600 || (hunt->sealed && !hunt->branches))
		finish(hunt, HUNT_FAILED, NULL, hunt->best ? hunt->best : 480);
	else if (hunt->heard == leg)
		hear(hunt, sounding_branch(hunt));
}

void hunt_pick(struct hunt *hunt, struct leg *leg)
{
	if (hunt_is_on(hunt))
		finish(hunt, HUNT_ANSWERED, leg, 200);
}

uint16_t hunt_code(uint16_t code)
{
	static const struct {
		uint16_t from, to;
	} v[] = {
		/* The challenge was for us. */
		{401, 403}, {407, 403},
		/* About our own request, whose writer we are; 503: RFC 3261
		 * 16.7. */
		{400, 500}, {405, 500}, {413, 500}, {414, 500}, {416, 500},
		{420, 500}, {421, 500}, {423, 500}, {481, 500}, {482, 500},
		{491, 500}, {501, 500}, {503, 500}, {505, 500},
		/* What it was that did not fit is in headers that we do not
		 * hand on. */
		{406, 488}, {415, 488},
		/* The phone is not to be had. */
		{430, 480}, {487, 480},
	};
	size_t i;

	/* Where a redirection leads to is only in its Contact. */
	if (code < 400 || code >= 700)
		return 480;

	for (i = 0; i < ARRAY_SIZE(v); i++) {
		if (v[i].from == code)
			return v[i].to;
	}

	return code;
}

/* Lower is better. */
static uint32_t rank(uint16_t code)
{
	static const uint16_t order[] = {
		486, 480, 415, 420, 484, 488,
	};
	static const uint16_t poor[] = {404, 410, 408, 430, 487};
	size_t i;

	if (code >= 600)
		return 0;

	for (i = 0; i < ARRAY_SIZE(order); i++)
		if (order[i] == code)
			return 1 + (uint32_t)i;
	for (i = 0; i < ARRAY_SIZE(poor); i++)
		if (poor[i] == code)
			return 500 + (uint32_t)i;

	/* Other 4xx before the poor ones, 5xx after all of them. */
	return code < 500 ? 50 : 1000 + code;
}

uint16_t hunt_better(uint16_t a, uint16_t b)
{
	if (!a || !b)
		return a ? a : b;

	return rank(b) < rank(a) ? b : a;
}
