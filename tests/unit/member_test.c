/* libs: sy_proto sy_proto_uv uv hiredis */
/* SPDX-License-Identifier: MIT */
#include "redis_fixture.h"
#include "proto/log.h"
#include "proto/member_table.h"
#include "proto/member_watch.h"

/* Five times as fast as in life. */
enum { BEAT_MS = 200, LEASE_MS = 600 };

static uint32_t beat_ms = BEAT_MS, lease_ms = LEASE_MS;
static const char *bus_id; /* NULL: the member id, as it should be */

/* A process of the cluster, all on one loop. */
struct proc {
	struct fixture *f;
	struct bus *bus;
	struct members *ms;
	Sy__MemberState state;
	uint32_t legs, placed_total;
	int ups, gones, changes;
	char last[64];              /* id of the last change */
	uint32_t gone_instance;
	uint64_t gone_ms;
	bool free_in_change;
	int forgotten;
};

static void load_handler(Sy__Member *self, void *arg)
{
	struct proc *p = arg;

	self->state = p->state;
	if (self->load) {
		self->load->legs = p->legs;
		self->load->placed_total = p->placed_total;
	}
}

static void change_handler(const Sy__Member *m, bool gone, void *arg)
{
	struct proc *p = arg;

	p->changes++;
	p->gones += gone;
	snprintf(p->last, sizeof(p->last), "%s", m->id);
	if (gone) {
		p->gone_instance = m->instance;
		p->gone_ms = member_gone_ms(p->ms);
	}
	if (p->free_in_change)
		p->ms = mem_deref(p->ms);
}

static void forgotten_handler(void *arg)
{
	((struct proc *)arg)->forgotten++;
}

/* id NULL: only watches */
static void proc_start(struct proc *p, struct fixture *f, const char *id,
		       Sy__MemberKind kind)
{
	Sy__Member self = SY__MEMBER__INIT;
	Sy__Load load = SY__LOAD__INIT;
	const struct bus_conf bconf = {
		.loop = f->loop, .url = f->url,
		.id = id && bus_id ? bus_id : id};
	struct member_conf mconf = {
		.loop = f->loop,
		.self = id ? &self : NULL,
		.loadh = load_handler,
		.changeh = change_handler,
		.forgottenh = forgotten_handler,
		.arg = p,
		.beat_ms = beat_ms,
		.lease_ms = lease_ms,
	};

	memset(p, 0, sizeof(*p));
	p->f = f;
	p->state = SY__MEMBER_STATE__LIVE;
	self.id = (char *)id;
	self.kind = kind;
	self.state = SY__MEMBER_STATE__LIVE;
	self.version = (char *)"1";
	if (kind == SY__MEMBER_KIND__NODE)
		self.load = &load;
	assert_int_equal(bus_alloc(&p->bus, &bconf), 0);
	mconf.bus = p->bus;
	assert_int_equal(member_alloc(&p->ms, &mconf), 0);
	assert_int_equal(member_instance(p->ms), 0);
}

/* As kill -9 does. */
static void proc_kill(struct proc *p)
{
	p->ms = mem_deref(p->ms);
	p->bus = mem_deref(p->bus);
}

struct sees {
	const struct proc *p;
	const char *id;
};

static bool does_see(void *arg)
{
	const struct sees *s = arg;

	return member_find(s->p->ms, s->id) != NULL;
}

static bool does_not_see(void *arg)
{
	return !does_see(arg);
}

#define await_seen(pp, name)                                                  \
	run_until((pp)->f, does_see, (&(struct sees){pp, name}))
#define await_gone(pp, name)                                                  \
	run_until((pp)->f, does_not_see, (&(struct sees){pp, name}))

static bool is_past(void *arg)
{
	return loop_now_us() > *(uint64_t *)arg;
}

static void pass(struct fixture *f, uint32_t ms)
{
	uint64_t until = loop_now_us() + ms * 1000ull;

	run_until(f, is_past, &until);
}

static bool list_member(const Sy__Member *m, void *arg)
{
	char *s = arg;

	strcat(s, m->id);
	strcat(s, " ");

	return false;
}

