/* libs: sy_proto sy_owner_sim */
/* SPDX-License-Identifier: MIT */
/*
 * The ownership protocol against everything that can go wrong: tests/owner
 * has the simulation and what must hold.
 *
 *   SY_MODEL_SEEDS=20000   more seeds than CI runs
 *   SY_MODEL_SEED=4711     one alone, told step by step
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <cmocka.h>
#include "tests/owner/sim.h"

enum { SEEDS = 2000, MUTATION_SEEDS = 400 };

/* What ASan remembers of each allocation and keeps of what was freed would be
 * most of the time of all this. */
const char *__asan_default_options(void);

const char *__asan_default_options(void)
{
	return "malloc_context_size=1:quarantine_size_mb=0:"
	       "thread_local_quarantine_size_kb=0";
}

/* Over all seeds; the time without an owner where nodes are only killed. */
struct sum {
	uint64_t adopted, moved, worst_us;
};

static bool play(uint64_t seed, enum sim_mutation mut, struct sim_lua *lua,
		 bool trace, struct sum *sum, char *why, size_t size)
{
	struct sim *s;
	bool ok;

	assert_int_equal(sim_alloc(&s, seed, mut, lua), 0);
	s->trace = trace;
	ok = sim_play(s);
	if (!ok) {
		char plan[128];

		sim_describe(s, plan, sizeof(plan));
		snprintf(why, size, "seed %llu (%s): %s",
			 (unsigned long long)seed, plan, s->failure);
	}
	sum->adopted += s->adopted;
	sum->moved += s->moved;
	if (s->plan.orphan_max_us && s->worst_orphan_us > sum->worst_us)
		sum->worst_us = s->worst_orphan_us;
	mem_deref(s);

	return ok;
}

static uint64_t number(const char *name, uint64_t dflt)
{
	const char *s = getenv(name);

	return s && *s ? strtoull(s, NULL, 10) : dflt;
}

static void test_holds(void **state)
{
	const uint64_t one = number("SY_MODEL_SEED", 0);
	const uint64_t seeds = number("SY_MODEL_SEEDS", SEEDS);
	struct sim_lua *lua = sim_lua_alloc(MUT_NONE);
	struct sum sum = {0};
	char why[512];
	(void)state;

	for (uint64_t seed = one ? one : 1; seed <= (one ? one : seeds);
	     seed++) {
		if (!play(seed, MUT_NONE, lua, one != 0, &sum, why,
			  sizeof(why)))
			fail_msg("%s", why);
	}
	print_message("%llu hubs adopted, %llu moved; without an owner for "
		      "%.1f s at most where nodes are only killed\n",
		      (unsigned long long)sum.adopted,
		      (unsigned long long)sum.moved,
		      (double)sum.worst_us / 1e6);
	mem_deref(lua);
}

/* What is broken on purpose is found: so the model can fail. */
static void test_finds(void **state)
{
	struct sum sum = {0};
	char why[512];
	(void)state;

	for (int mut = MUT_NONE + 1; mut < MUT_COUNT; mut++) {
		struct sim_lua *lua = sim_lua_alloc((enum sim_mutation)mut);
		uint64_t seed = 1;

		while (seed <= MUTATION_SEEDS &&
		       play(seed, (enum sim_mutation)mut, lua, false, &sum, why,
			    sizeof(why)))
			seed++;
		if (seed > MUTATION_SEEDS)
			fail_msg("not found in %d seeds: %s", MUTATION_SEEDS,
				 sim_mutation_name[mut]);
		print_message("%s: %s\n", sim_mutation_name[mut], why);
		mem_deref(lua);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_holds),
	    cmocka_unit_test(test_finds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
