/* SPDX-License-Identifier: MIT */
/* Calls come and go, and things break, as the seed has it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tests/owner/sim.h"

enum {
	SETTLE_US = 5000000, /* from the start to the first call       */
	FAULTS_US = 25000000,
	SCAN_MS = 5000, /* faster than in life: so many more seeds */
	CHECK_MS = 10000,
	REST_US = 22000000, /* a check, and what it leads to          */
	END_US = 16000000,
	WATCH_US = 100000,
	BUCKETS = 256,
	BUCKETS_SCALE = 1 << 17,
	PAUSE_MAX_US = 12000000,
};

const char *const sim_mutation_name[MUT_COUNT] = {
    [MUT_NONE] = "none",
    [MUT_NO_FENCE] = "no fence",
    [MUT_NO_OWNER] = "a claim from anybody",
    [MUT_NO_TOMBSTONE] = "no tombstone",
    [MUT_NO_SETTLE] = "no lease after Redis is back",
    [MUT_ONE_ROUND] = "one round",
    [MUT_NO_CHECK] = "own set not compared",
    [MUT_NO_SCAN] = "owners not read",
    [MUT_NAME_LATE] = "named late",
    [MUT_NO_REWRITE] = "not written anew",
    [MUT_KEEPS] = "does not let go",
    [MUT_NO_END] = "ends are not finished",
};

/* ------------------------------------------------------------------- help */

uint64_t sim_delay(struct sim *s)
{
	const uint64_t us = 50 + sim_random(s, 350);

	if (s->plan.slow && sim_chance(s, 20))
		return us + sim_random(s, 300000);

	return sim_chance(s, 10) ? us + sim_random(s, 5000) : us;
}

struct snode *sim_by_instance(struct sim *s, uint32_t instance)
{
	if (s->shared) {
		struct snode *n = instance && instance <= s->nodec ?
					  &s->nodev[instance - 1] :
					  NULL;

		return n && node_lives(n) ? n : NULL;
	}
	for (unsigned i = 0; i < s->nodec; i++) {
		if (s->nodev[i].self.instance == instance &&
		    node_lives(&s->nodev[i]))
			return &s->nodev[i];
	}

	return NULL;
}

/* One that lives and is not stopped; NULL: the one by chance does not. */
static struct snode *any(struct sim *s)
{
	struct snode *n = &s->nodev[sim_random(s, s->nodec)];

	return node_runs(n) && !n->leaving ? n : NULL;
}

static unsigned alive(const struct sim *s)
{
	unsigned k = 0;

	for (unsigned i = 0; i < s->nodec; i++)
		k += node_lives(&s->nodev[i]) && !s->nodev[i].draining &&
		     !s->nodev[i].leaving;

	return k;
}

struct which {
	struct snode *n;
	unsigned life;
	uint64_t until_us;
};

static struct which *which(struct snode *n)
{
	struct which *w = mem_zalloc(sizeof(*w), NULL);

	w->n = n;
	w->life = n->life;

	return w;
}

static void restart(struct sim *s, void *arg)
{
	struct which *w = arg;

	if (w->n->life != w->life)
		return;
	sim_trace(s, "%s: starts", w->n->id);
	node_start(w->n);
}

static void restart_later(struct snode *n)
{
	struct sim *s = n->s;

	if (s->plan.restarts && sim_chance(s, 700))
		sim_at(s, s->now_us + sim_between(s, 200000, 8000000), restart,
		       which(n));
}

/* ------------------------------------------------------------------ calls */

static void begin_call(struct sim *s)
{
	char hub[ULID_LEN + 1];
	struct snode *n = any(s);

	if (!n)
		return;

	(void)re_snprintf(hub, sizeof(hub), "H%025u", ++s->hub_last);
	if (node_begin(n, hub))
		return;
	(void)truth_add(s, hub);

	/* the moment that matters: half of it was sent */
	if (s->faults && s->plan.kills && sim_chance(s, 10) && alive(s) > 1) {
		sim_trace(s, "%s: killed as %s begins", n->id, hub);
		node_stop(n, false);
		restart_later(n);
	}
}

