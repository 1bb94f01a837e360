/* SPDX-License-Identifier: MIT */
/*
 * The end of a hub: see store_hub_drop() in store.h.
 *
 *   hub_drop.lua --> cdr_put.lua --> placements, room, index, HubEnd --> set
 *
 * All but the first lies in other slots than the hub: commands of their own,
 * once the fence has let us through.  What fails is done again by who asked;
 * should that one die, by who claims the hub: its owner's set names it until
 * the last step.
 */
#include <errno.h>
#include <string.h>
#include <hiredis/hiredis.h>
#include <re.h>
#include "proto/script.h"
#include "proto/store_impl.h"

struct ending {
	struct redis *redis;
	store_h *h;
	void *arg;
	bool owns; /* arg is freed with us, unless h got it */
	char hub[ULID_LEN + 1];
	uint32_t instance; /* 0: leaves nobody's set                */
	Sy__HubEnd *end;   /* owned; NULL: what stands in Redis     */
};

static void destructor(void *arg)
{
	struct ending *e = arg;

	if (e->end)
		sy__hub_end__free_unpacked(e->end, NULL);
	if (e->owns)
		mem_deref(e->arg);
}

static void done(struct ending *e, int err)
{
	e->owns = false;
	if (e->h)
		e->h(err, e->arg);
	mem_deref(e);
}

/* ------------------------------------------------------------- other slots */

static void removed_handler(int err, const redisReply *reply, void *arg)
{
	struct ending *e = arg;
	(void)reply;

	if (!err && e->instance)
		(void)store_owned_remove(e->redis, e->instance, e->hub);
	done(e, err);
}

/* One connection: when the last of these is answered all are done. */
static int remove_all(struct ending *e)
{
	char key[STORE_HUB_KEY_SIZE];
	const char *index[] = {"ZREM", STORE_KEY_HUBS, e->hub};
	const char *last[] = {"DEL", key};
	int err = 0;

	store_end_key(key, e->hub);
	for (size_t i = 0; e->end && i < e->end->n_call_ids; i++)
		err |= store_place_drop(e->redis, e->end->call_ids[i], e->hub);
	if (e->end && *e->end->room)
		err |= store_room_drop(e->redis, e->end->room, e->hub);
	err |= redis_command_argv(e->redis, 0, NULL, NULL, 3, index, NULL);
	if (err)
		return ENOTCONN;

	err =
	    redis_command_argv(e->redis, 0, removed_handler, e, 2, last, NULL);
	if (!err)
		redis_arg_owned(e->redis);

	return err;
}

static void recorded_handler(int err, const redisReply *reply, void *arg)
{
	struct ending *e = arg;
	(void)reply;

	if (!err)
		err = remove_all(e);
	if (err)
		done(e, err);
}

/* Once: a drop whose reply was lost comes again. */
static int record(struct ending *e)
{
	const Sy__CallRecord *rec = e->end->record;
	const size_t len = sy__call_record__get_packed_size(rec);
	uint8_t *p = mem_alloc(len + 1, NULL);
	char max[16], remember[16];
	const char *argv[] = {STORE_KEY_CDR, STORE_KEY_CDR_SEEN, e->hub, max,
			      remember,	     (const char *)p};
	size_t lenv[ARRAY_SIZE(argv)];
	int err;

	if (!p)
		return ENOMEM;

	(void)sy__call_record__pack(rec, p);
	(void)re_snprintf(max, sizeof(max), "%u", STORE_CDR_MAX);
	(void)re_snprintf(remember, sizeof(remember), "%u", STORE_CDR_SEEN_MS);
	for (size_t i = 0; i < ARRAY_SIZE(argv) - 1; i++)
		lenv[i] = strlen(argv[i]);
	lenv[ARRAY_SIZE(argv) - 1] = len;

	err = script_run_owned(e->redis, SCRIPT_CDR_PUT, 0, recorded_handler, e,
			       2, ARRAY_SIZE(argv), argv, lenv);
	mem_deref(p);

	return err;
}

