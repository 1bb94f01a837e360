/* SPDX-License-Identifier: MIT */
/* What the rest of the node learns of its hubs: log, counters, checkpoints. */

#include "node/app/limit.h"
#include "node/app/next.h"
#include "node/app/park.h"
#include "node/app/pickup.h"
#include "node/checkpoint.h"
#include "node/connected.h"
#include "node/history.h"
#include "node/music.h"
#include "node/page.h"
#include "node/restore.h"
#include "node/talk.h"
#include "proto/log.h"

static const char *state_name(int state)
{
	static const char *const names[] = {
		"unknown", "setup", "ringing", "answered", "ended",
	};

	return (size_t)state < ARRAY_SIZE(names) ? names[state] : "?";
}

static const char *leg_id(const struct le *le)
{
	const struct leg *leg = list_ledata(le);

	return leg ? leg->info.id : "";
}

static void touched(struct hub *hub, void *arg)
{
	struct node *n = arg;

	music_update(n, hub);
	park_update(n, hub);
	page_update(hub);
	connected_update(hub);
	checkpoint_touch(n->checkpoint, hub);
}

/* The one line a change of the call's state; no digits dialled. */
static void state(struct hub *hub, void *arg)
{
	struct node *n = arg;

	log_info("call", LOG_S("state", state_name(hub->state)),
		 LOG_S("call", hub->id),
		 LOG_S("leg", leg_id(list_head(&hub->legs))),
		 LOG_S("leg2", hub->legs.head != hub->legs.tail ?
				       leg_id(list_tail(&hub->legs)) : ""),
		 LOG_U("legs", hub_legs(hub)),
		 LOG_U("code", hub->end_code),
		 LOG_S("reason", hub->end_reason));

	if (hub_is_over(hub))
		metric_inc(hub->answered_ms ? n->met.calls_answered :
					      n->met.calls_unanswered);
}

static void leg_line(const char *what, const struct hub *hub,
		     const struct leg *leg)
{
	log_debug(what, LOG_S("state", state_name(leg->info.state)),
		  LOG_S("call", hub->id), LOG_S("leg", leg->info.id),
		  LOG_S("codec", leg->info.codec),
		  LOG_U("code", leg->info.end_code),
		  LOG_S("reason", leg->info.end_reason));
}

static void leg_added(struct hub *hub, struct leg *leg, void *arg)
{
	pickup_added(arg, leg);
	talk_update(hub);
	leg_line("leg added", hub, leg);
}

static void leg_state(struct hub *hub, struct leg *leg, void *arg)
{
	if (leg_is(leg, SY__LEG_STATE__LEG_ANSWERED))
		pickup_over(arg, leg);
	talk_update(hub);
	leg_line("leg", hub, leg);
}

/* How calls by a trunk ended: a series for each code that it ever gave. */
static void count_trunk(const struct leg_info *info)
{
	const uint32_t code = info->answered_ms ? 200 : info->end_code;
	char labels[160];

	if (!info->trunk[0] || code < 200 || code > 699)
		return;
	(void)re_snprintf(labels, sizeof(labels),
			  "trunk=\"%s\",direction=\"%s\",code=\"%u\"",
			  info->trunk,
			  info->direction == SY__DIRECTION__INBOUND ? "in"
								     : "out",
			  code);
	metric_inc(metric_add(METRIC_COUNTER, "sy_trunk_calls_total",
			      "Calls by trunks that ended, by final code",
			      labels));
}

static void leg_removed(struct hub *hub, struct leg *leg, void *arg)
{
	count_trunk(&leg->info);
	limit_leg_removed(arg, hub, leg);
	next_member_left(arg, leg);
	if (!leg->info.answered_ms)
		pickup_over(arg, leg);
	restore_leg_removed(hub, leg);
	talk_update(hub);
	leg_line("leg removed", hub, leg);
}

static void dtmf(struct hub *hub, struct leg *leg,
		 const struct hub_digit *digit, void *arg)
{
	log_debug("digit received", LOG_S("call", hub->id),
		  LOG_S("leg", leg->info.id), LOG_S("by", digit->method));
	history_digit(arg, hub, leg, digit);
}

const struct hub_observer node_observer = {
	.touched = touched,
	.state = state,
	.leg_added = leg_added,
	.leg_state = leg_state,
	.leg_removed = leg_removed,
	.dtmf = dtmf,
	.ended = touched,
};
