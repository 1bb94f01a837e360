/* libs: sy_media */
/* SPDX-License-Identifier: MIT */
#include "media_speech.h"

#include "node/media/cng.h"

enum {
	SECONDS = 8,
	FRAME_MS = 20,
	LONG_MAX = 48000 * SECONDS,
	FFT = 256,
};

static const uint32_t rates[] = {8000, 16000, 48000};
static float pcm[LONG_MAX];

static double rms_db(const float *v, size_t n)
{
	double sum = 0;
	size_t i;

	for (i = 0; i < n; i++)
		sum += (double)v[i] * v[i];

	return 10 * log10(sum / (double)n + 1e-30);
}

static size_t generate(struct cng *c, uint32_t rate_hz)
{
	size_t len = rate_hz / 1000 * FRAME_MS, i, n = rate_hz * SECONDS;

	for (i = 0; i < n; i += len)
		cng_get(c, pcm + i, len);

	return n;
}

/* Mean power in each bin of FFT. */
static void psd(double *sum, const float *v, size_t n)
{
	double pow[FFT / 2 + 1];
	size_t i, k, count = 0;

	memset(sum, 0, (FFT / 2 + 1) * sizeof(*sum));
	for (i = 0; i + FFT <= n; i += FFT / 2, count++) {
		speech_spectrum(pow, v + i, FFT);
		for (k = 0; k <= FFT / 2; k++)
			sum[k] += pow[k];
	}

	for (k = 0; k <= FFT / 2; k++)
		sum[k] /= (double)count;
}

/* The filter's power at bin k, of the RFC's quantised coefficients. */
static double envelope(const uint8_t *buf, size_t len, size_t k)
{
	double a[LPC_ORDER_MAX] = {0}, t[LPC_ORDER_MAX], re = 1, im = 0;
	size_t m, i;

	for (m = 0; m + 1 < len; m++) {
		double r = 258.0 * (buf[1 + m] - 127) / 32768;

		for (i = 0; i < m; i++)
			t[i] = a[i] + r * a[m - 1 - i];
		memcpy(a, t, m * sizeof(*a));
		a[m] = r;
	}

	for (i = 0; i + 1 < len; i++) {
		double w = 2 * M_PI * (double)(k * (i + 1)) / FFT;

		re += a[i] * cos(w);
		im -= a[i] * sin(w);
	}

	return 1 / (re * re + im * im);
}

/* Largest difference of shapes [dB], in bands of 9 bins, without the mean. */
static double shape_diff_db(const double *a, const double *b)
{
	double sa = 0, sb = 0, max = 0;
	size_t k, i;

	for (k = 1; k < FFT / 2; k++) {
		sa += a[k];
		sb += b[k];
	}

	for (k = 2; k + 9 < FFT / 2; k += 9) {
		double x = 0, y = 0, d;

		for (i = 0; i < 9; i++) {
			x += a[k + i] / sa;
			y += b[k + i] / sb;
		}
		d = fabs(10 * log10(x / y));
		max = d > max ? d : max;
	}

	return max;
}

static void test_level(void **state)
{
	static const uint8_t shape[] = {0, 30, 150, 110, 127, 140};
	struct cng c;
	size_t k, n;
	int db;

	(void)state;

	for (k = 0; k < 3; k++) {
		for (db = 20; db <= 80; db += 15) {
			uint8_t buf[sizeof(shape)];

			memcpy(buf, shape, sizeof(buf));
			buf[0] = (uint8_t)db;

			cng_init(&c, 1);
			cng_level_set(&c, (float)-db, rates[k]);
			n = generate(&c, rates[k]);
			assert_true(fabs(rms_db(pcm, n) + db) < 0.5);

			cng_init(&c, 1);
			assert_int_equal(cng_put(&c, buf, 1, rates[k]), 0);
			n = generate(&c, rates[k]);
			assert_true(fabs(rms_db(pcm, n) + db) < 0.5);

			cng_init(&c, 1);
			assert_int_equal(
			    cng_put(&c, buf, sizeof(buf), rates[k]), 0);
			n = generate(&c, rates[k]);
			assert_true(fabs(rms_db(pcm, n) + db) < 0.5);
		}
	}
}

static void test_spectrum(void **state)
{
	static const struct {
		uint8_t buf[10];
		size_t len;
	} v[] = {
	    {{40, 127}, 2},			   /* white          */
	    {{40, 20}, 2},			   /* dull           */
	    {{40, 230}, 2},			   /* sharp          */
	    {{40, 60, 200}, 3},			   /* a resonance    */
	    {{40, 30, 180, 90, 140, 110, 150}, 7}, /* several        */
	    {{40, 10, 220, 100, 150, 127, 90, 140, 120, 130}, 10},
	};
	double want[FFT / 2 + 1], got[FFT / 2 + 1], d;
	struct cng c;
	size_t i, k, n;

	(void)state;

	for (i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		cng_init(&c, 77);
		assert_int_equal(cng_put(&c, v[i].buf, v[i].len, 8000), 0);
		n = generate(&c, 8000);
		psd(got, pcm, n);
		for (k = 0; k <= FFT / 2; k++)
			want[k] = envelope(v[i].buf, v[i].len, k);
		d = shape_diff_db(got, want);
		printf("spectrum %zu: within %.2f dB\n", i, d);
		assert_true(d < 1);
	}
}

