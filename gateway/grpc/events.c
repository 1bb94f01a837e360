/* SPDX-License-Identifier: MIT */
/*
 * switchyard.v1.Events/Stream: the feed's events (feed/stream.h).  Who may is
 * asked as for GET /api/events, by a request of our own whose work is to tell
 * that he may, now or when Redis has said who it is.
 */

#include <errno.h>
#include <string.h>
#include <re.h>
#include <services.pb-c.h>

#include "gateway/api/api.h"
#include "gateway/feed/stream.h"
#include "gateway/grpc/call.h"
#include "gateway/grpc/event_frame.h"
#include "gateway/grpc/inner.h"
#include "proto/ulid.h"

enum { MESSAGE_MAX = 4096 };

static const char *const askv[] = {"authorization", "x-request-id",
				   "user-agent", NULL};

/* Until the stream has begun. */
struct asked {
	struct inner *in;
	struct stream_conf conf;
};

static void asked_destructor(void *arg)
{
	struct asked *k = arg;

	mem_deref(k->in);
}

static void on_refused(struct inner *in, void *arg)
{
	call_end_problem(arg, inner_request(in));
}

static void start(struct call *c)
{
	struct asked *k = mem_zalloc(sizeof(*k), asked_destructor);

	c->state = k;
	if (!k || inner_alloc(&k->in, c->web, "GET", "/api/events", askv,
			      on_refused, c)) {
		call_end(c, GRPC_RESOURCE_EXHAUSTED, "out of memory");
		return;
	}
	(void)mem_ref(k);
	api_head(inner_request(k->in), c->g->api);
	mem_deref(k);
}

static void finish(struct web_req *req, enum stream_why why)
{
	static const struct {
		enum grpc_code code;
		const char *text;
	} v[] = {
		[STREAM_GONE] = {GRPC_CANCELLED, "the client went"},
		[STREAM_STOPPED] = {GRPC_UNAVAILABLE,
				    "this gateway ends: go on at another one, "
				    "after the last id"},
		[STREAM_SLOW] = {GRPC_RESOURCE_EXHAUSTED,
				 "the events are not taken as fast as they "
				 "come"},
		[STREAM_DENIED] = {GRPC_UNAUTHENTICATED,
				   "the token is no longer good for this"},
	};
	struct call *c = req->user;

	if (!c->late)
		call_end(c, v[why].code, "%s", v[why].text);
}

static const struct stream_form form = {
	.id = STREAM_GRPC,
	.type = "application/grpc",
	.hello = "",
	.make = event_frame,
	.finish = finish,
};

/* The stream has let go of the request. */
static void on_end(int err, void *arg)
{
	struct call *c = arg;

	c->g->api->streams--;
	if (err)
		call_end(c, GRPC_UNAVAILABLE, "Redis is not reachable");
	mem_deref(c->web);
}

/* The stream must go before the request has ended. */
static void stop(struct call *c)
{
	web_close_h *h = c->web->closeh;

	c->web->closeh = NULL;
	if (h)
		h(c->web, c->web->arg);
}

/* False: was ended. */
static bool read_request(struct call *c, struct stream_conf *conf,
			 const Sy__StreamEventsRequest *req)
{
	uint8_t id[ULID_BYTES];

	if (*req->after && !store_event_id_is_valid(req->after)) {
		call_end_field(c, "after",
			       "is no id of an event; allowed: an id as in "
			       "the stream, or 0-0");
		return false;
	}
	if (*req->call && ulid_read(id, req->call, strlen(req->call))) {
		call_end_field(c, "call", "is no id of a call; allowed: a "
			       "ULID");
		return false;
	}
	if (req->n_type > EVENT_TYPES_MAX) {
		call_end_field(c, "type", "has too many; allowed: 16");
		return false;
	}

	str_ncpy(conf->after, req->after, sizeof(conf->after));
	if (*req->call)
		ulid_print(conf->call, id);
	for (size_t i = 0; i < req->n_type; i++)
		conf->types.v[conf->types.n++] = req->type[i];

	return true;
}

/* It is known who it is, and that he may. */
static void on_allowed(struct web_req *req, void *arg)
{
	const struct api_req *a = req->user;
	struct call *c = arg;
	struct asked *k = c->state;
	int err;

	k->conf.form = &form;
	k->conf.endh = on_end;
	k->conf.arg = c;
	k->conf.who = a->who;
	c->web->datah = NULL; /* from here on arg is the stream's */
	c->stoph = stop;
	(void)mem_ref(c->web);
	c->g->api->streams++;
	err = feed_stream(c->g->api->feed, c->web, &k->conf);
	if (err)
		on_end(err, c);
}

static void on_message(struct call *c, const uint8_t *p, size_t len)
{
	struct asked *k = c->state;
	Sy__StreamEventsRequest *req =
		sy__stream_events_request__unpack(NULL, len, p);

	if (!req) {
		call_end(c, GRPC_INVALID_ARGUMENT,
			 "this is no StreamEventsRequest");
		return;
	}
	if (read_request(c, &k->conf, req)) {
		struct web_req *web = inner_request(k->in);

		web->allowedh = on_allowed;
		web->arg = c;
		(void)mem_ref(k);
		api_request(web, c->g->api);
		mem_deref(k);
	}
	sy__stream_events_request__free_unpacked(req, NULL);
}

const struct call_ops events_ops = {
	.max_bytes = MESSAGE_MAX,
	.start = start,
	.message = on_message,
};
