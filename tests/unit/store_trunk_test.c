/* libs: sy_proto sy_proto_uv uv hiredis */
/* SPDX-License-Identifier: MIT */
/* Leases, and how trunks are: a real Redis, both loops. */

#include "redis_fixture.h"
#include "proto/store_lease.h"
#include "proto/store_trunk.h"
#include "proto/trunk_state.h"

static struct bus *bus;
static struct trunk_states *states;
static unsigned answers;
static int last;

static bool up(void *arg)
{
	(void)arg;
	return bus_is_up(bus);
}

static void start(struct fixture *f)
{
	struct bus_conf conf = {.loop = f->loop, .url = f->url, .id = "r"};

	answers = 0;
	assert_int_equal(bus_alloc(&bus, &conf), 0);
	assert_true(run_for(f, up, NULL, FIXTURE_TIMEOUT_MS));
}

static void on_lease(int err, void *arg)
{
	(void)arg;
	last = err;
	++answers;
}

static bool answered(void *arg)
{
	return answers >= *(unsigned *)arg;
}

static int take(struct fixture *f, uint32_t instance)
{
	unsigned n = answers + 1;

	assert_int_equal(store_lease_take(bus_redis(bus), "trunk:a", instance,
					  on_lease, NULL),
			 0);
	assert_true(run_for(f, answered, &n, FIXTURE_TIMEOUT_MS));

	return last;
}

static void test_lease(void **state)
{
	struct fixture *f = *state;

	start(f);
	assert_int_equal(take(f, 7), 0);
	assert_int_equal(take(f, 7), 0);
	assert_int_equal(take(f, 8), EBUSY);
	/* nobody gives what is another's */
	assert_int_equal(store_lease_give(bus_redis(bus), "trunk:a", 8), 0);
	assert_int_equal(take(f, 8), EBUSY);
	assert_int_equal(store_lease_give(bus_redis(bus), "trunk:a", 7), 0);
	assert_int_equal(take(f, 8), 0);
	/* who does not renew loses it */
	assert_int_equal(server_ask(f, "PTTL sy:lease:{trunk:a}") > 2000, 1);
	assert_int_equal(server_ask(f, "DEL sy:lease:{trunk:a}"), 1);
	assert_int_equal(take(f, 7), 0);
	bus = mem_deref(bus);
}

static bool known(void *arg)
{
	return trunk_state_get(states, arg) != NULL;
}

static bool unknown(void *arg)
{
	return !known(arg);
}

static bool down(void *arg)
{
	return !trunk_state_usable(states, arg);
}

static void test_states(void **state)
{
	struct fixture *f = *state;
	Sy__TrunkState ts = SY__TRUNK_STATE__INIT;

	start(f);
	ts.trunk = "a";
	ts.call_id = "x";
	ts.cseq = 5;
	assert_int_equal(store_trunk_put(bus, &ts), 0);

	/* who comes later reads it */
	assert_int_equal(trunk_states_alloc(&states, bus), 0);
	assert_true(trunk_state_usable(states, "a"));
	assert_true(run_for(f, known, "a", FIXTURE_TIMEOUT_MS));
	assert_int_equal(trunk_state_get(states, "a")->cseq, 5);
	assert_true(trunk_state_usable(states, "a"));
	assert_null(trunk_state_get(states, "b"));
	assert_true(trunk_state_usable(states, "b"));

	/* ... and hears what changes */
	ts.checked = true;
	assert_int_equal(store_trunk_put(bus, &ts), 0);
	assert_true(run_for(f, down, "a", FIXTURE_TIMEOUT_MS));
	ts.trunk = "b";
	ts.reachable = true;
	assert_int_equal(store_trunk_put(bus, &ts), 0);
	assert_true(run_for(f, known, "b", FIXTURE_TIMEOUT_MS));
	assert_true(trunk_state_usable(states, "b"));
	assert_int_equal(store_trunk_drop(bus, "a"), 0);
	assert_true(run_for(f, unknown, "a", FIXTURE_TIMEOUT_MS));
	assert_true(trunk_state_usable(states, "a"));

	/* what went while we did not listen */
	assert_int_equal(server_ask(f, "HDEL sy:trunks b"), 1);
	trunk_states_redis_up(states);
	trunk_states_redis_up(states);
	assert_true(run_for(f, unknown, "b", FIXTURE_TIMEOUT_MS));

	/* let go in the midst of it */
	trunk_states_redis_up(states);
	states = mem_deref(states);
	bus = mem_deref(bus);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fixture_test(test_lease),
		fixture_test(test_states),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