static void assert_members(const struct proc *p, Sy__MemberKind kind,
			   const char *want)
{
	char text[256] = "";

	member_apply(p->ms, kind, list_member, text);
	assert_string_equal(text, want);
}

#define ALL SY__MEMBER_KIND__MEMBER_UNKNOWN
#define ROUTER SY__MEMBER_KIND__ROUTER
#define NODE SY__MEMBER_KIND__NODE

/* Everybody sees everybody, who came early and who came late. */
static void test_table(void **state)
{
	struct proc r, n2, n1, w;
	uint32_t i1, i2;

	proc_start(&r, *state, "router-1", ROUTER);
	proc_start(&n2, *state, "node-2", NODE);
	await_seen(&r, "node-2");
	await_seen(&n2, "router-1");
	proc_start(&n1, *state, "node-1", NODE);
	proc_start(&w, *state, NULL, ROUTER);
	await_seen(&n1, "router-1");
	await_seen(&n1, "node-2");
	await_seen(&r, "node-1");
	await_seen(&w, "node-1");
	await_seen(&w, "node-2");
	await_seen(&w, "router-1");
	assert_true(member_is_ready(w.ms));

	assert_members(&r, ALL, "node-1 node-2 router-1 ");
	assert_members(&w, NODE, "node-1 node-2 ");
	assert_members(&w, SY__MEMBER_KIND__GATEWAY, "");
	i1 = member_instance(n1.ms);
	i2 = member_instance(n2.ms);
	assert_int_not_equal(i1, 0);
	assert_int_not_equal(i1, i2);
	assert_int_not_equal(i1, member_instance(r.ms));
	assert_int_equal(member_instance(w.ms), 0);
	assert_string_equal(member_by_instance(r.ms, i1)->id, "node-1");
	assert_string_equal(member_by_instance(w.ms, i2)->id, "node-2");
	assert_null(member_by_instance(r.ms, 12345));
	assert_null(member_by_instance(r.ms, 0));
	assert_null(member_find(r.ms, "node-3"));
	assert_int_equal(w.gones, 0);

	/* in order: at once, and without a trace */
	member_leave(n2.ms);
	await_gone(&w, "node-2");
	await_gone(&r, "node-2");
	assert_int_equal(server_ask(r.f, "HLEN sy:{members}"), 2);
	assert_int_equal(server_ask(r.f, "ZCARD sy:{members}:lease"), 2);
	assert_int_equal(w.gones, 1);
	proc_kill(&n2);
	proc_kill(&n1);
	proc_kill(&r);
	proc_kill(&w);
}

static bool is_ready(void *arg)
{
	return member_is_ready(((struct proc *)arg)->ms);
}

static bool sees_draining(void *arg)
{
	const struct proc *p = arg;
	const Sy__Member *m = member_find(p->ms, "node-1");

	return m && m->state == SY__MEMBER_STATE__DRAINING;
}

/* A beat outside the rhythm carries a new state at once. */
static void test_state(void **state)
{
	struct proc n, w;

	/* the rhythm itself would be too slow for this test */
	beat_ms = 2 * FIXTURE_TIMEOUT_MS;
	lease_ms = 3 * beat_ms;
	proc_start(&w, *state, NULL, ROUTER);
	run_until(w.f, is_ready, &w);
	proc_start(&n, *state, "node-1", NODE);
	beat_ms = BEAT_MS;
	lease_ms = LEASE_MS;
	await_seen(&w, "node-1");
	assert_non_null(member_place(w.ms, NULL));
	member_beat(n.ms);
	n.state = SY__MEMBER_STATE__DRAINING;
	member_beat(n.ms); /* the one before is still under way */
	run_until(w.f, sees_draining, &w);
	assert_null(member_place(w.ms, NULL));
	proc_kill(&n);
	proc_kill(&w);
}

