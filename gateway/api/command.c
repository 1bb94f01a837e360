/* SPDX-License-Identifier: MIT */
/* Commands to the owner of a call: see command.h. */

#include <errno.h>
#include <re.h>

#include "gateway/api/command.h"
#include "proto/store.h"

enum { LOOK_MS = 700 }; /* for figures that can be done without */

static void destructor(void *arg)
{
	struct command *c = arg;

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

void command_drop(struct command *c)
{
	struct api_req *a = c->a;

	mem_deref(c);
	api_release(a);
}

static void by_record(struct command *c)
{
	Sy__Result res = SY__RESULT__INIT;

	res.call = c->record;
	c->h(c, &res);
}

static void on_result(const Sy__Result *res, void *arg)
{
	struct command *c = arg;

	if (res->code == SY__RESULT_CODE__OK && (res->call || !c->fallback))
		c->h(c, res);
	else if (c->fallback)
		by_record(c);
	else if (res->code == SY__RESULT_CODE__NO_SUBSCRIBER)
		api_unavailable(c->a, "the node of this call is gone; "
				"another will take it over");
	else
		api_reply_result(c->a, res);
	command_drop(c);
}

static void on_record(int err, Sy__Call *call, void *arg)
{
	struct command *c = arg;

	c->record = call;
	if (err == ENOENT && c->bare) {
		by_record(c);
		command_drop(c);
		return;
	}
	if (err) {
		api_reply_err(c->a, err, "call");
		command_drop(c);
		return;
	}

	err = bus_request_member(view_bus(c->a->api->view), call->node,
				 &c->env, c->fallback ? LOOK_MS : 0,
				 on_result, c);
	if (err) {
		api_reply_err(c->a, err, "call");
		command_drop(c);
	}
}

void command_to_owner(struct command *c, command_h *h)
{
	int err;

	c->h = h;
	err = store_hub_get(view_redis(c->a->api->view), c->call, on_record,
			    c);
	if (err) {
		api_reply_err(c->a, err, "call");
		command_drop(c);
	}
}
