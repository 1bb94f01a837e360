/* libs: sy_media */
/* SPDX-License-Identifier: MIT */
#include "media_test.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <re.h>

#include "node/media/ring.h"

enum { COUNT = 200000 };

struct elem {
	uint32_t n;
	uint32_t check;
};

static void test_fill(void **state)
{
	struct elem e = {0}, got;
	struct ring *r;
	uint32_t i;

	(void)state;

	assert_int_equal(ring_alloc(&r, sizeof(e), 12), EINVAL);
	assert_int_equal(ring_alloc(&r, sizeof(e), 8), 0);
	assert_false(ring_get(r, &got));

	for (i = 0; i < 8; i++, e.n = i) {
		assert_int_equal(ring_space(r), 8 - i);
		assert_true(ring_put(r, &e));
	}
	assert_false(ring_put(r, &e));
	assert_int_equal(ring_space(r), 0);

	for (i = 0; i < 8; i++) {
		assert_true(ring_get(r, &got));
		assert_int_equal(got.n, i);
	}
	assert_false(ring_get(r, &got));
	mem_deref(r);
}

static void *producer(void *arg)
{
	struct ring *r = arg;
	struct elem e;

	for (e.n = 0; e.n < COUNT; e.n++) {
		e.check = ~e.n;
		while (!ring_put(r, &e))
			(void)sched_yield();
	}

	return NULL;
}

/* All come, once, in order and whole. */
static void test_threads(void **state)
{
	struct elem e;
	struct ring *r;
	pthread_t t;
	uint32_t n = 0;

	(void)state;

	assert_int_equal(ring_alloc(&r, sizeof(e), 64), 0);
	assert_int_equal(pthread_create(&t, NULL, producer, r), 0);

	while (n < COUNT) {
		if (!ring_get(r, &e)) {
			(void)sched_yield();
			continue;
		}
		assert_int_equal(e.n, n);
		assert_int_equal(e.check, ~n);
		++n;
	}

	assert_int_equal(pthread_join(t, NULL), 0);
	assert_false(ring_get(r, &e));
	mem_deref(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fill),
		cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
