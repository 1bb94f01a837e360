/* libs: sy_media */
/* SPDX-License-Identifier: MIT */
#include "media_test.h"

#include <re.h>

#include "node/media/emodel.h"
#include "node/media/media.h"

#define assert_near(a, b, eps) assert_true(fabs((double)(a) - (b)) <= (eps))

static void test_nothing(void **state)
{
	struct media_stat now = {.codec_in = -1};
	struct media_quality q;

	(void)state;

	media_quality(&q, &now, NULL);
	assert_false(q.valid);
	assert_true(q.mos_cq == 0 && q.r == 0);

	/* it was heard before, but not in this span */
	now.rx_packets = 100;
	media_quality(&q, &now, &now);
	assert_false(q.valid);
	media_quality(&q, &now, NULL);
	assert_true(q.valid);
	assert_near(q.mos_lq, 4.41, 0.005);
}

/* Only what happened between the two readings counts. */
static void test_span(void **state)
{
	const struct media_stat before = {.rx_packets = 1000,
					  .rx_lost = 400,
					  .audio_ms = 20000,
					  .concealed_ms = 9000};
	const struct media_stat now = {.rx_packets = 1090,
				       .rx_lost = 406,
				       .rx_late = 4,
				       .audio_ms = 22000,
				       .concealed_ms = 9150,
				       .round_trip_ms = 60,
				       .delay_ms = 50,
				       .depth_ms = 200,
				       .codec_in = MEDIA_PCMA};
	struct media_quality q;
	float r;

	(void)state;

	media_quality(&q, &now, &before);
	assert_true(q.valid);
	assert_near(q.loss_percent, 6, 0.001);
	assert_near(q.discard_percent, 4, 0.001);
	assert_near(q.concealed_percent, 7.5, 0.001);
	assert_near(q.delay_ms, 30 + 50 + 20, 0.001);

	/* both kinds of missing packets are heard */
	r = emodel_r_narrow(100, emodel_ie_eff(0, 25.1f, 10, 1));
	assert_near(q.r, r, 0.001);
	assert_near(q.mos_cq, emodel_mos(r), 0.001);
	assert_true(q.mos_lq > q.mos_cq);
}

/* The same loss is worse in bursts, and not heard where FEC brought it back. */
static void test_kinds(void **state)
{
	struct media_stat st = {.rx_packets = 950,
				.rx_lost = 50,
				.loss_packets = 1000,
				.loss_missing = 50,
				.loss_runs = 48,
				.codec_in = MEDIA_OPUS};
	struct media_quality random, burst, fec;

	(void)state;

	media_quality(&random, &st, NULL);
	assert_near(random.burst_ratio, 1, 0.001);
	st.loss_runs = 10;
	media_quality(&burst, &st, NULL);
	assert_near(burst.burst_ratio, 5 * 0.95, 0.001);
	assert_true(burst.r < random.r - 5);

	st.rx_recovered = 45;
	media_quality(&fec, &st, NULL);
	assert_near(fec.loss_percent, 5, 0.001);
	assert_near(fec.recovered_percent, 4.5, 0.001);
	assert_true(fec.r > random.r + 10);
	st.rx_recovered = 1000; /* never less than no loss */
	media_quality(&fec, &st, NULL);
	assert_near(fec.r, 129 - 5, 0.01);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_nothing),
	    cmocka_unit_test(test_span),
	    cmocka_unit_test(test_kinds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
