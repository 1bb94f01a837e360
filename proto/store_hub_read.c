/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <hiredis/hiredis.h>
#include <re.h>
#include "proto/store.h"
#include "proto/store_impl.h"

enum { LIST_MAX = 1000 };

/* -------------------------------------------------------------- reading */

/* A Call from the fields of its hash: "call", "owner", then a leg for each
 * "leg:". */
static Sy__Call *call_read(const redisReply *reply)
{
	Sy__Call *call = NULL;
	uint32_t owner = 0;
	size_t legs = 0;

	if (reply->type != REDIS_REPLY_ARRAY)
		return NULL;

	for (size_t i = 0; i + 1 < reply->elements; i += 2) {
		const redisReply *f = reply->element[i];
		const redisReply *v = reply->element[i + 1];

		if (!strncmp(f->str, "leg:", 4))
			legs++;
		else if (!strcmp(f->str, "call") && !call)
			call = sy__call__unpack(NULL, (size_t)v->len,
						(const uint8_t *)v->str);
		else if (!strcmp(f->str, "owner"))
			owner = (uint32_t)strtoul(v->str, NULL, 10);
	}
	if (call)
		call->instance = owner;
	if (!call || !legs)
		return call;

	/* freed by protobuf-c's allocator, which is malloc's */
	call->legs = calloc(legs, sizeof(*call->legs));
	for (size_t i = 0; call->legs && i + 1 < reply->elements; i += 2) {
		const redisReply *v = reply->element[i + 1];
		Sy__Leg *leg;

		if (strncmp(reply->element[i]->str, "leg:", 4))
			continue;
		leg = sy__leg__unpack(NULL, (size_t)v->len,
				      (const uint8_t *)v->str);
		if (leg)
			call->legs[call->n_legs++] = leg;
	}

	return call;
}

static int leg_cmp(const void *a, const void *b)
{
	return strcmp((*(Sy__Leg *const *)a)->id, (*(Sy__Leg *const *)b)->id);
}

Sy__Call *store_call_read(const redisReply *reply)
{
	Sy__Call *call = call_read(reply);

	if (call && call->n_legs)
		qsort(call->legs, call->n_legs, sizeof(*call->legs), leg_cmp);

	return call;
}

/*
 * Who has claimed it has not written its Call yet: node and epoch as they are
 * now stand beside it.
 */
static Sy__Call *read_as_owned(const redisReply *reply)
{
	Sy__Call *call = store_call_read(reply);

	for (size_t i = 0; call && i + 1 < reply->elements; i += 2) {
		const char *name = reply->element[i]->str;
		const char *value = reply->element[i + 1]->str;
		char *node;

		if (!strcmp(name, "epoch"))
			call->epoch = (uint32_t)strtoul(value, NULL, 10);
		if (strcmp(name, "node") || !strcmp(value, call->node))
			continue;

		/* protobuf-c's allocator is malloc's */
		node = strdup(value);
		if (!node)
			continue;
		if (call->node != protobuf_c_empty_string)
			free(call->node);
		call->node = node;
	}

	return call;
}

struct reading {
	store_call_h *h;
	void *arg;
};

static void read_handler(int err, const redisReply *reply, void *arg)
{
	struct reading *rd = arg;
	Sy__Call *call = NULL;

	if (!err) {
		call = read_as_owned(reply);
		if (!call)
			err = ENOENT;
	}
	rd->h(err, call, rd->arg);
	mem_deref(rd);
}

int store_hub_get(struct redis *r, const char *hub, store_call_h *h,
		  void *arg)
{
	struct reading *rd;
	char key[STORE_HUB_KEY_SIZE];
	int err;

	if (!r || !hub || !h)
		return EINVAL;
	if (!ulid_is_valid(hub))
		return ENOENT;

	rd = mem_zalloc(sizeof(*rd), NULL);
	if (!rd)
		return ENOMEM;

	rd->h = h;
	rd->arg = arg;
	store_hub_key(key, hub);
	err = redis_command(r, 0, read_handler, rd, "HGETALL %s", key);
	if (err)
		mem_deref(rd);
	else
		redis_arg_owned(r);

	return err;
}

/* ----------------------------------------------------------------- list */

/* A page under way: the ids, then for each its record and its latest sample
 * of quality, pipelined.  Each command under way owns a reference. */
struct listing {
	struct redis *redis;
	store_calls_h *h;
	void *arg;
	char (*idv)[ULID_LEN + 1];
	Sy__Call **callv;      /* as answered, NULL where there was none */
	size_t idc, limit, answered, sampled;
	size_t cap;            /* of callv */
	int err;
	bool more;
};

static void listing_destructor(void *arg)
{
	struct listing *l = arg;

	for (size_t i = 0; l->callv && i < l->cap; i++) {
		if (l->callv[i])
			sy__call__free_unpacked(l->callv[i], NULL);
	}
	mem_deref(l->callv);
	mem_deref(l->idv);
}

