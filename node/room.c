/* SPDX-License-Identifier: MIT */
/* Rooms: see room.h. */

#include "node/room.h"
#include "proto/store.h"

static bool has_room(const struct hub *hub)
{
	return hub->conference && hub->dest && !hub_is_over(hub);
}

static void place_handler(int err, const struct store_place *pl, void *arg)
{
	(void)err;
	(void)pl;
	(void)arg;
}

/* A room is placed with a call that leads to it. */
void room_place(struct node *n, const struct hub *hub)
{
	const struct le *le;

	if (!has_room(hub))
		return;

	for (le = list_head(&hub->legs); le; le = le->next) {
		const struct leg *leg = le->data;
		struct store_place_req req = {
			.room = hub->dest->conference,
			.hub = hub->id,
			.node = n->conf.id,
			.instance = member_instance(n->members),
			.leg = leg->ref,
		};

		if (leg->ops->call_id)
			req.call_id = leg->ops->call_id(leg);
		if (!req.call_id)
			continue;

		(void)store_place(bus_redis(n->bus), &req, place_handler,
				  NULL);
		return;
	}
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
