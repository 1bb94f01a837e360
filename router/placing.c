/* SPDX-License-Identifier: MIT */
/*
 * Placing an INVITE.
 *
 *         +--------------------- again: not that hub, not that node
 *         v                                   three times, then 503
 *   store_place() --ours, fresh--> PlaceHub --refused--> a hub of ours: again
 *         |                         ^    |                  |
 *         |                         |    +--ok--> forwarded | else, in a while
 *         |     no record, or a room|                       |
 *         |                         |                       |
 *         +--of somebody else--> seek the owner <-----------+
 *                                   |   |
 *       forwarded <-- has a record -+   +--no record, and refused before, or
 *                                          no node: again
 *
 * What was placed before is a room, or the call of a router that died in the
 * middle of this, or has forwarded an earlier copy: so PlaceHub may be sent
 * twice.  Any router gives the same answer to the same INVITE, for the record of
 * the placement decides.  A hub that has a record is never placed anew: while
 * its node is dead, and until another has adopted it, the INVITE waits; so a
 * conference is not split, and a call that rings gets no second hub.
 */

#include <stdlib.h>
#include <string.h>
#include <re.h>
#include "proto/costly.h"
#include "proto/log.h"
#include "proto/store_guard.h"
#include "router/answer.h"
#include "router/core.h"
#include "router/forward.h"
#include "router/pending.h"
#include "router/placing.h"
#include "router/toll.h"
#include "router/wire_impl.h"

enum { TRIES = 3, REFUSED_MS = 50 };

/* An INVITE that is being placed. */
struct placing {
	struct pending *p; /* owns this                          */
	uint8_t key[CACHE_KEY_BYTES];
	char *call_id;
	char *room;	 /* NULL: a hub of its own             */
	uint8_t *packed; /* PlaceHub but for hub, epoch, leg   */
	size_t packedlen;
	uint32_t leg;
	unsigned tries;
	uint64_t until_ms;	/* for the owner of a hub that exists; 0: not
				   yet asked for                      */
	bool known;		/* a hub that is there: placing_conf */
	bool refused;		/* by the node that has, or had, it   */
	char hub[ULID_LEN + 1]; /* proposed                      */
	char not_hub[ULID_LEN + 1];
	char not_node[64];
	struct costly costly;	/* rule NULL: it is free              */
	struct store_place pl;
	char node[64];       /* that PlaceHub goes to              */
	uint32_t instance;   /* of it                              */
};

static void destructor(void *arg)
{
	struct placing *pg = arg;

	mem_deref(pg->call_id);
	mem_deref(pg->room);
	free(pg->packed);
}

int placing_token(struct token *tok, const struct store_place *pl)
{
	tok->kind = TOKEN_BRANCH;
	tok->instance = pl->instance;
	tok->leg = pl->leg;
	tok->epoch = pl->epoch;

	return ulid_read(tok->hub, pl->hub, strlen(pl->hub));
}

/* ----------------------------------------------------------------- ends */

static void finish(struct placing *pg)
{
	pending_end(pg->p); /* frees pg */
}

/* Also what Redis may yet do after we gave up is undone: commands of one
 * connection keep their order. */
static void undo(void *arg)
{
	const struct placing *pg = arg;
	struct worker *w = pg->p->w;

	if (!*pg->hub || !bus_is_up(w->bus))
		return;
	(void)store_place_drop(bus_redis(w->bus), pg->call_id, pg->hub);
	if (pg->pl.fresh && strcmp(pg->pl.hub, pg->hub))
		(void)store_place_drop(bus_redis(w->bus), pg->call_id,
				       pg->pl.hub);
}

static void fail(struct placing *pg)
{
	stat_inc(&pg->p->w->stats, STAT_PLACE_FAILED);
	undo(pg);
	if (pg->costly.rule)
		(void)store_costly_give(bus_redis(pg->p->w->bus),
					pg->costly.account, pg->call_id);
	answer_later(&pg->p->m, NULL);
	finish(pg);
}

