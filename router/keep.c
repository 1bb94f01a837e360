/* SPDX-License-Identifier: MIT */
/*
 * When Redis has lost something (proto/life.h), each device is offered to it,
 * WINDOW at a time; what is there stays as it is.
 */

#include <errno.h>
#include <string.h>
#include <re.h>
#include "proto/life.h"
#include "proto/log.h"
#include "proto/store.h"
#include "router/keep.h"

#define KEY_LIFE "sy:regs:life"

enum {
	HASH_SIZE = 16384,
	WINDOW = 32,
	LOOK_TICKS = 5,
};

struct entry {
	struct le he;           /* in keep->devices, by device            */
	struct le le;           /* in keep->l or keep->todo               */
	uint64_t until_ms;      /* when its last binding lapses           */
	size_t len;
	uint8_t packed[];       /* Registration                           */
};

struct keep {
	struct bus *bus;
	const struct config *config;
	struct life *life;
	struct hash *devices;
	struct list l;          /* heard of longest ago first             */
	struct list todo;       /* the same, still to be offered to Redis */
	size_t n, max;
	size_t offered;         /* under way                              */
	size_t told;            /* offered in this round; 0: no round     */
	unsigned ticks;
	bool again;             /* not all were taken: another round      */
	bool listens;
};

/* --------------------------------------------------------------- memory */

static void entry_destructor(void *arg)
{
	struct entry *e = arg;

	hash_unlink(&e->he);
	list_unlink(&e->le);
}

static Sy__Registration *unpack(const struct entry *e)
{
	return sy__registration__unpack(NULL, e->len, e->packed);
}

/* The id is the first field of what is packed: tag, length, text. */
static bool entry_is(struct le *le, void *arg)
{
	const struct entry *e = le->data;
	const char *device = arg;
	size_t len = strlen(device);

	return e->len >= 2 + len && e->packed[1] == len &&
	       !memcmp(e->packed + 2, device, len);
}

static struct entry *find(const struct keep *k, const char *device)
{
	return list_ledata(hash_lookup(k->devices, hash_joaat_str(device),
				       entry_is, (void *)(uintptr_t)device));
}

static void forget(struct keep *k, struct entry *e)
{
	if (!e)
		return;
	k->n--;
	mem_deref(e);
}

static struct entry *oldest(const struct keep *k)
{
	return list_ledata(k->l.head ? k->l.head : k->todo.head);
}

/* Who lapses in the midst of the list goes when it is the first. */
static void forget_old(struct keep *k)
{
	const uint64_t now_ms = timestamp_now_ms();
	struct entry *e;

	while ((e = oldest(k)) && (e->until_ms <= now_ms || k->n > k->max))
		forget(k, e);
}

static uint64_t last_ms(const Sy__Registration *reg)
{
	uint64_t last = 0;

	for (size_t i = 0; i < reg->n_bindings; i++) {
		uint64_t ms = timestamp_ms(reg->bindings[i]->expires_at);

		last = ms > last ? ms : last;
	}

	return last;
}

static void remember(struct keep *k, const Sy__Registration *reg)
{
	const size_t len = sy__registration__get_packed_size(reg);
	struct entry *e;

	forget(k, find(k, reg->device));
	/* so that entry_is() reads its length from one byte */
	if (!reg->n_bindings || strlen(reg->device) > 127)
		return;
	e = mem_zalloc(sizeof(*e) + len, entry_destructor);
	if (!e)
		return;

	e->len = sy__registration__pack(reg, e->packed);
	e->until_ms = last_ms(reg);
	hash_append(k->devices, hash_joaat_str(reg->device), &e->he, e);
	list_append(&k->l, &e->le, e);
	k->n++;
	forget_old(k);
}

/* Is it remembered as registered? */
static bool is_registered(const struct keep *k, const char *device)
{
	const struct entry *e = find(k, device);

	return e && e->until_ms > timestamp_now_ms();
}

