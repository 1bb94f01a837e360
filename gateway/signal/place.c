/* SPDX-License-Identifier: MIT */
/*
 * A page calls: its number goes through the dial plan as a call of its device,
 * as an INVITE does at a router; then a node gets the hub, and its offer.
 *
 *   (costly: counted) -> store_place() -> BrowserCall -> PhonePlaced
 *        ^                     |              |
 *        |                     |  a room that is elsewhere by now; a node that
 *        +--- 0.1 s -----------+---- has no room, or is gone: 5 s in all
 */

#include <errno.h>
#include <string.h>

#include "gateway/signal/signal_impl.h"
#include "proto/callee.h"
#include "proto/costly.h"
#include "proto/log.h"
#include "proto/schema.h"
#include "proto/store.h"
#include "proto/store_guard.h"

enum { AGAIN_MS = 100, LIMIT_MS = 5000, NUMBER_MAX = 64, ROOM_SIZE = 160 };

struct placing {
	struct phone *ph;          /* reference                           */
	uint32_t id;
	char *sdp;
	char called[NUMBER_MAX + 1];
	char group[NUMBER_MAX + 16];
	struct dialplan_match to;
	struct costly costly;      /* rule NULL: it is free               */
	char call_id[ULID_LEN + 1];
	char room[ROOM_SIZE];      /* "": a hub of its own                */
	char hub[ULID_LEN + 1];    /* as proposed                         */
	char not_hub[ULID_LEN + 1];
	char not_node[64];
	struct store_place pl;
	char node[64];             /* that is asked                       */
	struct loop_timer *timer;
	uint64_t until_us;
	uint64_t at_ms;            /* since 1970: when it was wanted      */
	bool taken;                /* by a node                           */
};

static void destructor(void *arg)
{
	struct placing *p = arg;
	struct signal *s = p->ph->signal;

	mem_deref(p->timer);
	mem_deref(p->sdp);
	if (s && !p->taken && p->costly.rule)
		(void)store_costly_give(view_redis(s->view),
					p->costly.account, p->call_id);
	mem_deref(p->ph);
}

static void refuse(struct placing *p, const char *type, const char *why)
{
	if (p->ph->client)
		(void)ws_refuse(p->ph->client, p->id, type, "%s", why);
	mem_deref(p);
}

static void place(struct placing *p);

static void again_handler(void *arg)
{
	place(arg);
}

/* @param not_there  What was placed is not to be found again. */
static void again(struct placing *p, bool not_there)
{
	struct signal *s = p->ph->signal;

	if (!s || loop_now_us() > p->until_us) {
		refuse(p, "unavailable", "no node takes new calls now: all "
					 "are gone, draining or overloaded");
		return;
	}
	if (not_there) {
		str_ncpy(p->not_hub, p->pl.hub, sizeof(p->not_hub));
		str_ncpy(p->not_node, p->pl.node, sizeof(p->not_node));
	}
	p->timer = mem_deref(p->timer);
	if (loop_timer_start(&p->timer, view_loop(s->view), AGAIN_MS,
			     again_handler, p))
		refuse(p, "internal", "out of memory");
}

/* ------------------------------------------------------------------ the node */

static void answer(struct placing *p, const Sy__Result *res)
{
	Sy__PhonePlaced placed = SY__PHONE_PLACED__INIT;
	Sy__WsServer msg = SY__WS_SERVER__INIT;

	p->taken = true;
	p->ph->signal->calls++;
	placed.leg = res->leg;
	placed.call = res->call ? res->call->id : p->pl.hub;
	phone_leg_add(p->ph, placed.leg, placed.call, p->node);
	trace_placed(p->ph, &placed, p->called, p->sdp, p->at_ms);
	msg.id = p->id;
	msg.body_case = SY__WS_SERVER__BODY_PHONE_PLACED;
	msg.phone_placed = &placed;
	if (p->ph->client)
		(void)ws_send(p->ph->client, &msg);
	mem_deref(p);
}

