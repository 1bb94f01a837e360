/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <hiredis/hiredis.h>
#include <re.h>
#include "proto/store_trunk.h"

#define KEY "sy:trunks"

struct asking {
	store_trunks_h *h;
	void *arg;
	bool one;     /* the reply is the value alone */
};

static void asking_destructor(void *arg)
{
	struct asking *a = arg;

	mem_deref(a->arg);
}

int store_trunk_put(struct bus *b, const Sy__TrunkState *ts)
{
	Sy__Envelope env = SY__ENVELOPE__INIT;
	uint8_t *p;
	size_t len;
	int err;

	if (!b || !ts || !ts->trunk[0])
		return EINVAL;

	len = sy__trunk_state__get_packed_size(ts);
	p = mem_alloc(len, NULL);
	if (!p)
		return ENOMEM;
	sy__trunk_state__pack(ts, p);
	err = redis_command(bus_redis(b), 0, NULL, NULL, "HSET %s %s %b", KEY,
			    ts->trunk, p, len);
	mem_deref(p);
	if (err)
		return err;

	env.body_case = SY__ENVELOPE__BODY_TRUNK_STATE;
	env.trunk_state = (Sy__TrunkState *)(uintptr_t)ts;

	return bus_publish(b, BUS_CHANNEL_TRUNKS, &env);
}

int store_trunk_drop(struct bus *b, const char *trunk)
{
	Sy__TrunkState ts = SY__TRUNK_STATE__INIT;
	Sy__Envelope env = SY__ENVELOPE__INIT;
	int err;

	if (!b || !trunk)
		return EINVAL;

	err = redis_command(bus_redis(b), 0, NULL, NULL, "HDEL %s %s", KEY,
			    trunk);
	if (err)
		return err;
	ts.trunk = (char *)(uintptr_t)trunk;
	ts.removed = true;
	env.body_case = SY__ENVELOPE__BODY_TRUNK_STATE;
	env.trunk_state = &ts;

	return bus_publish(b, BUS_CHANNEL_TRUNKS, &env);
}

static void add(Sy__TrunkState **v, size_t *n, const redisReply *r)
{
	if (r->type != REDIS_REPLY_STRING)
		return;
	v[*n] = sy__trunk_state__unpack(NULL, r->len,
					(const uint8_t *)r->str);
	*n += v[*n] != NULL;
}

static void list_handler(int err, const redisReply *reply, void *arg)
{
	struct asking *a = arg;
	Sy__TrunkState **v = NULL;
	size_t n = 0, max;

	if (!err && !a->one && reply->type != REDIS_REPLY_ARRAY)
		err = EBADMSG;
	max = err ? 0 : a->one ? 1 : reply->elements / 2;
	if (max) {
		v = mem_zalloc(max * sizeof(*v), NULL);
		if (!v)
			err = ENOMEM;
	}
	if (v && a->one)
		add(v, &n, reply);
	for (size_t i = 0; v && !a->one && i < max; i++)
		add(v, &n, reply->element[2 * i + 1]);

	a->h(err, v, n, a->arg);
	a->arg = NULL;

	while (n)
		sy__trunk_state__free_unpacked(v[--n], NULL);
	mem_deref(v);
	mem_deref(a);
}

static int ask(struct redis *r, const char *trunk, store_trunks_h *h,
	       void *arg)
{
	struct asking *a;
	int err;

	if (!r || !h)
		return EINVAL;

	a = mem_zalloc(sizeof(*a), asking_destructor);
	if (!a)
		return ENOMEM;
	a->h = h;
	a->arg = arg;
	a->one = trunk != NULL;
	err = trunk ? redis_command(r, 0, list_handler, a, "HGET %s %s", KEY,
				    trunk)
		    : redis_command(r, 0, list_handler, a, "HGETALL %s", KEY);
	if (err) {
		a->arg = NULL;
		mem_deref(a);
	} else {
		redis_arg_owned(r);
	}

	return err;
}

int store_trunk_list(struct redis *r, store_trunks_h *h, void *arg)
{
	return ask(r, NULL, h, arg);
}

int store_trunk_get(struct redis *r, const char *trunk, store_trunks_h *h,
		    void *arg)
{
	return trunk ? ask(r, trunk, h, arg) : EINVAL;
}