/* Killed: gone when its lease is over, not before. */
static void test_killed(void **state)
{
	struct proc n, r, w;
	uint64_t start;

	proc_start(&n, *state, "node-1", NODE);
	proc_start(&r, *state, "router-1", ROUTER);
	proc_start(&w, *state, NULL, ROUTER);
	await_seen(&r, "node-1");
	await_seen(&w, "node-1");
	pass(r.f, LEASE_MS + 100); /* past the grace of the start */
	proc_kill(&n);
	start = loop_now_us();
	await_gone(&r, "node-1");
	assert_in_range(loop_now_us() - start,
			(LEASE_MS - BEAT_MS - 60) * 1000,
			(LEASE_MS + 10 * BEAT_MS) * 1000);
	await_gone(&w, "node-1");
	assert_members(&w, ALL, "router-1 ");
	assert_int_equal(r.gones, 1);

	/* the last one: whoever only watches notices as well */
	proc_kill(&r);
	await_gone(&w, "router-1");
	proc_kill(&w);
}

static bool has_instance(void *arg)
{
	const struct proc *p = arg;

	return member_instance(p->ms) != 0;
}

/* Who comes after a death knows from the lease when it was. */
static void test_killed_before(void **state)
{
	struct proc n, w;
	uint64_t start;

	proc_start(&n, *state, "node-1", NODE);
	run_until(n.f, has_instance, &n);
	pass(n.f, BEAT_MS);
	proc_kill(&n);
	start = loop_now_us();
	pass(*state, LEASE_MS / 2);
	proc_start(&w, *state, NULL, ROUTER);
	await_seen(&w, "node-1");
	await_gone(&w, "node-1");
	assert_in_range(w.gone_ms, (loop_now_us() - start) / 1000 - 20,
			(loop_now_us() - start) / 1000 + BEAT_MS + 20);
	proc_kill(&w);
}

/* The same id again: the new instance replaces the old at once; the old one,
 * should it still live, keeps quiet. */
static void test_replaced(void **state)
{
	struct proc old, fresh, w;
	uint32_t was;

	proc_start(&old, *state, "node-1", NODE);
	proc_start(&w, *state, NULL, ROUTER);
	await_seen(&w, "node-1");
	was = member_instance(old.ms);
	proc_start(&fresh, *state, "node-1", NODE);
	run_until(w.f, is_nonzero, &w.gones);
	assert_int_equal(w.gone_instance, was);
	assert_int_equal(member_find(w.ms, "node-1")->instance,
			 member_instance(fresh.ms));
	assert_null(member_by_instance(w.ms, was));
	pass(w.f, 2 * BEAT_MS);
	assert_int_equal(w.gones, 1);
	assert_int_equal(w.changes, 3);
	member_leave(old.ms); /* nor does it take the new one with it */
	pass(w.f, 50);
	assert_non_null(member_find(w.ms, "node-1"));
	assert_int_equal(server_ask(w.f, "HLEN sy:{members}"), 1);
	proc_kill(&old);
	proc_kill(&fresh);
	proc_kill(&w);
}

/* A stalled Redis: nobody's lease runs out, nor for a full lease time after
 * it answered again; only then who really died in between. */
static void test_stalled(void **state)
{
	struct proc n1, n2, r, w;
	uint64_t start;

	proc_start(&n1, *state, "node-1", NODE);
	proc_start(&n2, *state, "node-2", NODE);
	proc_start(&r, *state, "router-1", ROUTER);
	proc_start(&w, *state, NULL, ROUTER);
	await_seen(&w, "node-1");
	await_seen(&w, "node-2");
	await_seen(&r, "node-1");
	await_seen(&r, "node-2");
	pass(r.f, LEASE_MS + 100); /* the grace of the start is over */
	proc_kill(&n2);
	server_signal(r.f, SIGSTOP);
	pass(r.f, 2 * LEASE_MS);
	assert_int_equal(r.gones, 0);
	assert_int_equal(w.gones, 0);
	server_signal(r.f, SIGCONT);
	start = loop_now_us();
	await_gone(&r, "node-2");
	assert_true(loop_now_us() - start > (LEASE_MS - 50) * 1000);
	await_gone(&w, "node-2");
	assert_members(&r, ALL, "node-1 router-1 ");
	assert_members(&w, ALL, "node-1 router-1 ");
	assert_int_equal(r.gones, 1);
	assert_int_equal(w.gones, 1);
	proc_kill(&n1);
	proc_kill(&r);
	proc_kill(&w);
}