static void go_on(struct placing *pg, const Sy__Member *node)
{
	struct worker *w = pg->p->w;
	struct token tok;

	if (!node || placing_token(&tok, &pg->pl)) {
		fail(pg);
		return;
	}
	stat_inc(&w->stats, STAT_PLACED);
	cache_put(w->cache, pg->key, &tok, wire_now_ms());
	forward_to_node(&pg->p->m, &tok, node, true);
	finish(pg);
}

/* -------------------------------------------------------------- the steps */

static void place(struct placing *pg);
static void locate(struct placing *pg);

/* The node of the placement, if it lives. */
static const Sy__Member *placed_node(const struct placing *pg)
{
	return member_by_instance(pg->p->w->members, pg->pl.instance);
}

/* Is it the hub that we proposed ourselves? */
static bool is_ours(const struct placing *pg)
{
	return !strcmp(pg->pl.hub, pg->hub);
}

static void again(struct placing *pg)
{
	if (++pg->tries == TRIES) {
		fail(pg);
		return;
	}
	stat_inc(&pg->p->w->stats, STAT_PLACE_AGAIN);
	str_ncpy(pg->not_hub, pg->pl.hub, sizeof(pg->not_hub));
	str_ncpy(pg->not_node, pg->pl.node, sizeof(pg->not_node));
	pg->refused = false;
	place(pg);
}

static void locate_later(void *arg)
{
	locate(arg);
}

/* The node has no room, or is gone, or its answer did not come. */
static void refused(struct placing *pg)
{
	pg->refused = true;
	if (is_ours(pg))
		again(pg);
	else /* the hub may have moved, or be about to */
		pending_later(pg->p, REFUSED_MS, locate_later, pg);
}

static void hub_placed(const Sy__Result *res, void *arg)
{
	struct placing *pg = arg;

	(void)pending_resume(pg->p);
	log_debug("hub placed", LOG_S("call", pg->pl.hub),
		  LOG_S("node", pg->node), LOG_U("result", res->code));
	switch (res->code) {
	case SY__RESULT_CODE__OK:
		go_on(pg, member_by_instance(pg->p->w->members,
					     pg->instance));
		break;
	case SY__RESULT_CODE__NO_SUBSCRIBER:
	case SY__RESULT_CODE__UNAVAILABLE:
	case SY__RESULT_CODE__TIMED_OUT:
	case SY__RESULT_CODE__CONFLICT:
		refused(pg);
		break;
	case SY__RESULT_CODE__NOT_FOUND:
		answer(&pg->p->m, pg->known ? 481 : 404, NULL, NULL);
		finish(pg);
		break;
	default:
		answer(&pg->p->m, 500, NULL, NULL);
		finish(pg);
		break;
	}
}

/* A node takes no harm from being told twice. */
static void send_place_hub(struct placing *pg, const char *node,
			   uint32_t instance, uint32_t epoch)
{
	Sy__Envelope env = SY__ENVELOPE__INIT;
	Sy__PlaceHub *ph;
	int err;
	char *hub;

	ph = sy__place_hub__unpack(NULL, pg->packedlen, pg->packed);
	if (!ph) {
		fail(pg);
		return;
	}
	str_ncpy(pg->node, node, sizeof(pg->node));
	pg->instance = instance;
	hub = ph->hub;
	ph->hub = pg->pl.hub;
	ph->epoch = epoch;
	ph->leg_ref = pg->pl.leg;
	env.body_case = SY__ENVELOPE__BODY_PLACE_HUB;
	env.place_hub = ph;
	pending_unlimit(pg->p);
	err = bus_request_member(pg->p->w->bus, pg->node, &env, 0,
				 hub_placed, pg);
	ph->hub = hub;
	sy__place_hub__free_unpacked(ph, NULL);
	if (err)
		fail(pg);
}

static void send_place_hub_there(struct placing *pg)
{
	send_place_hub(pg, pg->pl.node, pg->pl.instance, pg->pl.epoch);
}

