/* libs: sy_media */
/* SPDX-License-Identifier: MIT */
#include <stdbool.h>

#include "media_speech.h"

#include <re.h>
#include <spandsp.h>

#include "node/media/codec.h"
#include "node/media/plc.h"

/* spandsp 0.0.6 moves its past by a memcpy of overlapping memory, which
 * AddressSanitizer does not let pass. */
#ifdef __SANITIZE_ADDRESS__
#define BESIDE_SPANDSP 0
#else
#define BESIDE_SPANDSP 1
#endif

enum {
	FRAME_MS = 20,
	FRAME_MAX = 960,
	PIECE_MAX = 48 * 120,
	SEAM_MAX = 4096,
};

/* What a receiver may do about a missing frame. */
enum how {
	ZERO,
	REPEAT,
	SPANDSP, /* its own, at 8 kHz */
	PLC,
	HOWS,
};

/* When frames go missing. */
struct loss {
	const char *name;
	unsigned percent; /* of frames at random, or ...  */
	unsigned every;	  /* one burst in so many frames  */
	unsigned burst;	  /* frames of a burst            */
};

/* How far from the undamaged a way is. */
struct distance {
	double lsd;  /* log-spectral, of all that is damaged [dB]      */
	double snr;  /* segmental, of the missing frames [dB]          */
	double seam; /* of 100 seams, how sharp the 95th is, see below */
	double peak; /* largest second difference, against undamaged   */
};

static const uint32_t rates[] = {8000, 16000, 48000};

static bool is_lost(const struct loss *l, size_t frame, uint32_t *rnd)
{
	if (l->percent)
		return frame > 5 && test_rand(rnd) % 100 < l->percent;

	return frame % l->every >= l->every - l->burst;
}

static struct plc *plc_new(uint32_t rate_hz)
{
	struct plc *p = malloc(plc_size(rate_hz));

	assert_non_null(p);
	plc_start(p, rate_hz);

	return p;
}

/* Play what is left of ref. */
static void damage(float *out, const float *ref, size_t frames, size_t len,
		   const bool *lostv, struct plc *p)
{
	size_t i;

	for (i = 0; i < frames; i++) {
		float *o = out + i * len;

		memcpy(o, ref + i * len, len * sizeof(*o));
		if (p && lostv[i])
			plc_conceal(p, o, len);
		else if (p)
			plc_put(p, o, len);
	}
}

static void damage_plainly(float *out, const float *ref, size_t frames,
			   size_t len, const bool *lostv, enum how how)
{
	size_t i;

	for (i = 0; i < frames; i++) {
		float *o = out + i * len;

		if (!lostv[i])
			memcpy(o, ref + i * len, len * sizeof(*o));
		else if (how == REPEAT)
			memcpy(o, o - len, len * sizeof(*o));
		else
			memset(o, 0, len * sizeof(*o));
	}
}

