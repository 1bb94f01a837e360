/* SPDX-License-Identifier: MIT */
/* Who is live: see member_table.h. */
#include <string.h>
#include "proto/member_table.h"
#include "proto/place.h"
#include "proto/schema_copy.h"

enum { PLACE_MAX = 1024 }; /* nodes considered */

/* ---------------------------------------------------------------- entries */

static void entry_destructor(void *arg)
{
	struct member_entry *e = arg;

	list_unlink(&e->le);
	if (e->m)
		sy__member__free_unpacked(e->m, NULL);
}

static bool by_id(struct le *a, struct le *b, void *arg)
{
	const struct member_entry *x = a->data, *y = b->data;
	(void)arg;

	return strcmp(x->m->id, y->m->id) <= 0;
}

struct member_entry *member_table_find(const struct member_table *t,
				       const char *id)
{
	for (struct le *le = t->l.head; le; le = le->next) {
		struct member_entry *e = le->data;

		if (!strcmp(e->m->id, id))
			return e;
	}

	return NULL;
}

const Sy__Member *member_table_instance(const struct member_table *t,
					uint32_t instance)
{
	for (struct le *le = t->l.head; le; le = le->next) {
		struct member_entry *e = le->data;

		if (e->m->instance == instance)
			return e->m;
	}

	return NULL;
}

static uint32_t placed_total(const Sy__Member *m)
{
	return m->load ? m->load->placed_total : 0;
}

/* What a beat says of hubs placed corrects what we counted ourselves: only
 * those that are still on their way stay counted.  What was placed before the
 * beat before this one has arrived or never will: the record named another
 * node, or the node refused. */
static void correct_placed(struct member_entry *e)
{
	uint32_t total = placed_total(e->m);
	uint32_t arrived = total - e->placed_total;

	e->placed = e->placed > arrived ? e->placed - arrived : 0;
	if (e->placed > e->recent)
		e->placed = e->recent;
	e->recent = 0;
	e->placed_total = total;
}

/* ---------------------------------------------------------------- changes */

/* m: a copy of its own, taken here */
static void come(struct member_table *t, Sy__Member *m, uint64_t now_us,
		 uint64_t alive_us)
{
	struct member_entry *e = mem_zalloc(sizeof(*e), entry_destructor);

	if (!e) {
		sy__member__free_unpacked(m, NULL);
		return;
	}

	e->m = m;
	e->placed_total = placed_total(m);
	e->beat_us = e->since_us = now_us;
	e->alive_us = alive_us;
	list_append(&t->l, &e->le, e);
	list_sort(&t->l, by_id, NULL);
	t->changeh(m, false, t->arg);
}

static void renew(struct member_table *t, struct member_entry *e, Sy__Member *m,
		  uint64_t now_us, uint64_t alive_us)
{
	Sy__Member *old = e->m;
	const bool replaced = old->instance != m->instance;
	const bool news = replaced || old->state != m->state;

	if (replaced)
		t->gone_us = e->alive_us;
	e->m = m;
	e->beat_us = now_us;
	if (replaced || alive_us > e->alive_us)
		e->alive_us = alive_us;
	if (replaced) {
		e->since_us = now_us;
		e->placed = e->recent = 0;
		e->placed_total = placed_total(m);
		t->changeh(old, true, t->arg);
	} else {
		correct_placed(e);
	}
	if (news)
		t->changeh(m, false, t->arg);
	sy__member__free_unpacked(old, NULL);
}

void member_table_learn(struct member_table *t, const Sy__Member *heard,
			uint64_t now_us, uint64_t age_us)
{
	const uint64_t alive_us = now_us > age_us ? now_us - age_us : 0;
	struct member_entry *e = member_table_find(t, heard->id);
	Sy__Member *m;

	if (e && e->m->instance > heard->instance)
		return; /* a late beat of a process that was replaced */

	m = schema_copy(&heard->base);
	if (!m)
		return;
	if (e)
		renew(t, e, m, now_us, alive_us);
	else
		come(t, m, now_us, alive_us);
}

static void forget(struct member_table *t, struct member_entry *e)
{
	list_unlink(&e->le);
	t->gone_us = e->alive_us;
	t->changeh(e->m, true, t->arg);
	mem_deref(e);
}

void member_table_forget(struct member_table *t, const char *id,
			 uint32_t instance)
{
	struct member_entry *e = member_table_find(t, id);

	if (e && e->m->instance == instance)
		forget(t, e);
}