static bool is_well(void *arg)
{
	return member_redis_is_well(arg);
}

static bool is_not_well(void *arg)
{
	return !member_redis_is_well(arg);
}

/* A Redis that takes no writes is not well, but beats are heard: nobody is
 * taken for dead, and who only watches sees who really died. */
static void test_no_writes(void **state)
{
	struct fixture *f = *state;
	struct proc n1, n2, r, w;

	proc_start(&n1, f, "node-1", NODE);
	proc_start(&n2, f, "node-2", NODE);
	proc_start(&r, f, "router-1", ROUTER);
	proc_start(&w, f, NULL, ROUTER);
	await_seen(&w, "node-1");
	await_seen(&w, "node-2");
	await_seen(&r, "node-1");
	run_until(f, is_well, r.ms);
	pass(f, LEASE_MS + 100);
	server_ask(f, "CONFIG SET min-replicas-to-write 1");
	run_until(f, is_not_well, r.ms);
	pass(f, 2 * LEASE_MS);
	assert_false(member_redis_is_well(r.ms));
	assert_int_equal(r.gones, 0);
	assert_int_equal(w.gones, 0);
	proc_kill(&n2);
	await_gone(&w, "node-2");
	server_ask(f, "CONFIG SET min-replicas-to-write 0");
	run_until(f, is_well, r.ms);
	await_gone(&r, "node-2");
	assert_members(&r, ALL, "node-1 router-1 ");
	assert_members(&w, ALL, "node-1 router-1 ");
	proc_kill(&n1);
	proc_kill(&r);
	proc_kill(&w);
}

static bool recorded(void *arg)
{
	return server_ask(arg, "HLEN sy:{members}") == 2;
}

/* Redis comes back empty: instances stay, everybody writes his truth again,
 * and a new process gets no number of a living one. */
static void test_emptied(void **state)
{
	struct fixture *f = *state;
	struct proc n1, r, n2;
	uint32_t in, ir;

	proc_start(&n1, f, "node-1", NODE);
	proc_start(&r, f, "router-1", ROUTER);
	await_seen(&r, "node-1");
	await_seen(&n1, "router-1");
	in = member_instance(n1.ms);
	ir = member_instance(r.ms);
	server_kill(f);
	pass(f, 100);
	server_start(f);
	proc_start(&n2, f, "node-2", NODE);
	await_seen(&r, "node-2");
	await_seen(&n2, "node-1");
	await_seen(&n2, "router-1");
	assert_int_equal(member_instance(n1.ms), in);
	assert_int_equal(member_instance(r.ms), ir);
	assert_int_not_equal(member_instance(n2.ms), in);
	assert_int_not_equal(member_instance(n2.ms), ir);
	assert_int_equal(r.gones, 0);
	member_leave(n2.ms);
	await_gone(&r, "node-2");
	run_until(f, recorded, f);
	proc_kill(&n1);
	proc_kill(&n2);
	proc_kill(&r);
}

/* Among nodes that look alike, what was placed tells them apart; the next
 * beats bring the truth. */
static bool has_beaten(void *arg)
{
	const struct sees *s = arg;
	const Sy__Member *m = member_find(s->p->ms, s->id);

	return m && m->load && m->load->legs == 7;
}

static void test_place(void **state)
{
	struct proc n1, n2, r;
	int v[3] = {0};

	proc_start(&n1, *state, "node-1", NODE);
	proc_start(&n2, *state, "node-2", NODE);
	proc_start(&r, *state, "router-1", ROUTER);
	await_seen(&r, "node-1");
	await_seen(&r, "node-2");
	for (int i = 0; i < 100; i++)
		v[member_place(r.ms, NULL)->id[5] - '0']++;
	assert_int_equal(v[1], 50);
	assert_int_equal(v[2], 50);
	assert_string_equal(member_place(r.ms, "node-1")->id, "node-2");
	assert_string_equal(member_place(r.ms, "node-2")->id, "node-1");

	/* none of these came to node-1, all to node-2 (51 hubs, 102 legs):
	 * after two beats what never came is forgotten */
	n2.placed_total = 51;
	n2.legs = 102;
	for (int i = 0; i < 2; i++) {
		n1.legs = 7;
		member_beat(n1.ms);
		member_beat(n2.ms);
		run_until(r.f, has_beaten, (&(struct sees){&r, "node-1"}));
		n1.legs = 0;
		member_beat(n1.ms);
		pass(r.f, 50);
	}
	v[1] = v[2] = 0;
	for (int i = 0; i < 40; i++)
		v[member_place(r.ms, NULL)->id[5] - '0']++;
	assert_int_equal(v[1], 40);
	proc_kill(&n1);
	proc_kill(&n2);
	assert_null(member_place(NULL, NULL));
	proc_kill(&r);
}

