/* SPDX-License-Identifier: MIT */
/*
 * Looking for the owner of a hub; see seek.h.
 *
 *   begun --ask--> record names a live node -------------------> FOUND
 *     ^              |          ^  (a turn later, where we saw the owner
 *     |              |          |   change: it has yet to build the hub)
 *     +-- a turn ----+ names a dead one, or no answer
 *                    |
 *                    +-- none, and Redis did not just return --> GONE
 */

#include <string.h>
#include "router/core.h"
#include "router/seek.h"
#include "router/wire_impl.h"

/* Where a hub was found. */
struct known {
	uint8_t hub[ULID_BYTES];
	uint32_t instance;
	uint64_t until_ms;
};

struct seeks {
	struct worker *w; /* borrowed                           */
	struct known knownv[SEEK_KNOWN_MAX];
	struct hash *hash;
	struct list urgent, others;
	struct list over; /* done, but for the question under way */
	struct tmr turn;
	uint32_t asking; /* questions under way                */
};

/* A hub that is looked for. */
struct seek {
	struct le he, le; /* in the hash; in one of the lists   */
	struct seeks *s;  /* borrowed                           */
	uint8_t hub[ULID_BYTES];
	struct list waits; /* urgent ones first                  */
	bool urgent;
	bool asking;  /* a question is under way            */
	bool over;    /* nobody waits for its answer        */
	bool orphan;  /* we saw a dead one own it           */
	bool settled; /* ... and a turn ago, a live one     */
};

static void seek_destructor(void *arg)
{
	struct seek *k = arg;

	hash_unlink(&k->he);
	list_unlink(&k->le);
}

static void forget(struct seek *k)
{
	if (!k->asking) {
		mem_deref(k);
		return;
	}
	k->over = true;
	hash_unlink(&k->he);
	list_unlink(&k->le);
	list_append(&k->s->over, &k->le, k);
}

/* ----------------------------------------------------------------- ends */

static void tell_all(struct list *waits, enum seek_end end,
		     const Sy__Member *node, const struct store_where *where)
{
	struct le *le;

	while ((le = waits->head)) {
		struct seek_wait *wait = le->data;

		list_unlink(le);
		wait->h(end, node, where, wait->arg);
	}
}

/* Those whose time has come go to a list of their own; now_ms 0: all. */
static void take_late(struct list *late, struct seek *k, uint64_t now_ms)
{
	struct le *le = k->waits.head;

	while (le) {
		struct seek_wait *wait = le->data;

		le = le->next;
		if (now_ms && wait->until_ms > now_ms)
			continue;
		list_unlink(&wait->le);
		list_append(late, &wait->le, wait);
	}
}

/* The hub goes first: a handler may begin to look for it again. */
static void finish(struct seek *k, enum seek_end end, const Sy__Member *node,
		   const struct store_where *where)
{
	struct list waits = LIST_INIT;

	take_late(&waits, k, 0);
	forget(k);
	tell_all(&waits, end, node, where);
}

static void expire(struct seek *k, uint64_t now_ms)
{
	struct list late = LIST_INIT;

	take_late(&late, k, now_ms);
	if (list_isempty(&k->waits))
		forget(k);
	tell_all(&late, SEEK_LATE, NULL, NULL);
}

/* --------------------------------------------------------------- asking */

/* Owners that write their truth again have not all done so. */
static bool just_back(const struct worker *w)
{
	return w->back_ms && wire_now_ms() - w->back_ms < SEEK_BACK_MS;
}

static const Sy__Member *live_node(const struct worker *w, uint32_t instance)
{
	const Sy__Member *m = member_by_instance(w->members, instance);

	return m && m->kind == SY__MEMBER_KIND__NODE ? m : NULL;
}

static uint32_t hub_hash(const uint8_t *hub)
{
	uint32_t h;

	memcpy(&h, hub + ULID_BYTES - sizeof(h), sizeof(h)); /* random bits */

	return h;
}

static struct known *known_slot(struct seeks *s, const uint8_t *hub)
{
	return &s->knownv[hub_hash(hub) % SEEK_KNOWN_MAX];
}

static void know(struct seeks *s, const uint8_t *hub, uint32_t instance)
{
	struct known *kn = known_slot(s, hub);

	memcpy(kn->hub, hub, ULID_BYTES);
	kn->instance = instance;
	kn->until_ms = wire_now_ms() + SEEK_KNOWN_MS;
}

const Sy__Member *seek_known(struct seeks *s, const uint8_t *hub)
{
	const struct known *kn = known_slot(s, hub);

	if (wire_now_ms() >= kn->until_ms || memcmp(kn->hub, hub, ULID_BYTES))
		return NULL;

	return live_node(s->w, kn->instance);
}

/* What the record says. */
static void judge(struct seek *k, const struct store_where *where)
{
	const Sy__Member *node = live_node(k->s->w, where->instance);

	if (!node) {
		k->orphan = true;
	} else if (k->orphan && !k->settled) {
		k->settled = true;
	} else {
		know(k->s, k->hub, where->instance);
		finish(k, SEEK_FOUND, node, where);
	}
}