/* The room moved with its hub: say so, and take it from there; so its later
 * callers, and every router, make the same token. */
static void follow(struct placing *pg, const struct store_where *where)
{
	struct redis *r = bus_redis(pg->p->w->bus);

	if (++pg->tries == TRIES) {
		fail(pg);
		return;
	}
	(void)store_room_put(r, pg->room, pg->pl.hub, where->node,
			     where->instance, where->epoch);
	(void)store_place_drop(r, pg->call_id, pg->pl.hub);
	place(pg);
}

/* It goes to a hub that is there, or nowhere. */
static void join(struct placing *pg, const Sy__Member *node,
		 const struct store_where *where)
{
	if (!node || !where) {
		answer(&pg->p->m, 481, NULL, NULL);
		finish(pg);
		return;
	}
	str_ncpy(pg->pl.node, node->id, sizeof(pg->pl.node));
	pg->pl.instance = where->instance;
	pg->pl.epoch = where->epoch;
	send_place_hub_there(pg);
}

/* Its hub is no more: the tag may be of a leg that another one has now. */
static void merged(int err, const char *into, void *arg)
{
	struct placing *pg = arg;

	(void)pending_resume(pg->p);
	if (err && err != ENOENT) {
		fail(pg);
	} else if (err || ++pg->tries == TRIES) {
		join(pg, NULL, NULL);
	} else {
		str_ncpy(pg->pl.hub, into, sizeof(pg->pl.hub));
		locate(pg);
	}
}

static void ask_merged(struct placing *pg)
{
	if (store_merged_get(bus_redis(pg->p->w->bus), pg->pl.hub, merged,
			     pg))
		fail(pg);
}

static void located(enum seek_end end, const Sy__Member *node,
		    const struct store_where *where, void *arg)
{
	struct placing *pg = arg;
	const bool moved = where && (where->instance != pg->pl.instance ||
				     where->epoch != pg->pl.epoch);

	(void)pending_resume(pg->p);
	if (end == SEEK_LATE)
		fail(pg);
	else if (pg->known && end == SEEK_GONE)
		ask_merged(pg);
	else if (pg->known)
		join(pg, node, where);
	else if (end == SEEK_FOUND && !pg->room)
		go_on(pg, node);
	else if (end == SEEK_FOUND && moved && pg->pl.fresh)
		follow(pg, where);
	else if (end == SEEK_FOUND)
		send_place_hub(pg, node->id, where->instance, where->epoch);
	else if (placed_node(pg) && !pg->refused && !where)
		send_place_hub_there(pg);
	else
		again(pg);
}

/* Who has this hub, if it still, or already, has a record? */
static void locate(struct placing *pg)
{
	struct worker *w = pg->p->w;
	const uint64_t now_ms = wire_now_ms();
	uint8_t hub[ULID_BYTES];
	struct seek_conf conf = {
	    .hub = hub,
	    .urgent = true,
	    .h = located,
	    .arg = pg,
	};

	pending_unlimit(pg->p);
	if (!pg->until_ms)
		pg->until_ms = now_ms + PLACING_OWNER_MS;
	if (pg->until_ms > now_ms)
		conf.limit_ms = (uint32_t)(pg->until_ms - now_ms);
	if (!conf.limit_ms || !bus_is_up(w->bus) ||
	    ulid_read(hub, pg->pl.hub, strlen(pg->pl.hub)) ||
	    seek_start(w->seeks, &pg->p->wait, &conf)) {
		(void)pending_resume(pg->p);
		fail(pg);
	}
}

static void stored(int err, const struct store_place *pl, void *arg)
{
	struct placing *pg = arg;

	if (pl)
		pg->pl = *pl;
	else
		pg->pl.fresh = false;
	if (!pending_resume(pg->p)) {
		undo(pg);
		finish(pg);
	} else if (err) {
		fail(pg);
	} else if (pl->fresh && is_ours(pg)) {
		send_place_hub_there(pg);
	} else {
		locate(pg);
	}
}