/* Samples that it leaves alone stay as exact as they were. */
static void damage_spandsp(float *out, const float *ref, size_t frames,
			   const bool *lostv)
{
	plc_state_t *st = plc_init(NULL);
	int16_t v[160], keep[160];
	size_t i, k;

	assert_non_null(st);
	for (i = 0; i < frames; i++, out += 160, ref += 160) {
		for (k = 0; k < 160; k++)
			keep[k] = v[k] = (int16_t)lrintf(ref[k] * 32768);
		if (lostv[i])
			plc_fillin(st, v, 160);
		else
			plc_rx(st, v, 160);
		for (k = 0; k < 160; k++)
			out[k] = !lostv[i] && v[k] == keep[k]
					 ? ref[k]
					 : (float)v[k] / 32768;
	}
	plc_free(st);
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

/* The largest second difference within 1 ms of a seam, against that of the
 * undamaged within 20 ms: the value that 95 of 100 seams keep below. */
static double seams(const float *ref, const float *out, size_t frames,
		    size_t len, const bool *lostv)
{
	static double v[SEAM_MAX];
	size_t i, count = 0, ms = len / FRAME_MS;

	for (i = 2; i + 2 < frames && count < SEAM_MAX; i++) {
		size_t at = i * len;

		if (lostv[i] == lostv[i - 1])
			continue;
		v[count++] = (speech_click(out + at - ms, 2 * ms) + 1e-3) /
			     (speech_click(ref + at - 20 * ms, 40 * ms) + 1e-3);
	}

	qsort(v, count, sizeof(v[0]), compare);

	return v[count * 95 / 100];
}

static struct distance measure(const float *ref, float *out, size_t frames,
			       size_t len, const bool *lostv)
{
	size_t n = frames * len, i;
	uint32_t rate_hz = (uint32_t)len * 50;
	struct distance d = {
	    .lsd = speech_lsd_db(ref, out, n, rate_hz),
	    .seam = seams(ref, out, frames, len, lostv),
	    .peak = speech_click(out, n) / speech_click(ref, n),
	};

	for (i = 0; i < frames; i++) {
		if (!lostv[i])
			memcpy(out + i * len, ref + i * len,
			       len * sizeof(*out));
	}
	d.snr = speech_segsnr_db(ref, out, n, rate_hz);

	return d;
}

static void speech(const char *voice, uint32_t rate_hz, const struct loss *l)
{
	static const char *const names[HOWS] = {"zeros", "repeat", "spandsp",
						"plc"};
	struct distance d[HOWS];
	size_t n, i, frames, len = rate_hz / 1000 * FRAME_MS;
	bool beside = BESIDE_SPANDSP && rate_hz == 8000;
	float *ref = speech_load(voice, rate_hz, &n), *out;
	struct plc *p = plc_new(rate_hz);
	uint32_t rnd = 12345;
	bool *lostv;
	int how;

	frames = n / len;
	speech_noise(ref, n, 3e-4, 7);
	out = malloc(n * sizeof(*out));
	lostv = calloc(frames, sizeof(*lostv));
	assert_true(out && lostv);
	for (i = 0; i < frames; i++)
		lostv[i] = is_lost(l, i, &rnd);

	for (how = ZERO; how < HOWS; how++) {
		if (how == SPANDSP && !beside)
			continue;
		if (how == PLC)
			damage(out, ref, frames, len, lostv, p);
		else if (how == SPANDSP)
			damage_spandsp(out, ref, frames, lostv);
		else
			damage_plainly(out, ref, frames, len, lostv,
				       (enum how)how);
		d[how] = measure(ref, out, frames, len, lostv);
		printf("%-6s %5u %-5s %-7s lsd %5.2f dB, snr %5.2f dB, "
		       "seams %4.2f, peak %4.2f\n",
		       voice, rate_hz, l->name, names[how], d[how].lsd,
		       d[how].snr, d[how].seam, d[how].peak);
	}

	free(lostv);
	free(out);
	free(ref);
	free(p);

	assert_true(d[PLC].lsd < d[ZERO].lsd - 2);
	assert_true(d[PLC].lsd < d[REPEAT].lsd - 2.5);
	assert_true(!beside || d[PLC].lsd < d[SPANDSP].lsd - 1);
	assert_true(!beside || d[PLC].snr > d[SPANDSP].snr);
	assert_true(d[PLC].snr > d[ZERO].snr + 0.3);
	assert_true(d[PLC].snr > d[REPEAT].snr + 2.5);
	assert_true(d[PLC].seam < 1.35);
	assert_true(d[PLC].seam < 0.8 * d[REPEAT].seam);
	assert_true(d[PLC].peak < 1.1);
}

static void test_speech(void **state)
{
	static const struct loss v[] = {
	    {.name = "5 %", .percent = 5},
	    {.name = "10 %", .percent = 10},
	    {.name = "20 %", .percent = 20},
	    {.name = "40 ms", .every = 25, .burst = 2},
	    {.name = "60 ms", .every = 25, .burst = 3},
	};
	static const char *const voices[] = {"en", "en+f3"};
	size_t i, k;

	(void)state;

	for (k = 0; k < VOICES; k++) {
		for (i = 0; i < sizeof(v) / sizeof(v[0]); i += 3 - VOICES) {
			speech(voices[k], 8000, &v[i]);
			speech(voices[k], 16000, &v[i]);
		}
	}
	if (VOICES > 1)
		speech("en", 48000, &v[1]);
}

/* Frames encoded and, but for the lost ones, decoded. */
static void transfer(float *out, const float *in, size_t frames, size_t len,
		     const struct media_codec *prm, const bool *lostv,
		     enum how how)
{
	struct plc *p = plc_new((uint32_t)len * 50);
	struct codec enc, dec;
	uint8_t buf[2048];
	size_t i, n;

	assert_int_equal(codec_init(&enc, prm), 0);
	assert_int_equal(codec_init(&dec, prm), 0);
	assert_int_equal(codec_enc_alloc(&enc), 0);
	assert_int_equal(codec_dec_alloc(&dec), 0);

	for (i = 0; i < frames; i++) {
		float *o = out + i * len;

		n = enc.ops->encode(enc.st, buf, sizeof(buf), in + i * len,
				    len);
		if (!lostv || !lostv[i]) {
			assert_int_equal(dec.ops->decode(dec.st, o, buf, n),
					 len);
			if (how == PLC)
				plc_put(p, o, len);
		} else if (how == PLC) {
			plc_conceal(p, o, len);
			if (dec.ops->missed)
				dec.ops->missed(dec.st, o, len);
		} else if (how == REPEAT) {
			memcpy(o, o - len, len * sizeof(*o));
		} else {
			memset(o, 0, len * sizeof(*o));
		}
	}

	codec_close(&enc);
	codec_close(&dec);
	free(p);
}

/* A decoder that missed something must not click either: measured to the end
 * of the first frame after a loss. */
static void codec(const char *name, const struct media_codec *prm,
		  uint32_t rate_hz, const struct loss *l)
{
	static const char *const names[HOWS] = {"zeros", "repeat", "spandsp",
						"plc"};
	size_t n, i, frames, len = rate_hz / 1000 * FRAME_MS;
	float *in = speech_load("en", rate_hz, &n), *ref, *out;
	struct distance d[HOWS];
	uint32_t rnd = 777;
	bool *lostv;
	int how;

	frames = n / len;
	speech_noise(in, n, 3e-4, 7);
	ref = malloc(n * sizeof(*ref));
	out = malloc(n * sizeof(*out));
	lostv = calloc(frames, sizeof(*lostv));
	assert_true(ref && out && lostv);
	for (i = 0; i < frames; i++)
		lostv[i] = is_lost(l, i, &rnd);

	transfer(ref, in, frames, len, prm, NULL, ZERO);
	for (how = ZERO; how < HOWS; how++) {
		if (how == SPANDSP)
			continue;
		transfer(out, in, frames, len, prm, lostv, (enum how)how);
		for (i = 2; i < frames; i++) {
			if (!lostv[i] && !lostv[i - 1])
				memcpy(out + i * len, ref + i * len,
				       len * sizeof(*out));
		}
		d[how] = measure(ref, out, frames, len, lostv);
		printf("%-6s %5u %-5s %-7s lsd %5.2f dB, snr %5.2f dB, "
		       "seams %4.2f, peak %4.2f\n",
		       name, rate_hz, l->name, names[how], d[how].lsd,
		       d[how].snr, d[how].seam, d[how].peak);
	}

	free(lostv);
	free(out);
	free(ref);
	free(in);

	assert_true(d[PLC].lsd < d[ZERO].lsd - 1.5);
	assert_true(d[PLC].lsd < d[REPEAT].lsd - 0.6);
	assert_true(d[PLC].snr > d[ZERO].snr + 0.2);
	assert_true(d[PLC].snr > d[REPEAT].snr + 2);
	assert_true(d[PLC].seam < 1.3);
	assert_true(d[PLC].peak < 1.2);
}

static void test_codecs(void **state)
{
	static const struct loss v[] = {
		{.name = "10 %", .percent = 10},
		{.name = "60 ms", .every = 25, .burst = 3},
	};
	static const struct media_codec pcmu = {.id = MEDIA_PCMU,
						.clock_hz = 8000};
	static const struct media_codec g722 = {.id = MEDIA_G722,
						.clock_hz = 8000};
	size_t i;

	(void)state;

	for (i = 0; i < VOICES; i++) {
		codec("PCMU", &pcmu, 8000, &v[i]);
		codec("G722", &g722, 16000, &v[i]);
	}
}

static double rms_db(const float *v, size_t n)
{
	double sum = 0;
	size_t i;

	for (i = 0; i < n; i++)
		sum += (double)v[i] * v[i];

	return 10 * log10(sum / (double)n + 1e-30);
}

/* What is periodic goes on as if nothing was missing: 10 ms at full strength,
 * gone after 70 ms. */
static void test_periodic(void **state)
{
	static const double hz[] = {131, 220, 1000};
	static float ref[48000], out[48000], err[48000];
	size_t i, k, j;

	(void)state;

	for (i = 0; i < 3; i++) {
		for (k = 0; k < 3; k++) {
			size_t len = rates[i] / 50, ten = len / 2;
			struct plc *p = plc_new(rates[i]);
			double snr;

			tone_make(ref, 20 * len, 0, hz[k], rates[i], 0.2);
			if (k < 2)
				for (j = 0; j < 20 * len; j++)
					ref[j] +=
					    0.1f *
					    (float)cos(6 * M_PI * hz[k] *
						       (double)j / rates[i]);
			memcpy(out, ref, sizeof(out));
			for (j = 0; j < 10; j++)
				plc_put(p, out + j * len, len);
			for (; j < 20; j++)
				plc_conceal(p, out + j * len, len);

			assert_memory_equal(out, ref, 10 * len * sizeof(*out));
			for (j = 0; j < ten; j++)
				err[j] = out[10 * len + j] - ref[10 * len + j];
			snr = rms_db(ref + 10 * len, ten) - rms_db(err, ten);
			printf("%5u %4.0f Hz: snr of the first 10 ms %.1f dB\n",
			       rates[i], hz[k], snr);
			assert_true(snr > 17);
			assert_true(fabs(rms_db(out + 10 * len, ten) -
					 rms_db(ref, 10 * len)) < 1);
			assert_true(rms_db(out + 14 * len, len) < -50);
			assert_true(speech_click(out, 20 * len) <
				    1.2 * speech_click(ref, 20 * len) + 1e-3);
			free(p);
		}
	}
}

/* A long loss in a room: the room stays, its level and its colour. */
static void test_room(void **state)
{
	static float room[96000], out[96000];
	size_t i, k, j;

	(void)state;

	for (i = 0; i < 3; i++) {
		for (k = 0; k < 3; k++) {
			size_t len = rates[i] / 50;
			struct plc *p = plc_new(rates[i]);
			double level = -70 + 15 * (double)k, got, now;

			memset(room, 0, sizeof(room));
			speech_noise(room, 100 * len, 1, 5);
			for (j = 1; j < 100 * len; j++)
				room[j] = 0.3f * room[j] + 0.7f * room[j - 1];
			now = rms_db(room, 100 * len);
			for (j = 0; j < 100 * len; j++)
				room[j] *= (float)pow(10, (level - now) / 20);

			memcpy(out, room, sizeof(out));
			for (j = 0; j < 50; j++)
				plc_put(p, out + j * len, len);
			for (; j < 100; j++)
				plc_conceal(p, out + j * len, len);

			got = rms_db(out + 54 * len, 46 * len);
			printf("%5u room at %.0f dBov: %.1f dBov, floor "
			       "%.1f\n",
			       rates[i], level, got, plc_floor_db(p));
			assert_true(fabs(got - level) < 1.5);
			assert_true(fabs(plc_floor_db(p) - level) < 1.5);

			/* No hole while it fades over. */
			for (j = 50; j < 56; j++)
				assert_true(fabs(rms_db(out + j * len, len) -
						 level) < 4);
			free(p);
		}
	}
}

static void test_silence(void **state)
{
	static float v[PIECE_MAX];
	struct plc *p = plc_new(8000);
	size_t i, k;

	(void)state;

	for (i = 0; i < 10; i++)
		plc_put(p, v, 160);
	for (i = 0; i < 10; i++) {
		memset(v, 0x55, 160 * sizeof(*v));
		plc_conceal(p, v, 160);
		for (k = 0; k < 160; k++)
			assert_true(v[k] == 0);
	}
	free(p);

	/* Lost before anything came. */
	p = plc_new(16000);
	plc_conceal(p, v, 320);
	for (k = 0; k < 320; k++)
		assert_true(v[k] == 0);
	free(p);
}

/* Audio is changed in the first 10 ms after a loss, at most. */
static void test_untouched(void **state)
{
	static float v[PIECE_MAX], keep[PIECE_MAX];
	size_t i, k, ms;

	(void)state;

	for (i = 0; i < 3; i++) {
		for (ms = 10; ms <= 120; ms += 10) {
			size_t n = rates[i] / 1000 * ms, ten = rates[i] / 100;
			struct plc *p = plc_new(rates[i]);

			tone_make(keep, n, 0, 300, rates[i], 0.3);
			for (k = 0; k < 6; k++) {
				memcpy(v, keep, sizeof(v));
				plc_put(p, v, n);
				assert_memory_equal(v, keep, n * sizeof(*v));
			}
			plc_conceal(p, v, n);
			memcpy(v, keep, sizeof(v));
			plc_put(p, v, n);
			assert_memory_equal(v + ten, keep + ten,
					    (n - ten) * sizeof(*v));
			memcpy(v, keep, sizeof(v));
			plc_put(p, v, n);
			assert_memory_equal(v, keep, n * sizeof(*v));
			free(p);
		}
	}

	assert_int_equal(plc_size(44100), 0);
	assert_true(plc_size(8000) < 2100);
	assert_true(plc_size(16000) < 3700);
	assert_true(plc_size(48000) < 10100);
}

/* Any floats, any order of calls, rates that change: what is made up is
 * finite and no louder than what was put. */
static void test_random(void **state)
{
	struct plc *p = plc_new(48000);
	uint32_t rnd = test_seed() | 1, rate_hz = 48000;
	static float v[PIECE_MAX];
	float max = 0;
	int round;
	size_t i, n;

	(void)state;

	for (round = 0; round < 2000 * VOICES; round++) {
		if (test_rand(&rnd) % 64 == 0) {
			rate_hz = rates[test_rand(&rnd) % 3];
			plc_start(p, rate_hz);
			max = 0;
		}
		n = rate_hz / 1000 * (1 + test_rand(&rnd) % 60);
		if (test_rand(&rnd) % 3 == 0) {
			plc_conceal(p, v, n);
			for (i = 0; i < n; i++)
				assert_true(fabsf(v[i]) < 8 * max + 0.1f);
			continue;
		}

		for (i = 0; i < n; i++) {
			uint32_t bits = test_rand(&rnd);

			if (round % 4 == 0)
				memcpy(&v[i], &bits, sizeof(bits));
			else
				v[i] = (float)(int32_t)bits / 2147483648.0f *
				       (float)(round % 3);
		}
		max = round % 4 ? max > 2 ? max : 2 : 8;
		plc_put(p, v, n);
	}

	free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_speech),
		cmocka_unit_test(test_codecs),
		cmocka_unit_test(test_periodic),
		cmocka_unit_test(test_room),
		cmocka_unit_test(test_silence),
		cmocka_unit_test(test_untouched),
		cmocka_unit_test(test_random),
	};

	resample_tables();

	return cmocka_run_group_tests(tests, NULL, NULL);
}
