/* SPDX-License-Identifier: MIT */
/* Costly calls; see toll.h. */

#include "node/toll.h"
#include "proto/log.h"
#include "proto/store_guard.h"

/* A call that runs is not refused; a lease that lapsed is made anew. */
static void renewed(int err, void *arg)
{
	(void)err;
	(void)arg;
}

static bool renew(struct le *le, void *arg)
{
	const struct hub *hub = le->data;
	const struct node *n = arg;

	for (size_t i = 0; i < hub->tollc && !hub_is_over(hub); i++) {
		const struct store_costly take = {
			.account = hub->tollv[i]->account,
			.call = hub->tollv[i]->call,
		};

		(void)store_costly_take(bus_redis(n->bus), &take, renewed,
					NULL);
	}

	return false;
}

void toll_renew_all(struct node *n)
{
	if (redis_is_up(bus_redis(n->bus)))
		(void)hash_apply(n->hubs, renew, n);
}

void toll_give(struct node *n, const struct hub *hub)
{
	for (size_t i = 0; i < hub->tollc; i++)
		(void)store_costly_give(bus_redis(n->bus),
					hub->tollv[i]->account,
					hub->tollv[i]->call);
}

void toll_refused(struct node *n, const struct hub *hub, const char *account,
		  const char *number, const char *why)
{
	Google__Protobuf__Timestamp at = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
	Sy__Event ev = SY__EVENT__INIT;

	timestamp_set_ms(&at, timestamp_now_ms());
	ev.at = &at;
	ev.type = SY__EVENT_TYPE__TOLL_DENIED;
	ev.member = (char *)(uintptr_t)n->conf.id;
	if (hub)
		ev.call_id = (char *)(uintptr_t)hub->id;
	ev.account = (char *)(uintptr_t)account;
	ev.number = (char *)(uintptr_t)number;
	ev.reason = (char *)(uintptr_t)why;
	(void)store_event(bus_redis(n->bus), &ev);
	metric_inc(n->met.tolls_refused);
	log_info("costly call refused", LOG_S("call", hub ? hub->id : ""),
		 LOG_S("account", account), LOG_S("reason", why));
}
