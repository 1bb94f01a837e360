/* SPDX-License-Identifier: MIT */
/* Rooms: see room.h. */

#include "node/room.h"
#include "proto/store.h"

static bool has_room(const struct hub *hub)
{
	return hub->conference && hub->dest && !hub_is_over(hub);
}

void room_place(struct node *n, const struct hub *hub)
{
	if (has_room(hub))
		(void)store_room_put(bus_redis(n->bus), hub->dest->conference,
				     hub->id, n->conf.id,
				     member_instance(n->members), hub->epoch);
}

static bool keep(struct le *le, void *arg)
{
	const struct hub *hub = le->data;

	if (has_room(hub))
		(void)store_room_keep(arg, hub->dest->conference, hub->id);

	return false;
}

void room_keep_all(struct node *n)
{
	struct redis *r = bus_redis(n->bus);

	if (redis_is_up(r))
		hash_apply(n->hubs, keep, r);
}