/* A party hangs up, or something changes, where the hub is. */
static void use_call(struct sim *s, struct truth *t)
{
	if (sim_chance(s, 150)) {
		t->hung = true;
		return;
	}
	for (unsigned i = 0; i < s->nodec; i++) {
		struct snode *n = &s->nodev[i];
		struct nhub *h = node_runs(n) ? node_find(n, t->id) : NULL;

		if (h)
			node_change(n, h);
	}
}

static size_t talking(const struct sim *s)
{
	size_t k = 0;

	for (size_t i = 0; i < s->truthc; i++)
		k += !s->truthv[i]->hung;

	return k;
}

static void traffic(struct sim *s, void *arg)
{
	(void)arg;

	if (!s->calls)
		return;
	sim_at(s, s->now_us + sim_between(s, 10000, 150000), traffic, NULL);
	if (talking(s) < s->plan.hubs && sim_chance(s, 700)) {
		begin_call(s);
	} else if (s->truthc) {
		struct truth *t = s->truthv[sim_random(s, (uint32_t)s->truthc)];

		if (!t->hung && !t->ended)
			use_call(s, t);
	}
}

static void watch(struct sim *s, void *arg)
{
	(void)arg;

	sim_at(s, s->now_us + WATCH_US, watch, NULL);
	truth_watch(s);
}

/* ------------------------------------------------------- faults of a node */

static void fault_kill(struct sim *s)
{
	struct snode *n = &s->nodev[sim_random(s, s->nodec)];
	const bool power = s->plan.power && sim_chance(s, 400);

	if (!node_lives(n) || (alive(s) < 2 && !s->plan.all_die))
		return;

	sim_trace(s, "%s: %s (%zu hubs)", n->id,
		  power ? "loses power" : "killed", n->hubc);
	node_stop(n, power);
	restart_later(n);
}

static void fault_pause(struct sim *s)
{
	struct snode *n = any(s);

	if (!n)
		return;
	n->paused_us = s->now_us + sim_between(s, 50000, PAUSE_MAX_US);
	sim_trace(s, "%s: stopped until %.3f", n->id,
		  (double)n->paused_us / 1e6);
}

static void fault_cut(struct sim *s)
{
	struct snode *n = any(s);

	if (!n)
		return;
	n->cut_us = s->now_us + sim_between(s, 50000, PAUSE_MAX_US);
	sim_trace(s, "%s: cut off until %.3f", n->id, (double)n->cut_us / 1e6);
}

/* Its subscriber's connection breaks. */
static void fault_blink(struct sim *s)
{
	struct snode *n = any(s);
	struct wire *w = n ? n->w[WIRE_SUB] : NULL;

	if (!w || !w->le.list)
		return;
	sim_trace(s, "%s: its subscriber is disconnected", n->id);
	list_unlink(&w->le);
	wire_answer(s, w, NULL, NULL, NULL);
	mem_deref(w);
}

static bool move_any(struct le *le, void *arg)
{
	struct snode *n = arg;
	struct nhub *h = le->data;
	struct snode *to = any(n->s);

	if (to && to != n && !h->moving)
		node_move(n, h, to);

	return !n->draining;
}

static void fault_move(struct sim *s)
{
	struct snode *n = any(s);

	if (n && wire_is_up(n))
		(void)hash_apply(n->hubs, move_any, n);
}

static void drain(struct sim *s, void *arg)
{
	struct which *w = arg;
	struct snode *n = w->n;
	const bool empty = node_lives(n) && !n->hubc && !n->byes.head;

	if (n->life != w->life)
		return;
	if (empty || s->now_us > w->until_us) {
		member_end(n, !empty);
		sim_trace(s, "%s: leaves with %zu hubs", n->id, n->hubc);
		node_stop(n, false);
		restart_later(n);
		return;
	}
	sim_at(s, s->now_us + 200000, drain, mem_ref(w));
	if (node_runs(n) && wire_is_up(n))
		(void)hash_apply(n->hubs, move_any, n);
}

static void fault_drain(struct sim *s)
{
	struct snode *n = any(s);
	struct which *w;

	if (!n || n->draining || alive(s) < 2)
		return;
	sim_trace(s, "%s: drains", n->id);
	n->draining = true;
	member_beat_now(n);
	w = which(n);
	w->until_us = s->now_us + sim_between(s, 1000000, 8000000);
	sim_at(s, s->now_us, drain, w);
}

