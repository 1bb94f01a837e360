/* libs: sy_media */
/* SPDX-License-Identifier: MIT */
#include "media_test.h"

#include <errno.h>

#include "node/media/resample.h"

enum {
	FRAMES = 25, /* half a second; frame by frame, as the engine does */
	BUS = 960,
};

static float low[FRAMES * BUS], high[FRAMES * BUS];

/* A tone of amplitude 1 at rate_hz; returns samples at 48 kHz. */
static void go_up(double hz, uint32_t rate_hz)
{
	size_t i, n = rate_hz / 50;
	struct resample rs;

	assert_int_equal(resample_up_init(&rs, rate_hz), 0);
	tone_make(low, FRAMES * n, 0, hz, rate_hz, 1);
	for (i = 0; i < FRAMES; i++)
		assert_ptr_equal(resample_up(&rs, high + i * BUS, low + i * n,
					     n),
				 high + i * BUS);
}

static void go_down(double hz, uint32_t rate_hz)
{
	size_t i, n = rate_hz / 50;
	struct resample rs;

	assert_int_equal(resample_down_init(&rs, rate_hz), 0);
	tone_make(high, FRAMES * BUS, 0, hz, 48000, 1);
	for (i = 0; i < FRAMES; i++)
		assert_ptr_equal(resample_down(&rs, low + i * n, high + i * BUS,
					       n),
				 low + i * n);
}

/* Skips what the filter needs to settle. */
static double up_amp_db(double hz)
{
	return to_db(tone_amp(high + BUS, (FRAMES - 1) * BUS, hz, 48000));
}

static double down_amp_db(double hz, uint32_t rate_hz)
{
	return to_db(tone_amp(low + rate_hz / 50, (FRAMES - 1) * rate_hz / 50,
			      hz, rate_hz));
}

static double power_db(const float *v, size_t n)
{
	double sum = 0;
	size_t i;

	for (i = 0; i < n; i++)
		sum += v[i] * v[i];

	return 10 * log10(sum / (double)n * 2 + 1e-12);
}

static void flat(uint32_t rate_hz, double edge_hz)
{
	double hz, db, worst = 0;

	for (hz = 100; hz <= edge_hz; hz += 100) {
		go_up(hz, rate_hz);
		db = fabs(up_amp_db(hz));
		worst = db > worst ? db : worst;
		go_down(hz, rate_hz);
		db = fabs(down_amp_db(hz, rate_hz));
		worst = db > worst ? db : worst;
	}

	printf("%5u Hz: flat to %.0f Hz within %.3f dB\n", rate_hz, edge_hz,
	       worst);
	assert_true(worst < 0.1);
}

static void test_flat(void **state)
{
	(void)state;
	flat(8000, 3400);
	flat(16000, 7000);
}

/* The mirror images of a tone around multiples of the rate. */
static void images(uint32_t rate_hz, double edge_hz)
{
	double hz, m;

	for (hz = 200; hz <= edge_hz; hz += 400) {
		go_up(hz, rate_hz);
		for (m = rate_hz; m <= 24000; m += rate_hz) {
			assert_true(up_amp_db(m - hz) < -60);
			if (m + hz < 24000)
				assert_true(up_amp_db(m + hz) < -60);
		}
	}
}

static void test_images(void **state)
{
	(void)state;
	images(8000, 3400);
	images(16000, 7000);
}

/* What is above the band must not come back as something within. */
static void aliases(uint32_t rate_hz, double stop_hz)
{
	double hz;

	for (hz = stop_hz; hz < 24000; hz += 250) {
		go_down(hz, rate_hz);
		assert_true(power_db(low + rate_hz / 50,
				     (FRAMES - 1) * rate_hz / 50) < -60);
	}
}

static void test_aliases(void **state)
{
	(void)state;
	aliases(8000, 4600);
	aliases(16000, 9000);
}

/* A sweep of 8 s, up and down again: of one loudness all along, within what
 * the codec's rate can hold. */
static void sweep(uint32_t rate_hz, double edge_hz)
{
	enum { SECONDS = 8 };
	static float bus[BUS], mid[BUS], out[BUS];
	size_t i, k, n = rate_hz / 50, frames = SECONDS * 50;
	double phase = 0, min = 1e9, max = -1e9, hz;
	struct resample down, up;
	const float *v;

	assert_int_equal(resample_down_init(&down, rate_hz), 0);
	assert_int_equal(resample_up_init(&up, rate_hz), 0);

	for (i = 0; i < frames; i++) {
		double sum = 0, db;

		hz = 200 + (edge_hz - 200) * (double)i / (double)frames;
		for (k = 0; k < BUS; k++) {
			bus[k] = (float)sin(phase);
			phase += 2 * M_PI / 48000 *
				 (hz + (edge_hz - 200) / (double)frames *
					       (double)k / BUS);
		}

		v = resample_down(&down, mid, bus, n);
		assert_non_null(v);
		memcpy(mid, v, n * sizeof(*v));
		v = resample_up(&up, out, mid, n);
		assert_non_null(v);

		/* Slow sums of a low tone swing by more than the filter. */
		for (k = 0; k < BUS; k++)
			sum += (double)v[k] * v[k] *
			       (1 - cos(2 * M_PI * ((double)k + 0.5) / BUS));
		db = 10 * log10(2 * sum / BUS);
		if (i < 3)
			continue;
		min = db < min ? db : min;
		max = db > max ? db : max;
	}

	printf("%5u Hz: sweep to %.0f Hz between %+.3f and %+.3f dB\n",
	       rate_hz, edge_hz, min, max);
	assert_true(min > -0.25 && max < 0.25);
}

