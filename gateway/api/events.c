/* SPDX-License-Identifier: MIT */
/*
 * GET /api/events: what happens, as server-sent events (WHATWG HTML 9.2),
 * from the stream in Redis.  A client that comes back with the id of the last
 * event that it saw (Last-Event-ID), at any gateway, misses none.
 *
 *   [first read] --> look, write, wait 0.2 s --> ... --> gone, or we end
 *
 * A stream reads only while its peer takes what was written.  Redis away: the
 * stream stays, and goes on where it was.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <re.h>

#include "gateway/api/api.h"
#include "gateway/api/body.h"
#include "proto/loop.h"
#include "proto/store.h"

enum {
	LOOK_MS = 200,		 /* what is new is seen within              */
	KEEP_ALIVE_MS = 15000,	 /* something is written so often           */
	PAGE = 200,		 /* events a read                           */
	WAITING_MAX = 64 * 1024, /* bytes a slow peer may have waiting    */
	STREAMS_MAX = 64,	 /* at a time                               */
	TYPES_MAX = 16,
	NAMES_SIZE = 512,
};

struct stream {
	struct api_req *a;
	struct loop_timer *timer; /* next look; NULL: a read is under way */
	uint64_t written_us;
	char after[STORE_EVENT_ID_SIZE];
	char call[ULID_LEN + 1]; /* this call's only; "": all            */
	Sy__EventType typev[TYPES_MAX]; /* these only                     */
	size_t typec; /* 0: all                               */
};

static void end(struct stream *s)
{
	struct api_req *a = s->a;

	a->web->closeh = NULL;
	(void)web_end(a->web, NULL);
	a->api->streams--;
	mem_deref(s->timer);
	mem_deref(s);
	api_release(a);
}

/* ---------------------------------------------------------------- writing */

static void put(struct stream *s, const char *text)
{
	(void)web_write(s->a->web, text, strlen(text));
	s->written_us = loop_now_us();
}

static bool is_wanted(const struct stream *s, const Sy__Event *ev)
{
	bool wanted = !s->typec;

	for (size_t i = 0; i < s->typec; i++)
		wanted |= s->typev[i] == ev->type;

	return wanted && (!*s->call || !strcmp(s->call, ev->call_id));
}

static void put_event(struct stream *s, const char *id, const Sy__Event *ev)
{
	const ProtobufCEnumValue *type = protobuf_c_enum_descriptor_get_value(
	    &sy__event_type__descriptor, (int)ev->type);
	char *json = body_print(&ev->base);
	char *text = NULL;

	if (json && !re_sdprintf(&text, "id: %s\nevent: %s\ndata: %s\n\n", id,
				 type ? type->name : "EVENT_UNKNOWN", json))
		put(s, text);
	mem_deref(text);
	free(json);
}

/* ---------------------------------------------------------------- reading */

static void look(struct stream *s);

static void on_timer(void *arg)
{
	struct stream *s = arg;

	s->timer = mem_deref(s->timer);
	look(s);
}

static void look_later(struct stream *s)
{
	if (loop_now_us() - s->written_us >= KEEP_ALIVE_MS * 1000ull)
		put(s, ":\n\n");
	if (loop_timer_start(&s->timer, view_loop(s->a->api->view), LOOK_MS,
			     on_timer, s))
		end(s);
}

static void on_events(int err, const struct store_entry *v, size_t n, void *arg)
{
	struct stream *s = arg;

	for (size_t i = 0; !err && i < n; i++) {
		if (v[i].event && is_wanted(s, v[i].event))
			put_event(s, v[i].id, v[i].event);
		str_ncpy(s->after, v[i].id, sizeof(s->after));
	}
	if (n == PAGE)
		look(s);
	else
		look_later(s);
}

static void look(struct stream *s)
{
	struct api *api = s->a->api;

	if (!api->view || api->stopping || !web_is_open(s->a->web))
		end(s);
	else if (web_res_waiting(s->a->web) > WAITING_MAX ||
		 store_event_list(view_redis(api->view), s->after, PAGE,
				  on_events, s))
		look_later(s);
}

