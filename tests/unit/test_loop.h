/* SPDX-License-Identifier: MIT */
/* libre's loop, run until something is true: what tests wait by. */

#ifndef SY_TESTS_UNIT_TEST_LOOP_H
#define SY_TESTS_UNIT_TEST_LOOP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>
#include <cmocka.h>
#include <re.h>

enum {
	TEST_MORE_MAX = 3, /* so often a deadline is put off              */
	TEST_SHARE = 8,    /* ... of who had less of a core than 1/8      */
};

static struct {
	struct tmr step, deadline;
	bool (*until)(void);
	uint32_t step_ms, deadline_ms;
	struct test_patience {
		clock_t cpu;   /* of this process when it began           */
		unsigned more; /* times that it was put off               */
	} patience;
	bool timed_out;
} test_loop;

static inline void test_patience_begin(struct test_patience *p)
{
	p->cpu = clock();
	p->more = 0;
}

/* A deadline has come: should it be put off?  It is meant for a process that
 * can work; on a busy machine one may have had no time to. */
static inline bool test_patience_more(struct test_patience *p,
				      uint32_t deadline_ms)
{
	const clock_t had = clock() - p->cpu;

	if (had / (CLOCKS_PER_SEC / 1000) * TEST_SHARE > deadline_ms ||
	    p->more >= TEST_MORE_MAX)
		return false;
	p->cpu = clock();
	++p->more;

	return true;
}

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
	if (test_patience_more(&test_loop.patience, test_loop.deadline_ms)) {
		tmr_start(&test_loop.deadline, test_loop.deadline_ms,
			  test_loop_deadline, NULL);
		return;
	}
	test_loop.timed_out = true;
	re_cancel();
}

/**
 * Run the loop until something is true; the test fails if it never is.
 *
 * @param until        Asked once a step.
 * @param step_ms      A step [ms].
 * @param deadline_ms  Given up after [ms]; later if the machine let us do
 *                     hardly anything meanwhile.
 */
static inline void test_loop_run(bool (*until)(void), uint32_t step_ms,
				 uint32_t deadline_ms)
{
	test_loop.until = until;
	test_loop.step_ms = step_ms;
	test_loop.deadline_ms = deadline_ms;
	test_loop.timed_out = false;
	test_patience_begin(&test_loop.patience);
	tmr_start(&test_loop.step, step_ms, test_loop_step, NULL);
	tmr_start(&test_loop.deadline, deadline_ms, test_loop_deadline, NULL);
	assert_int_equal(re_main(NULL), 0);
	tmr_cancel(&test_loop.step);
	tmr_cancel(&test_loop.deadline);
	assert_false(test_loop.timed_out);
}

#endif