/* -------------------------------------------------------- faults of Redis */

static void redis_back(struct sim *s, void *arg)
{
	(void)arg;

	if (s->server.up)
		return;
	sim_trace(s, "Redis is up");
	server_up(s, s->arg != NULL);
	s->arg = NULL;
}

static void redis_goes_on(struct sim *s, void *arg)
{
	(void)arg;

	sim_trace(s, "Redis goes on");
	server_stall(s, false);
}

static void fault_stall(struct sim *s)
{
	if (!s->server.up || s->server.stalled)
		return;
	sim_trace(s, "Redis is stalled");
	server_stall(s, true);
	sim_at(s, s->now_us + sim_between(s, 100000, PAUSE_MAX_US),
	       redis_goes_on, NULL);
}

static void fault_restart(struct sim *s)
{
	if (!s->server.up)
		return;
	sim_trace(s, "Redis is killed");
	server_down(s);
	s->arg = s; /* it comes back empty */
	sim_at(s, s->now_us + sim_between(s, 50000, 6000000), redis_back, NULL);
}

static void fault_failover(struct sim *s)
{
	if (!s->server.up || !s->server.replica)
		return;
	sim_trace(s, "Redis fails over");
	server_failover(s);
	sim_at(s, s->now_us + sim_between(s, 500000, 5000000), redis_back,
	       NULL);
}

static void faults(struct sim *s, void *arg)
{
	const struct sim_plan *p = &s->plan;
	const struct {
		bool may;
		void (*h)(struct sim *s);
	} v[] = {
	    {p->kills, fault_kill},
	    {p->pauses, fault_pause},
	    {p->cuts, fault_cut},
	    {p->blinks, fault_blink},
	    {p->moves, fault_move},
	    {p->moves, fault_move},
	    {p->drains, fault_drain},
	    {p->redis_stalls, fault_stall},
	    {p->redis_restarts, fault_restart},
	    {p->failovers, fault_failover},
	};
	const size_t i = sim_random(s, ARRAY_SIZE(v));
	(void)arg;

	if (!s->faults)
		return;
	if (!v[i].may) {
		faults(s, NULL);
		return;
	}
	sim_at(s, s->now_us + sim_between(s, 100000, 4000000), faults, NULL);
	v[i].h(s);
}

/* All that is broken works again. */
static void heal(struct sim *s)
{
	s->faults = false;
	s->calls = false;
	sim_trace(s, "all is well");
	if (!s->server.up)
		redis_back(s, NULL);
	if (s->server.stalled)
		redis_goes_on(s, NULL);
	for (unsigned i = 0; i < s->nodec; i++) {
		struct snode *n = &s->nodev[i];

		n->paused_us = n->cut_us = 0;
		if (!node_lives(n) && (s->plan.restarts || !alive(s))) {
			sim_trace(s, "%s: starts", n->id);
			node_start(n);
		}
	}
}

/* ------------------------------------------------------------------------
 * plans */

static const struct {
	const char *name;
	struct sim_plan plan;
} planv[] = {
    {"nodes are killed",
     {.kills = true, .restarts = true, .orphan_max_us = 8000000}},
    {"nodes lose power, are stopped, cut off",
     {.kills = true,
      .power = true,
      .pauses = true,
      .cuts = true,
      .restarts = true}},
    {"Redis alone has trouble",
     {.redis_stalls = true,
      .redis_restarts = true,
      .failovers = true,
      .only_redis = true}},
    {"everything",
     {.kills = true,
      .power = true,
      .pauses = true,
      .cuts = true,
      .drains = true,
      .moves = true,
      .restarts = true,
      .blinks = true,
      .redis_stalls = true,
      .redis_restarts = true,
      .failovers = true}},
    {"hubs move, nodes drain and die",
     {.kills = true,
      .drains = true,
      .moves = true,
      .restarts = true,
      .orphan_max_us = 8000000}},
    {"all nodes die", {.kills = true, .all_die = true, .restarts = true}},
    {"Redis restarts while nodes die",
     {.kills = true,
      .redis_restarts = true,
      .redis_stalls = true,
      .restarts = true}},
    {"everything, on a slow network",
     {.kills = true,
      .power = true,
      .pauses = true,
      .cuts = true,
      .drains = true,
      .moves = true,
      .restarts = true,
      .slow = true,
      .redis_stalls = true,
      .failovers = true}},
};

