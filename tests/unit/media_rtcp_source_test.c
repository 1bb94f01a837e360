/* libs: sy_media */
/* SPDX-License-Identifier: MIT */
#include "media_test.h"

#include <re.h>

#include "node/media/rtcp_source.h"

enum { SSRC = 7 };

/* Numbers from first on; a 0 in the text is a packet that does not come. */
static void feed(struct rtcp_source *s, uint16_t first, const char *text)
{
	for (; *text; text++, first++) {
		if (*text != '0')
			rtcp_source_put(s, SSRC, first, *text == 'L');
	}
}

static void test_none(void **state)
{
	struct rtcp_source s = {0};
	struct rtcp_report r = {0};

	(void)state;

	assert_false(rtcp_source_report(&s, &r));
	assert_true(rtcp_source_expected(&s) == 0);
	assert_true(rtcp_source_lost(&s) == 0);
}

/* RFC 3550 A.3 by hand, over a wrap. */
static void test_report(void **state)
{
	struct rtcp_source s = {0};
	struct rtcp_report r = {0};

	(void)state;

	feed(&s, 65532, "1111110011"); /* to 5 */
	assert_true(rtcp_source_report(&s, &r));
	assert_int_equal(r.ssrc, SSRC);
	assert_int_equal(r.seq, 0x10005);
	assert_int_equal(r.lost, 2);
	assert_int_equal(r.fraction, 2 * 256 / 10);

	/* nothing since: no loss in this interval, the sum stays */
	assert_true(rtcp_source_report(&s, &r));
	assert_int_equal(r.fraction, 0);
	assert_int_equal(r.lost, 2);

	/* the two come after all, and one twice: less than nothing is lost */
	rtcp_source_put(&s, SSRC, 2, true);
	rtcp_source_put(&s, SSRC, 3, true);
	rtcp_source_put(&s, SSRC, 5, false);
	assert_true(rtcp_source_report(&s, &r));
	assert_int_equal(r.lost, -1);
	assert_int_equal(r.fraction, 0);
	assert_int_equal(r.seq, 0x10005);
	assert_true(s.discarded == 2);

	/* all but one of 200 lost */
	rtcp_source_put(&s, SSRC, 205, false);
	assert_true(rtcp_source_report(&s, &r));
	assert_int_equal(r.lost, 198);
	assert_int_equal(r.fraction, 199 * 256 / 200);
}

/* A second wrap, and the count of one. */
static void test_long(void **state)
{
	struct rtcp_source s = {0};
	struct rtcp_report r = {0};
	uint32_t i;

	(void)state;

	for (i = 0; i < 200000; i++) {
		if (i % 10 != 3)
			rtcp_source_put(&s, SSRC, (uint16_t)(i + 100), false);
	}
	assert_true(rtcp_source_report(&s, &r));
	assert_int_equal(r.seq, 199999 + 100);
	assert_int_equal(r.lost, 20000);
	assert_int_equal(r.fraction, 25);
	assert_true(s.loss.runs == s.loss.missing);
	assert_true(fabs(rtcp_burst_ratio(&s.loss) - 1.0f) < 0.001f);
}

/* A stray is ignored; a jump begins anew, what was counted stays. */
static void test_jump(void **state)
{
	struct rtcp_source s = {0};
	struct rtcp_report r = {0};

	(void)state;

	feed(&s, 1000, "1101");
	rtcp_source_put(&s, SSRC, 30000, false);
	rtcp_source_put(&s, SSRC, 1004, false);
	assert_true(rtcp_source_report(&s, &r));
	assert_int_equal(r.seq, 1004);
	assert_int_equal(r.lost, 1);

	feed(&s, 40000, "1111"); /* the first one only proves */
	assert_true(rtcp_source_report(&s, &r));
	assert_int_equal(r.seq, 40003);
	assert_int_equal(r.lost, 1);

	rtcp_source_put(&s, SSRC + 1, 9, false);
	rtcp_source_put(&s, SSRC + 1, 11, false);
	assert_true(rtcp_source_report(&s, &r));
	assert_int_equal(r.ssrc, SSRC + 1);
	assert_int_equal(r.seq, 11);
	assert_int_equal(r.lost, 2);
	assert_int_equal(r.fraction, 256 / 3);
}

