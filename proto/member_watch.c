/* SPDX-License-Identifier: MIT */
/* Looking after neighbours: see member_watch.h. */
#include <string.h>
#include "proto/member_table.h"
#include "proto/member_watch.h"

static struct member_watched *find(const struct member_watch *w, const char *id,
				   uint32_t instance)
{
	for (size_t i = 0; i < w->n; i++) {
		if (w->v[i].instance == instance && !strcmp(w->v[i].id, id))
			return (struct member_watched *)&w->v[i];
	}

	return NULL;
}

static void add(struct member_watch *w, struct member_watch *old,
		const Sy__Member *m)
{
	const struct member_watched *was = find(old, m->id, m->instance);
	struct member_watched *now = &w->v[w->n++];

	memset(now, 0, sizeof(*now));
	if (was) {
		*now = *was;
		return;
	}
	str_ncpy(now->id, m->id, sizeof(now->id));
	now->instance = m->instance;
}

/* One way round the ring: first those after us, then those before. */
static void pick(struct member_watch *w, struct member_watch *old,
		 const struct member_table *t, const char *self, bool after)
{
	for (struct le *le = t->l.head; le; le = le->next) {
		const struct member_entry *e = le->data;
		const int cmp = strcmp(e->m->id, self);

		if (w->n == MEMBER_WATCH_MAX)
			return;
		if (e->m->kind == SY__MEMBER_KIND__NODE &&
		    (after ? cmp > 0 : cmp < 0))
			add(w, old, e->m);
	}
}

size_t member_watch_pick(struct member_watch *w, const struct member_table *t,
			 const char *self)
{
	struct member_watch old = *w;

	w->n = 0;
	pick(w, &old, t, self, true);
	pick(w, &old, t, self, false);

	return w->n;
}

bool member_watch_saw(struct member_watch *w, const char *id, uint32_t instance,
		      uint64_t listeners, uint64_t asked_us)
{
	struct member_watched *seen = find(w, id, instance);

	if (!seen)
		return false;
	if (listeners) {
		seen->missed = 0;
		seen->seen_us = asked_us;
		return false;
	}

	/* again and again: that it was removed is told, and may be lost */
	return ++seen->missed % MEMBER_WATCH_MISS == 0;
}

uint64_t member_watch_seen_us(const struct member_watch *w, const char *id,
			      uint32_t instance)
{
	const struct member_watched *seen = find(w, id, instance);

	return seen ? seen->seen_us : 0;
}

void member_watch_reset(struct member_watch *w)
{
	w->n = 0;
}
