/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <openssl/sha.h>
#include <hiredis/hiredis.h>
#include <re.h>
#include "proto/script.h"
#include "proto/store.h"

enum {
	KEY_SIZE = 160,
	/* Its owner keeps it alive, see store_room_keep().  Long, since a
	 * room that lapsed while Redis was stalled would be split in two; a
	 * dead owner is replaced by not_node, not by waiting. */
	ROOM_TTL_S = 300,
};

static void call_key(char key[KEY_SIZE], const char *call_id)
{
	uint8_t md[SHA256_DIGEST_LENGTH];

	SHA256((const unsigned char *)call_id, strlen(call_id), md);
	(void)re_snprintf(key, KEY_SIZE, "sy:call:{%w}", md, (size_t)16);
}

static int room_key(char key[KEY_SIZE], const char *room)
{
	return re_snprintf(key, KEY_SIZE, "sy:room:{%s}", room) < 0
		       ? ENAMETOOLONG : 0;
}

/* -------------------------------------------------------------- reading */

static uint32_t number(const redisReply *r)
{
	return r->type == REDIS_REPLY_STRING
		       ? (uint32_t)strtoul(r->str, NULL, 10) : 0;
}

/* hub, node, instance, epoch, leg, and for the script also fresh */
static int place_read(struct store_place *pl, const redisReply *reply)
{
	redisReply **el = reply->element;

	if (reply->type != REDIS_REPLY_ARRAY || reply->elements < 5)
		return EBADMSG;
	if (el[0]->type != REDIS_REPLY_STRING)
		return ENOENT;

	memset(pl, 0, sizeof(*pl));
	str_ncpy(pl->hub, el[0]->str, sizeof(pl->hub));
	if (el[1]->type == REDIS_REPLY_STRING)
		str_ncpy(pl->node, el[1]->str, sizeof(pl->node));
	pl->instance = number(el[2]);
	pl->epoch = number(el[3]);
	pl->leg = number(el[4]);
	pl->fresh = reply->elements > 5 && number(el[5]) == 1;

	return 0;
}

/* -------------------------------------------------------------- placing */

/* A placement under way: with a room, the room first, then the call; they
 * lie in different slots, so they are two scripts.  The room is the one that
 * decides: a call record that disagrees with it (placed just before the room
 * moved) is found out by the node, which does not know the hub. */
struct placing {
	struct redis *redis;
	store_place_h *h;
	void *arg;
	char *call_id, *room, *hub, *node, *not_node, *not_hub;
	uint32_t instance, not_instance, leg, epoch;
};

static void placing_destructor(void *arg)
{
	struct placing *p = arg;

	mem_deref(p->call_id);
	mem_deref(p->room);
	mem_deref(p->hub);
	mem_deref(p->node);
	mem_deref(p->not_node);
	mem_deref(p->not_hub);
}

static int place_run(struct placing *p, const char *key, uint32_t ttl_s,
		     redis_reply_h *h)
{
	char instance[16], epoch[16], leg[16], ttl[24], not_instance[16];
	const char *argv[] = {key, p->hub, p->node, instance, epoch, leg, ttl,
			      p->not_node, not_instance, p->not_hub};

	(void)re_snprintf(instance, sizeof(instance), "%u", p->instance);
	(void)re_snprintf(epoch, sizeof(epoch), "%u", p->epoch);
	(void)re_snprintf(leg, sizeof(leg), "%u", p->leg);
	(void)re_snprintf(ttl, sizeof(ttl), "%u", ttl_s * 1000);
	(void)re_snprintf(not_instance, sizeof(not_instance), "%u",
			  p->not_instance);

	return script_run_owned(p->redis, SCRIPT_PLACE_CALL, 0, h, p, 1, 10,
				argv, NULL);
}

static void call_handler(int err, const redisReply *reply, void *arg)
{
	struct store_place pl = {.hub = ""};
	struct placing *p = arg;

	if (!err)
		err = place_read(&pl, reply);
	p->h(err, err ? NULL : &pl, p->arg);
	mem_deref(p);
}

static int place_call(struct placing *p)
{
	char key[KEY_SIZE];

	call_key(key, p->call_id);

	return place_run(p, key, STORE_CALL_TTL_S, call_handler);
}

static void room_handler(int err, const redisReply *reply, void *arg)
{
	struct store_place pl = {.hub = ""};
	struct placing *p = arg;

	if (!err)
		err = place_read(&pl, reply);
	if (!err) {
		mem_deref(p->hub);
		mem_deref(p->node);
		p->hub = p->node = NULL;
		err = str_dup(&p->hub, pl.hub);
		err |= str_dup(&p->node, pl.node);
		p->instance = pl.instance;
		p->epoch = pl.epoch;
	}
	if (!err)
		err = place_call(p);
	if (err) {
		p->h(err, NULL, p->arg);
		mem_deref(p);
	}
}

