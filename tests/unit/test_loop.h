/* SPDX-License-Identifier: MIT */
/* libre's loop, run until something is true: what tests wait by. */

#ifndef SY_TESTS_UNIT_TEST_LOOP_H
#define SY_TESTS_UNIT_TEST_LOOP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <re.h>

static struct {
	struct tmr step, deadline;
	bool (*until)(void);
	uint32_t step_ms;
	bool timed_out;
} test_loop;

static inline void test_loop_step(void *arg)
{
	(void)arg;
	tmr_start(&test_loop.step, test_loop.step_ms, test_loop_step, NULL);
	if (test_loop.until())
		re_cancel();
}

static inline void test_loop_deadline(void *arg)
{
	(void)arg;
	test_loop.timed_out = true;
	re_cancel();
}

/**
 * Run the loop until something is true; the test fails if it never is.
 *
 * @param until        Asked once a step.
 * @param step_ms      A step [ms].
 * @param deadline_ms  Given up after [ms].
 */
static inline void test_loop_run(bool (*until)(void), uint32_t step_ms,
				 uint32_t deadline_ms)
{
	test_loop.until = until;
	test_loop.step_ms = step_ms;
	test_loop.timed_out = false;
	tmr_start(&test_loop.step, step_ms, test_loop_step, NULL);
	tmr_start(&test_loop.deadline, deadline_ms, test_loop_deadline, NULL);
	assert_int_equal(re_main(NULL), 0);
	tmr_cancel(&test_loop.step);
	tmr_cancel(&test_loop.deadline);
	assert_false(test_loop.timed_out);
}

#endif