/* RFC 3611: a lonely loss is none, two within 16 packets are a burst. */
static void test_bursts(void **state)
{
	struct rtcp_source s = {0};
	struct rtcp_voip v = {0};
	char good[RTCP_WINDOW + RTCP_GMIN + 1];

	(void)state;

	memset(good, '1', sizeof(good) - 1);
	good[sizeof(good) - 1] = 0;

	feed(&s, 0, "11110111111111111111111");	  /* 23: gap, 1 lost  */
	feed(&s, 23, "1100L1101111111111111111"); /* 24: burst of 6, 4 */
	feed(&s, 47, good);

	assert_true(s.loss.packets == 47 + RTCP_GMIN - 1 + RTCP_WINDOW -
					  (RTCP_WINDOW - RTCP_WINDOW));
	assert_true(s.loss.missing == 5);
	assert_true(s.loss.runs == 3);
	assert_true(s.loss.bursts == 1);
	assert_true(s.loss.burst_packets == 6);
	assert_true(s.loss.burst_missing == 4);

	rtcp_source_voip(&s, &v, 20);
	assert_int_equal(v.burst_ms, 120);
	assert_int_equal(v.burst_density, 4 * 256 / 6);
	assert_int_equal(v.loss, 4 * 256 / (47 + RTCP_WINDOW + RTCP_GMIN));
	assert_int_equal(v.discard, 256 / (47 + RTCP_WINDOW + RTCP_GMIN));
	assert_int_equal(v.gmin, 16);
}

/* Reordering within the window is no loss. */
static void test_reorder(void **state)
{
	struct rtcp_source s = {0};
	uint32_t i;

	(void)state;

	for (i = 0; i < 10000; i += 4) {
		rtcp_source_put(&s, SSRC, (uint16_t)(i + 3), false);
		rtcp_source_put(&s, SSRC, (uint16_t)(i + 1), false);
		rtcp_source_put(&s, SSRC, (uint16_t)(i + 2), false);
		rtcp_source_put(&s, SSRC, (uint16_t)i, false);
	}
	assert_true(s.loss.missing == 0);
	assert_int_equal(rtcp_burst_ratio(&s.loss), 1);
}

/* A dull model beside it: everything written down, counted afterwards. */
static void test_model(void **state)
{
	enum { N = 30000 };
	static bool came[N];
	uint32_t rnd = test_seed() | 1;
	struct rtcp_source s = {0};
	uint64_t missing = 0, runs = 0, received = 0;
	double expect;
	int i, settled;
	bool bad = false;

	(void)state;

	for (i = 0; i < N; i++) {
		/* Gilbert: bursts of 4 on average */
		bad = test_rand(&rnd) % 100 < (bad ? 75u : 3u);
		came[i] = !bad || !i;
	}
	came[N - 1] = true;

	for (i = 0; i < N; i++) {
		if (!came[i])
			continue;
		rtcp_source_put(&s, SSRC, (uint16_t)(i + 60000), false);
		++received;
	}

	/* The window begins full: what was before the first came. */
	settled = N - RTCP_WINDOW;
	for (i = 0; i < settled; i++) {
		missing += !came[i];
		runs += !came[i] && came[i - 1];
	}

	assert_true(rtcp_source_expected(&s) == N);
	assert_true(rtcp_source_lost(&s) == (int64_t)(N - received));
	assert_true(s.loss.missing == missing);
	assert_true(s.loss.runs == runs);

	expect = (double)missing / (double)runs *
		 (1 - (double)missing / (double)s.loss.packets);
	assert_true(fabs(rtcp_burst_ratio(&s.loss) - expect) < 0.01);
	assert_true(expect > 3 && expect < 4.5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_none),   cmocka_unit_test(test_report),
	    cmocka_unit_test(test_long),   cmocka_unit_test(test_jump),
	    cmocka_unit_test(test_bursts), cmocka_unit_test(test_reorder),
	    cmocka_unit_test(test_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
