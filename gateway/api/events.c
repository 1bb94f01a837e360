/* SPDX-License-Identifier: MIT */
/*
 * GET /api/events: what happens, as server-sent events (WHATWG HTML 9.2).  A
 * client that comes back with the id of the last event that it saw
 * (Last-Event-ID), at any gateway, misses none.  The stream itself is the
 * feed's (feed/stream.h); here is what may be asked for.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <re.h>

#include "gateway/api/api.h"
#include "gateway/api/query.h"
#include "gateway/feed/stream.h"
#include "proto/store.h"

/* Answers when it returns false. */
static bool read_query(struct api_req *a, struct stream_conf *s)
{
	static const struct problem_field bad_after = {
		"after", "is no id of an event", "an id as in the stream, or 0-0"};
	const char *last = web_header(a->web, "last-event-id");

	if (!query_text(a, "after", s->after, sizeof(s->after)) ||
	    !query_call(a, s->call) || !query_event_types(a, &s->types))
		return false;
	if (*s->after && !store_event_id_is_valid(s->after)) {
		(void)problem_param(a->web, &bad_after);
		return false;
	}

	/* Browsers send it by themselves, when they come again. */
	if (last && *last && store_event_id_is_valid(last))
		str_ncpy(s->after, last, sizeof(s->after));

	return true;
}

/* A WebSocket is opened by the header alone; who comes here wants none. */
void api_ws_get(struct api_req *a)
{
	(void)web_head(a->web, "upgrade", "websocket");
	(void)problem(a->web, 426, "upgrade-required",
		      "this is a WebSocket (RFC 6455, RFC 8441)");
}

static void on_end(int err, void *arg)
{
	struct api_req *a = arg;

	if (err)
		api_reply_err(a, err, "event");
	a->api->streams--;
	api_release(a);
}

void api_events_stream(struct api_req *a)
{
	struct stream_conf conf = {.form = &stream_sse, .endh = on_end, .arg = a};
	int err;

	if (a->web->allowedh) {
		a->web->allowedh(a->web, a->web->arg);
		return;
	}
	if (!read_query(a, &conf))
		return;

	conf.who = a->who;
	api_hold(a);
	a->api->streams++;
	err = feed_stream(a->api->feed, a->web, &conf);
	if (err)
		on_end(err, a);
}