/* Let go from within its own handler, and with a beat under way. */
static void test_free_within(void **state)
{
	struct proc n, w;

	proc_start(&w, *state, NULL, ROUTER);
	w.free_in_change = true;
	proc_start(&n, *state, "node-1", NODE);
	run_until(w.f, is_nonzero, &w.changes);
	assert_int_equal(w.changes, 1);
	member_beat(n.ms);
	n.ms = mem_deref(n.ms); /* the bus stays */
	pass(w.f, 50);
	assert_int_equal(w.changes, 1);
	proc_kill(&n);
	proc_kill(&w);
}

/* ------------------------------------------------- nodes watch each other */

/* In these the lease is long: what is found soon was not found by it. */
enum { LONG_MS = 1500, FOUND_MS = 400 };

static bool is_settled(void *arg)
{
	return member_is_settled(((struct proc *)arg)->ms);
}

static void pair_start(struct proc *n1, struct proc *n2, struct fixture *f)
{
	lease_ms = LONG_MS;
	proc_start(n1, f, "node-1", NODE);
	proc_start(n2, f, "node-2", NODE);
	lease_ms = LEASE_MS;
	await_seen(n1, "node-2");
	await_seen(n2, "node-1");
	assert_false(member_is_settled(n1->ms));
	run_until(f, is_settled, n1);
	run_until(f, is_settled, n2);
}

static bool beats_again(void *arg)
{
	static uint32_t last;
	const struct sees *s = arg;
	const uint32_t beat = member_find(s->p->ms, s->id)->beat;
	const bool again = last && beat != last;

	last = again ? 0 : beat;

	return again;
}

/* Killed: its neighbour finds out, and everybody hears; when it was last seen,
 * too. */
static void test_found_dead(void **state)
{
	struct proc n1, n2, w;
	uint64_t start, since_ms;

	pair_start(&n1, &n2, *state);
	proc_start(&w, *state, NULL, ROUTER);
	await_seen(&w, "node-1");
	await_seen(&w, "node-2");
	/* its neighbour sees it after its last beat */
	run_until(w.f, beats_again, (&(struct sees){&w, "node-1"}));
	pass(*state, BEAT_MS - 40);
	start = loop_now_us();
	proc_kill(&n1);
	await_gone(&w, "node-1");
	await_gone(&n2, "node-1");
	since_ms = (loop_now_us() - start) / 1000;
	assert_in_range(w.gone_ms, since_ms - 10,
			since_ms + MEMBER_WATCH_MS + 20);
	assert_in_range(loop_now_us() - start, 100 * 1000, FOUND_MS * 1000);
	assert_int_equal(w.gones, 1);
	assert_int_equal(n2.gones, 1);
	assert_int_equal(server_ask(w.f, "HLEN sy:{members}"), 1);
	assert_int_equal(server_ask(w.f, "ZCARD sy:{members}:lease"), 1);
	proc_kill(&n2);
	proc_kill(&w);
}

/* The connection of the subscriber that is there the longest. */
static void kill_first_subscriber(struct fixture *f)
{
	redisContext *c = redisConnectUnix(f->sock);
	redisReply *reply = redisCommand(c, "CLIENT LIST TYPE pubsub");
	unsigned id = 0;

	assert_non_null(reply);
	assert_int_equal(sscanf(reply->str, "id=%u ", &id), 1);
	freeReplyObject(reply);
	redisFree(c);
	assert_int_equal(server_ask(f, "CLIENT KILL ID %u", id), 1);
}

