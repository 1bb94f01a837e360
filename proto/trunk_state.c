/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>
#include <re.h>
#include "proto/log.h"
#include "proto/schema_copy.h"
#include "proto/store_trunk.h"
#include "proto/trunk_state.h"

enum { HASH_SIZE = 256 };

struct entry {
	struct le le;         /* in ts->h, by trunk */
	Sy__TrunkState *msg;  /* owned              */
};

struct trunk_states {
	struct bus *bus;      /* borrowed           */
	struct hash *h;
	struct asking *asking; /* owned by itself; NULL: nothing is read */
	bool listens;
};

/* A read that is under way; it outlives who asked. */
struct asking {
	struct trunk_states *ts; /* NULL: gone */
};

static void entry_destructor(void *arg)
{
	struct entry *e = arg;

	hash_unlink(&e->le);
	if (e->msg)
		sy__trunk_state__free_unpacked(e->msg, NULL);
}

static bool is_trunk(struct le *le, void *arg)
{
	const struct entry *e = le->data;

	return !strcmp(e->msg->trunk, arg);
}

static struct entry *find(const struct trunk_states *ts, const char *trunk)
{
	return list_ledata(hash_lookup(ts->h, hash_joaat_str(trunk), is_trunk,
				       (void *)(uintptr_t)trunk));
}

static void learn(struct trunk_states *ts, const Sy__TrunkState *msg)
{
	struct entry *e;

	mem_deref(find(ts, msg->trunk));
	if (msg->removed)
		return;
	e = mem_zalloc(sizeof(*e), entry_destructor);
	if (!e)
		return;
	e->msg = schema_copy(&msg->base);
	if (!e->msg) {
		mem_deref(e);
		return;
	}
	hash_append(ts->h, hash_joaat_str(e->msg->trunk), &e->le, e);
}

static void on_message(const Sy__Envelope *env, void *arg)
{
	if (env->body_case == SY__ENVELOPE__BODY_TRUNK_STATE)
		learn(arg, env->trunk_state);
}

/* What is missing there was dropped while we did not listen. */
static void on_list(int err, Sy__TrunkState *const *v, size_t n, void *arg)
{
	struct asking *a = arg;
	struct trunk_states *ts = a->ts;

	if (ts && !err) {
		hash_flush(ts->h);
		for (size_t i = 0; i < n; i++)
			learn(ts, v[i]);
	}
	if (ts)
		ts->asking = NULL;
	mem_deref(a);
}

void trunk_states_redis_up(struct trunk_states *ts)
{
	struct asking *a;

	if (!ts)
		return;
	if (ts->asking) /* its connection may be gone: ask anew */
		ts->asking->ts = NULL;
	ts->asking = NULL;

	a = mem_zalloc(sizeof(*a), NULL);
	if (!a)
		return;
	a->ts = ts;
	if (store_trunk_list(bus_redis(ts->bus), on_list, a)) {
		mem_deref(a);
		return;
	}
	ts->asking = a;
}

static void destructor(void *arg)
{
	struct trunk_states *ts = arg;

	if (ts->asking)
		ts->asking->ts = NULL;
	if (ts->listens)
		bus_unlisten(ts->bus, BUS_CHANNEL_TRUNKS);
	if (ts->h)
		hash_flush(ts->h);
	mem_deref(ts->h);
}

int trunk_states_alloc(struct trunk_states **tsp, struct bus *bus)
{
	struct trunk_states *ts;
	int err;

	if (!tsp || !bus)
		return EINVAL;

	ts = mem_zalloc(sizeof(*ts), destructor);
	if (!ts)
		return ENOMEM;
	ts->bus = bus;
	err = hash_alloc(&ts->h, HASH_SIZE);
	if (!err)
		err = bus_listen(bus, BUS_CHANNEL_TRUNKS, on_message, ts);
	ts->listens = !err;
	if (!err && bus_is_up(bus))
		trunk_states_redis_up(ts);

	if (err)
		mem_deref(ts);
	else
		*tsp = ts;

	return err;
}

const Sy__TrunkState *trunk_state_get(const struct trunk_states *ts,
				      const char *trunk)
{
	const struct entry *e = ts && trunk ? find(ts, trunk) : NULL;

	return e ? e->msg : NULL;
}

bool trunk_state_usable(const struct trunk_states *ts, const char *trunk)
{
	const Sy__TrunkState *s = trunk_state_get(ts, trunk);

	return !s || !s->checked || s->reachable;
}
