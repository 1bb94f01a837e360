/* SPDX-License-Identifier: MIT */
/*
 * A call goes into a conference: its room is placed as for any caller, which
 * tells its hub or makes a new one here; then both are joined.
 */

#include <string.h>
#include "node/leg_sip.h"
#include "node/transfer_impl.h"
#include "proto/log.h"
#include "proto/store.h"

/* The room is being asked for. */
struct asking {
	struct node *node; /* outlives its connection to Redis */
	char hub[ULID_LEN + 1];
	char leg[ULID_LEN + 1];
	char room[128];
	char id[ULID_LEN + 1]; /* proposed hub; and the Call-ID of nobody */
	struct bus_request *req;
};

static void destructor(void *data)
{
	struct asking *a = data;

	if (a->req)
		bus_replyf(a->req, SY__RESULT_CODE__UNAVAILABLE, "no Redis");
}

static int make_hub(struct node *n, const struct asking *a,
		    const struct store_place *pl)
{
	Sy__Destination dest = SY__DESTINATION__INIT;
	const struct hub_conf conf = {
	    .id = pl->hub,
	    .epoch = pl->epoch,
	    .dest = &dest,
	    .caller = "",
	    .called = a->room,
	};
	struct hub *hub;

	if (node_hub(n, pl->hub))
		return 0;

	dest.kind_case = SY__DESTINATION__KIND_CONFERENCE;
	dest.conference = (char *)a->room;

	return node_hub_alloc(&hub, n, &conf);
}

static uint16_t join(struct asking *a, const struct store_place *pl)
{
	struct node *n = a->node;
	struct hub *hub = node_hub(n, a->hub), *room;
	struct transfer_conf conf = {
	    .leg = hub ? hub_leg(hub, a->leg) : NULL,
	    .by = "",
	    .req = a->req,
	};
	uint16_t code;

	if (!conf.leg)
		return 480;
	/* A fresh placement may still name the hub of a room that is there. */
	if (!strcmp(pl->hub, a->id) && make_hub(n, a, pl))
		return 500;

	code = transfer_join(n, &conf, pl->hub);
	if (!code)
		a->req = NULL;
	room = node_hub(n, pl->hub);
	if (code && room)
		hub_check(room, 500, "nobody came");

	return code;
}

static void placed(int err, const struct store_place *pl, void *arg)
{
	struct asking *a = arg;
	struct hub *hub = node_hub(a->node, a->hub);
	struct leg *leg;
	uint16_t code = 503;

	/* No INVITE will ask where this one was placed; the room stays. */
	if (!err)
		(void)store_place_drop(bus_redis(a->node->bus), a->id, pl->hub);
	if (!err)
		code = join(a, pl);
	if (hub && hub->awaited)
		--hub->awaited;
	if (hub && code)
		hub_check(hub, code, "transfer failed");

	leg = hub && code ? hub_leg(hub, a->leg) : NULL;
	if (leg)
		leg_sip_refer_over(leg, code);
	mem_deref(a);
}

uint16_t transfer_conference(struct node *n, const struct transfer_conf *conf,
			     const char *room)
{
	struct asking *a = mem_zalloc(sizeof(*a), destructor);
	struct store_place_req req = {
	    .room = room,
	    .node = n->conf.id,
	    .instance = member_instance(n->members),
	};

	if (!a)
		return 500;

	a->node = n;
	str_ncpy(a->hub, conf->leg->hub->id, sizeof(a->hub));
	str_ncpy(a->leg, conf->leg->info.id, sizeof(a->leg));
	str_ncpy(a->room, room, sizeof(a->room));
	ulid_make(a->id);
	req.call_id = req.hub = a->id;
	if (store_place(bus_redis(n->bus), &req, placed, a)) {
		mem_deref(a);
		return 503;
	}

	a->req = conf->req;
	++conf->leg->hub->awaited;
	return 0;
}