/* A connection that comes back at once is no death. */
static void test_blink(void **state)
{
	struct proc n1, n2;

	pair_start(&n1, &n2, *state);
	for (int i = 0; i < 8; i++) {
		kill_first_subscriber(*state);
		pass(*state, 150);
	}
	assert_int_equal(n1.gones, 0);
	assert_int_equal(n2.gones, 0);
	proc_kill(&n1);
	proc_kill(&n2);
}

/* When Redis comes back nobody has a subscriber for a moment; nor is a stall
 * anybody's death. */
static void test_restart_kills_nobody(void **state)
{
	struct fixture *f = *state;
	struct proc n1, n2;

	pair_start(&n1, &n2, f);
	server_kill(f);
	pass(f, 300);
	server_start(f);
	pass(f, LONG_MS + 500);
	run_until(f, is_settled, &n1);
	server_signal(f, SIGSTOP);
	pass(f, 1000);
	assert_false(member_is_settled(n1.ms));
	server_signal(f, SIGCONT);
	pass(f, LONG_MS + 500);
	assert_int_equal(n1.gones, 0);
	assert_int_equal(n2.gones, 0);
	assert_true(n1.forgotten > 0); /* Redis was emptied */
	proc_kill(&n1);
	proc_kill(&n2);
}

static bool was_forgotten(void *arg)
{
	return ((struct proc *)arg)->forgotten > 0;
}

/* Who lost its record hears of it, once. */
static void test_forgotten(void **state)
{
	struct fixture *f = *state;
	struct proc n;

	proc_start(&n, f, "node-1", NODE);
	await_seen(&n, "node-1");
	pass(f, 3 * BEAT_MS);
	assert_int_equal(n.forgotten, 0); /* nor at its first beat */
	assert_int_equal(server_ask(f, "HDEL sy:{members} node-1"), 1);
	run_until(f, was_forgotten, &n);
	pass(f, 3 * BEAT_MS);
	assert_int_equal(n.forgotten, 1);
	/* the others may have let its lease run out */
	assert_int_equal(server_ask(f, "ZADD sy:{members}:lease 1 node-1"),
			 0);
	n.forgotten = 0;
	run_until(f, was_forgotten, &n);
	proc_kill(&n);
}

/* Declared dead, and lives: a member again, with the same instance. */
static void test_denied(void **state)
{
	struct proc n1, n2;
	uint32_t instance;

	bus_id = "elsewhere";
	lease_ms = LONG_MS;
	proc_start(&n1, *state, "node-1", NODE);
	bus_id = NULL;
	proc_start(&n2, *state, "node-2", NODE);
	lease_ms = LEASE_MS;
	await_seen(&n2, "node-1");
	instance = member_instance(n1.ms);
	run_until(n2.f, is_nonzero, &n2.gones);
	assert_int_equal(n2.gone_instance, instance);
	run_until(n1.f, was_forgotten, &n1);
	await_seen(&n2, "node-1");
	assert_int_equal(member_find(n2.ms, "node-1")->instance, instance);
	proc_kill(&n1);
	proc_kill(&n2);
}

/* Hubs are left behind: gone at once, and it beats no more. */
static void test_resign(void **state)
{
	struct proc n, w;

	proc_start(&n, *state, "node-1", NODE);
	proc_start(&w, *state, NULL, ROUTER);
	await_seen(&w, "node-1");
	await_seen(&n, "node-1");
	member_resign(n.ms);
	await_gone(&w, "node-1");
	pass(w.f, 3 * BEAT_MS);
	assert_int_equal(w.gones, 1);
	assert_null(member_find(w.ms, "node-1"));
	assert_int_equal(server_ask(w.f, "HLEN sy:{members}"), 0);
	proc_kill(&n);
	proc_kill(&w);
}

static void no_change(const Sy__Member *m, bool gone, void *arg)
{
	(void)m;
	(void)gone;
	(void)arg;
}

static uint64_t heard_us = 1; /* when learn() learns */