static void result_handler(const Sy__Result *res, void *arg)
{
	struct placing *p = arg;

	switch (res->code) {

	case SY__RESULT_CODE__OK:
		if (p->ph->signal)
			answer(p, res);
		else
			mem_deref(p);
		break;
	case SY__RESULT_CODE__NO_SUBSCRIBER:
	case SY__RESULT_CODE__UNAVAILABLE:
	case SY__RESULT_CODE__CONFLICT:
		again(p, !p->room[0] || p->pl.fresh);
		break;
	case SY__RESULT_CODE__TIMED_OUT:
		refuse(p, "timeout", "the node did not answer in time");
		break;
	case SY__RESULT_CODE__BAD_REQUEST:
		refuse(p, "bad-request", res->error);
		break;
	default:
		refuse(p, "internal", res->error);
		break;
	}
}

static void send_call(struct placing *p, const char *node, uint32_t epoch)
{
	struct signal *s = p->ph->signal;
	const Sy__Device *dev =
		config_device(view_config_table(s->view), p->ph->device,
			      strlen(p->ph->device));
	Sy__BrowserCall call = SY__BROWSER_CALL__INIT;
	Sy__PlaceHub ph = SY__PLACE_HUB__INIT;
	Sy__Envelope env = SY__ENVELOPE__INIT;
	Sy__Source src = SY__SOURCE__INIT;
	Sy__Toll toll = SY__TOLL__INIT;

	src.kind_case = SY__SOURCE__KIND_DEVICE;
	src.device = p->ph->device;
	ph.hub = p->pl.hub;
	ph.epoch = epoch;
	ph.destination = &p->to.dest;
	ph.source = &src;
	ph.call_id = p->call_id;
	ph.caller = p->ph->device;
	ph.called = p->called;
	ph.ring_seconds = p->to.ring_seconds;
	if (dev) {
		ph.caller_name = dev->display_name;
		ph.codecs = dev->codecs;
		ph.n_codecs = dev->n_codecs;
	}
	if (p->costly.rule) {
		toll.account = p->costly.account;
		toll.call = p->call_id;
		ph.toll = &toll;
	}
	call.place = &ph;
	call.phone = p->ph->name;
	call.gateway = (char *)view_id(s->view);
	call.received = p->ph->received;
	call.sdp = p->sdp;
	env.body_case = SY__ENVELOPE__BODY_BROWSER_CALL;
	env.browser_call = &call;
	str_ncpy(p->node, node, sizeof(p->node));
	if (bus_request_member(view_bus(s->view), p->node, &env, 0,
			       result_handler, p))
		refuse(p, "internal", "out of memory");
}

/* --------------------------------------------------------------- the place */

/* A room that was there before may be elsewhere by now. */
static void where_handler(int err, const struct store_where *where, void *arg)
{
	struct placing *p = arg;
	struct signal *s = p->ph->signal;

	if (!s) {
		mem_deref(p);
	} else if (err && err != ENOENT) {
		refuse(p, "unavailable", "Redis is not reachable");
	} else if (err) {
		if (where || !member_by_instance(view_members(s->view),
						 p->pl.instance))
			again(p, true);
		else
			send_call(p, p->pl.node, p->pl.epoch);
	} else if (!member_by_instance(view_members(s->view),
				       where->instance)) {
		again(p, false); /* somebody is about to take it over */
	} else {
		send_call(p, where->node, where->epoch);
	}
}

static void place_handler(int err, const struct store_place *pl, void *arg)
{
	struct placing *p = arg;
	struct signal *s = p->ph->signal;

	if (!s) {
		mem_deref(p);
		return;
	}
	if (err) {
		refuse(p, "unavailable", "Redis is not reachable");
		return;
	}
	p->pl = *pl;
	if (pl->fresh && !strcmp(pl->hub, p->hub))
		send_call(p, pl->node, pl->epoch);
	else if (store_hub_where(view_redis(s->view), pl->hub, 0,
				 where_handler, p))
		refuse(p, "unavailable", "Redis is not reachable");
}

static void place(struct placing *p)
{
	struct signal *s = p->ph->signal;
	const Sy__Member *node;
	struct store_place_req req = {
		.call_id = p->call_id,
		.room = p->room[0] ? p->room : NULL,
		.hub = p->hub,
		.not_hub = p->not_hub[0] ? p->not_hub : NULL,
	};

	if (!s || !view_has_redis(s->view)) {
		refuse(p, "unavailable", "Redis is not reachable");
		return;
	}
	node = member_place(view_members(s->view),
			    p->not_node[0] ? p->not_node : NULL);
	if (!node)
		node = member_place(view_members(s->view), NULL);
	if (!node) {
		again(p, false);
		return;
	}
	ulid_make(p->hub);
	req.node = node->id;
	req.instance = node->instance;
	if (store_place(view_redis(s->view), &req, place_handler, p))
		refuse(p, "unavailable", "Redis is not reachable");
}