void member_table_died(struct member_table *t, const char *id,
		       uint32_t instance, uint64_t seen_us)
{
	struct member_entry *e = member_table_find(t, id);

	if (!e || e->m->instance != instance)
		return;

	if (seen_us > e->alive_us && seen_us - e->alive_us <= t->silent_us)
		e->alive_us = seen_us;
	forget(t, e);
}

/* ------------------------------------------------------------------ leases */

void member_table_answered(struct member_table *t, uint64_t now_us)
{
	t->answered_us = now_us;
}

/* A Redis that is stalled counts as away before the first lease could run out
 * because of it: connections notice later. */
void member_table_redis(struct member_table *t, bool up, uint64_t now_us)
{
	if (!up || now_us - t->answered_us > t->silent_us)
		t->up_us = 0;
	else if (!t->up_us)
		t->up_us = now_us;
}

/* The second look at its silence: a process that was stopped for a while
 * finds old numbers here. */
bool member_table_is_settled(const struct member_table *t, uint64_t now_us)
{
	return t->up_us && now_us - t->up_us >= t->lease_us &&
	       now_us - t->answered_us <= t->silent_us;
}

void member_table_expire(struct member_table *t, uint64_t now_us)
{
	struct le *le = t->l.head;

	if (!member_table_is_settled(t, now_us))
		return;

	while (le) {
		struct member_entry *e = le->data;

		le = le->next;
		if (now_us - e->beat_us > t->lease_us)
			forget(t, e);
	}
}

/* --------------------------------------------------------------- placement */

static struct place_node weigh(const struct member_entry *e)
{
	const Sy__Load *load = e->m->load;

	return (struct place_node){
	    .open = e->m->state == SY__MEMBER_STATE__LIVE,
	    .legs = load ? load->legs : 0,
	    .hubs = load ? load->hubs : 0,
	    .tick_used_percent = load ? load->tick_used_percent : 0,
	    .placed = e->placed,
	};
}

const Sy__Member *member_table_place(struct member_table *t, const char *not_id,
				     uint64_t rnd)
{
	struct place_node nodev[PLACE_MAX];
	struct member_entry *entryv[PLACE_MAX];
	size_t n = 0;
	int i;

	for (struct le *le = t->l.head; le && n < PLACE_MAX; le = le->next) {
		struct member_entry *e = le->data;

		if (e->m->kind != SY__MEMBER_KIND__NODE)
			continue;
		nodev[n] = weigh(e);
		if (not_id && !strcmp(not_id, e->m->id))
			nodev[n].open = false;
		entryv[n++] = e;
	}

	i = place_choose(nodev, n, rnd);
	if (i < 0)
		return NULL;
	entryv[i]->placed++;
	entryv[i]->recent++;

	return entryv[i]->m;
}

/* A process claims nothing before it has known Redis for a lease: who has just
 * started, maybe in the place of the one that died, would only be waited for.
 * Half a lease: nodes that start together share. */
static bool is_new(const struct member_table *t, const struct member_entry *e,
		   uint64_t now_us)
{
	return now_us - e->since_us < t->lease_us / 2;
}

/* What we placed and nobody else knows of is left out: all nodes should come
 * to the same figures. */
static struct owner_peer peer(const struct member_table *t,
			      const struct member_entry *e, uint64_t now_us)
{
	struct owner_peer p = {.instance = e->m->instance};
	struct place_node node = weigh(e);

	node.placed = 0;
	p.last = e->m->state == SY__MEMBER_STATE__OVERLOADED;
	if (node.open)
		p.room = (float)place_room(&node);
	else if (p.last)
		p.room = 1;
	p.last = p.last || is_new(t, e, now_us);

	return p;
}

size_t member_table_peers(const struct member_table *t, uint64_t now_us,
			  struct owner_peer *peerv, size_t max)
{
	size_t n = 0;

	for (struct le *le = t->l.head; le && n < max; le = le->next) {
		const struct member_entry *e = le->data;

		if (e->m->kind == SY__MEMBER_KIND__NODE)
			peerv[n++] = peer(t, e, now_us);
	}

	return n;
}

/* -------------------------------------------------------------------- life */

void member_table_init(struct member_table *t, uint32_t lease_ms,
		       uint32_t silent_ms, member_change_h *h, void *arg)
{
	memset(t, 0, sizeof(*t));
	list_init(&t->l);
	t->lease_us = lease_ms * 1000ull;
	t->silent_us = silent_ms * 1000ull;
	t->changeh = h;
	t->arg = arg;
}

void member_table_close(struct member_table *t)
{
	list_flush(&t->l);
}