bool keep_learn(struct keep *k, const Sy__Registration *reg, bool removed)
{
	Sy__Envelope env = SY__ENVELOPE__INIT;
	bool news;

	if (!k || !reg)
		return true;

	/* nothing is remembered of who is not registered: always news */
	news = !reg->n_bindings || !is_registered(k, reg->device);
	remember(k, reg);
	if (!removed)
		return news;
	env.body_case = SY__ENVELOPE__BODY_UNREGISTERED;
	env.unregistered = (Sy__Registration *)(uintptr_t)reg;
	(void)bus_publish(k->bus, BUS_CHANNEL_REGS, &env);

	return news;
}

/* Another router removed something: what is left is what we knew. */
static void unregistered(const Sy__Envelope *env, void *arg)
{
	struct keep *k = arg;

	if (env->body_case == SY__ENVELOPE__BODY_UNREGISTERED &&
	    find(k, env->unregistered->device))
		remember(k, env->unregistered);
}

/* --------------------------------------------------------------- giving */

static void offer(struct keep *k);

static void offered(int err, void *arg)
{
	struct keep *k = arg;

	k->offered--;
	k->again |= err != 0;
	offer(k);
}

/* @return false: nothing to wait for */
static bool offer_one(struct keep *k, const struct entry *e)
{
	Sy__Registration *reg = unpack(e);
	bool sent = false;

	if (reg && (!k->config ||
		    config_device(k->config, reg->device, strlen(reg->device))))
		sent = !store_reg_again(bus_redis(k->bus), reg, offered, k);
	if (reg)
		sy__registration__free_unpacked(reg, NULL);

	return sent;
}

static void offer(struct keep *k)
{
	if (!k->told || !redis_is_up(bus_redis(k->bus)))
		return;

	while (k->todo.head && k->offered < WINDOW) {
		struct entry *e = k->todo.head->data;

		list_unlink(&e->le);
		list_append(&k->l, &e->le, e);
		if (offer_one(k, e))
			k->offered++;
	}
	if (!k->todo.head && !k->offered) {
		log_info("registrations offered to Redis again",
			 LOG_U("devices", k->told));
		k->told = 0;
	}
}

/* All of it, also what an earlier round had not come to. */
static void give(void *arg)
{
	struct keep *k = arg;

	forget_old(k);
	while (k->l.head) {
		struct entry *e = k->l.head->data;

		list_unlink(&e->le);
		list_append(&k->todo, &e->le, e);
	}
	k->told = k->n;
	offer(k);
}

/* -------------------------------------------------------------- looking */

void keep_redis_up(struct keep *k)
{
	if (!k)
		return;

	if (k->told)
		give(k); /* it was lost in the midst of it */
	life_look(k->life, true);
}

void keep_tick(struct keep *k)
{
	if (!k || !redis_is_up(bus_redis(k->bus)))
		return;

	if (k->again && !k->told) {
		k->again = false;
		give(k);
	}
	if (++k->ticks % LOOK_TICKS)
		return;
	forget_old(k);
	life_look(k->life, false);
}

/* ----------------------------------------------------------------- life */

static void destructor(void *arg)
{
	struct keep *k = arg;

	if (k->listens)
		bus_unlisten(k->bus, BUS_CHANNEL_REGS);
	list_flush(&k->l);
	list_flush(&k->todo);
	mem_deref(k->devices);
	mem_deref(k->life);
}

int keep_alloc(struct keep **kp, const struct keep_conf *conf)
{
	struct keep *k;
	int err;

	if (!kp || !conf || !conf->bus || !conf->max)
		return EINVAL;

	k = mem_zalloc(sizeof(*k), destructor);
	if (!k)
		return ENOMEM;

	k->bus = conf->bus;
	k->config = conf->config;
	k->max = conf->max;
	err = hash_alloc(&k->devices, HASH_SIZE);
	if (!err)
		err =
		    life_alloc(&k->life, bus_redis(k->bus), KEY_LIFE, give, k);
	if (!err)
		err = bus_listen(k->bus, BUS_CHANNEL_REGS, unregistered, k);
	k->listens = !err;

	if (err)
		mem_deref(k);
	else
		*kp = k;

	return err;
}

size_t keep_count(const struct keep *k)
{
	return k ? k->n : 0;
}
