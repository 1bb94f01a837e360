/* SPDX-License-Identifier: MIT */
/*
 * How adoption behaves in a large cluster: 1,000 nodes with 100 hubs each, on
 * the simulation of tests/owner, where a command takes Redis the time that
 * it was measured to take.  One node dies, then ten at once.
 *
 * Heartbeats and the nodes' looks at each other are not simulated here: they
 * are counted (member.h, member_watch.h) and added.
 *
 * Usage: owner-sim [nodes [hubs a node [seed]]]; prints JSON lines.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tests/owner/sim.h"

enum {
	BEGIN_US = 4000000,   /* all hubs begin in this time            */
	STEADY_US = 10000000, /* what happens when nothing happens      */
	AFTER_US = 15000000,  /* after a death                          */
	CHANGE_S = 20,	      /* a hub is written once in so many [s]   */
	WATCH_US = MEMBER_WATCH_MS * 1000,
};

static void print(const char *group, const char *name, double value,
		  const char *unit)
{
	printf("{\"bench\":\"survive\",\"name\":\"sim.%s.%s\","
	       "\"value\":%.6g,\"unit\":\"%s\"}\n",
	       group, name, value, unit);
	fflush(stdout);
}

/* -------------------------------------------------------------- a cluster */

static void begin(struct sim *s, void *arg)
{
	const struct truth *t = arg;

	(void)node_begin(&s->nodev[t->owner - 1], t->id);
}

static void change(struct sim *s, void *arg)
{
	const struct truth *t = arg;
	struct snode *n = sim_by_instance(s, t->owner);
	struct nhub *h = n ? node_find(n, t->id) : NULL;

	sim_at(s, s->now_us + CHANGE_S * SIM_S, change, mem_ref(arg));
	if (h)
		node_change(n, h);
}

static void populate(struct sim *s, unsigned hubs)
{
	for (unsigned i = 0; i < s->nodec; i++)
		node_start(&s->nodev[i]);
	sim_run(s, s->now_us + SIM_S);
	for (unsigned i = 0; i < s->nodec * hubs; i++) {
		char id[ULID_LEN + 1];
		struct truth *t;

		(void)re_snprintf(id, sizeof(id), "H%025u", i);
		t = truth_add(s, id);
		t->owner = 1 + i % s->nodec;
		sim_at(s, s->now_us + sim_random(s, BEGIN_US), begin,
		       mem_ref(t));
		sim_at(s,
		       s->now_us + BEGIN_US + sim_random(s, CHANGE_S * SIM_S),
		       change, mem_ref(t));
	}
	sim_run(s, s->now_us + BEGIN_US + SIM_S);
}

/* ----------------------------------------------------------------- deaths */

/* Whoever hears that somebody died. */
struct news {
	struct snode *n;
	uint32_t instance;
};

static void hear(struct sim *s, void *arg)
{
	const struct news *news = arg;
	(void)s;

	if (!node_lives(news->n))
		return;
	owner_died(news->n->o, news->instance);
	node_wake(news->n);
}

/* Found in the third look that finds nobody, and told to all. */
static void die(struct sim *s, struct snode *dead)
{
	const uint64_t found = s->now_us + (MEMBER_WATCH_MISS - 1) * WATCH_US +
			       sim_random(s, WATCH_US);

	node_stop(dead, false);
	for (unsigned i = 0; i < s->nodec; i++) {
		struct news *news = mem_zalloc(sizeof(*news), NULL);

		if (!news)
			abort();
		news->n = &s->nodev[i];
		news->instance = dead->self.instance;
		sim_at(s, found + sim_delay(s) + i, hear, news);
	}
}