static void listing_finish(struct listing *l)
{
	size_t n = 0;
	char next[ULID_LEN + 1] = "";

	if (l->more && l->idc)
		memcpy(next, l->idv[l->idc - 1], sizeof(next));
	for (size_t i = 0; i < l->idc; i++) {
		Sy__Call *call = l->callv[i];

		l->callv[i] = NULL;
		if (call)
			l->callv[n++] = call;
	}
	l->h(l->err, l->err ? NULL : l->callv, l->err ? 0 : n,
	     *next && !l->err ? next : NULL, l->arg);
}

static void page_handler(int err, const redisReply *reply, void *arg)
{
	struct listing *l = arg;
	size_t i = l->answered++; /* replies come in the order of commands */

	if (err) {
		l->err = err;
	}
	else {
		l->callv[i] = read_as_owned(reply);
		/* an owner that vanished leaves its hub in the index */
		if (!l->callv[i])
			(void)redis_command(l->redis, 0, NULL, NULL,
					    "ZREM " STORE_KEY_HUBS " %s",
					    l->idv[i]);
	}
	mem_deref(l);
}

/* The latest sample: it comes after the record of the same hub. */
static void sample_handler(int err, const redisReply *reply, void *arg)
{
	struct listing *l = arg;
	Sy__Call *call = l->callv[l->sampled++];
	Sy__HubSample *s = err || !call ? NULL : store_quality_read(reply);

	if (s) {
		store_quality_merge(call, s);
		sy__hub_sample__free_unpacked(s, NULL);
	}
	if (l->sampled == l->idc)
		listing_finish(l);
	mem_deref(l);
}

static int ask_sample(struct listing *l, const char *id)
{
	char key[STORE_HUB_KEY_SIZE];
	int err;

	store_quality_key(key, id);
	err = redis_command(l->redis, 0, sample_handler, mem_ref(l),
			    "LINDEX %s -1", key);
	if (err)
		mem_deref(l);
	else
		redis_arg_owned(l->redis);

	return err;
}

static int ask_page(struct listing *l)
{
	char key[STORE_HUB_KEY_SIZE];

	for (size_t i = 0; i < l->idc; i++) {
		int err;

		store_hub_key(key, l->idv[i]);
		err = redis_command(l->redis, 0, page_handler, mem_ref(l),
				    "HGETALL %s", key);
		if (err) {
			mem_deref(l);
			l->idc = i; /* only these will be answered */
			return err;
		}
		redis_arg_owned(l->redis);

		err = ask_sample(l, l->idv[i]);
		if (err) {
			l->idc = i;
			return err;
		}
	}

	return 0;
}

static void ids_handler(int err, const redisReply *reply, void *arg)
{
	struct listing *l = arg;
	size_t n;

	l->err = err;
	n = err || reply->type != REDIS_REPLY_ARRAY ? 0 : reply->elements;
	l->more = n > l->limit;
	if (l->more)
		n = l->limit;
	if (n) {
		l->idv = mem_zalloc(n * sizeof(*l->idv), NULL);
		l->callv = mem_zalloc(n * sizeof(*l->callv), NULL);
		if (!l->idv || !l->callv)
			l->err = ENOMEM;
	}
	for (size_t i = 0; i < n && !l->err; i++)
		str_ncpy(l->idv[i], reply->element[i]->str,
			 sizeof(l->idv[i]));
	if (!l->err) {
		l->idc = l->cap = n;
		l->err = ask_page(l);
	}
	if (!l->idc)
		listing_finish(l);
	mem_deref(l);
}

int store_hub_list(struct redis *r, const char *cursor, size_t limit,
		   store_calls_h *h, void *arg)
{
	struct listing *l;
	char from[ULID_LEN + 2];
	int err;

	if (!r || !h || !limit || limit > LIST_MAX)
		return EINVAL;

	l = mem_zalloc(sizeof(*l), listing_destructor);
	if (!l)
		return ENOMEM;

	l->redis = r;
	l->h = h;
	l->arg = arg;
	l->limit = limit;
	(void)re_snprintf(from, sizeof(from), "%s%s", cursor ? "(" : "-",
			  cursor ? cursor : "");
	err = redis_command(r, 0, ids_handler, l,
			    "ZRANGEBYLEX " STORE_KEY_HUBS " %s + LIMIT 0 %d", from,
			    (int)limit + 1);
	if (err)
		mem_deref(l);
	else
		redis_arg_owned(r);

	return err;
}

/* ---------------------------------------------------------------- count */

int store_hub_count(struct redis *r, store_count_h *h, void *arg)
{
	return store_zcard(r, STORE_KEY_HUBS, h, arg);
}
