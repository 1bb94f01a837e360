/* SPDX-License-Identifier: MIT */
/* Our hubs, and what happens to them: see owner.h. */
#include <errno.h>
#include <string.h>
#include "proto/owner_impl.h"

enum {
	BUCKETS = 1024,
	SOON_MS = 2000, /* after a claim whose outcome is not known */
	POLL_MS = 100,	/* until Redis is settled                   */
	IDLE_MS = 1000,
	SPREAD_MS = 200, /* of first looks, so that not all look at once */
};

/* ------------------------------------------------------------------ table */

static bool is_hub(struct le *le, void *arg)
{
	return !strcmp(((struct owned *)le->data)->id, arg);
}

struct owned *owner_find(const struct owner *o, const char *hub)
{
	struct le *le =
	    hash_lookup(o->hubs, hash_joaat_str(hub), is_hub, (void *)hub);

	return le ? le->data : NULL;
}

static void owned_destructor(void *arg)
{
	struct owned *h = arg;

	hash_unlink(&h->le);
	list_unlink(&h->state_le);
}

/* Found or made; a new one is in no state yet. */
static struct owned *get(struct owner *o, const char *hub)
{
	struct owned *h = owner_find(o, hub);

	if (h)
		return h;

	h = mem_zalloc(sizeof(*h), owned_destructor);
	if (!h)
		return NULL;

	str_ncpy(h->id, hub, sizeof(h->id));
	h->state = OWNED_ENDED;
	hash_append(o->hubs, hash_joaat_str(h->id), &h->le, h);

	return h;
}

static void set_state(struct owner *o, struct owned *h, enum owned_state state)
{
	list_unlink(&h->state_le);
	o->ours -= h->state == OWNED_OURS;
	o->claiming -= h->state == OWNED_CLAIMING;
	h->state = state;
	o->ours += state == OWNED_OURS;
	o->claiming += state == OWNED_CLAIMING;
	if (state == OWNED_QUEUED)
		list_append(&o->queue, &h->state_le, h);
	else if (state == OWNED_ENDED)
		list_append(&o->ended, &h->state_le, h);
}

void owner_remove(struct owner *o, struct owned *h)
{
	set_state(o, h, OWNED_ENDED);
	mem_deref(h);
}

void owner_queue(struct owner *o, const char *hub, uint32_t from)
{
	struct owned *h = get(o, hub);

	if (!h)
		return;

	h->from = from;
	set_state(o, h, OWNED_QUEUED);
}

void owner_claim_sent(struct owner *o, struct owned *h)
{
	set_state(o, h, OWNED_CLAIMING);
}

uint32_t owner_random(struct owner *o, uint32_t max)
{
	o->rnd = o->rnd * 6364136223846793005ull + 1442695040888963407ull;

	return (uint32_t)(o->rnd >> 33) % max;
}

static void ours(struct owner *o, struct owned *h, uint32_t epoch)
{
	h->epoch = epoch;
	h->seq = ++o->seq;
	set_state(o, h, OWNED_OURS);
}

static void let_go(struct owner *o, struct owned *h)
{
	char id[ULID_LEN + 1];

	str_ncpy(id, h->id, sizeof(id));
	owner_remove(o, h);
	o->ops->forget(o->self, id, o->arg);
	o->ops->let_go(id, o->arg);
}

/* --------------------------------------------------------------- our hubs */

int owner_begun(struct owner *o, const char *hub, uint32_t epoch)
{
	struct owned *h = get(o, hub);

	if (!h)
		return ENOMEM;

	ours(o, h, epoch);

	return 0;
}

void owner_ended(struct owner *o, const char *hub)
{
	struct owned *h = owner_find(o, hub);

	if (!h || h->state != OWNED_OURS)
		return;

	h->until_ms = o->now_ms + OWNER_ENDED_MS;
	h->dropped = false;
	set_state(o, h, OWNED_ENDED);
}

bool owner_has_ended(const struct owner *o, const char *hub)
{
	const struct owned *h = owner_find(o, hub);

	return h && h->state == OWNED_ENDED;
}

void owner_departed(struct owner *o, const char *hub)
{
	struct owned *h = owner_find(o, hub);

	if (!h || h->state != OWNED_OURS)
		return;

	owner_remove(o, h);
	o->ops->forget(o->self, hub, o->arg);
}

int owner_take(struct owner *o, const char *hub)
{
	struct owned *h = owner_find(o, hub);

	if (h && h->state != OWNED_ENDED)
		return EBUSY;

	h = get(o, hub);
	if (!h)
		return ENOMEM;

	set_state(o, h, OWNED_TAKING);

	return 0;
}

void owner_released(struct owner *o, const char *hub)
{
	struct owned *h = owner_find(o, hub);

	if (!h || (h->state != OWNED_TAKING && h->state != OWNED_OURS))
		return;

	owner_remove(o, h);
	owner_check_soon(o);
}

/* ----------------------------------------------------------------- answers */

void owner_written(struct owner *o, const char *hub, uint32_t epoch, int err)
{
	struct owned *h = owner_find(o, hub);

	if ((err == ESTALE || err == ENOENT) && h && h->state == OWNED_OURS &&
	    h->epoch == epoch)
		let_go(o, h);
}

