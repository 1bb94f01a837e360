/* SPDX-License-Identifier: MIT */
/* Commands to the owner of a call: see command.h. */

#include <errno.h>
#include <re.h>

#include "gateway/api/command.h"
#include "proto/loop.h"
#include "proto/store.h"

enum {
	LOOK_MS = 700,	 /* for figures that can be done without          */
	ADOPT_MS = 3000, /* a call that nobody serves waits so long       */
	AGAIN_MS = 100,	 /* ... and is looked at so often                 */
};

static void destructor(void *arg)
{
	struct command *c = arg;

	mem_deref(c->timer);
	if (c->record)
		sy__call__free_unpacked(c->record, NULL);
	mem_deref(c->data);
}

struct command *command_alloc(struct api_req *a)
{
	struct command *c = mem_zalloc(sizeof(*c), destructor);

	if (!c) {
		api_reply_err(a, ENOMEM, "call");
		return NULL;
	}
	api_hold(a);
	c->a = a;
	sy__envelope__init(&c->env);

	return c;
}

struct command *command_for_call(struct api_req *a)
{
	struct command *c = command_alloc(a);

	if (c && !api_ulid(a, 0, c->call, "call")) {
		command_drop(c);
		return NULL;
	}

	return c;
}

struct command *command_for_leg(struct api_req *a)
{
	struct command *c = command_for_call(a);

	if (c && !api_ulid(a, 1, c->leg, "leg")) {
		command_drop(c);
		return NULL;
	}

	return c;
}

void command_get(struct command *c)
{
	c->fallback = true;
	sy__get_call__init(&c->u.get);
	c->u.get.call = c->call;
	c->env.body_case = SY__ENVELOPE__BODY_GET_CALL;
	c->env.get_call = &c->u.get;
}

void command_drop(struct command *c)
{
	struct api_req *a = c->a;

	mem_deref(c);
	api_release(a);
}

static void fail(struct command *c, int err)
{
	api_reply_err(c->a, err, "call");
	command_drop(c);
}

/* ------------------------------------------------------ nobody serves it */

static void by_record(struct command *c)
{
	Sy__Result res = SY__RESULT__INIT;

	if (c->record)
		c->record->adopting =
		    c->code == SY__RESULT_CODE__NO_SUBSCRIBER ||
		    !view_serves(c->a->api->view, c->record);
	res.call = c->record;
	c->h(c, &res);
	command_drop(c);
}

static void look(struct command *c);

static void on_again(void *arg)
{
	struct command *c = arg;

	c->waited = true;
	if (c->a->api->view)
		look(c);
	else
		command_drop(c); /* the process ends */
}

/* Once a command. */
static void count_again(struct command *c)
{
	if (!c->again)
		metric_inc(c->a->api->met.again);
	c->again = true;
}

/* Until somebody serves the call. */
static void wait_owner(struct command *c)
{
	int err;

	if (c->fallback) {
		by_record(c);
		return;
	}

	if (loop_now_us() >= c->until_us) {
		metric_inc(c->a->api->met.unserved);
		api_unavailable(
		    c->a, *c->error
			      ? c->error
			      : "the node of this call is gone, and no other "
				"one has taken it over yet");
		command_drop(c);
		return;
	}

	count_again(c);
	c->timer = mem_deref(c->timer);
	err = loop_timer_start(&c->timer, view_loop(c->a->api->view), AGAIN_MS,
			       on_again, c);
	if (err)
		fail(c, err);
}

/* Its owner, who is still the same, said no. */
static void refused(struct command *c)
{
	Sy__Result res = SY__RESULT__INIT;

	if (c->code != SY__RESULT_CODE__NOT_FOUND) {
		wait_owner(c);
	} else if (c->fallback) {
		by_record(c);
	} else {
		res.code = c->code;
		res.error = c->error;
		api_reply_result(c->a, &res);
		command_drop(c);
	}
}

/* -------------------------------------------------------------- its owner */

/* Who refused may not have it any more, or not yet, or is gone. */
static bool is_again(const struct command *c, const Sy__Result *res)
{
	switch (res->code) {
	case SY__RESULT_CODE__NOT_FOUND:
	case SY__RESULT_CODE__NO_SUBSCRIBER:
		return true;
	case SY__RESULT_CODE__UNAVAILABLE:
		return !c->once && view_has_redis(c->a->api->view);
	default:
		return false;
	}
}

/* Nodes do not tell their instance with a call. */
static void add_instance(const struct command *c, Sy__Call *call)
{
	const Sy__Member *m =
	    member_find(view_members(c->a->api->view), call->node);

	if (call->epoch == c->record->epoch)
		call->instance = c->record->instance;
	else if (m)
		call->instance = m->instance;
}

static void on_result(const Sy__Result *res, void *arg)
{
	struct command *c = arg;

	if (res->code == SY__RESULT_CODE__OK && (res->call || !c->fallback)) {
		if (res->call)
			add_instance(c, res->call);
		c->h(c, res);
		command_drop(c);
	} else if (is_again(c, res)) {
		c->instance = c->record->instance;
		c->epoch = c->record->epoch;
		c->code = res->code;
		c->waited = false;
		count_again(c);
		str_ncpy(c->error,
			 res->code == SY__RESULT_CODE__NO_SUBSCRIBER
			     ? ""
			     : res->error,
			 sizeof(c->error));
		look(c);
	} else if (c->fallback) {
		by_record(c);
	} else {
		api_reply_result(c->a, res);
		command_drop(c);
	}
}

static void send_to_owner(struct command *c)
{
	int err = bus_request_member(
	    view_bus(c->a->api->view), c->record->node, &c->env,
	    c->fallback ? LOOK_MS : c->deadline_ms, on_result, c);

	if (err)
		fail(c, err);
}

static bool has_refused(const struct command *c)
{
	return c->code && !c->waited && c->record->instance == c->instance &&
	       c->record->epoch == c->epoch;
}

static void on_record(int err, Sy__Call *call, void *arg)
{
	struct command *c = arg;

	if (c->record)
		sy__call__free_unpacked(c->record, NULL);
	c->record = call;
	if (err == ENOENT && c->bare) {
		by_record(c);
		return;
	}
	if (err) {
		fail(c, err);
		return;
	}

	if (!view_serves(c->a->api->view, call))
		wait_owner(c);
	else if (has_refused(c))
		refused(c);
	else
		send_to_owner(c);
}

static void look(struct command *c)
{
	int err =
	    store_hub_get(view_redis(c->a->api->view), c->call, on_record, c);

	if (err)
		fail(c, err);
}

void command_to_owner(struct command *c, command_h *h)
{
	c->h = h;
	c->until_us = loop_now_us() + ADOPT_MS * 1000ull;
	look(c);
}
