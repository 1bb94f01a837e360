/* SPDX-License-Identifier: MIT */
/* Lists of what has been: see history.h. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <re.h>

#include "gateway/api/api.h"
#include "gateway/api/history.h"
#include "gateway/api/query.h"
#include "proto/json_scalar.h"
#include "proto/store_past.h"

enum { PAGE = 500, TEXT_SIZE = 64 };

struct listing {
	struct api_req *a;
	const struct history_def *def;
	void *filter;
	size_t limit, n;
	size_t asked, looked; /* entries: of the page under way, so far */
	char before[STORE_EVENT_ID_SIZE]; /* look on from here           */
	char after[STORE_EVENT_ID_SIZE];
	ProtobufCMessage *msgv[API_LIMIT_MAX];
};

static void destructor(void *arg)
{
	struct listing *l = arg;

	for (size_t i = 0; i < l->n; i++)
		protobuf_c_message_free_unpacked(l->msgv[i], NULL);
	mem_deref(l->filter);
}

static void end(struct listing *l, int err, const char *next)
{
	api_listed(l->a, err, l->def->what, l->msgv, l->n, next);
	mem_deref(l);
}

/* ------------------------------------------------------------------- pages */

static void put(struct listing *l, const struct store_past *past)
{
	ProtobufCMessage *msg = protobuf_c_message_unpack(
	    l->def->desc, NULL, past->len, past->p);

	if (!msg)
		return;
	if (l->filter && !l->def->wantedh(msg, l->filter)) {
		protobuf_c_message_free_unpacked(msg, NULL);
		return;
	}
	if (l->def->idp)
		*l->def->idp(msg) = strdup(past->id);
	l->msgv[l->n++] = msg;
}

static void look(struct listing *l);

static void on_past(int err, const struct store_past *v, size_t n, void *arg)
{
	struct listing *l = arg;
	size_t i;

	for (i = 0; i < n && l->n < l->limit; i++) {
		put(l, &v[i]);
		str_ncpy(l->before, v[i].id, sizeof(l->before));
	}
	l->looked += n;

	if (err)
		end(l, err, NULL);
	else if (i == n && n < l->asked)
		end(l, 0, NULL); /* that was all */
	else if (l->n == l->limit || l->looked >= HISTORY_LOOK)
		end(l, 0, l->before);
	else
		look(l);
}

static void look(struct listing *l)
{
	int err;

	/* One more than is wanted, to know whether there are more. */
	l->asked = l->filter ? PAGE : l->limit - l->n + 1;
	err = store_past_list(view_redis(l->a->api->view), l->def->stream,
			      l->before, l->after, l->asked, on_past, l);
	if (err)
		end(l, err, NULL);
}

/* ------------------------------------------------------------------- query */

/* A time becomes the first id that it may have: nothing has that very one, so
 * it is left out of no range.  @return false: neither time nor id. */
static bool read_id(char id[STORE_EVENT_ID_SIZE], const char *text)
{
	int64_t seconds;
	int32_t nanos;

	if (!*text || store_event_id_is_valid(text)) {
		str_ncpy(id, text, STORE_EVENT_ID_SIZE);
		return true;
	}
	if (!json_time_read(&seconds, &nanos, text) || seconds < 0)
		return false;
	(void)re_snprintf(id, STORE_EVENT_ID_SIZE, "%lld-0",
			  (long long)seconds * 1000 + nanos / 1000000);

	return true;
}

static bool read_end(struct api_req *a, const char *name,
		     char id[STORE_EVENT_ID_SIZE])
{
	const struct problem_field bad = {
	    .field = name,
	    .cause = "is no time",
	    .allowed = "2026-01-31T12:00:00Z, or a cursor of this list",
	};
	char text[TEXT_SIZE];

	if (!query_text(a, name, text, sizeof(text)))
		return false;
	if (read_id(id, text))
		return true;
	(void)problem_fields(a->web, &bad, 1);

	return false;
}

static bool read_query(struct listing *l)
{
	static const struct problem_field bad = {
	    .field = "cursor",
	    .cause = "is not one that this list gave",
	    .allowed = "the nextCursor of a list",
	};
	char cursor[STORE_EVENT_ID_SIZE];

	if (!api_page(l->a, &l->limit, cursor, sizeof(cursor)) ||
	    !read_end(l->a, "before", l->before) ||
	    !read_end(l->a, "after", l->after))
		return false;
	if (!*cursor)
		return true;
	if (!store_event_id_is_valid(cursor)) {
		(void)problem_fields(l->a->web, &bad, 1);
		return false;
	}
	str_ncpy(l->before, cursor, sizeof(l->before));

	return true;
}

void history_list(struct api_req *a, const struct history_def *def,
		  void *filter)
{
	struct listing *l = mem_zalloc(sizeof(*l), destructor);

	if (!l) {
		mem_deref(filter);
		api_reply_err(a, ENOMEM, def->what);
		return;
	}

	l->a = a;
	l->def = def;
	l->filter = filter;
	if (!read_query(l)) {
		mem_deref(l);
		return;
	}
	api_hold(a);
	look(l);
}
