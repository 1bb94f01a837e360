/* libs: sy_router_core sy_proto */
/* SPDX-License-Identifier: MIT */
/* Health of a trunk's target, with a clock of the test's own. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "router/trunk_check.h"

enum { EVERY = 30000 };

static struct trunk_check c;
static uint64_t now;

/* @return how long it paused before it asked [ms] */
static uint64_t ask(void)
{
	const uint64_t due = trunk_check_due(&c), was = now;

	assert_true(due < UINT64_MAX);
	if (due > now)
		now = due;
	trunk_check_sent(&c);
	assert_true(trunk_check_due(&c) == UINT64_MAX);

	return now - was;
}

static void test_alive(void **state)
{
	static const uint16_t codes[] = {200, 404, 405, 483, 501, 603};

	(void)state;
	now = 5;
	trunk_check_init(&c, EVERY, now);
	for (int i = 0; i < 6; i++) {
		assert_int_equal(ask(), i ? EVERY : 0);
		now += 25;
		assert_int_equal(trunk_check_answer(&c, codes[i], 25, now), !i);
		assert_true(c.known && c.up);
		assert_int_equal((int)c.rtt_ms, 25);
	}
}

static void test_down_and_up(void **state)
{
	(void)state;
	now = 5;
	trunk_check_init(&c, EVERY, now);
	(void)ask();
	assert_true(trunk_check_answer(&c, 200, 1, now));
	(void)ask();
	/* one loss says nothing */
	assert_false(trunk_check_answer(&c, 408, 1, now));
	assert_true(c.up);
	assert_int_equal(ask(), 500);
	assert_true(trunk_check_answer(&c, 503, 1, now));
	assert_true(c.known);
	assert_false(c.up);
	for (int i = 0; i < 10; i++) {
		assert_int_equal(ask(), 2000);
		assert_false(trunk_check_answer(&c, 408, 1, now));
	}
	assert_int_equal(ask(), 10000);
	assert_true(trunk_check_answer(&c, 200, 1, now));
	assert_true(c.up);
	assert_int_equal(ask(), EVERY);
}

static void test_never_there(void **state)
{
	(void)state;
	trunk_check_init(&c, EVERY, now);
	(void)ask();
	assert_false(trunk_check_answer(&c, 408, 1, now));
	assert_false(c.known);
	(void)ask();
	assert_true(trunk_check_answer(&c, 408, 1, now));
	assert_true(c.known);

	/* not to be asked */
	trunk_check_init(&c, 0, now);
	assert_true(trunk_check_due(&c) == UINT64_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_alive),
		cmocka_unit_test(test_down_and_up),
		cmocka_unit_test(test_never_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
