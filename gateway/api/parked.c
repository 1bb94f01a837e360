/* SPDX-License-Identifier: MIT */
/*
 * GET /api/parked: who waits at parking places.  It is read from the calls'
 * records, page by page; a request reads so many and then gives a cursor, also
 * when it found less than was asked for.
 */

#include <errno.h>
#include <string.h>
#include <re.h>

#include "gateway/api/api.h"
#include "proto/dialplan.h"
#include "proto/schema_copy.h"
#include "proto/store.h"

enum { PAGE = 500, PAGES_MAX = 20 };

struct listing {
	struct api_req *a;        /* held */
	size_t limit, n;
	unsigned pages;
	ProtobufCMessage *v[API_LIMIT_MAX];
	char next[ULID_LEN + 1];  /* "": that was all */
};

static void destructor(void *data)
{
	struct listing *l = data;

	for (size_t i = 0; i < l->n; i++)
		protobuf_c_message_free_unpacked(l->v[i], NULL);
}

static const Sy__Leg *waits(const Sy__Call *call)
{
	for (size_t i = 0; i < call->n_legs; i++) {
		if (call->legs[i]->state == SY__LEG_STATE__LEG_ANSWERED)
			return call->legs[i];
	}

	return NULL;
}

static const char *place(const Sy__Call *call)
{
	static const char head[] = "conference:" DIALPLAN_PARK;
	const size_t n = sizeof(head) - 1;

	return strncmp(call->destination, head, n) ? "" :
						      call->destination + n;
}

static int add(struct listing *l, const Sy__Call *call)
{
	const Sy__Leg *leg = waits(call);
	Sy__ParkedCall pc = SY__PARKED_CALL__INIT;

	if (!call->parked || !leg)
		return 0;

	pc.call = call->id;
	pc.place = (char *)(uintptr_t)place(call);
	pc.leg = leg->id;
	pc.user = leg->user;
	pc.display_name = leg->display_name;
	pc.by = call->parked->by;
	pc.since = call->parked->since;
	pc.recall_at = call->parked->recall_at;
	pc.recalling = pc.by[0] && !pc.recall_at;
	l->v[l->n] = schema_copy(&pc.base);
	if (!l->v[l->n])
		return ENOMEM;
	l->n++;

	return 0;
}

static void end(struct listing *l, int err)
{
	struct api_req *a = l->a;

	if (err)
		api_reply_err(a, err, "call");
	else
		api_reply_list(a, (const ProtobufCMessage *const *)l->v, l->n,
			       l->next[0] ? l->next : NULL);
	mem_deref(l);
	api_release(a);
}

static void on_page(int err, Sy__Call *const *callv, size_t callc,
		    const char *next, void *arg)
{
	struct listing *l = arg;
	size_t i = 0;

	for (; !err && i < callc && l->n < l->limit; i++)
		err = add(l, callv[i]);
	l->next[0] = '\0';
	if (!err && i < callc)
		str_ncpy(l->next, callv[i - 1]->id, sizeof(l->next));
	else if (!err && next)
		str_ncpy(l->next, next, sizeof(l->next));

	if (err || !l->next[0] || l->n == l->limit ||
	    ++l->pages == PAGES_MAX) {
		end(l, err);
		return;
	}
	err = store_hub_list(view_redis(l->a->api->view), l->next, PAGE,
			     on_page, l);
	if (err)
		end(l, err);
}

void api_parked_list(struct api_req *a)
{
	static const struct problem_field bad_cursor = {
		"cursor", "is none of ours", "nextCursor of the page before"};
	char cursor[ROUTE_PARAM_SIZE];
	struct listing *l;
	size_t limit;
	int err;

	if (!api_page(a, &limit, cursor, sizeof(cursor)))
		return;
	if (*cursor && !ulid_is_valid(cursor)) {
		(void)problem_fields(a->web, &bad_cursor, 1);
		return;
	}
	l = mem_zalloc(sizeof(*l), destructor);
	if (!l) {
		api_reply_err(a, ENOMEM, "call");
		return;
	}
	l->a = a;
	l->limit = limit;
	api_hold(a);
	err = store_hub_list(view_redis(a->api->view),
			     *cursor ? cursor : NULL, PAGE, on_page, l);
	if (err)
		end(l, err);
}
