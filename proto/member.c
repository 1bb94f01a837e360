/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <hiredis/hiredis.h>
#include <re.h>
#include "proto/log.h"
#include "proto/loop.h"
#include "proto/member.h"
#include "proto/place.h"
#include "proto/script.h"

#define KEY_MEMBERS "sy:{members}"
#define KEY_LEASE "sy:{members}:lease"
#define KEY_INSTANCE "sy:{members}:instance"

enum {
	PLACE_MAX = 1024, /* nodes considered */
	TICK_MAX_MS = 200,
};

/* What commands under way hold instead of us: they may outlive us. */
struct link {
	struct members *ms;      /* NULL: gone */
};

/* A live member. */
struct entry {
	struct le le;            /* in members->l, by ascending id      */
	Sy__Member *m;
	uint64_t beat_us;        /* when we last heard of it            */
	uint32_t placed;         /* by us, and on their way             */
	uint32_t recent;         /* of these, placed since its beat     */
	uint32_t placed_total;   /* as its last beat said               */
};

struct members {
	struct list l;
	struct link *link;
	struct loop *loop;
	struct bus *bus;
	struct loop_timer *tick;
	Sy__Member *self;        /* NULL: only watch                    */
	member_load_h *loadh;
	member_change_h *changeh;
	void *arg;
	uint32_t beat_ms, lease_ms;
	uint32_t tick_ms;        /* looks at leases and at our own beat */
	uint32_t silent_ms;      /* no beat answered: Redis is away     */
	uint64_t beaten_us;
	uint64_t answered_us;    /* when Redis answered our last beat   */
	uint64_t up_us;          /* since when Redis answers; 0: away   */
	bool beating;            /* a beat is under way                 */
	bool again;              /* beat once more when it is answered  */
	bool listing;
	bool ready;
	bool conn_up;            /* as the bus said at the last tick    */
	bool left;
	bool listens;
	bool refused;            /* a newer process bears our id        */
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

/* Whoever gets here from a handler of the loop holds a reference of its own:
 * when that is the last one, the owner has let go from within changeh. */
static void tell(struct members *ms, const Sy__Member *m, bool gone)
{
	if (ms->changeh && mem_nrefs(ms) > 1)
		ms->changeh(m, gone, ms->arg);
}

/* What a beat says of hubs placed corrects what we counted ourselves: only
 * those that are still on their way stay counted.  What was placed before the
 * beat before this one has arrived or never will: the record named another
 * node, or the node refused. */
static void correct_placed(struct entry *e)
{
	uint32_t total = e->m->load ? e->m->load->placed_total : 0;
	uint32_t arrived = total - e->placed_total;

	e->placed = e->placed > arrived ? e->placed - arrived : 0;
	if (e->placed > e->recent)
		e->placed = e->recent;
	e->recent = 0;
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
		e->placed = e->recent = 0;
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
 * full lease time to beat again.  A Redis that is stalled counts as away
 * before the first lease could run out: connections notice later. */
static void expire(struct members *ms, uint64_t now)
{
	struct le *le = ms->l.head;

	if (!ms->up_us || now - ms->up_us < ms->lease_ms * 1000ull)
		return;

	while (le) {
		struct entry *e = le->data;

		le = le->next;
		if (now - e->beat_us > ms->lease_ms * 1000ull)
			forget(ms, e);
	}
}

/* -------------------------------------------------------------- reading */

static void list_read(struct members *ms, const redisReply *reply)
{
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

/* The members behind a link, with a reference for the handler; the link's
 * own reference is given back. */
static struct members *link_take(struct link *link)
{
	struct members *ms = mem_ref(link->ms);

	mem_deref(link);

	return ms;
}

static void list_handler(int err, const redisReply *reply, void *arg)
{
	struct members *ms = link_take(arg);

	if (!ms)
		return;

	ms->listing = false;
	if (!err && reply->type == REDIS_REPLY_ARRAY)
		list_read(ms, reply);
	mem_deref(ms);
}

/* script_run() with the link as argument. */
static int run(struct members *ms, enum script script, uint32_t deadline_ms,
	       redis_reply_h *h, int keyc, int argc, const char **argv,
	       const size_t *lenv)
{
	int err = script_run_owned(bus_redis(ms->bus), script, deadline_ms, h,
				   mem_ref(ms->link), keyc, argc, argv, lenv);

	if (err)
		mem_deref(ms->link);

	return err;
}

static void read_table(struct members *ms)
{
	const char *argv[] = {KEY_MEMBERS, KEY_LEASE};

	if (ms->listing)
		return;

	ms->listing = !run(ms, SCRIPT_MEMBER_LIST, 0, list_handler, 2, 2,
			   argv, NULL);
}

static void heard(struct members *ms, const Sy__Heartbeat *hb)
{
	struct entry *e;

	if (!hb->leaving) {
		learn(ms, hb->member);
		return;
	}

	e = entry_find(ms, hb->member->id);
	if (e && e->m->instance == hb->member->instance)
		forget(ms, e);
}

static void heartbeat(const Sy__Envelope *env, void *arg)
{
	struct members *ms = mem_ref(arg);

	if (env->body_case == SY__ENVELOPE__BODY_HEARTBEAT &&
	    env->heartbeat->member)
		heard(ms, env->heartbeat);
	mem_deref(ms);
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

/* Somebody else took our id: it beats, we do not.  Said once. */
static void refused(struct members *ms, bool is)
{
	if (is && !ms->refused)
		log_error("another process bears our member id",
			  LOG_S("id", ms->self->id));
	ms->refused = is;
}

static void beat_handler(int err, const redisReply *reply, void *arg)
{
	struct members *ms = link_take(arg);

	if (!ms)
		return;

	ms->beating = false;
	if (!err)
		ms->answered_us = loop_now_us();
	if (!err && ms->self && reply->type == REDIS_REPLY_INTEGER) {
		refused(ms, !reply->integer);
		if (!ms->self->instance && reply->integer > 0) {
			ms->self->instance = (uint32_t)reply->integer;
			ms->again = true;
		}
	}
	if (ms->again)
		member_beat(ms);
	mem_deref(ms);
}

/* Who only watches asks once a beat whether Redis is there. */
static void ask(struct members *ms)
{
	ms->beating = !redis_command(bus_redis(ms->bus), ms->beat_ms,
				     beat_handler, mem_ref(ms->link), "PING");
	if (ms->beating) {
		redis_arg_owned(bus_redis(ms->bus));
		ms->beaten_us = loop_now_us();
	}
	else {
		mem_deref(ms->link);
	}
}

void member_beat(struct members *ms)
{
	size_t mlen = 0, elen = 0;
	char instance[16], lease[16];
	uint8_t *p;

	if (!ms || !ms->self || ms->left || !bus_is_up(ms->bus))
		return;
	ms->again = ms->beating;
	if (ms->beating)
		return;

	if (ms->loadh)
		ms->loadh(ms->self, ms->arg);
	ms->self->beat++;
	p = pack_beat(ms, false, &mlen, &elen);
	if (!p)
		return;

	(void)re_snprintf(lease, sizeof(lease), "%u", ms->lease_ms);
	(void)re_snprintf(instance, sizeof(instance), "%u",
			  ms->self->instance);
	{
		const char *argv[] = {KEY_MEMBERS, KEY_LEASE, KEY_INSTANCE,
				      ms->self->id, instance,
				      (const char *)p, lease,
				      BUS_CHANNEL_MEMBERS,
				      (const char *)p + mlen};
		const size_t lenv[] = {strlen(KEY_MEMBERS), strlen(KEY_LEASE),
				       strlen(KEY_INSTANCE),
				       strlen(ms->self->id), strlen(instance),
				       mlen, strlen(lease),
				       strlen(BUS_CHANNEL_MEMBERS),
				       elen};

		ms->beating = !run(ms, SCRIPT_MEMBER_BEAT, ms->beat_ms,
				   beat_handler, 3, 9, argv, lenv);
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

/* Redis comes and goes. */
static void watch_redis(struct members *ms, uint64_t now)
{
	bool up = bus_is_up(ms->bus);
	bool silent = now - ms->answered_us > ms->silent_ms * 1000ull;

	if (!up) {
		ms->up_us = 0;
		ms->conn_up = false;
		return;
	}

	if (!ms->conn_up) {
		/* first we ask, then we know */
		ms->conn_up = true;
		ms->beaten_us = 0;
		read_table(ms);
	}
	if (silent)
		ms->up_us = 0;
	else if (!ms->up_us)
		ms->up_us = now;
}

static void tick_handler(void *arg)
{
	struct members *ms = mem_ref(arg);
	uint64_t now = loop_now_us();

	ms->tick = mem_deref(ms->tick);
	(void)loop_timer_start(&ms->tick, ms->loop, ms->tick_ms, tick_handler,
			       ms);

	watch_redis(ms, now);
	if (ms->conn_up && !ms->ready)
		read_table(ms);
	if (ms->conn_up && !ms->beating &&
	    now - ms->beaten_us >= ms->beat_ms * 1000ull) {
		if (ms->self)
			member_beat(ms);
		else
			ask(ms);
	}
	expire(ms, now);
	mem_deref(ms);
}

static void members_destructor(void *arg)
{
	struct members *ms = arg;

	mem_deref(ms->tick);
	if (ms->listens)
		bus_unlisten(ms->bus, BUS_CHANNEL_MEMBERS);
	if (ms->link)
		ms->link->ms = NULL;
	mem_deref(ms->link);
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
	ms->beat_ms = conf->beat_ms ? conf->beat_ms : MEMBER_BEAT_MS;
	ms->lease_ms = conf->lease_ms ? conf->lease_ms : MEMBER_LEASE_MS;
	ms->tick_ms = ms->beat_ms / 5 < TICK_MAX_MS ? ms->beat_ms / 5
						     : TICK_MAX_MS;
	ms->silent_ms = ms->beat_ms * 3 / 2;
	ms->link = mem_zalloc(sizeof(*ms->link), NULL);
	if (ms->link)
		ms->link->ms = ms;
	else
		err = ENOMEM;
	if (conf->self) {
		ms->self = copy(conf->self);
		if (!ms->self)
			err = ENOMEM;
	}
	if (!err)
		err = bus_listen(conf->bus, BUS_CHANNEL_MEMBERS, heartbeat,
				 ms);
	ms->listens = !err;
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
	entryv[i]->recent++;

	return entryv[i]->m;
}