/* --------------------------------------------------------------- beginning */

static void on_close(struct web_req *req, void *arg)
{
	struct stream *s = arg;
	(void)req;

	if (s->timer)
		end(s);
	/* else the read that is under way finds out */
}

static void begin(struct stream *s)
{
	struct web_req *web = s->a->web;

	(void)web_head(web, "cache-control", "no-store");
	(void)web_start(web, 200, "text/event-stream");
	put(s, "retry: 2000\n\n");
	web->closeh = on_close;
	web->arg = s;
	if (!strcmp(web->method, "HEAD"))
		end(s);
	else
		look(s);
}

/* Without a place to begin: after the newest. */
static void on_newest(int err, const struct store_entry *v, size_t n, void *arg)
{
	struct stream *s = arg;

	if (err) {
		api_reply_err(s->a, err, "event");
		end(s);
		return;
	}

	if (!*s->after)
		str_ncpy(s->after, n ? v[0].id : "0-0", sizeof(s->after));
	begin(s);
}

/* A comma-separated list of types. @return 0 or EINVAL. */
static int read_types(struct stream *s, char *names)
{
	char *save = NULL;

	for (char *name = strtok_r(names, ",", &save); name;
	     name = strtok_r(NULL, ",", &save)) {
		const ProtobufCEnumValue *val =
		    protobuf_c_enum_descriptor_get_value_by_name(
			&sy__event_type__descriptor, name);

		if (!val || s->typec == TYPES_MAX)
			return EINVAL;
		s->typev[s->typec++] = (Sy__EventType)val->value;
	}

	return 0;
}

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
static bool read_query(struct stream *s)
{
	static const struct problem_field bad[] = {
	    {"after", "is no id of an event", "an id as in the stream, or 0-0"},
	    {"call", "is no id of a call", "a ULID"},
	    {"type", "is not known",
	     "up to 16 types, as CALL_ADOPTED,LEG_LOST"},
	};
	const char *last = web_header(s->a->web, "last-event-id");
	char names[NAMES_SIZE], call[ULID_LEN + 1];
	const struct problem_field *wrong = NULL;
	uint8_t id[ULID_BYTES];

	if (query(s->a, "after", s->after, sizeof(s->after)) ||
	    (*s->after && !store_event_id_is_valid(s->after)))
		wrong = &bad[0];
	if (query(s->a, "call", call, sizeof(call)) ||
	    (*call && ulid_read(id, call, strlen(call))))
		wrong = &bad[1];
	else if (*call)
		ulid_print(s->call, id);
	if (query(s->a, "type", names, sizeof(names)) || read_types(s, names))
		wrong = &bad[2];

	/* Browsers send it by themselves, when they come again. */
	if (last && *last && store_event_id_is_valid(last))
		str_ncpy(s->after, last, sizeof(s->after));
	if (wrong)
		(void)problem_fields(s->a->web, wrong, 1);

	return !wrong;
}

/* A WebSocket is opened by the header alone; who comes here wants none. */
void api_ws_get(struct api_req *a)
{
	(void)web_head(a->web, "upgrade", "websocket");
	(void)problem(a->web, 426, "upgrade-required",
		      "this is a WebSocket (RFC 6455, RFC 8441)");
}

void api_events_stream(struct api_req *a)
{
	struct stream *s;
	int err;

	if (a->api->streams >= STREAMS_MAX || a->api->stopping) {
		api_unavailable(a, "this gateway serves as many event streams "
				   "as it may");
		return;
	}
	s = mem_zalloc(sizeof(*s), NULL);
	if (!s) {
		api_reply_err(a, ENOMEM, "event");
		return;
	}

	s->a = a;
	a->api->streams++;
	api_hold(a);
	if (!read_query(s)) {
		end(s);
		return;
	}

	err = store_event_list(view_redis(a->api->view), NULL, 1, on_newest, s);
	if (err) {
		api_reply_err(a, err, "event");
		end(s);
	}
}
