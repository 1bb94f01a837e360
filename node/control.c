/* SPDX-License-Identifier: MIT */
/* Commands of the bus: see control.h. */

#include <string.h>
#include "node/adopt.h"
#include "node/checkpoint.h"
#include "node/mover.h"
#include "node/record.h"
#include "node/transfer.h"
#include "proto/log.h"

void control_reply_call(struct node *n, struct bus_request *req,
			const struct hub *hub, const char *leg)
{
	Sy__Result res = SY__RESULT__INIT;
	struct record_call rec;

	if (record_call_init(&rec, hub, n->conf.id, RECORD_LIVE)) {
		bus_replyf(req, SY__RESULT_CODE__INTERNAL, "no memory");
	}
	else {
		res.code = SY__RESULT_CODE__OK;
		res.call = &rec.msg;
		if (leg)
			res.leg = (char *)leg;
		bus_reply(req, &res);
	}
	record_call_close(&rec);
}

/* Without a look at the others there is no router to call anybody through, and
 * without an instance no hub of ours. */
static bool is_starting(const struct node *n)
{
	return !member_instance(n->members) || !member_is_ready(n->members);
}

bool control_has_room(struct node *n, struct bus_request *req)
{
	const char *why = n->draining ? "draining" :
			  n->overloaded ? "overloaded" :
			  is_starting(n) ? "starting" : NULL;

	if (!why)
		return true;

	metric_inc(n->met.refused);
	bus_replyf(req, SY__RESULT_CODE__UNAVAILABLE, "node %s is %s",
		   n->conf.id, why);
	return false;
}

/* ---------------------------------------------------------------- PlaceHub */

static const char *place_check(const Sy__PlaceHub *place)
{
	if (!ulid_is_valid(place->hub))
		return "hub: a ULID is wanted";
	if (!place->replaces[0] &&
	    (!place->destination || !place->destination->kind_case))
		return "destination: missing";
	if (!place->call_id[0])
		return "callId: missing";

	return NULL;
}

static int place_new(struct hub **hp, struct node *n,
		     const Sy__PlaceHub *place)
{
	const struct hub_conf conf = {
		.id = place->hub,
		.epoch = place->epoch,
		.dest = place->destination,
		.caller = place->caller,
		.called = place->called,
		.toll = place->toll,
		.source = place->source,
		.private = place->private_,
	};
	int err = node_hub_alloc(hp, n, &conf);

	if (!err) {
		n->placed_total++;
		metric_inc(n->met.placed);
	}

	return err;
}

/* The hub is here: somebody joins, or a router asks again. */
static bool place_known(struct bus_request *req, struct hub *hub,
			const Sy__PlaceHub *place)
{
	if (hub_is_over(hub)) {
		bus_replyf(req, SY__RESULT_CODE__UNAVAILABLE,
			   "call has just ended");
		return false;
	}

	/* Placed elsewhere and back before anybody came. */
	if (place->epoch > hub->epoch && !hub->came)
		hub->epoch = place->epoch;

	if (place->epoch != hub->epoch) {
		bus_replyf(req, SY__RESULT_CODE__CONFLICT,
			   "epoch: %u is the call's", hub->epoch);
		return false;
	}

	return true;
}

/* A router that asked where the call is just before that changed: it went, or
 * it ended, and Redis takes no new one of its name. */
static bool place_may_begin(struct node *n, struct bus_request *req,
			    const char *hub)
{
	const char *node = mover_went(n->mover, hub);

	if (node)
		bus_replyf(req, SY__RESULT_CODE__UNAVAILABLE,
			   "call is on node %s", node);
	else if (checkpoint_is_leaving(n->checkpoint, hub) ||
		 adopt_has_ended(n->adopt, hub))
		bus_replyf(req, SY__RESULT_CODE__UNAVAILABLE,
			   "call has just ended");
	else
		return true;

	return false;
}

