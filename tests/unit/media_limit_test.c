/* libs: sy_media */
/* SPDX-License-Identifier: MIT */
/* The limiter and gains: exact below the knee, never above full scale. */

#include "media_test.h"

#include <stdbool.h>

#include "node/media/gain.h"
#include "node/media/level.h"
#include "node/media/limit.h"
#include "node/media/media.h"
#include "node/media/noise.h"

enum { FRAMES = 100, SMP = FRAMES * MEDIA_FRAME_SMP };

static float in[SMP], out[SMP];

/* As a mix does it. */
static void run(void)
{
	struct limit l;
	size_t i;

	limit_init(&l);
	for (i = 0; i < SMP; i += MEDIA_FRAME_SMP) {
		if (limit_plan(&l, in + i))
			limit_apply(&l, out + i, in + i);
		else
			memcpy(out + i, in + i, MEDIA_FRAME_SMP * sizeof(*in));
	}
}

/* All but a tone, relative to it, over a whole number of its periods. */
static double thd_db(const float *v, size_t n, double hz)
{
	double re = 0, im = 0, power = 0;
	size_t i;

	for (i = 0; i < n; i++) {
		double a = 2 * M_PI * hz * (double)i / 48000;

		re += v[i] * cos(a) * 2 / (double)n;
		im += v[i] * sin(a) * 2 / (double)n;
		power += (double)v[i] * v[i] / (double)n;
	}

	return 10 * log10((power - (re * re + im * im) / 2 + 1e-15) / power);
}

static double step_max(const float *v, size_t n)
{
	double max = 0;
	size_t i;

	for (i = 2; i < n; i++)
		max = fmax(max, fabs((double)v[i] - 2 * (double)v[i - 1] +
				     (double)v[i - 2]));

	return max;
}

static void transparent(void **state)
{
	(void)state;
	tone_make(in, SMP, 0, 1000, 48000, 0.69);
	run();
	assert_memory_equal(in, out, sizeof(in));
}

/* A steady loud tone: turned down, not bent. */
static void loud_tone(void **state)
{
	const size_t from = SMP / 2;
	double amp;

	(void)state;
	tone_make(in, SMP, 0, 1000, 48000, 2);
	run();

	amp = tone_amp(out + from, SMP - from, 1000, 48000);
	printf("amplitude 2 becomes %.3f, THD+N %.1f dB (clipped: -7)\n", amp,
	       thd_db(out + from, SMP - from, 1000));
	assert_true(amp > 0.9 && amp < 0.98);
	assert_true(thd_db(out + from, SMP - from, 1000) < -60);
	assert_true(gain_peak(out, SMP) <= 1);
}

/* The gain must not follow a low voice's wave. */
static void low_tone(void **state)
{
	const size_t from = SMP / 2;

	(void)state;
	tone_make(in, SMP, 0, 100, 48000, 1.5);
	run();
	printf("100 Hz: THD+N %.1f dB\n", thd_db(out + from, SMP - from, 100));
	assert_true(thd_db(out + from, SMP - from, 100) < -40);
}

static void ten_talkers(void **state)
{
	double worst = 0;
	size_t i, k, round;

	(void)state;
	for (round = 0; round < 10; round++) {
		memset(in, 0, sizeof(in));
		for (k = 0; k < 10; k++) {
			double hz = 110 + 37.7 * (double)(k * (round + 1));

			for (i = 0; i < SMP; i++) {
				double on = sin(2 * M_PI * (double)i *
						(double)(k + 1) / 48000) > 0;

				in[i] += (float)(on * sin(2 * M_PI * hz *
							  (double)i / 48000));
			}
		}
		run();
		worst = fmax(worst, (double)gain_peak(out, SMP));
	}

	printf("ten at full scale: peak %.4f\n", worst);
	assert_true(worst <= 1);
	assert_true(worst > 0.8);
}