/* A noise is measured, sent, and made again: the same to an ear. */
static void test_round_trip(void **state)
{
	static const uint8_t room[] = {52, 35, 170, 100, 140, 120};
	double a[FFT / 2 + 1], b[FFT / 2 + 1], d, level;
	struct cng_enc e;
	struct cng c;
	size_t k, i, n, len;

	(void)state;

	for (k = 0; k < 3; k++) {
		uint8_t buf[CNG_PAYLOAD_MAX];

		len = rates[k] / 1000 * FRAME_MS;
		cng_init(&c, 3);
		cng_put(&c, room, sizeof(room), rates[k]);
		n = generate(&c, rates[k]);
		psd(a, pcm, n);
		level = rms_db(pcm, n);

		cng_enc_init(&e, 8);
		for (i = 0; i < n; i += len)
			cng_enc_put(&e, pcm + i, len);
		assert_int_equal(cng_enc_make(&e, buf), 9);
		assert_true(fabs(cng_enc_level_db(&e) - level) < 1);
		assert_true(abs((int)buf[0] - 52) <= 1);

		cng_init(&c, 4);
		assert_int_equal(cng_put(&c, buf, 9, rates[k]), 0);
		n = generate(&c, rates[k]);
		psd(b, pcm, n);
		d = shape_diff_db(a, b);
		printf("%5u: level %.2f -> %.2f dBov, spectrum within %.2f "
		       "dB\n",
		       rates[k], level, rms_db(pcm, n), d);
		assert_true(fabs(rms_db(pcm, n) - level) < 1);
		assert_true(d < 2);
	}
}

/* A new level comes as a ramp; the filter rings on. */
static void test_change(void **state)
{
	struct cng c;
	size_t i;

	(void)state;

	cng_init(&c, 1);
	cng_get(&c, pcm, 160);
	for (i = 0; i < 160; i++)
		assert_true(pcm[i] == 0);

	cng_level_set(&c, -60, 8000);
	cng_get(&c, pcm, 8000);
	cng_level_set(&c, -30, 8000);
	cng_get(&c, pcm + 8000, 160);
	assert_true(rms_db(pcm + 8000, 16) < -40);
	assert_true(fabs(rms_db(pcm + 8128, 32) + 31) < 4);

	cng_level_set(&c, -127, 8000);
	cng_get(&c, pcm, 160);
	cng_get(&c, pcm, 160);
	assert_true(rms_db(pcm, 160) < -120);
	cng_get(&c, pcm, 160);
	cng_get(&c, pcm, 160);
	for (i = 0; i < 160; i++)
		assert_true(pcm[i] == 0);
}

/* Any payload gives finite noise of its level; any audio gives a payload. */
static void test_random(void **state)
{
	uint32_t rnd = test_seed() | 1;
	uint8_t buf[64];
	size_t i, k, len;
	struct cng_enc e;
	struct cng c;
	int round;

	(void)state;

	cng_init(&c, 1);
	assert_int_equal(cng_put(&c, buf, 0, 8000), EBADMSG);

	for (round = 0; round < 2000; round++) {
		uint32_t rate_hz = rates[round % 3];

		len = 1 + test_rand(&rnd) % (sizeof(buf) - 1);
		for (i = 0; i < len; i++)
			buf[i] = (uint8_t)test_rand(&rnd);
		if (round % 8 == 0)
			memset(buf + 1, round % 16 ? 254 : 0, len - 1);
		assert_int_equal(cng_put(&c, buf, len, rate_hz), 0);
		for (k = 0; k < 3; k++) {
			cng_get(&c, pcm, 320);
			for (i = 0; i < 320; i++)
				assert_true(isfinite(pcm[i]));
		}
	}

	for (round = 0; round < 500; round++) {
		cng_enc_init(&e, test_rand(&rnd) % 20);
		for (k = 0; k < 5; k++) {
			for (i = 0; i < 160; i++) {
				uint32_t bits = test_rand(&rnd);

				if (round & 1)
					memcpy(&pcm[i], &bits, sizeof(bits));
				else
					pcm[i] = (float)(round % 5) *
						 (float)(bits >> 8) * 1e-8f;
			}
			cng_enc_put(&e, pcm, 160);
		}
		assert_int_equal(cng_enc_make(&e, buf), 1 + e.order);
		assert_true(buf[0] <= 127);
		for (i = 1; i <= e.order; i++)
			assert_true(buf[i] != 255);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_level),
		cmocka_unit_test(test_spectrum),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_change),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