static void learn(struct member_table *t, const char *id, uint32_t instance,
		  Sy__MemberKind kind, Sy__MemberState st, uint32_t legs)
{
	Sy__Member m = SY__MEMBER__INIT;
	Sy__Load load = SY__LOAD__INIT;

	m.id = (char *)id;
	m.instance = instance;
	m.kind = kind;
	m.state = st;
	load.legs = legs;
	m.load = &load;
	member_table_learn(t, &m, heard_us, 0);
}

#define LIVE SY__MEMBER_STATE__LIVE

/* On the ring of nodes: the next three, ourselves and routers left out. */
static void test_watch_ring(void **state)
{
	static const char *const idv[] = {"a", "b", "c", "d", "e"};
	struct member_watch w = {.n = 0};
	struct member_table t;
	(void)state;

	member_table_init(&t, 1000, 500, no_change, NULL);
	assert_int_equal(member_watch_pick(&w, &t, "a"), 0);
	learn(&t, "a", 1, NODE, LIVE, 0);
	learn(&t, "aa", 9, ROUTER, LIVE, 0);
	assert_int_equal(member_watch_pick(&w, &t, "a"), 0);
	for (size_t i = 1; i < ARRAY_SIZE(idv); i++)
		learn(&t, idv[i], (uint32_t)i + 1, NODE, LIVE, 0);
	assert_int_equal(member_watch_pick(&w, &t, "d"), 3);
	assert_string_equal(w.v[0].id, "e");
	assert_string_equal(w.v[1].id, "a");
	assert_string_equal(w.v[2].id, "b");

	/* three misses in a row, of the same instance */
	assert_false(member_watch_saw(&w, "a", 1, 0, 50));
	assert_false(member_watch_saw(&w, "a", 1, 0, 50));
	assert_int_equal(member_watch_seen_us(&w, "a", 1), 0);
	assert_false(member_watch_saw(&w, "a", 1, 1, 40));
	assert_false(member_watch_saw(&w, "a", 1, 0, 50));
	assert_false(member_watch_saw(&w, "a", 1, 0, 50));
	assert_int_equal(member_watch_pick(&w, &t, "d"), 3);
	assert_true(member_watch_saw(&w, "a", 1, 0, 50));
	assert_int_equal(member_watch_seen_us(&w, "a", 1), 40);
	assert_false(member_watch_saw(&w, "a", 1, 0, 50));
	assert_false(member_watch_saw(&w, "c", 3, 0, 50)); /* not ours */
	learn(&t, "a", 7, NODE, LIVE, 0);
	assert_int_equal(member_watch_pick(&w, &t, "d"), 3);
	assert_int_equal(w.v[1].instance, 7);
	assert_int_equal(w.v[1].missed, 0);
	assert_int_equal(member_watch_seen_us(&w, "a", 7), 0);
	member_watch_reset(&w);
	assert_false(member_watch_saw(&w, "a", 7, 0, 50));
	member_table_close(&t);
}

static uint64_t told_us; /* last sign of life of who was told as gone */

static void note_gone(const Sy__Member *m, bool gone, void *arg)
{
	const struct member_table *t = *(struct member_table **)arg;

	(void)m;
	if (gone)
		told_us = t->gone_us;
}

/* A channel that was seen is a sign of life of one that beats, and of no
 * other. */
static void test_sign_of_life(void **state)
{
	static const struct {
		uint64_t seen_us, want_us;
	} v[] = {{0, 1000}, {900, 1000}, {1400, 1400}, {1500, 1500}, {1501, 1000}};
	struct member_table t, *tp = &t;
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(v); i++) {
		/* leases of 3 ms; a beat is missed after 0.5 ms */
		member_table_init(&t, 3, 0, note_gone, &tp);
		t.silent_us = 500;
		heard_us = 1000;
		learn(&t, "a", 1, NODE, LIVE, 0);
		told_us = 0;
		member_table_died(&t, "a", 2, v[i].seen_us);
		assert_int_equal(told_us, 0); /* another instance */
		member_table_died(&t, "a", 1, v[i].seen_us);
		assert_int_equal(told_us, v[i].want_us);
		member_table_close(&t);
	}
	heard_us = 1;
}

