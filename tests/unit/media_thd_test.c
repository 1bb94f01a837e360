/* libs: sy_media */
/* SPDX-License-Identifier: MIT */
/*
 * A 1 kHz tone through each codec as the engine does it: bus, resampler,
 * encoder, decoder, resampler, bus; frame by frame.  What is not the tone is
 * distortion and noise (THD+N).
 */
#include "media_test.h"

#include <re.h>

#include "node/media/codec.h"
#include "node/media/resample.h"

enum {
	BUS = 960,
	SKIP = 25, /* half a second: everything has settled */
	FRAMES = 100,
};

static const double levels_db[] = {-3, -10, -20, -30};

struct path {
	const char *name;
	struct media_codec prm; /* id MEDIA_CODEC_COUNT: resampled only */
	double max_db[4];	/* THD+N at each of the levels */
};

static const struct path paths[] = {
    {"8 kHz",
     {.id = MEDIA_CODEC_COUNT, .clock_hz = 8000},
     {-77, -77, -77, -77}},
    {"16 kHz",
     {.id = MEDIA_CODEC_COUNT, .clock_hz = 16000},
     {-83.5, -83.5, -83.5, -83.5}},
    {"PCMU",
     {.id = MEDIA_PCMU, .clock_hz = 8000},
     {-37.3, -36.8, -37.8, -34.7}},
    {"PCMA", {.id = MEDIA_PCMA, .clock_hz = 8000}, {-37.5, -36.1, -38, -36.7}},
    {"G722", {.id = MEDIA_G722, .clock_hz = 8000}, {-46.5, -46.5, -45.5, -43}},
    {"L16/8000",
     {.id = MEDIA_L16, .clock_hz = 8000},
     {-77, -76.7, -74.5, -67.3}},
    {"L16/16000",
     {.id = MEDIA_L16, .clock_hz = 16000},
     {-83.3, -82.3, -76.8, -67.7}},
    {"L16/48000",
     {.id = MEDIA_L16, .clock_hz = 48000},
     {-94.5, -87.5, -77.6, -67.6}},
    {"opus 32k",
     {.id = MEDIA_OPUS,
      .clock_hz = 48000,
      .complexity = 5,
      .bitrate_bps = 32000},
     {-38, -38, -38, -38}},
};

static float out[FRAMES * BUS];

static void codec_open(struct codec *enc, struct codec *dec,
		       const struct media_codec *prm)
{
	memset(enc, 0, sizeof(*enc));
	enc->rate_hz = prm->clock_hz;
	*dec = *enc;
	if (prm->id == MEDIA_CODEC_COUNT)
		return;

	assert_int_equal(codec_init(enc, prm), 0);
	assert_int_equal(codec_init(dec, prm), 0);
	assert_int_equal(codec_enc_alloc(enc), 0);
	assert_int_equal(codec_dec_alloc(dec), 0);
}

static void carry(const struct path *p, double hz, double amp)
{
	static float pcm[CODEC_FRAME_MAX_SMP], bus[BUS], low[BUS];
	struct resample down, up;
	struct codec enc, dec;
	uint8_t buf[2048];
	size_t i, n;

	codec_open(&enc, &dec, &p->prm);
	assert_int_equal(resample_down_init(&down, enc.rate_hz), 0);
	assert_int_equal(resample_up_init(&up, enc.rate_hz), 0);
	n = enc.rate_hz / 50;

	for (i = 0; i < FRAMES; i++) {
		const float *v;
		size_t len;

		tone_make(bus, BUS, i * BUS, hz, 48000, amp);
		v = resample_down(&down, low, bus, n);
		assert_non_null(v);
		if (enc.ops) {
			len = enc.ops->encode(enc.st, buf, sizeof(buf), v, n);
			assert_true(len > 0);
			assert_int_equal(dec.ops->decode(dec.st, pcm, buf, len),
					 n);
		} else {
			memcpy(pcm, v, n * sizeof(*v));
		}
		v = resample_up(&up, low, pcm, n);
		assert_non_null(v);
		memcpy(out + i * BUS, v, BUS * sizeof(*v));
	}

	codec_close(&enc);
	codec_close(&dec);
}

/* The tone is fitted by least squares and taken away. */
static double thd_db(const float *v, size_t n, double hz)
{
	double s = 0, c = 0, mean = 0, tone = 0, rest = 0;
	size_t i;

	for (i = 0; i < n; i++) {
		double a = 2 * M_PI * hz * (double)i / 48000;

		s += v[i] * sin(a);
		c += v[i] * cos(a);
		mean += v[i];
	}
	s *= 2 / (double)n;
	c *= 2 / (double)n;
	mean /= (double)n;

	for (i = 0; i < n; i++) {
		double a = 2 * M_PI * hz * (double)i / 48000;
		double t = s * sin(a) + c * cos(a), d = v[i] - t - mean;

		tone += t * t;
		rest += d * d;
	}

	return 10 * log10(rest / tone);
}

static void test_thd(void **state)
{
	size_t i, k;

	(void)state;

	printf("THD+N [dB] of 1004 Hz at -3, -10, -20, -30 dBFS:\n");
	for (i = 0; i < ARRAY_SIZE(paths); i++) {
		double db[ARRAY_SIZE(levels_db)];

		/* A whole number of periods in 1.5 s. */
		for (k = 0; k < ARRAY_SIZE(levels_db); k++) {
			carry(&paths[i], 1004, pow(10, levels_db[k] / 20));
			db[k] = thd_db(out + SKIP * BUS, (FRAMES - SKIP) * BUS,
				       1004);
		}
		printf("%-10s %6.1f %6.1f %6.1f %6.1f\n", paths[i].name, db[0],
		       db[1], db[2], db[3]);
		for (k = 0; k < ARRAY_SIZE(levels_db); k++)
			assert_true(db[k] < paths[i].max_db[k]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_thd),
	};

	resample_tables();

	return cmocka_run_group_tests(tests, NULL, NULL);
}
