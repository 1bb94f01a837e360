/* SPDX-License-Identifier: MIT */
/*
 * GET /api/calls/{id}/trace: the messages of a call, as routers saw those of SIP
 * and gateways those of browser pages.
 *
 * They lie in Redis, and for a while after the call has ended.  A call may
 * have none (`trace` is off), so one that is unknown is asked for at its
 * owner.
 */

#include <errno.h>
#include <re.h>

#include "gateway/api/command.h"
#include "proto/store_trace.h"

static void reply(struct command *c, struct store_trace *trace)
{
	Sy__CallTrace msg = SY__CALL_TRACE__INIT;

	msg.call = c->call;
	msg.messages = trace->messagev;
	msg.n_messages = trace->n;
	api_reply(c->a, 200, &msg.base);
}

static void on_call(struct command *c, const Sy__Result *res)
{
	if (res->call)
		reply(c, c->data);
	else
		api_reply_err(c->a, ENOENT, "call");
}

static void on_trace(int err, struct store_trace *trace, void *arg)
{
	struct command *c = arg;

	if (!err && !trace->n) {
		c->data = trace;
		command_to_owner(c, on_call);
		return;
	}

	if (err)
		api_reply_err(c->a, err, "call");
	else
		reply(c, trace);
	mem_deref(trace);
	command_drop(c);
}

void api_calls_trace(struct api_req *a)
{
	struct command *c = command_for_call(a);
	int err;

	if (!c)
		return;

	c->bare = true;
	command_get(c);

	err = store_trace_get(view_redis(a->api->view), c->call, on_trace, c);
	if (err) {
		api_reply_err(a, err, "call");
		command_drop(c);
	}
}
