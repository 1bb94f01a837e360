/* SPDX-License-Identifier: MIT */
/* Picking up: see pickup.h. */

#include <string.h>
#include "node/app/app.h"
#include "node/app/pickup.h"
#include "proto/dialplan.h"
#include "proto/log.h"
#include "proto/store.h"

enum { ROOM_MAX = 160 };

bool app_is_pickup(const Sy__PlaceHub *place)
{
	return place->destination && place->destination->kind_case ==
					 SY__DESTINATION__KIND_PICKUP;
}

/* Without a rule for it nobody can: then Redis is not told either. */
static bool is_used(const struct node *n)
{
	const Sy__Config *conf = config_get(n->config);

	for (size_t i = 0; conf && i < conf->n_routes; i++) {
		const Sy__Destination *d = conf->routes[i]->target;

		if (d && d->kind_case == SY__DESTINATION__KIND_PICKUP)
			return true;
	}

	return false;
}

static const Sy__Device *device(const struct node *n, const char *id)
{
	return config_device(n->config, id, strlen(id));
}

static bool rings(const struct leg *leg)
{
	return leg_is_device(&leg->info) &&
	       leg->info.direction == SY__DIRECTION__OUTBOUND;
}

/* The two rooms of a device; the second may be "". */
static void rooms(char v[2][ROOM_MAX], const struct node *n,
		  const struct leg *leg)
{
	const Sy__Device *dev = device(n, leg->info.user);

	v[0][0] = v[1][0] = '\0';
	(void)re_snprintf(v[0], ROOM_MAX, DIALPLAN_RINGING "%s",
			  leg->info.user);
	if (dev && dev->pickup_group[0])
		(void)re_snprintf(v[1], ROOM_MAX, DIALPLAN_RINGING "group:%s",
				  dev->pickup_group);
}

void pickup_added(struct node *n, const struct leg *leg)
{
	const struct hub *hub = leg->hub;
	char v[2][ROOM_MAX];

	if (!rings(leg) || leg_is(leg, SY__LEG_STATE__LEG_ANSWERED) ||
	    !is_used(n))
		return;
	rooms(v, n, leg);
	for (size_t i = 0; i < 2; i++) {
		if (v[i][0])
			(void)store_ring_put(bus_redis(n->bus), v[i], hub->id,
					     n->conf.id,
					     member_instance(n->members),
					     hub->epoch);
	}
}

/* Another phone of the same room rings in this call. */
static bool goes_on(const struct node *n, const struct leg *leg,
		    const char *room)
{
	char v[2][ROOM_MAX];

	for (struct le *le = list_head(&leg->hub->legs); le; le = le->next) {
		const struct leg *other = le->data;

		if (other == leg || !rings(other) ||
		    leg_is(other, SY__LEG_STATE__LEG_ANSWERED) ||
		    leg_is(other, SY__LEG_STATE__LEG_ENDED))
			continue;
		rooms(v, n, other);
		if (!strcmp(v[0], room) || !strcmp(v[1], room))
			return true;
	}

	return false;
}

void pickup_over(struct node *n, const struct leg *leg)
{
	char v[2][ROOM_MAX];

	if (!rings(leg) || !is_used(n))
		return;
	rooms(v, n, leg);
	for (size_t i = 0; i < 2; i++) {
		if (v[i][0] && !goes_on(n, leg, v[i]))
			(void)store_ring_drop(bus_redis(n->bus), v[i],
					      leg->hub->id);
	}
}

/* The hunt of the leg that is to be picked; NULL: none rings. */
static struct hunt *find(const struct node *n, const struct hub *hub,
			 const char *who, const char *group)
{
	for (struct le *le = list_head(&hub->legs); le; le = le->next) {
		const struct leg *leg = le->data;
		const Sy__Device *dev;

		if (!leg->hunt || !rings(leg))
			continue;
		dev = device(n, leg->info.user);
		if (group ? dev && !strcmp(dev->pickup_group, group) :
			    !strcmp(leg->info.user, who))
			return leg->hunt;
	}

	return NULL;
}

uint16_t app_pickup(struct node *n, const struct app_call *call)
{
	const char *who = call->dest->pickup;
	const bool group = !strncmp(who, "group:", 6);
	struct hunt *hunt = group && !who[6] ? NULL :
				find(n, call->hub, who, group ? who + 6 : NULL);

	if (!hunt)
		return 404; /* nothing rings there (any more) */
	mem_ref(hunt);
	if (leg_answer(call->leg)) {
		mem_deref(hunt);
		return 500;
	}
	log_info("call picked up", LOG_S("call", call->hub->id),
		 LOG_S("leg", call->leg->info.id));
	hunt_pick(hunt, call->leg);
	mem_deref(hunt);

	return 0;
}
