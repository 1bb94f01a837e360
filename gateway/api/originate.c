/* SPDX-License-Identifier: MIT */
/*
 * POST /api/calls: ring one party; when it answers, run where it leads.
 *
 *   place: a node of the live table; for a conference the placement script,
 *          since all who go there must meet on one node
 *   send:  Originate to that node; refused or gone: place again elsewhere.
 *          A node that did not answer in time may have done it: no retry.
 */

#include <errno.h>
#include <string.h>
#include <re.h>

#include "gateway/api/api.h"
#include "gateway/api/target.h"
#include "proto/costly.h"
#include "proto/store.h"

enum { TRIES = 3, NODE_SIZE = 64 };

struct origin {
	struct api_req *a;
	struct dialplan_match from, to;
	Sy__Source source;
	Sy__Originate msg;
	char hub[ULID_LEN + 1];
	char node[NODE_SIZE];
	uint32_t instance;	  /* of node                            */
	char not_node[NODE_SIZE]; /* "": none                           */
	uint32_t not_instance;
	unsigned tries;
};

static void place(struct origin *o);

static void drop(struct origin *o)
{
	struct api_req *a = o->a;

	mem_deref(o);
	api_release(a);
}

static void fail(struct origin *o, int err)
{
	api_reply_err(o->a, err, "call");
	drop(o);
}

static void answer(struct origin *o, const Sy__Result *res)
{
	Sy__Call made = SY__CALL__INIT;
	const Sy__Call *call = res->call;

	if (!call) {
		made.id = o->hub;
		made.node = o->node;
		made.state = SY__CALL_STATE__CALL_SETUP;
		call = &made;
	}
	(void)web_head(o->a->web, "location", "/api/calls/%s", call->id);
	api_reply(o->a, 201, &call->base);
}

static bool is_retry(const struct origin *o, const Sy__Result *res)
{
	return (res->code == SY__RESULT_CODE__UNAVAILABLE ||
		res->code == SY__RESULT_CODE__NO_SUBSCRIBER) &&
	       view_has_redis(o->a->api->view) && o->tries < TRIES;
}

static void on_result(const Sy__Result *res, void *arg)
{
	struct origin *o = arg;

	if (is_retry(o, res)) {
		str_ncpy(o->not_node, o->node, sizeof(o->not_node));
		o->not_instance = o->instance;
		place(o);
		return;
	}

	if (res->code == SY__RESULT_CODE__OK)
		answer(o, res);
	else
		api_reply_result(o->a, res);
	drop(o);
}

static void send_originate(struct origin *o)
{
	Sy__Envelope env = SY__ENVELOPE__INIT;
	int err;

	o->msg.hub = o->hub;
	env.body_case = SY__ENVELOPE__BODY_ORIGINATE;
	env.originate = &o->msg;
	err = bus_request_member(view_bus(o->a->api->view), o->node, &env, 0,
				 on_result, o);
	if (err)
		fail(o, err);
}

static void on_place(int err, const struct store_place *pl, void *arg)
{
	struct origin *o = arg;
	struct members *m = view_members(o->a->api->view);

	if (err) {
		fail(o, err);
		return;
	}

	/* No INVITE will ask where this one was placed; the room stays. */
	(void)store_place_drop(view_redis(o->a->api->view), o->hub, pl->hub);
	str_ncpy(o->hub, pl->hub, sizeof(o->hub));
	str_ncpy(o->node, pl->node, sizeof(o->node));
	o->instance = pl->instance;
	if (!pl->fresh && !member_by_instance(m, pl->instance) &&
	    o->tries < TRIES) {
		str_ncpy(o->not_node, pl->node, sizeof(o->not_node));
		o->not_instance = pl->instance;
		place(o);
		return;
	}
	send_originate(o);
}

static void place_room(struct origin *o)
{
	const struct store_place_req req = {
	    .call_id = o->hub,
	    .room = o->to.dest.conference,
	    .hub = o->hub,
	    .node = o->node,
	    .instance = o->instance,
	    .not_node = *o->not_node ? o->not_node : NULL,
	    .not_instance = o->not_instance,
	};
	int err = store_place(view_redis(o->a->api->view), &req, on_place, o);

	if (err)
		fail(o, err);
}

static void place(struct origin *o)
{
	struct view *view = o->a->api->view;
	const Sy__Member *node;

	o->tries++;
	if (!view_has_redis(view)) {
		fail(o, ENOTCONN);
		return;
	}

	node =
	    member_place(view_members(view), *o->not_node ? o->not_node : NULL);
	if (!node) {
		api_unavailable(o->a, "no node takes new calls now: all are "
				      "gone, draining or overloaded");
		drop(o);
		return;
	}

	ulid_make(o->hub);
	str_ncpy(o->node, node->id, sizeof(o->node));
	o->instance = node->instance;
	if (o->to.dest.kind_case == SY__DESTINATION__KIND_CONFERENCE)
		place_room(o);
	else
		send_originate(o);
}

/* What a device may not call is not called for it, either; its node counts. */
static bool is_forbidden(const struct origin *o)
{
	Sy__Source src = SY__SOURCE__INIT;
	struct costly costly;

	if (o->from.dest.kind_case != SY__DESTINATION__KIND_DEVICE)
		return false;
	src.kind_case = SY__SOURCE__KIND_DEVICE;
	src.device = o->from.dest.device;

	return costly_check(&costly, view_config_table(o->a->api->view),
			    &o->to.dest, &src) == COSTLY_DENIED;
}

/* Answers when it returns false. */
static bool check(struct origin *o, const Sy__NewCall *body)
{
	struct complaints bad = {.n = 0};
	int from_err = 0, to_err = 0;

	check_number(&bad, "from", body->from);
	check_number(&bad, "to", body->to);
	check_name(&bad, "callerName", body->caller_name);
	check_ring(&bad, body->ring_seconds);
	if (!bad.n) {
		from_err = target_party(&o->from, o->a, body->from);
		to_err = target_number(&o->to, o->a, body->to);
		complaints_target(&bad, "from", from_err);
		complaints_target(&bad, "to", to_err);
		if (!from_err && !to_err && is_forbidden(o))
			complaints_add(&bad, "to",
				       "costs, and the device of from has no "
				       "permission for it",
				       NULL);
	}
	if (complaints_answer(&bad, o->a->web))
		return false;

	if (from_err || to_err)
		api_unavailable(o->a, "no configuration was loaded yet");

	return !from_err && !to_err;
}

void api_calls_create(struct api_req *a)
{
	const Sy__NewCall *body = (const Sy__NewCall *)a->body;
	struct origin *o = mem_zalloc(sizeof(*o), NULL);

	if (!o) {
		api_reply_err(a, ENOMEM, "call");
		return;
	}

	api_hold(a);
	o->a = a;
	if (!check(o, body)) {
		drop(o);
		return;
	}

	sy__source__init(&o->source);
	o->source.kind_case = SY__SOURCE__KIND_API;
	o->source.api = (char *)(uintptr_t)principal_source(&a->who);
	sy__originate__init(&o->msg);
	o->msg.from = &o->from.dest;
	o->msg.to = &o->to.dest;
	o->msg.caller_name = body->caller_name;
	o->msg.ring_seconds =
	    body->ring_seconds ? body->ring_seconds : o->to.ring_seconds;
	o->msg.source = &o->source;
	place(o);
}
