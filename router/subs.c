/* SPDX-License-Identifier: MIT */
/* Subscriptions of this router: see subs.h. */

#include <string.h>
#include "proto/log.h"
#include "proto/schema_copy.h"
#include "proto/store_sub.h"
#include "router/calls.h"
#include "router/notify.h"
#include "router/stat.h"
#include "router/subs.h"

enum {
	BUCKETS = 1024,
	SWEEP_MS = 10000,     /* what nobody told of is found then       */
	PRESENCE_S = 30,      /* bindings lapse without a word           */
};

const char *const subs_event_names[SUBS_EVENTS] = {
	"dialog", "presence", "message-summary",
};

struct subs {
	struct worker *w;     /* borrowed */
	struct calls *calls;
	struct hash *table;   /* struct sub, by id */
	struct hash *of;      /* the same, by resource */
	struct tmr sweep;
	uint32_t n;
	uint32_t sweeps;
};

static void destructor(void *data)
{
	struct subs *s = data;

	tmr_cancel(&s->sweep);
	if (s->w->bus)
		bus_unlisten(s->w->bus, BUS_CHANNEL_SUBS);
	hash_flush(s->table);
	mem_deref(s->table);
	mem_deref(s->of);
	mem_deref(s->calls);
}

uint32_t subs_count(const struct subs *s)
{
	return s ? s->n : 0;
}

/* ------------------------------------------------------------------- table */

static bool is_sub(struct le *le, void *arg)
{
	return !strcmp(sub_id(le->data), arg);
}

static struct sub *find(const struct subs *s, const char *id)
{
	return list_ledata(hash_lookup(s->table, hash_joaat_str(id), is_sub,
				       (void *)(uintptr_t)id));
}

static void ended(struct sub *sub, void *arg)
{
	struct subs *s = arg;

	s->n--;
	mem_deref(sub);
}

/* @param rec  Taken. */
static void take(struct subs *s, Sy__Subscription *rec)
{
	struct sub *sub = find(s, rec->id);
	int err;

	if (sub) {
		sub_refresh(sub, rec);
		return;
	}
	err = sub_alloc(&sub, s->w, s->calls, rec, ended, s);
	if (err) {
		log_warn("subscription not served", LOG_E(err));
		return;
	}
	if (sub_event(sub) != SUBS_MESSAGES)
		calls_follow(s->calls);
	hash_append(s->table, hash_joaat_str(sub_id(sub)), sub_le(sub), sub);
	hash_append(s->of, hash_joaat_str(sub_resource(sub)), sub_of_le(sub),
		    sub);
	s->n++;
	sub_touch(sub);
}

static bool touch_if(struct le *le, void *arg)
{
	if (!strcmp(sub_resource(le->data), arg))
		sub_touch(le->data);

	return false;
}

static void touch(struct subs *s, const char *resource)
{
	/* once a registration or call of the cluster: only its bucket */
	(void)list_apply(hash_list(s->of, hash_joaat_str(resource)), true,
			 touch_if, (void *)(uintptr_t)resource);
}

static void calls_changed(const char *resource, void *arg)
{
	touch(arg, resource);
}

/* --------------------------------------------------------------- the others */

static void told(const Sy__Envelope *env, void *arg)
{
	struct subs *s = arg;
	Sy__Subscription *rec;
	struct sub *sub;

	if (env->body_case == SY__ENVELOPE__BODY_RESOURCE_CHANGED) {
		touch(s, env->resource_changed);
		return;
	}
	if (env->body_case != SY__ENVELOPE__BODY_SUBSCRIBED)
		return;
	if (env->subscribed->instance == s->w->router->wires.instance) {
		rec = schema_copy(&env->subscribed->base);
		if (rec)
			take(s, rec);
		return;
	}
	sub = find(s, env->subscribed->id);
	if (sub)
		sub_drop(sub);
}

static void claimed(int err, Sy__Subscription *rec, void *arg)
{
	if (!err && rec)
		take(arg, rec);
}

static bool is_live(const struct subs *s, uint32_t instance)
{
	const Sy__Member *m = member_by_instance(s->w->members, instance);

	return m && m->kind == SY__MEMBER_KIND__ROUTER;
}

static void owner(int err, const char *id, uint32_t instance, void *arg)
{
	struct subs *s = arg;
	const uint32_t own = s->w->router->wires.instance;
	const bool lost = instance == own && id && !find(s, id);

	if (err || !id || !own || !member_redis_is_well(s->w->members))
		return;
	/* ours by the record, and we know nothing of it: a router's name for
	 * the message that got lost */
	if (lost || (instance != own && !is_live(s, instance)))
		(void)store_sub_claim(bus_redis(s->w->bus), id, instance, own,
				      claimed, s);
}

static void look(struct subs *s)
{
	if (s->w->wire && bus_is_up(s->w->bus) && s->w->router->wires.instance &&
	    member_is_ready(s->w->members))
		(void)store_sub_owners(bus_redis(s->w->bus), owner, s);
}

void subs_member(struct subs *s, const Sy__Member *m, bool gone)
{
	if (s && gone && m->kind == SY__MEMBER_KIND__ROUTER)
		look(s);
}

static bool sweep_one(struct le *le, void *arg)
{
	const struct subs *s = arg;
	struct sub *sub = le->data;

	if (sub_event(sub) == SUBS_PRESENCE &&
	    s->sweeps % (PRESENCE_S * 1000 / SWEEP_MS) == 0)
		sub_touch(sub);

	return false;
}

static void sweep_handler(void *arg)
{
	struct subs *s = arg;

	s->sweeps++;
	tmr_start(&s->sweep, SWEEP_MS, sweep_handler, s);
	(void)hash_apply(s->table, sweep_one, s);
	look(s);
}

void subs_again(struct subs *s)
{
	if (!s)
		return;
	calls_again(s->calls);
	look(s);
}

int subs_alloc(struct subs **sp, struct worker *w)
{
	struct subs *s = mem_zalloc(sizeof(*s), destructor);
	int err;

	if (!s)
		return ENOMEM;
	s->w = w;
	tmr_init(&s->sweep);
	err = hash_alloc(&s->table, BUCKETS);
	if (!err)
		err = hash_alloc(&s->of, BUCKETS);
	if (!err)
		err = calls_alloc(&s->calls, w->bus, calls_changed, s);
	if (!err)
		err = bus_listen(w->bus, BUS_CHANNEL_SUBS, told, s);
	if (err) {
		mem_deref(s);
		return err;
	}
	tmr_start(&s->sweep, 1000, sweep_handler, s);
	*sp = s;

	return 0;
}

void subs_resource_changed(struct bus *bus, const char *resource)
{
	Sy__Envelope env = SY__ENVELOPE__INIT;

	env.body_case = SY__ENVELOPE__BODY_RESOURCE_CHANGED;
	env.resource_changed = (char *)(uintptr_t)resource;
	(void)bus_publish(bus, BUS_CHANNEL_SUBS, &env);
}
