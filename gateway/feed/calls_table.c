/* SPDX-License-Identifier: MIT */
/* Calls by their id: see calls_table.h. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/feed/calls_table.h"
#include "proto/schema_copy.h"

enum { BUCKETS = 1024 };

struct calls_table {
	struct hash *hash;
	size_t n;
};

static void known_destructor(void *arg)
{
	struct known_call *k = arg;

	hash_unlink(&k->le);
	if (k->msg)
		sy__call__free_unpacked(k->msg, NULL);
	free(k->json);
}

static bool is_it(struct le *le, void *arg)
{
	const struct known_call *k = le->data;

	return !strcmp(k->msg->id, arg);
}

static struct known_call *find(const struct calls_table *t, const char *id)
{
	return list_ledata(hash_lookup(t->hash, hash_joaat_str(id), is_it,
				       (void *)id));
}

static void changed(struct known_call *k)
{
	free(k->json);
	k->json = NULL;
}

static void drop(struct calls_table *t, const char *id)
{
	struct known_call *k = find(t, id);

	if (!k)
		return;
	t->n--;
	mem_deref(k);
}

int calls_table_put(struct calls_table *t, const Sy__Call *msg)
{
	struct known_call *k = find(t, msg->id);
	Sy__Call *copy = schema_copy(&msg->base);

	if (!copy)
		return ENOMEM;
	if (k) {
		sy__call__free_unpacked(k->msg, NULL);
		k->msg = copy;
		changed(k);
		return 0;
	}

	k = mem_zalloc(sizeof(*k), known_destructor);
	if (!k) {
		sy__call__free_unpacked(copy, NULL);
		return ENOMEM;
	}
	k->msg = copy;
	hash_append(t->hash, hash_joaat_str(copy->id), &k->le, k);
	t->n++;

	return 0;
}

/* ------------------------------------------------------------------ events */

/* One without legs tells of the call alone. */
static void put_call(struct calls_table *t, const Sy__Event *ev)
{
	struct known_call *k = find(t, ev->call_id);
	Sy__Call *msg, *old = k ? k->msg : NULL;

	if (!ev->call)
		return;
	if (!k || ev->call->n_legs) {
		(void)calls_table_put(t, ev->call);
		return;
	}

	msg = schema_copy(&ev->call->base);
	if (!msg)
		return;
	msg->legs = old->legs;
	msg->n_legs = old->n_legs;
	old->legs = NULL;
	old->n_legs = 0;
	/* Which process has it is told by the record alone. */
	if (!strcmp(msg->node, old->node) && msg->epoch == old->epoch)
		msg->instance = old->instance;
	sy__call__free_unpacked(old, NULL);
	k->msg = msg;
	changed(k);
}

static size_t leg_index(const Sy__Call *call, const char *id)
{
	size_t i = 0;

	while (i < call->n_legs && strcmp(call->legs[i]->id, id))
		i++;

	return i;
}

/* @param add  Also where it is not known yet. */
static void put_leg(struct calls_table *t, const Sy__Event *ev, bool add)
{
	struct known_call *k = find(t, ev->call_id);
	Sy__Leg *leg, **v;
	size_t i;

	if (!k || !ev->leg)
		return;
	i = leg_index(k->msg, ev->leg->id);
	if (i == k->msg->n_legs && !add)
		return;
	leg = schema_copy(&ev->leg->base);
	if (!leg)
		return;

	if (i == k->msg->n_legs) {
		/* protobuf-c frees it: so by its allocator. */
		v = realloc(k->msg->legs, (i + 1) * sizeof(Sy__Leg *));
		if (!v) {
			sy__leg__free_unpacked(leg, NULL);
			return;
		}
		k->msg->legs = v;
		k->msg->n_legs++;
	}
	else {
		sy__leg__free_unpacked(k->msg->legs[i], NULL);
	}
	k->msg->legs[i] = leg;
	changed(k);
}

