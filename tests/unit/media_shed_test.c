/* libs: sy_media */
/* SPDX-License-Identifier: MIT */
/* Load in, levels out, on a clock of the test's own. */

#include "media_test.h"

#include "node/media/shed.h"

enum { TICK_US = 20000 };

static struct shed s;
static uint64_t now_us;

/* Ticks until the level is reached; 10,000: never. */
static unsigned until(enum shed_level level, uint32_t work_us)
{
	unsigned n;

	for (n = 0; n < 10000 && s.level != level; n++) {
		now_us += TICK_US;
		(void)shed_feed(&s, work_us, work_us, TICK_US, now_us);
	}

	return n;
}

static int setup(void **state)
{
	(void)state;
	memset(&s, 0, sizeof(s));
	now_us = 1000000;

	return 0;
}

/* 200 ms above the limit, and what the mean needs to follow. */
static void test_up(void **state)
{
	(void)state;
	assert_in_range(until(SHED_DENOISE, 16000), 10, 30);
	assert_in_range(until(SHED_COMPLEXITY, 16000), 10, 11);
	assert_in_range(until(SHED_REALTIME, 16000), 10, 11);
}

static void test_down(void **state)
{
	(void)state;
	(void)until(SHED_COMPLEXITY, 19000);
	assert_in_range(until(SHED_DENOISE, 5000), 250, 270);
	assert_in_range(until(SHED_NONE, 5000), 250, 251);
}

/* Between the limits nothing changes, for ever. */
static void test_between(void **state)
{
	(void)state;
	assert_int_equal(until(SHED_DENOISE, 13000), 10000);
	(void)until(SHED_DENOISE, 19000);
	(void)until(SHED_DENOISE + 1, 12000);
	assert_int_equal(s.level, SHED_DENOISE);
	assert_int_equal(until(SHED_NONE, 11000), 10000);
}

/* One long tick in a while is no overload. */
static void test_spike(void **state)
{
	unsigned i;

	(void)state;

	for (i = 0; i < 5000; i++) {
		const uint32_t us = i % 50 ? 4000 : 60000;

		now_us += TICK_US;
		(void)shed_feed(&s, us, us, TICK_US, now_us);
		assert_int_equal(s.level, SHED_NONE);
	}
}

/* However long it was, and whatever stood still with it. */
static void test_stall(void **state)
{
	unsigned i;

	(void)state;

	for (i = 0; i < 5000; i++) {
		const uint32_t us = i % 100 ? 8000 : 3000000;

		now_us += i % 100 ? TICK_US : 3000000;
		(void)shed_feed(&s, us, us, TICK_US, now_us);
		assert_int_equal(s.level, SHED_NONE);
	}
}

/* Who waits for a processor that others have has nothing to leave out. */
static void test_waits(void **state)
{
	unsigned i;

	(void)state;

	for (i = 0; i < 1000; i++) {
		now_us += TICK_US;
		(void)shed_feed(&s, 18000, 6000, TICK_US, now_us);
		assert_int_equal(s.level, SHED_NONE);
	}

	/* with more to do it is its own load, too */
	for (i = 0; i < 50; i++) {
		now_us += TICK_US;
		(void)shed_feed(&s, 18000, 9000, TICK_US, now_us);
	}
	assert_true(s.level > SHED_NONE);
}

/* What is left out helps: the level settles, it does not swing. */
static void test_settles(void **state)
{
	static const uint32_t work[] = {17000, 15500, 9500, 9500};
	unsigned i, changes = 0;
	enum shed_level last;

	(void)state;

	for (i = 0; i < 30000; i++) {
		last = s.level;
		now_us += TICK_US;
		(void)shed_feed(&s, work[s.level], work[s.level], TICK_US,
				now_us);
		changes += s.level != last;
	}

	/* ten minutes: up at once; down and up after 5, 10 ... 80 s */
	assert_in_range(changes, 2, 2 + 2 * 11);
	assert_true(s.level < SHED_REALTIME);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(test_up, setup),
	    cmocka_unit_test_setup(test_down, setup),
	    cmocka_unit_test_setup(test_between, setup),
	    cmocka_unit_test_setup(test_spike, setup),
	    cmocka_unit_test_setup(test_stall, setup),
	    cmocka_unit_test_setup(test_waits, setup),
	    cmocka_unit_test_setup(test_settles, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
