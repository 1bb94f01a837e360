/* SPDX-License-Identifier: MIT */
/* Costly calls; see toll.h. */

#include "node/toll.h"
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

	if (hub->toll && !hub_is_over(hub)) {
		const struct store_costly take = {
			.account = hub->toll->account,
			.call = hub->toll->call,
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
	if (hub->toll)
		(void)store_costly_give(bus_redis(n->bus), hub->toll->account,
					hub->toll->call);
}
