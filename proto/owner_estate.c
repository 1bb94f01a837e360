/* SPDX-License-Identifier: MIT */
/* The hubs of processes that died, round by round: see owner.h. */
#include <errno.h>
#include "proto/owner_impl.h"
#include "proto/owner_share.h"

enum { PEERS_MAX = 1024 };

static void estate_destructor(void *arg)
{
	list_unlink(&((struct estate *)arg)->le);
}

static struct estate *find(const struct owner *o, uint32_t instance)
{
	for (struct le *le = o->estates.head; le; le = le->next) {
		struct estate *e = le->data;

		if (e->instance == instance)
			return e;
	}

	return NULL;
}

void owner_estate_add(struct owner *o, uint32_t instance, uint64_t due_ms)
{
	struct estate *e = find(o, instance);

	if (e) {
		if (e->due_ms > due_ms && !e->round)
			e->due_ms = due_ms;
		return;
	}

	e = mem_zalloc(sizeof(*e), estate_destructor);
	if (!e)
		return; /* it stands in sy:owners */

	e->instance = instance;
	e->due_ms = due_ms;
	list_append(&o->estates, &e->le, e);
}

/* ------------------------------------------------------------------ rounds */

/* Our place must be before this one. */
static size_t limit(unsigned round)
{
	static const size_t v[] = {1, 2, 4};

	return round < sizeof(v) / sizeof(v[0]) ? v[round] : PEERS_MAX;
}

static uint64_t round_ms(unsigned round)
{
	uint64_t ms = OWNER_ROUND_MS;

	for (unsigned i = 3; i < round && ms < OWNER_ROUND_MAX_MS; i++)
		ms *= 2;

	return ms;
}

static bool has_room(const struct owner_peer *peerv, size_t n, uint32_t self)
{
	for (size_t i = 0; i < n; i++) {
		if (peerv[i].instance == self)
			return peerv[i].room > 0;
	}

	return false;
}

/* One that ended here may live on there: our end came too late. */
static void share(struct owner *o, const struct estate *e, const char *hub,
		  const struct owner_peer *peerv, size_t n)
{
	const struct owned *h = owner_find(o, hub);
	const size_t max = limit(e->round);

	if (h && h->state == OWNED_OURS)
		o->ops->forget(e->instance, hub, o->arg);
	else if ((!h || h->state == OWNED_ENDED) &&
		 owner_share_rank(peerv, n, hub, o->self, max) < max)
		owner_queue(o, hub, e->instance);
}

/* Nothing is left: once more after a while, then the process is forgotten. */
static void found_empty(struct owner *o, struct estate *e)
{
	if (!e->empty) {
		e->empty = true;
		e->due_ms = o->now_ms + OWNER_EMPTY_MS;
		return;
	}

	o->ops->forget_owner(e->instance, o->arg);
	if (o->ops->estate)
		o->ops->estate(e->instance, 0, true, o->arg);
	mem_deref(e);
}

static void found(struct owner *o, struct estate *e, const char *const *hubv,
		  size_t hubc)
{
	struct owner_peer peerv[PEERS_MAX];
	size_t n = o->ops->peers(peerv, PEERS_MAX, o->arg);

	if (!has_room(peerv, n, o->self)) {
		mem_deref(e); /* the others do it; or a later scan */
		return;
	}

	if (!e->round && o->ops->estate)
		o->ops->estate(e->instance, hubc, false, o->arg);
	e->empty = false;
	for (size_t i = 0; i < hubc; i++)
		share(o, e, hubv[i], peerv, n);
	e->due_ms = o->now_ms + round_ms(e->round);
	e->round++;
}

void owner_owned(struct owner *o, uint32_t instance, int err,
		 const char *const *hubv, size_t hubc)
{
	struct estate *e;

	if (instance == o->self) {
		owner_checked(o, err, hubv, hubc);
		return;
	}

	e = find(o, instance);
	if (!e || !e->asked)
		return;

	e->asked = false;
	if (o->ops->is_live(instance, o->arg))
		mem_deref(e);
	else if (err)
		e->due_ms = o->now_ms + OWNER_ROUND_MS;
	else if (!hubc)
		found_empty(o, e);
	else
		found(o, e, hubv, hubc);
}

void owner_estates_run(struct owner *o)
{
	struct le *le = o->estates.head;

	while (le) {
		struct estate *e = le->data;

		le = le->next;
		if (e->asked || e->due_ms > o->now_ms)
			continue;
		if (o->ops->is_live(e->instance, o->arg)) {
			mem_deref(e);
			continue;
		}
		e->asked = !o->ops->list_owned(e->instance, o->arg);
		e->due_ms = o->now_ms + OWNER_ROUND_MS;
	}
}

/* ------------------------------------------------------------------ claims */

static void refill(struct owner *o)
{
	o->tokens += (double)(o->now_ms - o->tokens_ms) * o->claims_s / 1000.0;
	if (o->tokens > o->burst)
		o->tokens = o->burst;
	o->tokens_ms = o->now_ms;
}

static bool may_claim(const struct owner *o)
{
	return o->queue.head && o->tokens >= 1 && o->claiming < o->window;
}

void owner_claims_run(struct owner *o)
{
	refill(o);
	while (may_claim(o)) {
		struct owned *h = o->queue.head->data;

		if (h->from != o->self && o->ops->is_live(h->from, o->arg)) {
			owner_remove(o, h);
			continue;
		}
		if (o->ops->claim(h->id, h->from, o->arg)) {
			owner_remove(o, h); /* the next round finds it */
			continue;
		}
		owner_claim_sent(o, h);
		o->tokens -= 1;
	}
}

uint64_t owner_estates_due(const struct owner *o)
{
	uint64_t at = UINT64_MAX;

	for (struct le *le = o->estates.head; le; le = le->next) {
		const struct estate *e = le->data;

		if (!e->asked && e->due_ms < at)
			at = e->due_ms;
	}
	if (o->queue.head && o->claiming < o->window) {
		const double wait = (1 - o->tokens) * 1000.0 / o->claims_s;
		const uint64_t due =
		    o->now_ms + (wait > 1 ? (uint64_t)wait : 1);

		if (due < at)
			at = due;
	}

	return at;
}
