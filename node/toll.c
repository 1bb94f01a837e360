/* SPDX-License-Identifier: MIT */
/* Costly calls; see toll.h. */

#include <string.h>
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

/* ------------------------------------------------- while the call goes on */

static bool has_leg(const struct hub *hub, const char *number)
{
	const struct le *le;

	for (le = list_head(&hub->legs); le; le = le->next) {
		const struct leg_info *info = &((struct leg *)le->data)->info;

		if (info->trunk[0] && !strcmp(info->user, number))
			return true;
	}

	return false;
}

static bool has_hunt(const struct hub *hub, const char *number)
{
	const struct le *le;

	for (le = list_head(&hub->hunts); le; le = le->next) {
		const struct hunt *hunt = le->data;
		const Sy__Destination *dest =
			hunt->what ? hunt->what->target : NULL;

		if (dest &&
		    dest->kind_case == SY__DESTINATION__KIND_EXTERNAL &&
		    !strcmp(dest->external->number, number))
			return true;
	}

	return false;
}

void toll_sweep(struct node *n, struct hub *hub)
{
	size_t i = 0;

	while (i < hub->tollc && !hub->restore) {
		const Sy__Toll *toll = hub->tollv[i];

		if (!toll->number[0] || has_leg(hub, toll->number) ||
		    has_hunt(hub, toll->number)) {
			i++;
			continue;
		}
		(void)store_costly_give(bus_redis(n->bus), toll->account,
					toll->call);
		hub_drop_toll(hub, i);
	}
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
