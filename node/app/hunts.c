/* SPDX-License-Identifier: MIT */
/* Hunts by kind, and those of other nodes: see hunts.h. */

#include "node/app/dial.h"
#include "node/app/follow.h"
#include "node/app/hunts.h"
#include "proto/log.h"

static const struct app_hunt table[] = {
	[SY__HUNT_KIND__HUNT_DIAL] = {
		.h = app_dial_handler,
		.argh = app_dial_arg,
		.caller = true,
	},
	[SY__HUNT_KIND__HUNT_ADD] = {
		.h = control_add_handler,
		.argh = control_add_arg,
	},
	[SY__HUNT_KIND__HUNT_ORIGIN] = {
		.h = app_origin_handler,
		.argh = app_origin_arg,
		.origin = true,
	},
	[SY__HUNT_KIND__HUNT_PARK] = {
		.h = park_handler,
		.argh = park_arg,
	},
	[SY__HUNT_KIND__HUNT_TRANSFER] = {
		.h = transfer_handler,
		.argh = transfer_arg,
	},
};

const struct app_hunt *app_hunt(Sy__HuntKind kind)
{
	if ((size_t)kind >= ARRAY_SIZE(table) || !table[kind].h)
		return NULL;

	return &table[kind];
}

/* Its phones would ring for nobody. */
static void give_up(struct hub *hub, const Sy__HuntState *hs)
{
	for (size_t i = 0; i < hs->n_legs; i++) {
		struct leg *leg = hub_leg(hub, hs->legs[i]);

		if (leg && !leg_is(leg, SY__LEG_STATE__LEG_ANSWERED))
			leg_hangup(leg, 487, "nobody waits for it");
	}
}

static void add_branches(struct hub *hub, struct hunt *hunt,
			 const Sy__HuntState *hs)
{
	for (size_t i = 0; i < hs->n_legs; i++) {
		struct leg *leg = hub_leg(hub, hs->legs[i]);

		if (!leg) {
			hunt_failed(hunt, 500);
			continue;
		}
		if (leg_is(leg, SY__LEG_STATE__LEG_ANSWERED))
			continue;

		hunt_add(hunt, leg);
		if (leg->ops->mute)
			(void)leg->ops->mute(leg);
	}
}

/* What of it rings or sounds, as if it were told now. */
static void tell(struct hub *hub, struct hunt *hunt, const Sy__HuntState *hs)
{
	struct leg *heard = hub_leg(hub, hs->heard);
	const struct le *le;

	if (heard && heard->hunt == hunt && heard->early) {
		hunt->heard = heard;
		leg_unsilence(heard);
		hunt->conf.h(hunt, HUNT_EARLY, heard, 0, hunt->conf.arg);
		return;
	}

	for (le = list_head(&hub->legs); le; le = le->next) {
		struct leg *leg = le->data;

		if (leg->hunt == hunt &&
		    leg_is(leg, SY__LEG_STATE__LEG_RINGING)) {
			hunt_leg_progress(hunt, leg, 180);
			return;
		}
	}
}

static int make(struct hunt **hp, struct node *n, struct hub *hub,
		struct leg *caller, const Sy__HuntState *hs)
{
	const struct app_hunt *row = app_hunt(hs->kind);
	const uint64_t until_ms = timestamp_ms(hs->until);
	const uint64_t now_ms = hub->env->wall_ms();
	struct hunt_conf conf = {.caller = caller, .what = hs};
	int err;

	if (!row || (row->caller && !caller))
		return EINVAL;

	conf.h = row->h;
	conf.origin = row->origin;
	conf.ring_ms = until_ms > now_ms ? (uint32_t)(until_ms - now_ms) : 1;
	err = row->argh(&conf.arg, n, hub, hs);
	if (err)
		return err;

	err = hunt_alloc(hp, hub, &conf);
	if (err)
		mem_deref(conf.arg);

	return err;
}

static void restore(struct node *n, struct hub *hub, const Sy__HuntState *hs)
{
	struct leg *caller = hub_leg(hub, hs->caller);
	struct hunt *hunt;

	if ((hs->caller[0] && !caller) || make(&hunt, n, hub, caller, hs)) {
		give_up(hub, hs);
		return;
	}

	mem_ref(hunt); /* until nothing here needs it */
	hunt->best = (uint16_t)hs->best;
	hunt->follow = &follow_ops;
	dial_resume(n, hunt);
	add_branches(hub, hunt, hs);
	if (hs->sealed || dial_again(n, hunt))
		hunt_seal(hunt, 480);
	if (hunt_is_on(hunt))
		tell(hub, hunt, hs);
	mem_deref(hunt);
}

void app_hunts_restore(struct node *n, struct hub *hub, const Sy__HubState *st)
{
	for (size_t i = 0; i < st->n_hunts && !hub_is_over(hub); i++)
		restore(n, hub, st->hunts[i]);
}