/* A talker stops: the other's level comes back without a step. */
static void release(void **state)
{
	struct limit l;
	float frame[MEDIA_FRAME_SMP], last = 0, g;
	size_t i, k;

	(void)state;
	limit_init(&l);
	for (i = 0; i < 100; i++) {
		tone_make(frame, MEDIA_FRAME_SMP, i * MEDIA_FRAME_SMP, 500,
			  48000, i < 50 ? 2 : 0.3);
		if (!limit_plan(&l, frame))
			break;
		for (k = 1; k <= LIMIT_STEPS && i >= 50; k++) {
			assert_true(l.gainv[k] >= l.gainv[k - 1]);
			assert_true(l.gainv[k] <= l.gainv[k - 1] * 1.005f);
		}
		assert_true(i == 0 || l.gainv[0] == last);
		last = l.gainv[LIMIT_STEPS];
	}

	/* 6.5 dB at 40 dB/s, after the hold. */
	printf("gain 1 again after %zu ms\n", (i - 50) * 20);
	assert_true(i > 55 && i < 62);

	g = 1;
	assert_false(limit_plan(&l, NULL));
	assert_true(l.gainv[LIMIT_STEPS] == g);
}

/* Loud from nothing in the middle of a frame: seen ahead, no click beyond
 * that of the sound itself. */
static void onset(void **state)
{
	double raw, limited;
	size_t i;

	(void)state;
	tone_make(in, SMP, 0, 400, 48000, 1.8);
	for (i = 0; i < SMP; i++)
		in[i] *= i < 10500   ? 0.3f
			 : i < 11000 ? 0.3f + 0.7f * (float)(i - 10500) / 500
				     : 1;
	run();

	raw = step_max(in, SMP);
	limited = step_max(out, SMP);
	printf("second difference: %.5f before, %.5f after\n", raw, limited);
	assert_true(limited < raw);
	assert_true(gain_peak(out, SMP) < 0.99f);
}

static void clip(void **state)
{
	float v[MEDIA_FRAME_SMP], w[MEDIA_FRAME_SMP];

	(void)state;
	tone_make(v, MEDIA_FRAME_SMP, 0, 1000, 48000, 0.94);
	memcpy(w, v, sizeof(v));
	assert_false(limit_clip(v));
	assert_memory_equal(v, w, sizeof(v));

	tone_make(v, MEDIA_FRAME_SMP, 0, 1000, 48000, 30);
	assert_true(limit_clip(v));
	assert_true(gain_peak(v, MEDIA_FRAME_SMP) <= 1);
}

static void ramp(void **state)
{
	float v[960], a[960], b[960];
	size_t i;

	(void)state;
	for (i = 0; i < 960; i++)
		v[i] = 1;
	gain_ramp(v, v, 960, 0.5f, 2);
	for (i = 0; i < 960; i++)
		assert_true(fabsf(v[i] - (0.5f + 1.5f * (float)(i + 1) / 960)) <
			    1e-4f);

	for (i = 0; i < 960; i++) {
		a[i] = 3;
		b[i] = -1;
	}
	gain_fade(a, a, b, 960, 0, 1);
	assert_true(fabsf(a[0] - 3) < 0.01f && fabsf(a[959] + 1) < 1e-4f);
	assert_true(fabsf(a[479] - 1) < 0.01f);
	assert_true(fabsf(gain_of_db(-20) - 0.1f) < 1e-6f);

	memset(v, 0, sizeof(v));
	v[773] = -0.75f;
	v[3] = 0.5f;
	assert_true(gain_peak(v, 960) == 0.75f);
}

/* Its level, and that it is below 4 kHz. */
static void noise(void **state)
{
	struct noise ns;
	double lo = 0, hi = 0, db;
	size_t k;

	(void)state;
	noise_init(&ns, 7);
	for (k = 0; k < FRAMES; k++)
		noise_fill(&ns, in + k * MEDIA_FRAME_SMP, MEDIA_FRAME_SMP,
			   0.001f);

	db = (double)level_db(level_power(in, SMP));
	assert_true(fabs(db + 60) < 0.2);
	for (k = 0; k < 40; k++) {
		lo += pow(tone_amp(in, SMP, 200 + 90 * (double)k, 48000), 2);
		hi += pow(tone_amp(in, SMP, 8000 + 350 * (double)k, 48000), 2);
	}
	printf("comfort noise: %.2f dBFS for -60, above 8 kHz %.1f dB\n", db,
	       10 * log10(hi / lo));
	assert_true(10 * log10(hi / lo) < -15);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(transparent), cmocka_unit_test(loud_tone),
	    cmocka_unit_test(low_tone),	   cmocka_unit_test(ten_talkers),
	    cmocka_unit_test(release),	   cmocka_unit_test(onset),
	    cmocka_unit_test(clip),	   cmocka_unit_test(ramp),
	    cmocka_unit_test(noise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