int store_place(struct redis *r, const struct store_place_req *req,
		store_place_h *h, void *arg)
{
	char key[KEY_SIZE];
	struct placing *p;
	int err;

	if (!r || !req || !h || !req->call_id || !req->hub || !req->node)
		return EINVAL;

	p = mem_zalloc(sizeof(*p), placing_destructor);
	if (!p)
		return ENOMEM;

	p->redis = r;
	p->h = h;
	p->arg = arg;
	p->instance = req->instance;
	p->not_instance = req->not_instance;
	p->leg = req->leg;
	p->epoch = 1;
	err = str_dup(&p->call_id, req->call_id);
	err |= str_dup(&p->hub, req->hub);
	err |= str_dup(&p->node, req->node);
	err |= str_dup(&p->not_node, req->not_node ? req->not_node : "");
	err |= str_dup(&p->not_hub, req->not_hub ? req->not_hub : "");
	if (!err && req->room) {
		err = room_key(key, req->room);
		if (!err)
			err = place_run(p, key, ROOM_TTL_S, room_handler);
	}
	else if (!err) {
		err = place_call(p);
	}
	if (err)
		mem_deref(p);

	return err;
}

struct getting {
	store_place_h *h;
	void *arg;
};

static void get_handler(int err, const redisReply *reply, void *arg)
{
	struct store_place pl = {.hub = ""};
	struct getting *g = arg;

	if (!err)
		err = place_read(&pl, reply);
	g->h(err, err ? NULL : &pl, g->arg);
	mem_deref(g);
}

int store_place_get(struct redis *r, const char *call_id, store_place_h *h,
		    void *arg)
{
	char key[KEY_SIZE];
	struct getting *g;
	int err;

	if (!r || !call_id || !h)
		return EINVAL;

	g = mem_zalloc(sizeof(*g), NULL);
	if (!g)
		return ENOMEM;

	g->h = h;
	g->arg = arg;
	call_key(key, call_id);
	err = redis_command(r, 0, get_handler, g,
			    "HMGET %s hub node instance epoch leg", key);
	if (err)
		mem_deref(g);
	else
		redis_arg_owned(r);

	return err;
}

static int drop(struct redis *r, const char *key, const char *hub,
		const char *ttl)
{
	const char *argv[] = {key, hub, ttl};

	return script_run(r, SCRIPT_PLACE_DROP, 0, NULL, NULL, 1, 3, argv,
			  NULL);
}

int store_place_drop(struct redis *r, const char *call_id, const char *hub)
{
	char key[KEY_SIZE];

	if (!r || !call_id || !hub)
		return EINVAL;
	call_key(key, call_id);

	return drop(r, key, hub, "0");
}

int store_room_keep(struct redis *r, const char *room, const char *hub)
{
	char key[KEY_SIZE], ttl[24];

	if (!r || !room || !hub || room_key(key, room))
		return EINVAL;
	(void)re_snprintf(ttl, sizeof(ttl), "%u", ROOM_TTL_S * 1000);

	return drop(r, key, hub, ttl);
}

static int put(struct redis *r, const char *key, uint32_t ttl_s,
	       const struct store_place *pl)
{
	char ttl[24], instance[16], epoch[16], leg[16];
	const char *argv[] = {key, pl->hub, ttl, pl->node, instance, epoch,
			      leg};

	(void)re_snprintf(ttl, sizeof(ttl), "%u", ttl_s * 1000);
	(void)re_snprintf(instance, sizeof(instance), "%u", pl->instance);
	(void)re_snprintf(epoch, sizeof(epoch), "%u", pl->epoch);
	(void)re_snprintf(leg, sizeof(leg), "%u", pl->leg);

	return script_run(r, SCRIPT_PLACE_DROP, 0, NULL, NULL, 1, 7, argv,
			  NULL);
}

int store_place_put(struct redis *r, const char *call_id,
		    const struct store_place *pl)
{
	char key[KEY_SIZE];

	if (!r || !call_id || !pl || !pl->leg)
		return EINVAL;
	call_key(key, call_id);

	return put(r, key, STORE_CALL_TTL_S, pl);
}

int store_room_put(struct redis *r, const char *room, const char *hub,
		   const char *node, uint32_t instance, uint32_t epoch)
{
	struct store_place pl = {.instance = instance, .epoch = epoch};
	char key[KEY_SIZE];

	if (!r || !room || !hub || !node || room_key(key, room))
		return EINVAL;
	str_ncpy(pl.hub, hub, sizeof(pl.hub));
	str_ncpy(pl.node, node, sizeof(pl.node));

	return put(r, key, ROOM_TTL_S, &pl);
}

int store_room_drop(struct redis *r, const char *room, const char *hub)
{
	char key[KEY_SIZE];

	if (!r || !room || !hub || room_key(key, room))
		return EINVAL;

	return drop(r, key, hub, "0");
}

int store_ring_put(struct redis *r, const char *room, const char *hub,
		   const char *node, uint32_t instance, uint32_t epoch)
{
	char key[KEY_SIZE], ttl[24], who[16], no[16];
	const char *argv[] = {key, hub, ttl, node, who, no};

	if (!r || !room || !hub || !node || room_key(key, room))
		return EINVAL;
	(void)re_snprintf(ttl, sizeof(ttl), "%u", ROOM_TTL_S * 1000);
	(void)re_snprintf(who, sizeof(who), "%u", instance);
	(void)re_snprintf(no, sizeof(no), "%u", epoch);

	return script_run(r, SCRIPT_RING_PUT, 0, NULL, NULL, 1, 6, argv,
			  NULL);
}

int store_ring_drop(struct redis *r, const char *room, const char *hub)
{
	char key[KEY_SIZE];
	const char *argv[] = {key, hub, "0", "", "0", "0"};

	if (!r || !room || !hub || room_key(key, room))
		return EINVAL;

	return script_run(r, SCRIPT_RING_PUT, 0, NULL, NULL, 1, 6, argv,
			  NULL);
}