static int finish(struct ending *e)
{
	return e->end && e->end->record ? record(e) : remove_all(e);
}

/* ------------------------------------------------------------------- ends */

static struct ending *ending_alloc(struct redis *r, const char *hub,
				   uint32_t instance, store_h *h, void *arg)
{
	struct ending *e = mem_zalloc(sizeof(*e), destructor);

	if (!e)
		return NULL;

	e->redis = r;
	e->h = h;
	e->arg = arg;
	e->instance = instance;
	str_ncpy(e->hub, hub, sizeof(e->hub));

	return e;
}

int store_end_finish(struct redis *r, const char *hub, uint32_t instance,
		     const void *end, size_t len, store_h *h, void *arg)
{
	struct ending *e = ending_alloc(r, hub, instance, h, arg);
	int err;

	if (!e)
		return ENOMEM;

	/* one that cannot be read goes all the same */
	e->end = sy__hub_end__unpack(NULL, len, end);
	err = finish(e);
	if (err)
		mem_deref(e);
	else
		e->owns = true;

	return err;
}

static void drop_handler(int err, const redisReply *reply, void *arg)
{
	struct ending *e = arg;

	if (!err && reply->type == REDIS_REPLY_STRING && !e->end)
		e->end = sy__hub_end__unpack(NULL, reply->len,
					     (const uint8_t *)reply->str);
	else if (!err && reply->type != REDIS_REPLY_INTEGER)
		err = EBADMSG;
	else if (!err && !reply->integer)
		err = ESTALE;
	if (!err)
		err = finish(e);
	else if (err == ESTALE && e->end && e->instance)
		(void)store_owned_remove(e->redis, e->instance, e->hub);
	if (err)
		done(e, err);
}

static int drop_run(struct ending *e, uint32_t epoch, const void *p, size_t len)
{
	char key[STORE_HUB_KEY_SIZE], gone[STORE_HUB_KEY_SIZE];
	char end[STORE_HUB_KEY_SIZE];
	char text[16], owner[16], ttl[16], end_ttl[16];
	const char *argv[] = {key, gone, end, text, owner, ttl, p, end_ttl};
	size_t lenv[ARRAY_SIZE(argv)];

	store_hub_key(key, e->hub);
	store_gone_key(gone, e->hub);
	store_end_key(end, e->hub);
	(void)re_snprintf(text, sizeof(text), "%u", epoch);
	(void)re_snprintf(owner, sizeof(owner), "%u", e->instance);
	(void)re_snprintf(ttl, sizeof(ttl), "%u", STORE_GONE_TTL_S);
	(void)re_snprintf(end_ttl, sizeof(end_ttl), "%u", STORE_HUB_TTL_S);
	for (size_t i = 0; i < ARRAY_SIZE(argv); i++)
		lenv[i] = argv[i] == p ? len : strlen(argv[i]);

	return script_run_owned(e->redis, SCRIPT_HUB_DROP, 0, drop_handler, e,
				3, ARRAY_SIZE(argv), argv, lenv);
}

/* Should this be executed long after we died, our set was cleared already. */
int store_hub_drop(struct redis *r, const char *hub, uint32_t epoch,
		   const char *node, uint32_t instance, const Sy__HubEnd *end,
		   store_h *h, void *arg)
{
	struct ending *e;
	uint8_t *p;
	size_t len;
	int err = ENOMEM;

	if (!r || !hub || (end && !node))
		return EINVAL;

	len = end ? sy__hub_end__get_packed_size(end) : 0;
	p = mem_alloc(len + 1, NULL);
	e = ending_alloc(r, hub, instance, h, arg);
	if (!p || !e)
		goto out;

	if (len) {
		(void)sy__hub_end__pack(end, p);
		e->end = sy__hub_end__unpack(NULL, len, p);
		if (!e->end)
			goto out;
	}
	if (len && instance)
		err = store_owned_add(r, instance, node, hub);
	else
		err = 0;
	if (!err)
		err = drop_run(e, epoch, p, len);

out:
	mem_deref(p);
	if (err)
		mem_deref(e);

	return err;
}