static void place(struct placing *pg)
{
	struct worker *w = pg->p->w;
	const Sy__Member *node =
	    member_place(w->members, *pg->not_node ? pg->not_node : NULL);
	struct store_place_req req = {
	    .call_id = pg->call_id,
	    .room = pg->room,
	    .hub = pg->hub,
	    .leg = pg->leg,
	    .not_hub = *pg->not_hub ? pg->not_hub : NULL,
	};

	/* The only one: it may have refused the hub, and not a new one. */
	if (!node && *pg->not_node)
		node = member_place(w->members, NULL);
	if (!node || !bus_is_up(w->bus)) {
		fail(pg);
		return;
	}
	ulid_make(pg->hub);
	req.node = node->id;
	req.instance = node->instance;
	pending_limit(pg->p);
	if (store_place(bus_redis(w->bus), &req, stored, pg))
		fail(pg);
}

/* ----------------------------------------------------------------- start */

static int pack(struct placing *pg, const Sy__PlaceHub *ph)
{
	pg->packed = malloc(sy__place_hub__get_packed_size(ph));
	if (!pg->packed)
		return ENOMEM;
	pg->packedlen = sy__place_hub__pack(ph, pg->packed);

	return 0;
}

/* A costly call was counted, or was one too many.  Copies of this INVITE are
 * the same call. */
static void counted(int err, void *arg)
{
	struct placing *pg = arg;

	if (!pending_resume(pg->p)) {
		finish(pg);
	} else if (err == EDQUOT || err == EBUSY) {
		toll_refuse(&pg->p->m, pg->costly.account, costly_why(err));
		finish(pg);
	} else if (err) {
		fail(pg);
	} else {
		place(pg);
	}
}

static void start(struct placing *pg)
{
	const struct store_costly take = {
		.account = pg->costly.account,
		.call = pg->call_id,
		.calls_per_hour = pg->costly.calls_per_hour,
		.calls_at_a_time = pg->costly.calls_at_a_time,
	};

	if (!pg->costly.rule)
		place(pg);
	else if (store_costly_take(bus_redis(pg->p->w->bus), &take, counted,
				   pg))
		fail(pg);
}

static void place_later(void *arg)
{
	struct placing *pg = arg;

	(void)pending_resume(pg->p);
	place(pg);
}

/* How long until all rooms that there are must be known to Redis. */
static uint32_t rooms_wait_ms(const struct worker *w)
{
	const uint64_t passed_ms = wire_now_ms() - w->back_ms;

	if (!w->back_ms || passed_ms >= PLACING_ROOM_MS)
		return 0;

	return PLACING_ROOM_MS - (uint32_t)passed_ms;
}

void placing_start(struct msg *m, const struct placing_conf *conf)
{
	struct placing *pg = mem_zalloc(sizeof(*pg), destructor);
	uint32_t wait_ms;
	int err;

	if (!pg) {
		answer_later(m, NULL);
		return;
	}
	memcpy(pg->key, conf->key, sizeof(pg->key));
	pg->leg = conf->leg;
	if (conf->costly)
		pg->costly = *conf->costly;
	err = pl_strdup(&pg->call_id, &m->v->call_id);
	if (!err && conf->room)
		err = str_dup(&pg->room, conf->room);
	if (!err)
		err = pack(pg, conf->hub);
	if (!err)
		err = pending_hold(&pg->p, m);
	if (err) {
		answer_later(m, NULL);
		mem_deref(pg);
		return;
	}
	pg->p->state = pg;
	pg->p->overh = undo;
	if (conf->known) {
		pg->known = true;
		pg->pl.leg = conf->leg;
		ulid_print(pg->pl.hub, conf->known);
		locate(pg);
		return;
	}
	wait_ms = pg->room ? rooms_wait_ms(m->w) : 0;
	if (wait_ms)
		pending_later(pg->p, wait_ms, place_later, pg);
	else
		start(pg);
}