void sim_describe(const struct sim *s, char *buf, size_t size)
{
	(void)re_snprintf(buf, size, "%u nodes, about %u hubs: %s", s->nodec,
			  s->plan.hubs, s->plan.name);
}

/* --------------------------------------------------------------------------
 * run */

static void end_all(struct sim *s)
{
	for (size_t i = 0; i < s->truthc; i++)
		s->truthv[i]->hung = true;
}

bool sim_play(struct sim *s)
{
	const uint64_t from = s->now_us;

	for (unsigned i = 0; i < s->nodec; i++)
		sim_at(s, from + sim_random(s, 1000000), restart,
		       which(&s->nodev[i]));
	sim_run(s, from + SETTLE_US);
	s->calls = s->faults = true;
	traffic(s, NULL);
	sim_at(s, s->now_us + 1000000, faults, NULL);
	sim_at(s, s->now_us, watch, NULL);
	sim_run(s, s->now_us + FAULTS_US);
	heal(s);
	sim_run(s, s->now_us + REST_US);
	if (!*s->failure)
		truth_at_rest(s);
	end_all(s);
	sim_run(s, s->now_us + END_US);
	if (!*s->failure)
		truth_at_end(s);

	return !*s->failure;
}

static void destructor(void *arg)
{
	struct sim *s = arg;

	for (unsigned i = 0; i < s->nodec; i++) {
		if (node_lives(&s->nodev[i]))
			node_stop(&s->nodev[i], true);
	}
	sim_forget_all(s);
	server_close(s);
	for (size_t i = 0; i < s->truthc; i++)
		mem_deref(s->truthv[i]);
	free(s->truthv);
	mem_deref(s->truths);
	mem_deref(s->nodev);
}

static int sim_nodes(struct sim *s, unsigned nodes)
{
	s->nodev = mem_zalloc(nodes * sizeof(*s->nodev), NULL);
	if (!s->nodev)
		return ENOMEM;

	s->nodec = nodes;
	for (unsigned i = 0; i < nodes; i++) {
		s->nodev[i].s = s;
		s->nodev[i].idx = i;
		(void)re_snprintf(s->nodev[i].id, sizeof(s->nodev[i].id), "n%u",
				  i);
	}

	return 0;
}

int sim_alloc_bare(struct sim **sp, uint64_t seed, unsigned nodes,
		   bool shared, struct sim_lua *lua)
{
	struct sim *s = mem_zalloc(sizeof(*s), destructor);

	if (!s)
		return ENOMEM;

	s->rnd = seed * 0x9e3779b97f4a7c15ull + 1;
	s->lua = lua;
	s->shared = shared;
	s->now_us = SIM_S;
	if (hash_alloc(&s->truths, shared ? BUCKETS_SCALE : BUCKETS) ||
	    sim_nodes(s, nodes)) {
		mem_deref(s);
		return ENOMEM;
	}
	*sp = s;

	return 0;
}

int sim_alloc(struct sim **sp, uint64_t seed, enum sim_mutation mut,
	      struct sim_lua *lua)
{
	const size_t which_plan = seed % ARRAY_SIZE(planv);
	struct sim *s;
	int err;

	err = sim_alloc_bare(&s, seed, 2 + (unsigned)(seed / 8 % 5), false,
			     lua);
	if (err)
		return err;

	s->mut = mut;
	s->scan_ms = SCAN_MS;
	s->check_ms = CHECK_MS;
	s->plan = planv[which_plan].plan;
	s->plan.name = planv[which_plan].name;
	s->plan.hubs = (unsigned)sim_between(s, 4, 24);
	if (s->plan.failovers && sim_chance(s, 500))
		s->server.lag_us = sim_between(s, 5000, 1000000);
	else
		s->plan.failovers = false;
	server_alloc(s);
	*sp = s;

	return 0;
}