static void test_sweep(void **state)
{
	(void)state;
	sweep(8000, 3400);
	sweep(16000, 7000);
}

/* What comes out does not depend on how it was cut into pieces. */
static void pieces(uint32_t rate_hz)
{
	static float in[FRAMES * BUS], whole[FRAMES * BUS], out[FRAMES * BUS];
	size_t ratio = 48000 / rate_hz, n = rate_hz / 50, i, len;
	uint32_t rnd = 1234567;
	struct resample a, b;

	for (i = 0; i < FRAMES * BUS; i++)
		in[i] = (float)(int32_t)test_rand(&rnd) / 2147483648.0f;

	resample_up_init(&a, rate_hz);
	resample_up_init(&b, rate_hz);
	for (i = 0; i < FRAMES * n; i += n)
		resample_up(&a, whole + i * ratio, in + i, n);
	for (i = 0; i < FRAMES * n; i += len) {
		len = 32 + 16 * (test_rand(&rnd) % 3);
		if (FRAMES * n - i < 2 * len)
			len = FRAMES * n - i;
		resample_up(&b, out + i * ratio, in + i, len);
	}
	assert_memory_equal(out, whole, FRAMES * BUS * sizeof(*out));

	resample_down_init(&a, rate_hz);
	resample_down_init(&b, rate_hz);
	for (i = 0; i < FRAMES * n; i += n)
		resample_down(&a, whole + i, in + i * ratio, n);
	for (i = 0; i < FRAMES * n; i += len) {
		len = 40 + 8 * (test_rand(&rnd) % 10);
		if (FRAMES * n - i < 2 * len)
			len = FRAMES * n - i;
		assert_non_null(resample_down(&b, out + i, in + i * ratio,
					      len));
	}
	assert_memory_equal(out, whole, FRAMES * n * sizeof(*out));
}

static void test_pieces(void **state)
{
	(void)state;
	pieces(8000);
	pieces(16000);
}

/* Silence costs nothing, after the filter has rung out. */
static void test_silence(void **state)
{
	static const float zero[BUS];
	struct resample rs;

	(void)state;

	assert_int_equal(resample_up_init(&rs, 8000), 0);
	assert_null(resample_up(&rs, high, NULL, 160));
	tone_make(low, 160, 0, 1000, 8000, 1);
	assert_non_null(resample_up(&rs, high, low, 160));
	assert_non_null(resample_up(&rs, high, NULL, 160));
	assert_true(power_db(high, 100) > -40); /* the rest of the tone */
	assert_null(resample_up(&rs, high, NULL, 160));
	assert_non_null(resample_up(&rs, high, zero, 160));
	assert_memory_equal(high, zero, sizeof(zero));

	assert_int_equal(resample_down_init(&rs, 8000), 0);
	assert_null(resample_down(&rs, low, NULL, 160));
	tone_make(high, BUS, 0, 1000, 48000, 1);
	assert_non_null(resample_down(&rs, low, high, 160));
	assert_non_null(resample_down(&rs, low, NULL, 160));
	assert_null(resample_down(&rs, low, NULL, 160));

	assert_int_equal(resample_up_init(&rs, 48000), 0);
	assert_ptr_equal(resample_up(&rs, low, high, BUS), high);
	assert_int_equal(resample_up_init(&rs, 44100), EINVAL);
}

static void test_sound(void **state)
{
	static const uint32_t rates[] = {8000, 11025, 22050, 44100, 48000,
					 96000};
	static float in[96000];
	size_t i, n;

	(void)state;

	for (i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		float *out;

		tone_make(in, rates[i], 0, 1000, rates[i], 0.5);
		assert_int_equal(resample_sound(&out, &n, 48000, in, rates[i],
						rates[i]),
				 0);
		assert_int_equal(n, 48000);
		assert_true(fabs(to_db(tone_amp(out + 4800, 38400, 1000,
						48000) / 0.5)) < 0.05);
		/* no more than the tone in it */
		assert_true(fabs(power_db(out + 4800, 38400) -
				 to_db(0.5)) < 0.05);
		free(out);
	}

	tone_make(in, 96000, 0, 30000, 96000, 0.5);
	{
		float *out;

		assert_int_equal(resample_sound(&out, &n, 48000, in, 96000,
						96000),
				 0);
		assert_true(power_db(out + 4800, 38400) < -60);
		free(out);
		assert_int_equal(resample_sound(&out, &n, 48000, in, 96000, 1),
				 EINVAL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_flat),
		cmocka_unit_test(test_sweep),
		cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_images),
		cmocka_unit_test(test_aliases),
		cmocka_unit_test(test_silence),
		cmocka_unit_test(test_sound),
	};

	resample_tables();

	return cmocka_run_group_tests(tests, NULL, NULL);
}
