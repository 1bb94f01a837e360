/* SPDX-License-Identifier: MIT */
/* /api/calls: list, inspect, hang up.  (Originate: originate.c.) */

#include <errno.h>
#include <re.h>

#include "gateway/api/call_filter.h"
#include "gateway/api/command.h"
#include "gateway/api/share.h"
#include "gateway/api/sieve.h"
#include "proto/store.h"

static void on_list(int err, Sy__Call *const *callv, size_t callc,
		    const char *next, void *arg)
{
	struct share_job *job = arg;
	const struct view *view = share_api(job)->view;

	for (size_t i = 0; !err && i < callc; i++)
		callv[i]->adopting = !view_serves(view, callv[i]);
	share_done(job, err, (const void *)callv, callc, next);
}

static int read_list(struct share_job *job, struct api_req *a)
{
	char cursor[ROUTE_PARAM_SIZE];
	size_t limit;

	if (!api_page(a, &limit, cursor, sizeof(cursor)))
		return EINVAL; /* it was looked at before */

	return store_hub_list(view_redis(a->api->view),
			      *cursor ? cursor : NULL, limit, on_list, job);
}

/* With a filter. */

static void on_page(int err, Sy__Call *const *callv, size_t callc,
		    const char *next, void *arg)
{
	sieve_page(arg, err, callv, callc, next);
}

static int ask(struct redis *r, const char *cursor, size_t limit,
	       struct sieve *s)
{
	return store_hub_list(r, cursor, limit, on_page, s);
}

static bool is_wanted(ProtobufCMessage *msg, const void *filter,
		      struct api *api)
{
	Sy__Call *call = (Sy__Call *)msg;

	call->adopting = !view_serves(api->view, call);

	return call_filter_matches(filter, call);
}

static const char *cursor_of(const ProtobufCMessage *msg)
{
	return ((const Sy__Call *)msg)->id;
}

static const struct sieve_def wanted_calls = {
	.what = "call",
	.askh = ask,
	.wantedh = is_wanted,
	.cursorh = cursor_of,
};

void api_calls_list(struct api_req *a)
{
	static const struct problem_field bad_cursor = {
		.field = "cursor",
		.cause = "is not one that this list gave",
		.allowed = "the nextCursor of a list",
	};
	char cursor[ROUTE_PARAM_SIZE];
	struct call_filter filter;
	size_t limit;

	if (!api_page(a, &limit, cursor, sizeof(cursor)) ||
	    !call_filter_read(a, &filter))
		return;
	if (*cursor && !ulid_is_valid(cursor)) {
		(void)problem_fields(a->web, &bad_cursor, 1);
		return;
	}
	if (!call_filter_is_empty(&filter)) {
		sieve_list(a, &wanted_calls, limit, cursor, &filter,
			   sizeof(filter));
		return;
	}

	share_ask(a, read_list, "call");
}

static void on_get(struct command *c, const Sy__Result *res)
{
	api_reply(c->a, 200, &res->call->base);
}

void api_calls_get(struct api_req *a)
{
	struct command *c = command_for_call(a);

	if (!c)
		return;

	/* The record is always right about who; the owner knows how well
	 * they hear each other. */
	command_get(c);
	command_to_owner(c, on_get);
}

static void on_hangup(struct command *c, const Sy__Result *res)
{
	(void)res;
	api_reply_empty(c->a);
}

void api_calls_hangup(struct api_req *a)
{
	struct command *c = command_for_call(a);

	if (!c)
		return;

	sy__hangup_call__init(&c->u.hangup);
	c->u.hangup.call = c->call;
	c->u.hangup.reason = "hung up by the API";
	c->env.body_case = SY__ENVELOPE__BODY_HANGUP_CALL;
	c->env.hangup_call = &c->u.hangup;
	command_to_owner(c, on_hangup);
}
