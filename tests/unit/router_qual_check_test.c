/* libs: sy_router_core sy_proto */
/* SPDX-License-Identifier: MIT */
/* Looks at contacts, with a clock of the test's own. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "router/qual_check.h"

enum { EVERY = 60000, START_US = 1000000 };

static struct qual_check c;
static uint64_t now_us;

static void begin(bool silent)
{
	now_us = START_US;
	qual_check_init(&c, EVERY, 7000, silent, now_us);
	qual_check_sent(&c, now_us);
}

static enum qual_result answer(uint32_t after_ms, uint16_t code, bool heard)
{
	now_us += after_ms * 1000ULL;

	return qual_check_answer(&c, code, heard, now_us);
}

static void test_alive(void **state)
{
	static const uint16_t codes[] = {200, 401, 404, 405, 480, 486, 501,
					 603};

	(void)state;
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		begin(i % 2);
		assert_int_equal(answer(25, codes[i], true), QUAL_UP);
		assert_int_equal(c.round_trip_us, 25000);
		assert_int_equal(c.code, codes[i]);
	}
}

/* One loss says nothing; the round trip is that of the try that was
 * answered. */
static void test_lost(void **state)
{
	(void)state;
	begin(false);
	assert_int_equal(answer(4000, 408, false), QUAL_AGAIN);
	now_us += QUAL_PAUSE_MS * 1000;
	qual_check_sent(&c, now_us);
	assert_int_equal(answer(30, 200, true), QUAL_UP);
	assert_int_equal(c.round_trip_us, 30000);

	begin(false);
	assert_int_equal(answer(4000, 408, false), QUAL_AGAIN);
	qual_check_sent(&c, now_us);
	assert_int_equal(answer(4000, 503, true), QUAL_DOWN);
	assert_int_equal(c.round_trip_us, 7000); /* as it was known */

	/* who was silent before */
	begin(true);
	assert_int_equal(answer(4000, 408, false), QUAL_DOWN);
}

static void test_gone(void **state)
{
	(void)state;
	begin(false);
	assert_int_equal(answer(1, 430, true), QUAL_DOWN);
	begin(false);
	assert_int_equal(answer(1, 503, false), QUAL_DOWN);
}

/* Within two intervals it is known that somebody is gone, whatever the
 * interval. */
static void test_in_time(void **state)
{
	(void)state;
	for (uint32_t ms = 5000; ms <= 3600000; ms += 1000) {
		uint32_t most;

		qual_check_init(&c, ms, 0, false, START_US);
		most = ms + ms * QUAL_SPREAD_PERCENT / 100 +
		       2 * qual_check_timeout_ms(&c) + QUAL_PAUSE_MS;
		assert_in_range(most, ms, 2 * ms);
		assert_in_range(qual_check_timeout_ms(&c), 1000,
				QUAL_TIMEOUT_MS);
	}
}

/* Thousands that begin together are spread, and keep their interval. */
static void test_spread(void **state)
{
	uint32_t least = UINT32_MAX, most = 0;

	(void)state;
	begin(false);
	(void)answer(1500, 200, true);
	for (uint32_t i = 0; i < 10000; i++) {
		const uint32_t ms = qual_check_next_ms(&c, i * 2654435761U,
						       now_us) + 1500;

		least = ms < least ? ms : least;
		most = ms > most ? ms : most;
	}
	assert_in_range(least, EVERY * 95 / 100, EVERY * 96 / 100);
	assert_in_range(most, EVERY * 104 / 100, EVERY * 105 / 100);

	/* it took longer than an interval */
	(void)answer(2 * EVERY, 200, true);
	assert_int_equal(qual_check_next_ms(&c, 1, now_us), 1000);
}

static void test_pace(void **state)
{
	unsigned busy = 0, n, rounds = 0;

	(void)state;
	while ((n = qual_room(busy))) {
		assert_in_range(n, 1, QUAL_TAKE_MAX);
		busy += n;
		++rounds;
	}
	assert_int_equal(busy, QUAL_BUSY_MAX);
	assert_int_equal(rounds, QUAL_BUSY_MAX / QUAL_TAKE_MAX);
	assert_int_equal(qual_room(QUAL_BUSY_MAX - 3), 3);
	assert_int_equal(qual_room(QUAL_BUSY_MAX + 1), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_alive),  cmocka_unit_test(test_lost),
		cmocka_unit_test(test_gone),   cmocka_unit_test(test_in_time),
		cmocka_unit_test(test_spread), cmocka_unit_test(test_pace),
	};

	return cmocka_run_group_tests_name("router_qual_check", tests, NULL,
					   NULL);
}