/* What nodes weigh when they share hubs out. */
static void test_peers(void **state)
{
	const uint64_t later = 1000 * 1000;
	struct owner_peer v[8];
	struct member_table t;
	(void)state;

	member_table_init(&t, 1000, 500, no_change, NULL);
	learn(&t, "a", 1, NODE, LIVE, 0);
	learn(&t, "b", 2, NODE, LIVE, 2000);
	learn(&t, "c", 3, NODE, LIVE, 100000);
	learn(&t, "d", 4, NODE, SY__MEMBER_STATE__DRAINING, 0);
	learn(&t, "e", 5, NODE, SY__MEMBER_STATE__OVERLOADED, 0);
	learn(&t, "f", 6, ROUTER, LIVE, 0);
	assert_int_equal(member_table_peers(&t, later, v, ARRAY_SIZE(v)), 5);
	assert_true(v[0].room == 17);
	assert_true(v[1].room == 9);
	assert_true(v[2].room == 1);
	assert_true(v[3].room == 0);
	assert_true(v[4].room == 1 && v[4].last);
	assert_false(v[2].last);
	assert_int_equal(v[1].instance, 2);
	assert_int_equal(member_table_peers(&t, later, v, 2), 2);
	member_table_close(&t);
}

/* Who has just started takes a share only if nobody else is there. */
static void test_new_peers(void **state)
{
	const uint64_t half = 500 * 1000;
	struct owner_peer v[2];
	struct member_table t;
	(void)state;

	member_table_init(&t, 1000, 500, no_change, NULL);
	learn(&t, "a", 1, NODE, LIVE, 0);
	learn(&t, "b", 2, NODE, LIVE, 0);
	(void)member_table_peers(&t, half, v, 2);
	assert_true(v[0].last && v[0].room == 17);
	(void)member_table_peers(&t, half + 1, v, 2);
	assert_false(v[0].last || v[1].last);

	/* a beat does not make it new, another process does */
	heard_us = 2 * half;
	learn(&t, "a", 1, NODE, LIVE, 0);
	learn(&t, "b", 3, NODE, LIVE, 0);
	(void)member_table_peers(&t, 2 * half, v, 2);
	assert_false(v[0].last);
	assert_true(v[1].last);
	(void)member_table_peers(&t, 3 * half, v, 2);
	assert_false(v[1].last);
	heard_us = 1;
	member_table_close(&t);
}

/* Settled: a lease since Redis answered again, and it answers. */
static void test_settled(void **state)
{
	struct member_table t;
	(void)state;

	member_table_init(&t, 1000, 500, no_change, NULL);
	learn(&t, "a", 1, NODE, LIVE, 0);
	member_table_redis(&t, true, 900 * 1000);
	assert_false(member_table_is_settled(&t, 900 * 1000)); /* no answer */
	for (uint64_t ms = 1000; ms <= 2000; ms += 250) {
		member_table_answered(&t, ms * 1000);
		member_table_redis(&t, true, ms * 1000);
	}
	assert_false(member_table_is_settled(&t, 1999 * 1000));
	assert_true(member_table_is_settled(&t, 2000 * 1000));
	/* stopped for a while: the clock has run on */
	assert_false(member_table_is_settled(&t, 9000 * 1000));
	member_table_expire(&t, 9000 * 1000);
	assert_non_null(member_table_find(&t, "a"));
	member_table_expire(&t, 2000 * 1000);
	assert_null(member_table_find(&t, "a"));
	member_table_close(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fixture_test(test_table),
		fixture_test_re(test_state),
		fixture_test_re(test_killed),
		fixture_test_re(test_killed_before),
		fixture_test_re(test_replaced),
		fixture_test_re(test_stalled),
		fixture_test_re(test_no_writes),
		fixture_test_re(test_emptied),
		fixture_test_re(test_place),
		fixture_test(test_free_within),
		fixture_test(test_found_dead),
		fixture_test_re(test_blink),
		fixture_test_re(test_restart_kills_nobody),
		fixture_test_re(test_forgotten),
		fixture_test_re(test_denied),
		fixture_test_re(test_resign),
		cmocka_unit_test(test_watch_ring),
		cmocka_unit_test(test_sign_of_life),
		cmocka_unit_test(test_peers),
		cmocka_unit_test(test_new_peers),
		cmocka_unit_test(test_settled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
