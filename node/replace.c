/* SPDX-License-Identifier: MIT */
/* Legs that are replaced by INVITE: see replace.h. */

#include <string.h>
#include "node/leg_sip.h"
#include "node/replace.h"
#include "node/sip/referto.h"
#include "node/transfer.h"
#include "proto/log.h"

static struct leg *find(const struct leg *leg, const struct replaces *r)
{
	const struct le *le;

	for (le = list_head(&leg->hub->legs); le; le = le->next) {
		struct leg *other = le->data;

		if (other != leg && leg_sip_is(other, r))
			return other;
	}

	return NULL;
}

/* The call that rings there is answered here (RFC 3891 3: only what we have
 * called ourselves). */
static uint16_t pick_up(struct leg *leg, const struct leg *old)
{
	struct hunt *hunt = old->hunt;

	if (!hunt || old->info.direction != SY__DIRECTION__OUTBOUND)
		return 481;
	if (leg_answer(leg))
		return 500;

	hunt_leg_answered(hunt, leg);

	return 0;
}

uint16_t replace_leg(struct leg *leg, const char *text, struct node *n)
{
	struct replaces r;
	struct leg *old;
	struct pl pl;

	pl_set_str(&pl, text);
	if (replaces_read(&r, &pl))
		return 400;

	old = find(leg, &r);
	if (!old)
		return 481;
	if (!leg_is(old, SY__LEG_STATE__LEG_ANSWERED))
		return pick_up(leg, old);
	if (r.early_only)
		return 486;
	if (leg_answer(leg))
		return 500;

	log_info("leg replaced", LOG_S("call", leg->hub->id),
		 LOG_S("leg", old->info.id), LOG_S("by", leg->info.id));
	transfer_done(n, old);

	return 0;
}
