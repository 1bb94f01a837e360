/* SPDX-License-Identifier: MIT */
/* GET /api/subscriptions: which phones watch what. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <re.h>

#include "gateway/api/api.h"
#include "proto/store_sub.h"

static void show(Sy__Watch *w, const struct view *view,
		 const Sy__Subscription *sub)
{
	const Sy__Member *router =
	    member_by_instance(view_members(view), sub->instance);

	sy__watch__init(w);
	w->id = sub->id;
	w->event = sub->event;
	w->resource = sub->resource;
	w->device = sub->device;
	w->since = sub->since;
	w->expires_at = sub->expires_at;
	w->contact = sub->contact;
	w->user_agent = sub->user_agent;
	if (router)
		w->router = router->id;
}

static void reply(struct api_req *a, Sy__Subscription *const *subv, size_t n,
		  const char *next)
{
	Sy__Watch *v = calloc(n + 1, sizeof(*v));
	const ProtobufCMessage **msgv = calloc(n + 1, sizeof(*msgv));

	for (size_t i = 0; v && msgv && i < n; i++) {
		show(&v[i], a->api->view, subv[i]);
		msgv[i] = &v[i].base;
	}
	if (v && msgv)
		api_reply_list(a, msgv, n, next);
	else
		api_reply_err(a, ENOMEM, "subscription");
	free(v);
	free(msgv);
}

static void on_list(int err, Sy__Subscription *const *subv, size_t n,
		    const char *next, void *arg)
{
	struct api_req *a = arg;

	if (err)
		api_reply_err(a, err, "subscription");
	else
		reply(a, subv, n, next);
	api_release(a);
}

void api_subscriptions_list(struct api_req *a)
{
	static const struct problem_field bad_cursor = {
		"cursor", "is none of ours", "nextCursor of the page before"};
	char cursor[ROUTE_PARAM_SIZE];
	size_t limit;
	int err;

	if (!api_page(a, &limit, cursor, sizeof(cursor)))
		return;

	api_hold(a);
	err = store_sub_list(view_redis(a->api->view),
			     *cursor ? cursor : NULL, limit, on_list, a);
	if (err == EBADMSG)
		(void)problem_fields(a->web, &bad_cursor, 1);
	else if (err)
		api_reply_err(a, err, "subscription");
	if (err)
		api_release(a);
}
