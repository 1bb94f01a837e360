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
#include "gateway/feed/stream.h"
#include "proto/store.h"

enum { NAMES_SIZE = 512 };

/* @return 0, also without such a parameter; or an error. */
static int query(const struct api_req *a, const char *name, char *val,
		 size_t size)
{
	int err = web_query(a->web, name, val, size);

	if (err)
		val[0] = '\0';

	return err == ENOENT ? 0 : err;
}

/* Answers when it returns false. */
static bool read_query(struct api_req *a, struct stream_conf *s)
{
	static const struct problem_field bad[] = {
	    {"after", "is no id of an event", "an id as in the stream, or 0-0"},
	    {"call", "is no id of a call", "a ULID"},
	    {"type", "is not known",
	     "up to 16 types, as CALL_ADOPTED,LEG_LOST"},
	};
	const char *last = web_header(a->web, "last-event-id");
	char names[NAMES_SIZE], call[ULID_LEN + 1];
	const struct problem_field *wrong = NULL;
	uint8_t id[ULID_BYTES];

	if (query(a, "after", s->after, sizeof(s->after)) ||
	    (*s->after && !store_event_id_is_valid(s->after)))
		wrong = &bad[0];
	if (query(a, "call", call, sizeof(call)) ||
	    (*call && ulid_read(id, call, strlen(call))))
		wrong = &bad[1];
	else if (*call)
		ulid_print(s->call, id);
	if (query(a, "type", names, sizeof(names)) || !event_types_read(&s->types, names))
		wrong = &bad[2];

	/* Browsers send it by themselves, when they come again. */
	if (last && *last && store_event_id_is_valid(last))
		str_ncpy(s->after, last, sizeof(s->after));
	if (wrong)
		(void)problem_fields(a->web, wrong, 1);

	return !wrong;
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
