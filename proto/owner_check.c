/* SPDX-License-Identifier: MIT */
/* What Redis says that is ours, and whose owner is no more: see owner.h. */
#include <errno.h>
#include "proto/owner_impl.h"

enum { SOON_MS = 2000 }; /* after a claim whose outcome is not known */

void owner_check_soon(struct owner *o)
{
	if (o->check_ms > o->now_ms + SOON_MS)
		o->check_ms = o->now_ms + SOON_MS;
}

/* -------------------------------------------------------------- our own set */

static void drop_again(struct owner *o, struct owned *h)
{
	h->dropped = true;
	o->ops->drop(h->id, h->epoch, o->arg);
	owner_check_soon(o);
}

/* A name in our set.  One that ended here: Redis lost the end; or it was
 * claimed again since, which the fence of the drop tells. */
static void check_name(struct owner *o, const char *hub)
{
	struct owned *h = owner_find(o, hub);

	if (!h)
		owner_queue(o, hub, o->self);
	else if (h->state == OWNED_OURS)
		h->seen = o->check;
	else if (h->state == OWNED_ENDED && !h->dropped)
		drop_again(o, h);
	else if (h->state == OWNED_ENDED)
		owner_queue(o, hub, o->self);
}

struct missing {
	struct owner *o;
	const struct owned **v;
	size_t n, max;
};

static bool is_missing(const struct owner *o, const struct owned *h)
{
	return h->state == OWNED_OURS && h->seen != o->check &&
	       h->seq <= o->check_seq;
}

static bool gather_missing(struct le *le, void *arg)
{
	struct missing *m = arg;

	if (m->n < m->max && is_missing(m->o, le->data))
		m->v[m->n++] = le->data;

	return false;
}

/* What is ours and not in our set was taken, or Redis lost it: a whole write
 * tells. */
static void check_missing(struct owner *o)
{
	struct missing m = {.o = o, .max = o->ours};

	m.v = mem_alloc((m.max + 1) * sizeof(*m.v), NULL);
	if (!m.v)
		return;

	(void)hash_apply(o->hubs, gather_missing, &m);
	for (size_t i = 0; i < m.n; i++)
		o->ops->write(m.v[i]->id, o->arg);
	mem_deref((void *)m.v);
}

void owner_checked(struct owner *o, int err, const char *const *hubv,
		   size_t hubc)
{
	o->checking = false;
	if (err) {
		owner_check_soon(o);
		return;
	}

	o->check++;
	for (size_t i = 0; i < hubc; i++)
		check_name(o, hubv[i]);
	check_missing(o);
}

void owner_check_run(struct owner *o)
{
	if (o->checking || o->now_ms < o->check_ms)
		return;

	o->check_ms = o->now_ms + o->check_every_ms;
	o->check_seq = o->seq;
	o->checking = !o->ops->list_owned(o->self, o->arg);
	if (!o->checking)
		owner_check_soon(o);
}

/* ------------------------------------------------------------- other owners */

void owner_owners(struct owner *o, int err, const uint32_t *instancev, size_t n)
{
	bool here = false;

	o->scanning = false;
	if (err)
		return;

	for (size_t i = 0; i < n; i++) {
		if (instancev[i] == o->self)
			here = true;
		else if (!o->ops->is_live(instancev[i], o->arg))
			owner_estate_add(o, instancev[i],
					 o->now_ms + OWNER_ROUND_MS);
	}
	if (!here)
		o->ops->announce(o->arg);
}

void owner_scan_run(struct owner *o)
{
	if (o->scanning || o->now_ms < o->scan_ms)
		return;

	o->scan_ms = o->now_ms + o->scan_every_ms;
	o->scanning = !o->ops->list_owners(o->arg);
}