static int cmp(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double at(double *v, size_t n, double part)
{
	return n ? v[(size_t)((double)(n - 1) * part)] : 0;
}

/* When each hub had another owner, and how many each node took. */
static void report(struct sim *s, const char *group, uint64_t died_us,
		   uint64_t ops)
{
	double *ms = calloc(s->truthc, sizeof(*ms));
	double *took = calloc(s->nodec, sizeof(*took));
	size_t n = 0, left = 0, takers = 0;

	if (!ms || !took)
		abort();
	for (size_t i = 0; i < s->truthc; i++) {
		const struct truth *t = s->truthv[i];

		left += !sim_by_instance(s, t->owner);
		if (t->claimed_us < died_us)
			continue;
		ms[n++] = (double)(t->claimed_us - died_us) / 1e3;
		took[t->owner - 1]++;
	}
	for (unsigned i = 0; i < s->nodec; i++) {
		if (node_lives(&s->nodev[i]))
			took[takers++] = took[i];
	}
	qsort(ms, n, sizeof(*ms), cmp);
	qsort(took, takers, sizeof(*took), cmp);
	print(group, "hubs_adopted", (double)n, "");
	print(group, "hubs_left", (double)left, "");
	print(group, "adopted_p50_ms", at(ms, n, 0.5), "ms");
	print(group, "adopted_p99_ms", at(ms, n, 0.99), "ms");
	print(group, "all_adopted_ms", at(ms, n, 1), "ms");
	print(group, "hubs_a_node_p50", at(took, takers, 0.5), "");
	print(group, "hubs_a_node_p99", at(took, takers, 0.99), "");
	print(group, "hubs_a_node_max", at(took, takers, 1), "");
	print(group, "redis_ops", (double)ops, "");
	print(group, "redis_peak_ops_s", (double)s->server.peak * 10, "1/s");
	free(ms);
	free(took);
}

static void kill_some(struct sim *s, const char *group, unsigned n,
		      unsigned from)
{
	const uint64_t died_us = s->now_us, ops = s->server.ops;

	s->server.peak = 0;
	for (unsigned i = 0; i < n; i++)
		die(s, &s->nodev[from + i * (s->nodec / (2 * n))]);
	sim_run(s, s->now_us + AFTER_US);
	report(s, group, died_us, s->server.ops - ops);
}

/* ----------------------------------------------------------------- steady */

static void steady(struct sim *s)
{
	const uint64_t ops = s->server.ops;
	const double seconds = (double)STEADY_US / 1e6, n = s->nodec;
	double protocol;

	sim_run(s, s->now_us + STEADY_US);
	protocol = (double)(s->server.ops - ops) / seconds;
	print("steady", "redis_store_ops_s", protocol, "1/s");
	print("steady", "redis_beats_s", n, "1/s");
	print("steady", "redis_looks_s", n * 1000 / MEMBER_WATCH_MS, "1/s");
	print("steady", "redis_ops_s",
	      protocol + n + n * 1000 / MEMBER_WATCH_MS, "1/s");
	print("steady", "redis_deliveries_s", n * n, "1/s");
}

static unsigned number(int argc, char *argv[], int i, unsigned dflt)
{
	return argc > i ? (unsigned)strtoul(argv[i], NULL, 10) : dflt;
}

int main(int argc, char *argv[])
{
	const unsigned nodes = number(argc, argv, 1, 1000);
	const unsigned hubs = number(argc, argv, 2, 100);
	struct sim_lua *lua;
	struct sim *s;
	bool failed;

	if (nodes < 40 || nodes > 1024 || !hubs) {
		fprintf(stderr, "owner-sim: nodes: 40 to 1024; hubs a node: "
				"1 and more\n");
		return 2;
	}
	libre_init();
	lua = sim_lua_alloc(MUT_NONE);
	if (sim_alloc_bare(&s, number(argc, argv, 3, 1), nodes, true, lua))
		return 1;
	s->server.counts_time = true;
	server_alloc(s);
	populate(s, hubs);
	print("cluster", "nodes", nodes, "");
	print("cluster", "hubs", (double)s->truthc, "");
	steady(s);
	kill_some(s, "one", 1, 7);
	kill_some(s, "ten", 10, 11);
	failed = *s->failure != '\0';
	if (failed)
		fprintf(stderr, "owner-sim: %s\n", s->failure);
	mem_deref(s);
	mem_deref(lua);
	libre_close();

	return failed;
}