static void drop_leg(struct calls_table *t, const Sy__Event *ev)
{
	struct known_call *k = find(t, ev->call_id);
	size_t i;

	if (!k || !ev->leg)
		return;
	i = leg_index(k->msg, ev->leg->id);
	if (i == k->msg->n_legs)
		return;
	sy__leg__free_unpacked(k->msg->legs[i], NULL);
	memmove(&k->msg->legs[i], &k->msg->legs[i + 1],
		(--k->msg->n_legs - i) * sizeof(Sy__Leg *));
	changed(k);
}

void calls_table_event(struct calls_table *t, const Sy__Event *ev)
{
	switch (ev->type) {
	case SY__EVENT_TYPE__CALL_STARTED:
	case SY__EVENT_TYPE__CALL_CHANGED:
	case SY__EVENT_TYPE__CALL_ADOPTED:
	case SY__EVENT_TYPE__CALL_MOVED:
		put_call(t, ev);
		break;
	case SY__EVENT_TYPE__CALL_FINISHED:
		drop(t, ev->call_id);
		break;
	case SY__EVENT_TYPE__LEG_ADDED:
	case SY__EVENT_TYPE__LEG_CHANGED:
		put_leg(t, ev, true);
		break;
	case SY__EVENT_TYPE__LEG_REMOVED:
	case SY__EVENT_TYPE__LEG_LOST:
		drop_leg(t, ev);
		break;
	case SY__EVENT_TYPE__TALK_STARTED:
	case SY__EVENT_TYPE__TALK_STOPPED:
	case SY__EVENT_TYPE__SPEAKER_CHANGED:
	case SY__EVENT_TYPE__LEG_RESUMED:
		put_leg(t, ev, false);
		break;
	default:
		break;
	}
}

/* ------------------------------------------------------------------- whole */

size_t calls_table_count(const struct calls_table *t)
{
	return t->n;
}

struct applying {
	known_call_h *h;
	void *arg;
};

static bool apply_handler(struct le *le, void *arg)
{
	const struct applying *a = arg;

	return a->h(le->data, a->arg);
}

void calls_table_apply(const struct calls_table *t, known_call_h *h,
		       void *arg)
{
	struct applying a = {h, arg};

	(void)hash_apply(t->hash, apply_handler, &a);
}

static bool leg_equal(const Sy__Leg *a, const Sy__Leg *b)
{
	return a->state == b->state && a->muted == b->muted &&
	       a->held == b->held && a->deaf == b->deaf &&
	       !strcmp(a->user, b->user);
}

static bool call_equal(const Sy__Call *a, const Sy__Call *b)
{
	if (a->state != b->state || a->epoch != b->epoch ||
	    a->n_legs != b->n_legs || strcmp(a->node, b->node))
		return false;

	for (size_t i = 0; i < a->n_legs; i++) {
		size_t k = leg_index(b, a->legs[i]->id);

		if (k == b->n_legs || !leg_equal(a->legs[i], b->legs[k]))
			return false;
	}

	return true;
}

static bool differs(struct known_call *k, void *arg)
{
	const struct known_call *other = find(arg, k->msg->id);

	return !other || !call_equal(k->msg, other->msg);
}

static bool differs_handler(struct le *le, void *arg)
{
	return differs(le->data, arg);
}

bool calls_table_equal(const struct calls_table *a,
		       const struct calls_table *b)
{
	return a->n == b->n &&
	       !hash_apply(a->hash, differs_handler, (void *)b);
}

static void destructor(void *arg)
{
	struct calls_table *t = arg;

	hash_flush(t->hash);
	mem_deref(t->hash);
}

int calls_table_alloc(struct calls_table **tp)
{
	struct calls_table *t = mem_zalloc(sizeof(*t), destructor);
	int err;

	if (!t)
		return ENOMEM;

	err = hash_alloc(&t->hash, BUCKETS);
	if (err)
		mem_deref(t);
	else
		*tp = t;

	return err;
}
