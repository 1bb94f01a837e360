/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <hiredis/hiredis.h>
#include <re.h>
#include "proto/loop.h"
#include "proto/member.h"
#include "proto/place.h"
#include "proto/script.h"

#define KEY_MEMBERS "sy:{members}"
#define KEY_LEASE "sy:{members}:lease"
#define KEY_INSTANCE "sy:{members}:instance"

enum {
	TICK_MS = 200,       /* looks at leases and at our own beat     */
	PLACE_MAX = 1024,    /* nodes considered                        */
};

/* A live member. */
struct entry {
	struct le le;            /* in members->l, by ascending id      */
	Sy__Member *m;
	uint64_t beat_us;        /* when we last heard of it            */
	uint32_t placed;         /* hubs placed by us since its beat    */
	uint32_t placed_total;   /* as its last beat said               */
};

struct members {
	struct list l;
	struct loop *loop;
	struct bus *bus;
	struct loop_timer *tick;
	Sy__Member *self;        /* NULL: only watch                    */
	member_load_h *loadh;
	member_change_h *changeh;
	void *arg;
	uint64_t beaten_us;
	uint64_t up_us;          /* since when Redis answers; 0: away   */
	bool beating;            /* a beat is under way                 */
	bool listing;
	bool ready;
	bool left;
};

/* ---------------------------------------------------------------- table */

static void entry_destructor(void *arg)
{
	struct entry *e = arg;

	list_unlink(&e->le);
	if (e->m)
		sy__member__free_unpacked(e->m, NULL);
}

static struct entry *entry_find(const struct members *ms, const char *id)
{
	for (struct le *le = ms->l.head; le; le = le->next) {
		struct entry *e = le->data;

		if (!strcmp(e->m->id, id))
			return e;
	}

	return NULL;
}

static Sy__Member *copy(const Sy__Member *m)
{
	size_t len = sy__member__get_packed_size(m);
	uint8_t *p = mem_alloc(len ? len : 1, NULL);
	Sy__Member *dup = NULL;

	if (p) {
		sy__member__pack(m, p);
		dup = sy__member__unpack(NULL, len, p);
	}
	mem_deref(p);

	return dup;
}

static bool by_id(struct le *a, struct le *b, void *arg)
{
	const struct entry *x = a->data, *y = b->data;
	(void)arg;

	return strcmp(x->m->id, y->m->id) <= 0;
}

static void tell(struct members *ms, const Sy__Member *m, bool gone)
{
	if (ms->changeh)
		ms->changeh(m, gone, ms->arg);
}

/* What a beat says of hubs placed corrects what we counted ourselves: only
 * those that are still on their way stay counted. */
static void correct_placed(struct entry *e)
{
	uint32_t total = e->m->load ? e->m->load->placed_total : 0;
	uint32_t arrived = total - e->placed_total;

	e->placed = e->placed > arrived ? e->placed - arrived : 0;
	e->placed_total = total;
}

/* Take a record that was heard of; it stays the caller's. */
static void learn(struct members *ms, const Sy__Member *heard)
{
	struct entry *e = entry_find(ms, heard->id);
	Sy__Member *m, *old;
	bool news;

	if (e && e->m->instance > heard->instance)
		return; /* a late beat of a process that was replaced */

	m = copy(heard);
	if (!m)
		return;

	if (!e) {
		e = mem_zalloc(sizeof(*e), entry_destructor);
		if (!e) {
			sy__member__free_unpacked(m, NULL);
			return;
		}
		e->m = m;
		e->placed_total = m->load ? m->load->placed_total : 0;
		e->beat_us = loop_now_us();
		list_append(&ms->l, &e->le, e);
		list_sort(&ms->l, by_id, NULL);
		tell(ms, m, false);
		return;
	}

	old = e->m;
	e->m = m;
	e->beat_us = loop_now_us();
	news = old->instance != m->instance || old->state != m->state;
	if (old->instance != m->instance) {
		e->placed = 0;
		e->placed_total = m->load ? m->load->placed_total : 0;
		tell(ms, old, true);
	}
	else {
		correct_placed(e);
	}
	if (news)
		tell(ms, m, false);
	sy__member__free_unpacked(old, NULL);
}

static void forget(struct members *ms, struct entry *e)
{
	list_unlink(&e->le);
	tell(ms, e->m, true);
	mem_deref(e);
}

/* Nobody's lease runs out while Redis is away, nor until everybody had a
 * full lease time to beat again. */
static void expire(struct members *ms, uint64_t now)
{
	struct le *le = ms->l.head;

	if (!ms->up_us || now - ms->up_us < MEMBER_LEASE_MS * 1000ull)
		return;

	while (le) {
		struct entry *e = le->data;

		le = le->next;
		if (now - e->beat_us > MEMBER_LEASE_MS * 1000ull)
			forget(ms, e);
	}
}

