/* libs: sy_media */
/* SPDX-License-Identifier: MIT */
#include "media_test.h"

#include <errno.h>
#include <re.h>

#include "node/media/port.h"

static void test_range(void **state)
{
	static const struct {
		uint16_t min, max;
		uint32_t total;
	} v[] = {
		{20000, 29999, 5000}, {20001, 20003, 1}, {2, 3, 1},
		{65534, 65535, 1},    {1, 65535, 32767},
	};
	struct portset *p;
	struct port_count n;
	size_t i;

	(void)state;

	for (i = 0; i < ARRAY_SIZE(v); i++) {
		assert_int_equal(port_alloc(&p, v[i].min, v[i].max, 1), 0);
		port_count(p, 0, &n);
		assert_int_equal(n.free, v[i].total);
		mem_deref(p);
	}

	assert_int_equal(port_alloc(&p, 0, 100, 1), EINVAL);
	assert_int_equal(port_alloc(&p, 20000, 20000, 1), EINVAL);
	assert_int_equal(port_alloc(&p, 20001, 20002, 1), EINVAL);
	assert_int_equal(port_alloc(&p, 300, 200, 1), EINVAL);
}

/* Random use beside a dull model: for each port, when it was given back. */
static void test_model(void **state)
{
	enum { MIN = 10000, MAX = 10063, REST_MS = 500 };
	uint32_t rnd = test_seed() | 1;
	uint64_t now = 5, back[MAX + 1] = {0};
	bool used[MAX + 1] = {false};
	struct port_count n;
	struct portset *p;
	int round, seen = 0;

	(void)state;

	assert_int_equal(port_alloc(&p, MIN, MAX, REST_MS), 0);

	for (round = 0; round < 20000; round++) {
		uint16_t port = (uint16_t)(MIN + test_rand(&rnd) % 64 / 2 * 2);
		uint32_t i, u = 0, q = 0;

		now += test_rand(&rnd) % 20;
		if (used[port]) {
			port_put(p, port, now);
			used[port] = false;
			back[port] = now;
		}
		else if ((port = port_get(p, now, test_rand(&rnd)))) {
			assert_in_range(port, MIN, MAX);
			assert_int_equal(port % 2, 0);
			assert_false(used[port]);
			assert_true(!back[port] || now - back[port] >= REST_MS);
			used[port] = true;
			++seen;
		}

		for (i = MIN; i <= MAX; i += 2) {
			u += used[i];
			q += !used[i] && back[i] && now - back[i] < REST_MS;
		}
		port_count(p, now, &n);
		assert_int_equal(n.used, u);
		assert_int_equal(n.quarantined, q);
		assert_int_equal(n.free, 32 - u - q);
	}

	assert_true(seen > 500);
	mem_deref(p);
}

static void test_exhausted(void **state)
{
	struct portset *p;
	uint16_t a, b;

	(void)state;

	assert_int_equal(port_alloc(&p, 100, 103, 1000), 0);
	a = port_get(p, 0, 7);
	b = port_get(p, 0, 7);
	assert_true(a && b && a != b);
	assert_int_equal(port_get(p, 0, 7), 0);
	port_put(p, a, 10);
	assert_int_equal(port_get(p, 1009, 7), 0);
	assert_int_equal(port_get(p, 1010, 7), a);
	mem_deref(p);
}

/* Two engines with other randomness do not take the same ports in turn. */
static void test_random(void **state)
{
	struct portset *p;
	uint32_t rnd = 12345;
	int i, runs = 0;
	uint16_t port, last = 0;

	(void)state;

	assert_int_equal(port_alloc(&p, 20000, 29999, 1000), 0);
	for (i = 0; i < 100; i++, last = port) {
		port = port_get(p, 0, test_rand(&rnd));
		runs += port == last + 2;
	}
	assert_true(runs < 3);
	mem_deref(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_range),
		cmocka_unit_test(test_model),
		cmocka_unit_test(test_exhausted),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