void owner_taken(struct owner *o, const char *hub, uint32_t epoch)
{
	struct owned *h = owner_find(o, hub);

	if (!h)
		return;

	if (h->state == OWNED_OURS && epoch > h->epoch)
		let_go(o, h);
	else if (h->state == OWNED_QUEUED)
		owner_remove(o, h);
}

/* Not ours: it is named neither by its old owner's set nor by ours. */
static void refused(struct owner *o, struct owned *h)
{
	if (h->from != o->self)
		o->ops->forget(h->from, h->id, o->arg);
	o->ops->forget(o->self, h->id, o->arg);
	owner_remove(o, h);
}

void owner_claimed(struct owner *o, const char *hub, int err, uint32_t epoch,
		   uint32_t who)
{
	struct owned *h = owner_find(o, hub);

	if (!h || h->state != OWNED_CLAIMING)
		return;

	if (!err) {
		ours(o, h, epoch);
	} else if (err == ESTALE && who == o->self) {
		/* a claim before this one, whose reply was lost */
		owner_queue(o, hub, o->self);
	} else if (err == ESTALE || err == ENOENT) {
		refused(o, h);
	} else if (err == EBADMSG) {
		owner_remove(o, h);
	} else {
		owner_remove(o, h);
		owner_check_soon(o);
	}
}

/* -------------------------------------------------------------------- news */

void owner_self(struct owner *o, uint32_t instance)
{
	if (o->self == instance)
		return;

	o->self = instance;
	if (o->up)
		o->ops->announce(o->arg);
}

/* Redis may know nothing of us. */
static void tell_all(struct owner *o)
{
	if (!o->self || !o->up)
		return;

	o->ops->announce(o->arg);
	o->ops->write(NULL, o->arg);
	owner_check_soon(o);
}

void owner_redis(struct owner *o, bool up)
{
	o->up = up;
	if (!up)
		o->settled = false;
	tell_all(o);
}

void owner_forgotten(struct owner *o)
{
	tell_all(o);
}

void owner_died(struct owner *o, uint32_t instance)
{
	if (instance && instance != o->self)
		owner_estate_add(o, instance, o->now_ms);
}

/* -------------------------------------------------------------------- time */

static void forget_ended(struct owner *o)
{
	while (o->ended.head) {
		struct owned *h = o->ended.head->data;

		if (h->until_ms > o->now_ms)
			break;
		owner_remove(o, h);
	}
}

/* Who finds Redis settled looks around soon. */
static void settle(struct owner *o, bool settled)
{
	if (settled && !o->settled) {
		o->scan_ms = o->now_ms + owner_random(o, SPREAD_MS);
		o->check_ms = o->scan_ms;
		o->tokens_ms = o->now_ms;
	}
	o->settled = settled;
}

static uint64_t due(const struct owner *o)
{
	uint64_t at = owner_estates_due(o);

	if (at > o->now_ms + IDLE_MS)
		at = o->now_ms + IDLE_MS;
	if (at > o->check_ms && !o->checking)
		at = o->check_ms;
	if (at > o->scan_ms && !o->scanning)
		at = o->scan_ms;

	return at > o->now_ms ? at : o->now_ms + 1;
}

uint32_t owner_run(struct owner *o, uint64_t now_ms)
{
	o->now_ms = now_ms;
	forget_ended(o);
	settle(o, o->up && o->self && o->ops->is_settled(o->arg));
	if (!o->settled)
		return o->up ? POLL_MS : IDLE_MS;

	owner_check_run(o);
	owner_scan_run(o);
	owner_estates_run(o);
	owner_claims_run(o);

	return (uint32_t)(due(o) - now_ms);
}

/* -------------------------------------------------------------------- life */

static void destructor(void *arg)
{
	struct owner *o = arg;

	if (o->hubs)
		hash_flush(o->hubs);
	mem_deref(o->hubs);
	list_flush(&o->estates);
}

int owner_alloc(struct owner **op, const struct owner_conf *conf)
{
	struct owner *o;
	int err;

	if (!op || !conf || !conf->ops)
		return EINVAL;

	o = mem_zalloc(sizeof(*o), destructor);
	if (!o)
		return ENOMEM;

	o->ops = conf->ops;
	o->arg = conf->arg;
	o->rnd = conf->seed * 2 + 1;
	o->claims_s = conf->claims_s ? conf->claims_s : OWNER_CLAIMS_S;
	o->burst = conf->burst ? conf->burst : OWNER_BURST;
	o->window = conf->window ? conf->window : OWNER_WINDOW;
	o->scan_every_ms = conf->scan_ms ? conf->scan_ms : OWNER_SCAN_MS;
	o->check_every_ms = conf->check_ms ? conf->check_ms : OWNER_CHECK_MS;
	o->tokens = o->burst;
	o->check_ms = UINT64_MAX;
	o->scan_ms = UINT64_MAX;
	err = hash_alloc(&o->hubs, BUCKETS);
	if (err)
		mem_deref(o);
	else
		*op = o;

	return err;
}

void owner_stat(const struct owner *o, struct owner_stat *st)
{
	st->ours = o->ours;
	st->claiming = o->claiming + list_count(&o->queue);
	st->estates = list_count(&o->estates);
}