/* -------------------------------------------------------------- reading */

static void list_handler(int err, const redisReply *reply, void *arg)
{
	struct members *ms = arg;

	ms->listing = false;
	if (err || reply->type != REDIS_REPLY_ARRAY)
		return;

	for (size_t i = 0; i < reply->elements; i++) {
		const redisReply *el = reply->element[i];
		Sy__Member *m = sy__member__unpack(
			NULL, (size_t)el->len, (const uint8_t *)el->str);

		if (m) {
			learn(ms, m);
			sy__member__free_unpacked(m, NULL);
		}
	}
	ms->ready = true;
}

static void read_table(struct members *ms)
{
	const char *argv[] = {KEY_MEMBERS, KEY_LEASE};

	if (ms->listing)
		return;

	ms->listing = !script_run(bus_redis(ms->bus), SCRIPT_MEMBER_LIST, 0,
				  list_handler, ms, 2, 2, argv, NULL);
}

static void heartbeat(const Sy__Envelope *env, void *arg)
{
	struct members *ms = arg;
	struct entry *e;

	if (env->body_case != SY__ENVELOPE__BODY_HEARTBEAT ||
	    !env->heartbeat->member)
		return;

	if (!env->heartbeat->leaving) {
		learn(ms, env->heartbeat->member);
		return;
	}

	e = entry_find(ms, env->heartbeat->member->id);
	if (e && e->m->instance == env->heartbeat->member->instance)
		forget(ms, e);
}

/* -------------------------------------------------------------- beating */

/* The packed Member and the packed Envelope around it, in one block. */
static uint8_t *pack_beat(struct members *ms, bool leaving, size_t *mlen,
			  size_t *elen)
{
	Sy__Envelope env = SY__ENVELOPE__INIT;
	Sy__Heartbeat hb = SY__HEARTBEAT__INIT;
	uint8_t *p;

	hb.member = ms->self;
	hb.leaving = leaving;
	env.from = ms->self->id;
	env.body_case = SY__ENVELOPE__BODY_HEARTBEAT;
	env.heartbeat = &hb;
	*mlen = sy__member__get_packed_size(ms->self);
	*elen = sy__envelope__get_packed_size(&env);
	p = mem_alloc(*mlen + *elen, NULL);
	if (p) {
		sy__member__pack(ms->self, p);
		sy__envelope__pack(&env, p + *mlen);
	}

	return p;
}

static void beat_handler(int err, const redisReply *reply, void *arg)
{
	struct members *ms = arg;

	ms->beating = false;
	if (err || reply->type != REDIS_REPLY_INTEGER)
		return;

	if (!ms->self->instance && reply->integer > 0) {
		ms->self->instance = (uint32_t)reply->integer;
		member_beat(ms);
	}
}

void member_beat(struct members *ms)
{
	size_t mlen = 0, elen = 0;
	char instance[16];
	uint8_t *p;

	if (!ms || !ms->self || ms->beating || ms->left || !ms->up_us)
		return;

	if (ms->loadh)
		ms->loadh(ms->self, ms->arg);
	ms->self->beat++;
	p = pack_beat(ms, false, &mlen, &elen);
	if (!p)
		return;

	(void)re_snprintf(instance, sizeof(instance), "%u",
			  ms->self->instance);
	{
		const char *argv[] = {KEY_MEMBERS, KEY_LEASE, KEY_INSTANCE,
				      ms->self->id, instance,
				      (const char *)p, "3000",
				      BUS_CHANNEL_MEMBERS,
				      (const char *)p + mlen};
		const size_t lenv[] = {strlen(KEY_MEMBERS), strlen(KEY_LEASE),
				       strlen(KEY_INSTANCE),
				       strlen(ms->self->id), strlen(instance),
				       mlen, 4, strlen(BUS_CHANNEL_MEMBERS),
				       elen};

		_Static_assert(MEMBER_LEASE_MS == 3000, "as text above");
		ms->beating = !script_run(bus_redis(ms->bus),
					  SCRIPT_MEMBER_BEAT,
					  MEMBER_BEAT_MS, beat_handler, ms, 3,
					  9, argv, lenv);
	}
	if (ms->beating)
		ms->beaten_us = loop_now_us();
	mem_deref(p);
}

