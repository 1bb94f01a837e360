/* SPDX-License-Identifier: MIT */
/* GET /api/events: as JSON what has happened, newest first; else the stream
 * of what happens (events.c). */

#include <errno.h>
#include <string.h>
#include <re.h>

#include "gateway/api/api.h"
#include "gateway/api/check.h"
#include "gateway/api/history.h"
#include "gateway/api/query.h"
#include "proto/store_past.h"

enum { WORD_SIZE = 128 };

struct filter {
	struct event_types types;
	char call[ULID_LEN + 1];
	char member[WORD_SIZE];
};

static bool is_wanted(const ProtobufCMessage *msg, const void *filter)
{
	const Sy__Event *ev = (const Sy__Event *)msg;
	const struct filter *f = filter;

	return event_types_have(&f->types, ev->type) &&
	       (!*f->call || !strcmp(f->call, ev->call_id)) &&
	       (!*f->member || !strcmp(f->member, ev->member));
}

static char **id_of(ProtobufCMessage *msg)
{
	return &((Sy__Event *)msg)->id;
}

static bool read_filter(struct api_req *a, struct filter *f)
{
	return query_call(a, f->call) && query_event_types(a, &f->types) &&
	       query_text(a, "member", f->member, WORD_SIZE);
}

void api_events_list(struct api_req *a)
{
	static const struct history_def def = {
	    .stream = STORE_EVENTS,
	    .what = "event",
	    .desc = &sy__event__descriptor,
	    .wantedh = is_wanted,
	    .idp = id_of,
	};
	struct filter *f = mem_zalloc(sizeof(*f), NULL);

	if (!f) {
		api_reply_err(a, ENOMEM, "event");
		return;
	}
	if (!read_filter(a, f))
		mem_deref(f);
	else if (f->types.n || *f->call || *f->member)
		history_list(a, &def, f);
	else {
		mem_deref(f);
		history_list(a, &def, NULL);
	}
}

void api_events_get(struct api_req *a)
{
	const char *accept = web_header(a->web, "accept");
	char format[16];
	bool json;

	if (!query_choice(a, "format", format, sizeof(format), "json|sse"))
		return;
	json = *format ? !strcmp(format, "json")
		       : accept_weight(accept, "application/json") >
				 accept_weight(accept, "text/event-stream");
	if (json)
		api_events_list(a);
	else
		api_events_stream(a);
}
