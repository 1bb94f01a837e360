/* libs: sy_media */
/* SPDX-License-Identifier: MIT */
#include "media_test.h"

#include <re.h>

#include "node/media/emodel.h"

#define assert_near(a, b, eps) assert_true(fabs((double)(a) - (b)) <= (eps))

/* G.107 table 2: all at its default is R = 93.2. */
static void test_default(void **state)
{
	(void)state;

	assert_near(emodel_r_narrow(0, 0), 93.2, 0.05);
	assert_near(emodel_r_wide(0, 0), 129, 0.001);
	assert_near(emodel_mos(93.2f), 4.41, 0.005);
}

/* G.107 Annex B, table B.1: R and its MOS. */
static void test_mos(void **state)
{
	static const struct {
		float r, mos;
	} v[] = {{-1, 1},     {0, 1},	   {50, 2.58f},
		 {60, 3.10f}, {70, 3.60f}, {80, 4.03f},
		 {90, 4.34f}, {100, 4.5f}, {120, 4.5f}};
	size_t i;
	float r;

	(void)state;

	for (i = 0; i < ARRAY_SIZE(v); i++)
		assert_near(emodel_mos(v[i].r), v[i].mos, 0.0065);

	for (r = 7; r < 100; r++)
		assert_true(emodel_mos(r + 1) >= emodel_mos(r));
	for (r = 0; r < 7; r++)
		assert_near(emodel_mos(r), 1, 0.001 + 0.2 * (r > 5));
}

/* 7-27 by hand: at 200 ms X = 1, at 400 ms X = 2. */
static void test_delay(void **state)
{
	const double idd200 =
	    25 * (pow(2, 1 / 6.0) - 3 * pow(1 + pow(1 / 3.0, 6), 1 / 6.0) + 2);
	const double idd400 =
	    25 * (pow(65, 1 / 6.0) - 3 * pow(1 + pow(2 / 3.0, 6), 1 / 6.0) + 2);
	float ms;

	(void)state;

	assert_near(emodel_r_wide(100, 0), 129, 0.001);
	assert_near(emodel_r_wide(200, 0), 129 - idd200, 0.01);
	assert_near(emodel_r_wide(400, 0), 129 - idd400, 0.01);

	for (ms = 0; ms < 1000; ms += 10) {
		assert_true(emodel_r_narrow(ms + 10, 0) <
			    emodel_r_narrow(ms, 0));
		assert_true(emodel_r_wide(ms + 10, 0) <= emodel_r_wide(ms, 0));
	}

	/* G.114: 150 ms do not hurt, 400 ms do. */
	assert_true(emodel_r_narrow(150, 0) > 88);
	assert_true(emodel_r_narrow(400, 0) < 65);
}

static void test_loss(void **state)
{
	float p;

	(void)state;

	assert_near(emodel_ie_eff(11, 19, 0, 1), 11, 0);
	assert_near(emodel_ie_eff(0, 25.1f, 5, 1), 95 * 5 / 30.1, 0.001);
	/* bursts of two: 5 / 2 under the line */
	assert_near(emodel_ie_eff(0, 25.1f, 5, 2), 95 * 5 / 27.6, 0.001);
	assert_near(emodel_ie_eff(0, 25.1f, 5, 0.2f), 95 * 5 / 30.1, 0.001);
	assert_near(emodel_ie_eff(0, 25.1f, 500, 1), 95 * 100 / 125.1, 0.001);

	for (p = 0; p < 100; p += 0.5f)
		assert_true(emodel_ie_eff(5, 14, p + 0.5f, 1) >
			    emodel_ie_eff(5, 14, p, 1));
}

static struct emodel_out rate(enum media_codec_id id, float loss,
			      float delay_ms)
{
	const struct emodel_in in = {.codec = id,
				     .loss_percent = loss,
				     .burst_ratio = 1,
				     .delay_ms = delay_ms};
	struct emodel_out out;

	emodel_rate(&out, &in);

	return out;
}

static void test_rate(void **state)
{
	struct emodel_out a, b;
	int id;
	float p;

	(void)state;

	a = rate(MEDIA_PCMU, 0, 0);
	assert_near(a.r, 93.2, 0.05);
	assert_near(a.mos_cq, 4.41, 0.005);
	assert_near(a.mos_lq, 4.41, 0.005);

	a = rate(MEDIA_G722, 0, 0);
	assert_near(a.r, 129 - 13, 0.01);

	for (id = 0; id < MEDIA_CODEC_COUNT; id++) {
		for (p = 0; p < 60; p += 0.5f) {
			a = rate((enum media_codec_id)id, p, 50);
			b = rate((enum media_codec_id)id, p + 0.5f, 50);
			assert_true(b.r < a.r);
			assert_true(b.mos_cq <= a.mos_cq);
			assert_true(b.mos_lq <= a.mos_lq);
			assert_true(a.mos_cq <= a.mos_lq);
			assert_true(a.mos_cq >= 1 && a.mos_lq <= 4.5f);
		}
	}

	/* Delay hurts the talk, not the listening. */
	a = rate(MEDIA_PCMU, 1, 300);
	b = rate(MEDIA_PCMU, 1, 0);
	assert_true(a.mos_cq < b.mos_cq - 0.4f);
	assert_near(a.mos_lq, b.mos_lq, 0.001);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_default), cmocka_unit_test(test_mos),
	    cmocka_unit_test(test_delay),   cmocka_unit_test(test_loss),
	    cmocka_unit_test(test_rate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