void member_leave(struct members *ms)
{
	size_t mlen = 0, elen = 0;
	char instance[16];
	uint8_t *p;

	if (!ms || !ms->self || ms->left || !ms->self->instance)
		return;

	ms->left = true;
	p = pack_beat(ms, true, &mlen, &elen);
	if (!p)
		return;

	(void)re_snprintf(instance, sizeof(instance), "%u",
			  ms->self->instance);
	{
		const char *argv[] = {KEY_MEMBERS, KEY_LEASE, ms->self->id,
				      instance, BUS_CHANNEL_MEMBERS,
				      (const char *)p + mlen};
		const size_t lenv[] = {strlen(KEY_MEMBERS), strlen(KEY_LEASE),
				       strlen(ms->self->id), strlen(instance),
				       strlen(BUS_CHANNEL_MEMBERS), elen};

		(void)script_run(bus_redis(ms->bus), SCRIPT_MEMBER_LEAVE, 0,
				 NULL, NULL, 2, 6, argv, lenv);
	}
	mem_deref(p);
}

/* ----------------------------------------------------------------- life */

static void tick_handler(void *arg)
{
	struct members *ms = arg;
	uint64_t now = loop_now_us();
	bool up = bus_is_up(ms->bus);

	ms->tick = mem_deref(ms->tick);
	(void)loop_timer_start(&ms->tick, ms->loop, TICK_MS, tick_handler,
			       ms);

	if (up && !ms->up_us) {
		ms->up_us = now;
		read_table(ms);
		member_beat(ms);
	}
	else if (!up) {
		ms->up_us = 0;
	}

	if (up && !ms->ready)
		read_table(ms);
	if (now - ms->beaten_us >= MEMBER_BEAT_MS * 1000ull)
		member_beat(ms);
	expire(ms, now);
}

static void members_destructor(void *arg)
{
	struct members *ms = arg;

	mem_deref(ms->tick);
	list_flush(&ms->l);
	if (ms->self)
		sy__member__free_unpacked(ms->self, NULL);
}

int member_alloc(struct members **mp, const struct member_conf *conf)
{
	struct members *ms;
	int err = 0;

	if (!mp || !conf || !conf->loop || !conf->bus)
		return EINVAL;

	ms = mem_zalloc(sizeof(*ms), members_destructor);
	if (!ms)
		return ENOMEM;

	ms->loop = conf->loop;
	ms->bus = conf->bus;
	ms->loadh = conf->loadh;
	ms->changeh = conf->changeh;
	ms->arg = conf->arg;
	if (conf->self) {
		ms->self = copy(conf->self);
		if (!ms->self)
			err = ENOMEM;
	}
	if (!err)
		err = bus_listen(conf->bus, BUS_CHANNEL_MEMBERS, heartbeat,
				 ms);
	if (!err)
		err = loop_timer_start(&ms->tick, conf->loop, 0,
				       tick_handler, ms);

	if (err)
		mem_deref(ms);
	else
		*mp = ms;

	return err;
}

uint32_t member_instance(const struct members *ms)
{
	return ms && ms->self ? ms->self->instance : 0;
}

bool member_is_ready(const struct members *ms)
{
	return ms && ms->ready;
}

const Sy__Member *member_find(const struct members *ms, const char *id)
{
	struct entry *e = ms && id ? entry_find(ms, id) : NULL;

	return e ? e->m : NULL;
}

const Sy__Member *member_by_instance(const struct members *ms,
				     uint32_t instance)
{
	if (!ms || !instance)
		return NULL;

	for (struct le *le = ms->l.head; le; le = le->next) {
		struct entry *e = le->data;

		if (e->m->instance == instance)
			return e->m;
	}

	return NULL;
}

void member_apply(const struct members *ms, Sy__MemberKind kind, member_h *h,
		  void *arg)
{
	struct le *le = ms ? ms->l.head : NULL;

	while (le) {
		struct entry *e = le->data;

		le = le->next;
		if ((kind == SY__MEMBER_KIND__MEMBER_UNKNOWN ||
		     e->m->kind == kind) && h(e->m, arg))
			return;
	}
}

const Sy__Member *member_place(struct members *ms, const char *not_id)
{
	struct place_node nodev[PLACE_MAX];
	struct entry *entryv[PLACE_MAX];
	uint64_t rnd = 0;
	size_t n = 0;
	int i;

	if (!ms)
		return NULL;

	for (struct le *le = ms->l.head; le && n < PLACE_MAX; le = le->next) {
		struct entry *e = le->data;
		const Sy__Load *load = e->m->load;

		if (e->m->kind != SY__MEMBER_KIND__NODE)
			continue;
		nodev[n] = (struct place_node){
			.open = e->m->state == SY__MEMBER_STATE__LIVE &&
				(!not_id || strcmp(not_id, e->m->id)),
			.legs = load ? load->legs : 0,
			.hubs = load ? load->hubs : 0,
			.tick_used_percent =
				load ? load->tick_used_percent : 0,
			.placed = e->placed,
		};
		entryv[n++] = e;
	}

	while (getrandom(&rnd, sizeof(rnd), 0) != sizeof(rnd))
		;
	i = place_choose(nodev, n, rnd);
	if (i < 0)
		return NULL;
	entryv[i]->placed++;

	return entryv[i]->m;
}