static void place_failed(struct bus_request *req, struct hub *hub, int err)
{
	if (hub)
		hub_check(hub, 500, "no memory");
	bus_replyf(req, SY__RESULT_CODE__INTERNAL, "%s", strerror(err));
}

struct hub *control_place(struct node *n, struct bus_request *req,
			  const Sy__PlaceHub *msg)
{
	const char *wrong = place_check(msg);
	struct hub *hub = NULL;
	int err = 0;

	if (wrong) {
		bus_replyf(req, SY__RESULT_CODE__BAD_REQUEST, "%s", wrong);
		return NULL;
	}

	hub = node_hub(n, msg->hub);
	if (hub) {
		if (!place_known(req, hub, msg))
			return NULL;
	}
	else {
		if (!place_may_begin(n, req, msg->hub))
			return NULL;
		if (msg->replaces[0]) {
			bus_replyf(req, SY__RESULT_CODE__NOT_FOUND,
				   "no such call here");
			return NULL;
		}
		if (!control_has_room(n, req))
			return NULL;
		err = place_new(&hub, n, msg);
	}

	if (!err)
		err = hub_call_id_add(hub, msg->call_id);
	if (!err)
		return hub;

	place_failed(req, hub, err);
	return NULL;
}

static void place(struct node *n, struct bus_request *req,
		  const Sy__Envelope *env)
{
	const Sy__PlaceHub *msg = env->place_hub;
	struct hub *hub = control_place(n, req, msg);
	int err;

	if (!hub)
		return;

	err = hub_expect(hub, msg);
	if (err)
		place_failed(req, hub, err);
	else
		bus_replyf(req, SY__RESULT_CODE__OK, "%s", "");
}

static void drain(struct node *n, struct bus_request *req,
		  const Sy__Envelope *env)
{
	node_drain(n, env->drain_node->drain);
	bus_replyf(req, SY__RESULT_CODE__OK, "%s", "");
}

/* ---------------------------------------------------------------- the table */

static const struct {
	Sy__Envelope__BodyCase body;
	control_h *h;
} table[] = {
	{SY__ENVELOPE__BODY_PLACE_HUB, place},
	{SY__ENVELOPE__BODY_ORIGINATE, control_originate},
	{SY__ENVELOPE__BODY_HANGUP_CALL, control_hangup},
	{SY__ENVELOPE__BODY_ADD_LEG, control_add_leg},
	{SY__ENVELOPE__BODY_UPDATE_LEG, control_update_leg},
	{SY__ENVELOPE__BODY_REMOVE_LEG, control_remove_leg},
	{SY__ENVELOPE__BODY_GET_CALL, control_get},
	{SY__ENVELOPE__BODY_SEND_DTMF, control_send_dtmf},
	{SY__ENVELOPE__BODY_DRAIN_NODE, drain},
	{SY__ENVELOPE__BODY_HUB_TAKEN, control_hub_taken},
	{SY__ENVELOPE__BODY_TAKE_HUB, control_take_hub},
	{SY__ENVELOPE__BODY_MOVE_CALL, control_move_call},
	{SY__ENVELOPE__BODY_LEG_MOVED, control_leg_moved},
	{SY__ENVELOPE__BODY_TRANSFER_CALL, control_transfer},
	{SY__ENVELOPE__BODY_BROWSER_CALL, control_browser_call},
	{SY__ENVELOPE__BODY_BROWSER_SIGNAL, control_browser_signal},
	{SY__ENVELOPE__BODY_BROWSER_HERE, control_browser_here},
};

void node_command(struct bus_request *req, const Sy__Envelope *env,
		  void *arg)
{
	struct node *n = arg;
	size_t i;

	if (mover_holds(n->mover, req, env))
		return;

	for (i = 0; i < ARRAY_SIZE(table); i++) {
		if (table[i].body == env->body_case) {
			table[i].h(arg, req, env);
			return;
		}
	}

	bus_replyf(req, SY__RESULT_CODE__BAD_REQUEST,
		   "a node knows no such command");
}
