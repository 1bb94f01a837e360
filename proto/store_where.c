/* SPDX-License-Identifier: MIT */
/* Who owns a hub: what a router asks when a token's node is gone. */

#include <errno.h>
#include <stdlib.h>
#include <hiredis/hiredis.h>
#include <re.h>
#include "proto/store_ask.h"
#include "proto/store_impl.h"

enum { DEADLINE_GONE_MS = 500 };

struct asking {
	struct redis *redis; /* borrowed: it calls us, or drops us */
	store_where_h *h;
	void *arg;
	char hub[ULID_LEN + 1];
};

static void tell(struct asking *a, int err, const struct store_where *where)
{
	a->h(err, where, a->arg);
	mem_deref(a);
}

/* node, owner, epoch */
static int where_read(struct store_where *where, const redisReply *reply)
{
	redisReply **el = reply->element;

	if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 3)
		return EBADMSG;
	for (size_t i = 0; i < 3; i++) {
		if (el[i]->type != REDIS_REPLY_STRING)
			return ENOENT;
	}
	str_ncpy(where->node, el[0]->str, sizeof(where->node));
	where->instance = (uint32_t)strtoul(el[1]->str, NULL, 10);
	where->epoch = (uint32_t)strtoul(el[2]->str, NULL, 10);

	return 0;
}

/* The tombstone: "epoch instance". */
static void gone_handler(int err, const redisReply *reply, void *arg)
{
	struct store_where where = {.node = ""};
	struct asking *a = arg;
	char *end;

	if (err) {
		tell(a, err, NULL);
		return;
	}
	if (reply->type != REDIS_REPLY_STRING) {
		tell(a, ENOENT, NULL);
		return;
	}
	where.epoch = (uint32_t)strtoul(reply->str, &end, 10);
	where.instance = (uint32_t)strtoul(end, NULL, 10);
	tell(a, ENOENT, &where);
}

static void where_handler(int err, const redisReply *reply, void *arg)
{
	struct store_where where = {.node = ""};
	struct asking *a = arg;
	char key[STORE_HUB_KEY_SIZE];

	if (!err)
		err = where_read(&where, reply);
	if (err != ENOENT) {
		tell(a, err, err ? NULL : &where);
		return;
	}
	store_gone_key(key, a->hub);
	err = redis_command(a->redis, DEADLINE_GONE_MS, gone_handler, a,
			    "GET %s", key);
	if (err)
		tell(a, err, NULL);
	else
		redis_arg_owned(a->redis);
}

int store_hub_where(struct redis *r, const char *hub, uint32_t deadline_ms,
		    store_where_h *h, void *arg)
{
	char key[STORE_HUB_KEY_SIZE];
	struct asking *a;
	int err;

	if (!r || !hub || !h)
		return EINVAL;
	if (!ulid_is_valid(hub))
		return ENOENT;

	a = mem_zalloc(sizeof(*a), NULL);
	if (!a)
		return ENOMEM;
	a->redis = r;
	a->h = h;
	a->arg = arg;
	str_ncpy(a->hub, hub, sizeof(a->hub));
	store_hub_key(key, hub);
	err = redis_command(r, deadline_ms, where_handler, a,
			    "HMGET %s node owner epoch", key);
	if (err)
		mem_deref(a);
	else
		redis_arg_owned(r);

	return err;
}

/* ----------------------------------------------------------------- merged */

int store_merged_put(struct redis *r, const char *hub, const char *into)
{
	return redis_command(r, 0, NULL, NULL, "SET sy:merged:{%s} %s EX %d",
			     hub, into, STORE_MERGED_TTL_S);
}

static void merged_handler(int err, const redisReply *reply, void *data)
{
	struct ask *a = data;

	if (!err && (reply->type != REDIS_REPLY_STRING ||
		     !ulid_is_valid(reply->str)))
		err = ENOENT;
	((store_merged_h *)a->h)(err, err ? NULL : reply->str, a->arg);
	mem_deref(a);
}

int store_merged_get(struct redis *r, const char *hub, store_merged_h *h,
		     void *arg)
{
	return ask_command(r, merged_handler, ask_alloc((ask_h *)h, arg),
			   "GET sy:merged:{%s}", hub);
}