static void told(int err, const struct store_where *where, void *arg)
{
	struct seek *k = arg;

	k->asking = false;
	--k->s->asking;
	if (k->over)
		mem_deref(k);
	else if (!err)
		judge(k, where);
	else if (err == ENOENT && (where || !just_back(k->s->w)))
		finish(k, SEEK_GONE,
		       where ? live_node(k->s->w, where->instance) : NULL,
		       where);
}

static bool ask(struct seek *k)
{
	struct seeks *s = k->s;
	char hub[ULID_LEN + 1];

	if (k->asking || s->asking >= SEEK_ASK_MAX || !bus_is_up(s->w->bus))
		return false;
	ulid_print(hub, k->hub);
	if (store_hub_where(bus_redis(s->w->bus), hub, SEEK_ASK_MS, told, k))
		return false;
	k->asking = true;
	++s->asking;

	return true;
}

/* Ask for each that is there now; who was asked for waits behind the rest. */
static void ask_all(struct list *l)
{
	struct le *le = l->head, *last = l->tail;

	while (le) {
		struct seek *k = le->data;
		const bool end = le == last;

		le = le->next;
		if (ask(k)) {
			list_unlink(&k->le);
			list_append(l, &k->le, k);
		}
		if (end)
			break;
	}
}

static void expire_all(struct list *l, uint64_t now_ms)
{
	/* handlers may end or begin others: each time from the front */
	for (uint32_t n = list_count(l); n && l->head; n--) {
		struct seek *k = l->head->data;

		list_unlink(&k->le);
		list_append(l, &k->le, k);
		expire(k, now_ms);
	}
}

static void turn(void *arg)
{
	struct seeks *s = arg;
	const uint64_t now_ms = wire_now_ms();

	expire_all(&s->urgent, now_ms);
	expire_all(&s->others, now_ms);
	ask_all(&s->urgent);
	ask_all(&s->others);
	if (s->urgent.head || s->others.head)
		tmr_start(&s->turn, SEEK_TURN_MS, turn, s);
}

/* ----------------------------------------------------------------- begin */

static bool same_hub(struct le *le, void *arg)
{
	const struct seek *k = le->data;

	return !memcmp(k->hub, arg, ULID_BYTES);
}

static struct seek *find(struct seeks *s, const uint8_t *hub)
{
	return list_ledata(hash_lookup(s->hash, hub_hash(hub), same_hub,
				       (void *)(uintptr_t)hub));
}

/* Urgent ones before the others, each in the order that they came. */
static void line_up(struct seek *k, struct seek_wait *wait)
{
	struct le *le = k->waits.head;

	while (wait->urgent && le && ((struct seek_wait *)le->data)->urgent)
		le = le->next;
	if (wait->urgent && le)
		list_insert_before(&k->waits, le, &wait->le, wait);
	else
		list_append(&k->waits, &wait->le, wait);
}

int seek_start(struct seeks *s, struct seek_wait *wait,
	       const struct seek_conf *conf)
{
	struct seek *k = find(s, conf->hub);

	if (!k) {
		k = mem_zalloc(sizeof(*k), seek_destructor);
		if (!k)
			return ENOMEM;
		k->s = s;
		memcpy(k->hub, conf->hub, ULID_BYTES);
		hash_append(s->hash, hub_hash(k->hub), &k->he, k);
		list_append(&s->others, &k->le, k);
	}
	if (conf->urgent && !k->urgent) {
		k->urgent = true;
		list_unlink(&k->le);
		list_append(&s->urgent, &k->le, k);
	}
	wait->h = conf->h;
	wait->arg = conf->arg;
	wait->until_ms = wire_now_ms() + conf->limit_ms;
	wait->urgent = conf->urgent;
	line_up(k, wait);
	if (!tmr_isrunning(&s->turn))
		tmr_start(&s->turn, SEEK_TURN_MS, turn, s);
	(void)ask(k);

	return 0;
}

void seek_stop(struct seek_wait *wait)
{
	/* a hub that nobody waits for is forgotten in its turn */
	list_unlink(&wait->le);
}

/* ------------------------------------------------------------------ life */

static void destructor(void *arg)
{
	struct seeks *s = arg;
	struct list *lv[] = {&s->urgent, &s->others, &s->over};

	tmr_cancel(&s->turn);
	for (size_t i = 0; i < ARRAY_SIZE(lv); i++) {
		for (struct le *le = lv[i]->head; le; le = le->next)
			list_clear(&((struct seek *)le->data)->waits);
		list_flush(lv[i]);
	}
	mem_deref(s->hash);
}

int seek_alloc(struct seeks **sp, struct worker *w)
{
	struct seeks *s = mem_zalloc(sizeof(*s), destructor);
	int err;

	if (!s)
		return ENOMEM;
	s->w = w;
	tmr_init(&s->turn);
	err = hash_alloc(&s->hash, 256);
	if (err)
		mem_deref(s);
	else
		*sp = s;

	return err;
}
