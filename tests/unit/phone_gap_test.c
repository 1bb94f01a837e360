/* libs: sy_phone */
/* SPDX-License-Identifier: MIT */
/* How long the test phone says that a tone was not heard: absences of known
 * length in every kind of stream. */

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "tests/phone/base.h"
#include "tests/phone/gap.h"
#include "tests/phone/tone.h"

enum {
	HZ = 440,
	FRAME_MS = 20,
	BEGIN_MS = 5000,
};

/* A sender and the way to the watch. */
static struct line {
	struct gap *g;
	struct playout playout;
	unsigned rate_hz;
	uint32_t ssrc, ts;
	double at_ms; /* arrival of the next packet, but for delay_ms */
	double delay_ms;
	uint64_t phase; /* samples sent */
} line;

static void line_open(unsigned rate_hz)
{
	line = (struct line){
	    .rate_hz = rate_hz,
	    .ssrc = 1,
	    .ts = (uint32_t)-1000, /* it wraps soon */
	    .at_ms = BEGIN_MS + 7.3,
	};
	assert_int_equal(gap_alloc(&line.g, HZ, GAP_THRESHOLD_DB, BEGIN_MS), 0);
}

/* A packet whose tone is there from a sample on, and to another. */
static void packet(size_t from, size_t to)
{
	const size_t n = line.rate_hz * FRAME_MS / 1000;
	int16_t pcm[960];

	for (size_t i = 0; i < n; i++) {
		const double t = (double)(line.phase++) / line.rate_hz;

		pcm[i] = i >= from && i < to
			     ? lrint(3276.7 * sin(2.0 * M_PI * HZ * t))
			     : 0;
	}

	gap_feed(line.g, pcm, n, line.rate_hz,
		 playout_ms(&line.playout, line.ssrc, line.ts,
			    line.rate_hz / 1000.0, line.at_ms + line.delay_ms));
	line.ts += n;
	line.at_ms += FRAME_MS;
}

static void tone(unsigned ms)
{
	for (unsigned i = 0; i < ms / FRAME_MS; i++)
		packet(0, SIZE_MAX);
}

static void silence(unsigned ms)
{
	const size_t n = line.rate_hz * FRAME_MS / 1000;

	for (unsigned i = 0; i < ms / FRAME_MS; i++)
		packet(n, n);
}

/* Packets that never come. */
static void nothing(unsigned ms)
{
	line.ts += line.rate_hz * ms / 1000;
	line.phase += line.rate_hz * ms / 1000;
	line.at_ms += ms;
}

static struct gap_result end(void)
{
	struct gap_result res;

	gap_result(line.g, line.at_ms, &res);
	line.g = mem_deref(line.g);
	return res;
}

static void about(double ms, double wanted_ms)
{
	if (fabs(ms - wanted_ms) > 10.0)
		fail_msg("%.1f ms, not %.1f", ms, wanted_ms);
}

static void test_no_absence(void **state)
{
	struct gap_result res;

	(void)state;
	line_open(8000);
	tone(2000);
	res = end();
	assert_true(res.heard);
	about(res.first_ms, 7.3);
	assert_true(res.longest_ms == 0.0 && !res.absences);
	assert_true(res.silent_ms == 0.0);
}

static void test_absences(void **state)
{
	static const unsigned rates[] = {8000, 16000, 48000};
	static const unsigned gaps[] = {20, 40, 200, 1000};

	(void)state;
	for (size_t r = 0; r < ARRAY_SIZE(rates); r++) {
		for (size_t i = 0; i < 2 * ARRAY_SIZE(gaps); i++) {
			const unsigned ms = gaps[i / 2];
			struct gap_result res;

			line_open(rates[r]);
			tone(500);
			(i & 1 ? nothing : silence)(ms);
			tone(500);
			res = end();
			about(res.longest_ms, ms);
			about(res.total_ms, ms);
			about(res.longest_at_ms, 7.3 + 500);
			assert_int_equal(res.absences, 1);
		}
	}
}

/* Not in steps of packets. */
static void test_within_packets(void **state)
{
	struct gap_result res;

	(void)state;
	line_open(8000);
	tone(500);
	packet(0, 72);	  /* 9 ms of it */
	packet(104, 160); /* 13 ms later */
	tone(500);
	res = end();
	if (fabs(res.longest_ms - 24.0) > 6.0)
		fail_msg("%.1f ms, not 24", res.longest_ms);
}

/* Another sender goes on: only the time between their packets counts. */
static void test_new_stream(void **state)
{
	struct gap_result res;

	(void)state;
	line_open(8000);
	tone(500);
	line.ssrc = 2;
	line.ts = 123456;
	line.at_ms += 33;
	tone(500);
	res = end();
	about(res.longest_ms, 33);
	assert_int_equal(res.absences, 1);
}

/* What comes a little late is played in time; a stop of the sender is not
 * made good by its going on where it was. */
static void test_late(void **state)
{
	struct gap_result res;

	(void)state;
	line_open(8000);
	tone(500);
	for (unsigned i = 0; i < 40; i++) {
		line.delay_ms = i * 11 % 35;
		tone(FRAME_MS);
	}
	line.delay_ms = 0;
	tone(500);
	line.at_ms += 300;
	tone(500);
	res = end();
	about(res.longest_ms, 300);
	assert_int_equal(res.absences, 1);
}

static void test_never_heard(void **state)
{
	struct gap_result res;

	(void)state;
	line_open(8000);
	silence(800);
	res = end();
	assert_false(res.heard);
	about(res.longest_ms, 807.3);
	about(res.silent_ms, 807.3);
}

static void test_lasts(void **state)
{
	struct gap_result res;

	(void)state;
	line_open(8000);
	tone(500);
	nothing(60);
	tone(500);
	nothing(400);
	res = end();
	about(res.silent_ms, 400);
	about(res.longest_ms, 400);
	about(res.total_ms, 460);
	assert_int_equal(res.absences, 2);
}

static void test_arguments(void **state)
{
	struct gap *g;

	(void)state;
	assert_int_equal(gap_alloc(&g, 100, GAP_THRESHOLD_DB, 0), EINVAL);
	assert_int_equal(gap_alloc(NULL, HZ, GAP_THRESHOLD_DB, 0), EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_no_absence),
	    cmocka_unit_test(test_absences),
	    cmocka_unit_test(test_within_packets),
	    cmocka_unit_test(test_new_stream),
	    cmocka_unit_test(test_late),
	    cmocka_unit_test(test_never_heard),
	    cmocka_unit_test(test_lasts),
	    cmocka_unit_test(test_arguments),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