/* ------------------------------------------------------------------- may it */

static void counted_handler(int err, void *arg)
{
	struct placing *p = arg;

	if (!p->ph->signal) {
		mem_deref(p);
	} else if (err == EDQUOT || err == EBUSY) {
		p->costly.rule = NULL; /* it is not counted */
		refuse(p, "forbidden", costly_why(err));
	} else if (err) {
		refuse(p, "unavailable", "Redis is not reachable");
	} else {
		place(p);
	}
}

static void count(struct placing *p)
{
	const struct store_costly take = {
		.account = p->costly.account,
		.call = p->call_id,
		.calls_per_hour = p->costly.calls_per_hour,
		.calls_at_a_time = p->costly.calls_at_a_time,
	};

	if (store_costly_take(view_redis(p->ph->signal->view), &take,
			      counted_handler, p))
		refuse(p, "unavailable", "Redis is not reachable");
}

/* Whose group is picked up from is told by the caller, not by the number. */
static void pickup_group(struct placing *p, const struct config *conf)
{
	const Sy__Device *dev;

	if (p->to.dest.kind_case != SY__DESTINATION__KIND_PICKUP ||
	    strcmp(p->to.dest.pickup, "group"))
		return;

	dev = config_device(conf, p->ph->device, strlen(p->ph->device));
	(void)re_snprintf(p->group, sizeof(p->group), "group:%s",
			  dev ? dev->pickup_group : "");
	p->to.dest.pickup = p->group;
}

static void route(struct placing *p)
{
	const struct config *conf = view_config_table(p->ph->signal->view);
	Sy__Source src = SY__SOURCE__INIT;
	int err;

	src.kind_case = SY__SOURCE__KIND_DEVICE;
	src.device = p->ph->device;
	err = callee_find(&p->to, conf, p->called, &src);
	if (err == EACCES) {
		refuse(p, "forbidden", COSTLY_NO_PERMISSION);
		return;
	}
	if (err == EAGAIN) {
		refuse(p, "unavailable", "no configuration was loaded yet");
		return;
	}
	if (err) {
		refuse(p, "not-found", "no route has this number, or its "
				       "device is not there");
		return;
	}

	pickup_group(p, conf);
	(void)dialplan_room(p->room, sizeof(p->room), &p->to.dest);
	if (costly_check(&p->costly, conf, &p->to.dest, &src) == COSTLY_COUNT) {
		count(p);
	} else {
		p->costly.rule = NULL;
		place(p);
	}
}

/* @return NULL, or what is wrong. */
static const char *check(const Sy__PhoneCall *call)
{
	const size_t len = strlen(call->to), sdp = strlen(call->sdp);

	if (!len || len > NUMBER_MAX)
		return "to: 1 to 64 characters, a number or a device";
	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)call->to[i] <= ' ' || call->to[i] == 0x7f)
			return "to: has a blank or a control character";
	}
	if (!sdp || sdp > PHONE_SDP_MAX)
		return "sdp: an offer of 1 to 32768 characters";

	return NULL;
}

void place_call(struct phone *ph, const Sy__WsClient *msg)
{
	const Sy__PhoneCall *call = msg->phone_call;
	const char *wrong = check(call);
	struct placing *p;

	if (wrong) {
		(void)ws_refuse(ph->client, msg->id, "bad-request", "%s",
				wrong);
		return;
	}
	if (!phone_may_call(ph)) {
		(void)ws_refuse(ph->client, msg->id, "too-many-requests",
				"%u calls at once, and %u a second",
				PHONE_CALLS_BURST, PHONE_CALLS_S);
		return;
	}

	p = mem_zalloc(sizeof(*p), destructor);
	if (!p || str_dup(&p->sdp, call->sdp)) {
		(void)ws_refuse(ph->client, msg->id, "internal",
				"out of memory");
		if (p)
			p->ph = mem_ref(ph);
		mem_deref(p);
		return;
	}
	p->ph = mem_ref(ph);
	p->id = msg->id;
	p->until_us = loop_now_us() + LIMIT_MS * 1000ull;
	p->at_ms = timestamp_now_ms();
	str_ncpy(p->called, call->to, sizeof(p->called));
	ulid_make(p->call_id);
	route(p);
}
