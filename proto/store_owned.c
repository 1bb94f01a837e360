/* SPDX-License-Identifier: MIT */
/* Whose hubs are whose, for when their owner is no more: see store.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <hiredis/hiredis.h>
#include <re.h>
#include "proto/store_impl.h"

#define KEY_OWNERS "sy:owners"
#define KEY_OWNED "sy:owned:{%u}"

/* A question under way; one of the handlers is set. */
struct asking {
	store_owned_h *owned;
	store_owners_h *owners;
	void *arg;
};

/* Ask; the question is owned by the command once it is sent. */
static int ask(struct redis *r, const struct asking *asking, redis_reply_h *h,
	       const char *verb, const char *key)
{
	const char *argv[] = {verb, key};
	struct asking *a = mem_zalloc(sizeof(*a), NULL);
	int err;

	if (!a)
		return ENOMEM;

	*a = *asking;
	err = redis_command_argv(r, 0, h, a, 2, argv, NULL);
	if (err)
		mem_deref(a);
	else
		redis_arg_owned(r);

	return err;
}

/* ---------------------------------------------------- hubs of a process */

static void owned_handler(int err, const redisReply *reply, void *arg)
{
	struct asking *a = arg;
	const char **hubv = NULL;
	size_t n = 0;

	if (!err && reply->type != REDIS_REPLY_ARRAY)
		err = EBADMSG;
	if (!err) {
		hubv = mem_alloc((reply->elements + 1) * sizeof(*hubv), NULL);
		err = hubv ? 0 : ENOMEM;
	}
	for (size_t i = 0; !err && i < reply->elements; i++) {
		if (ulid_is_valid(reply->element[i]->str))
			hubv[n++] = reply->element[i]->str;
	}
	a->owned(err, hubv, n, a->arg);
	mem_deref((void *)hubv);
	mem_deref(a);
}

int store_owned_list(struct redis *r, uint32_t instance, store_owned_h *h,
		     void *arg)
{
	const struct asking a = {.owned = h, .arg = arg};
	char key[32];

	if (!r || !h)
		return EINVAL;

	(void)re_snprintf(key, sizeof(key), KEY_OWNED, instance);

	return ask(r, &a, owned_handler, "SMEMBERS", key);
}

int store_owned_add(struct redis *r, uint32_t instance, const char *node,
		    const char *hub)
{
	int err;

	if (!r || !hub)
		return EINVAL;

	err = store_owners_put(r, instance, node);
	if (err)
		return err;

	return redis_command(r, 0, NULL, NULL, "SADD " KEY_OWNED " %s",
			     instance, hub);
}

int store_owned_remove(struct redis *r, uint32_t instance, const char *hub)
{
	if (!r || !hub)
		return EINVAL;

	return redis_command(r, 0, NULL, NULL, "SREM " KEY_OWNED " %s",
			     instance, hub);
}

/* ------------------------------------------------------------ processes */

static void owners_handler(int err, const redisReply *reply, void *arg)
{
	struct asking *a = arg;
	struct store_owner *v = NULL;
	size_t n = 0;

	if (!err && reply->type != REDIS_REPLY_ARRAY)
		err = EBADMSG;
	if (!err) {
		v = mem_zalloc((reply->elements + 1) * sizeof(*v), NULL);
		err = v ? 0 : ENOMEM;
	}
	for (size_t i = 0; !err && i + 1 < reply->elements; i += 2) {
		v[n].instance =
		    (uint32_t)strtoul(reply->element[i]->str, NULL, 10);
		v[n].node = reply->element[i + 1]->str;
		n += v[n].instance != 0;
	}
	a->owners(err, v, n, a->arg);
	mem_deref(v);
	mem_deref(a);
}

int store_owners_list(struct redis *r, store_owners_h *h, void *arg)
{
	const struct asking a = {.owners = h, .arg = arg};

	if (!r || !h)
		return EINVAL;

	return ask(r, &a, owners_handler, "HGETALL", KEY_OWNERS);
}

int store_owners_put(struct redis *r, uint32_t instance, const char *node)
{
	if (!r || !instance || !node)
		return EINVAL;

	return redis_command(r, 0, NULL, NULL, "HSET " KEY_OWNERS " %u %s",
			     instance, node);
}

int store_owners_drop(struct redis *r, uint32_t instance)
{
	if (!r)
		return EINVAL;

	return redis_command(r, 0, NULL, NULL, "HDEL " KEY_OWNERS " %u",
			     instance);
}
