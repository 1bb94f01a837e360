/* SPDX-License-Identifier: MIT */
/* See trace_hold.h. */

#include <string.h>
#include "router/trace_hold.h"

enum { BUCKETS = 1024 };

struct claim {
	struct le he; /* in hold->claims                         */
	struct le le; /* in hold->order, the oldest first        */
	uint64_t until_us;
	struct trace_rec rec; /* hub and leg                             */
	size_t len;
	char call_id[];
};

struct held {
	struct le le; /* in hold->held, the oldest first         */
	uint64_t until_us;
	uint32_t key; /* of its Call-ID                          */
	struct trace_rec rec;
	char text[]; /* rec.len bytes                           */
};

struct trace_hold {
	struct hash *claims;
	struct list order;
	struct list held;
	size_t bytes; /* of held                                 */
	trace_hold_h *h;
	void *arg;
};

static void claim_destructor(void *arg)
{
	struct claim *c = arg;

	hash_unlink(&c->he);
	list_unlink(&c->le);
}

static void destructor(void *arg)
{
	struct trace_hold *hold = arg;

	list_flush(&hold->held);
	list_flush(&hold->order);
	mem_deref(hold->claims);
}

int trace_hold_alloc(struct trace_hold **hp, trace_hold_h *h, void *arg)
{
	struct trace_hold *hold = mem_zalloc(sizeof(*hold), destructor);
	int err;

	if (!hold)
		return ENOMEM;
	hold->h = h;
	hold->arg = arg;
	err = hash_alloc(&hold->claims, BUCKETS);
	if (err)
		mem_deref(hold);
	else
		*hp = hold;

	return err;
}

static void adopt(struct trace_rec *rec, const struct trace_rec *from)
{
	rec->called = true;
	rec->leg = from->leg;
	memcpy(rec->hub, from->hub, sizeof(rec->hub));
}

/* ------------------------------------------------------------------ claims */

struct key {
	const char *p;
	size_t len;
};

static bool is_claim(struct le *le, void *arg)
{
	const struct claim *c = le->data;
	const struct key *k = arg;

	return c->len == k->len && !memcmp(c->call_id, k->p, k->len);
}

static struct claim *find(const struct trace_hold *hold, const char *p,
			  size_t len)
{
	struct key k = {p, len};

	return list_ledata(
	    hash_lookup(hold->claims, hash_joaat_ci(p, len), is_claim, &k));
}

static struct claim *claim_put(struct trace_hold *hold, const char *p,
			       size_t len)
{
	struct claim *c = find(hold, p, len);

	if (c) {
		list_unlink(&c->le);
	} else {
		if (list_count(&hold->order) >= TRACE_CLAIMS_MAX)
			mem_deref(list_ledata(list_head(&hold->order)));
		c = mem_zalloc(sizeof(*c) + len, claim_destructor);
		if (!c)
			return NULL;
		c->len = len;
		memcpy(c->call_id, p, len);
		hash_append(hold->claims, hash_joaat_ci(p, len), &c->he, c);
	}
	list_append(&hold->order, &c->le, c);

	return c;
}

/* ---------------------------------------------------------------- messages */

static void go(struct trace_hold *hold, struct held *m)
{
	struct view v;

	list_unlink(&m->le);
	hold->bytes -= m->rec.len;
	(void)view_read(&v, m->text, m->rec.len);
	hold->h(&m->rec, &v, hold->arg);
	mem_deref(m);
}

void trace_hold_put(struct trace_hold *hold, const struct trace_rec *rec,
		    const struct view *v, uint64_t now_us)
{
	const struct claim *c = find(hold, v->call_id.p, v->call_id.l);
	struct trace_rec known = *rec;
	struct held *m;

	if (c) {
		adopt(&known, &c->rec);
		hold->h(&known, v, hold->arg);
		return;
	}
	m = mem_zalloc(sizeof(*m) + rec->len, NULL);
	if (!m)
		return;
	m->rec = *rec;
	m->until_us = now_us + TRACE_HOLD_US;
	m->key = hash_joaat_ci(v->call_id.p, v->call_id.l);
	memcpy(m->text, v->p, rec->len);
	list_append(&hold->held, &m->le, m);
	hold->bytes += rec->len;
	while (hold->bytes > TRACE_HOLD_BYTES)
		go(hold, list_ledata(list_head(&hold->held)));
}

static bool is_of(const struct held *m, const char *call_id, size_t len)
{
	struct view v;

	(void)view_read(&v, m->text, m->rec.len);

	return v.call_id.l == len && !memcmp(v.call_id.p, call_id, len);
}

void trace_hold_claim(struct trace_hold *hold, const struct trace_rec *rec,
		      const char *call_id, size_t len, uint64_t now_us)
{
	const uint32_t key = hash_joaat_ci(call_id, len);
	struct claim *c = claim_put(hold, call_id, len);
	struct le *le = list_head(&hold->held);

	if (!c)
		return;
	c->until_us = now_us + TRACE_CLAIM_US;
	adopt(&c->rec, rec);
	while (le) {
		struct held *m = le->data;

		le = le->next;
		if (m->key != key || !is_of(m, call_id, len))
			continue;
		adopt(&m->rec, rec);
		go(hold, m);
	}
}

void trace_hold_tick(struct trace_hold *hold, uint64_t now_us)
{
	struct held *m;
	struct claim *c;

	while ((m = list_ledata(list_head(&hold->held))) &&
	       m->until_us <= now_us)
		go(hold, m);
	while ((c = list_ledata(list_head(&hold->order))) &&
	       c->until_us <= now_us)
		mem_deref(c);
}

void trace_hold_flush(struct trace_hold *hold)
{
	struct held *m;

	while ((m = list_ledata(list_head(&hold->held))))
		go(hold, m);
}
