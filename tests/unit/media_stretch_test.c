/* libs: sy_media */
/* SPDX-License-Identifier: MIT */
#include "media_speech.h"

#include "node/media/stretch.h"

enum {
	PIECE_MAX_SMP = 2880,
	LONG_MAX = 48000,
};

enum dir {
	SHORTER,
	LONGER,
};

static const uint32_t rates[] = {8000, 16000, 48000};
static const char *const dirs[] = {"shorter", "longer"};

static size_t stretch(enum dir dir, float *v, size_t n, uint32_t rate_hz)
{
	return dir == SHORTER ? stretch_shorten(v, n, rate_hz)
			      : stretch_lengthen(v, n, 2 * n, rate_hz);
}

/* What became of a signal that went through piece by piece. */
struct outcome {
	size_t n;	/* samples that came out       */
	size_t pieces;	/* that went in                */
	size_t changed; /* of them, shorter or longer  */
	size_t *tov;	/* where each begins, in what came out; and the end */
};

static void go(float *out, const float *in, size_t n, size_t len,
	       uint32_t rate_hz, enum dir dir, struct outcome *o)
{
	size_t i, m;

	o->n = o->pieces = o->changed = 0;
	for (i = 0; i + len <= n; i += len) {
		float *v = out + o->n;

		memcpy(v, in + i, len * sizeof(*v));
		m = stretch(dir, v, len, rate_hz);

		/* The neighbours see the same ends. */
		assert_true(v[0] == in[i]);
		assert_true(v[m - 1] == in[i + len - 1]);
		assert_true(m >= rate_hz / 200 && m <= 2 * len);
		assert_true(dir == SHORTER ? m <= len : m >= len);

		o->n += m;
		o->changed += m != len;
		++o->pieces;
		if (o->tov)
			o->tov[o->pieces] = o->n;
	}
}

/* Harmonics as a voice has them. */
static void vowel(float *v, size_t n, double f0_hz, uint32_t rate_hz)
{
	double hz;
	size_t i, k;

	memset(v, 0, n * sizeof(*v));
	for (k = 1; (hz = f0_hz * (double)k) < 3400; k++) {
		double amp = 0.2 / (double)k;

		for (i = 0; i < n; i++)
			v[i] += (float)(amp * sin(2 * M_PI * hz * (double)i /
						      rate_hz +
						  (double)(k * k)));
	}
}

/* Frequency of the strongest part near hz; at 8 kHz, which is enough. */
static double pitch_hz(const float *v, size_t n, double hz, uint32_t rate_hz)
{
	static float low[2 * 8000];
	size_t step = rate_hz / 8000, i;
	double f, best = 0, best_hz = 0;

	n = n / step < 2 * 8000 ? n / step : 2 * 8000;
	for (i = 0; i < n; i++)
		low[i] = v[i * step];

	for (f = hz - 6; f <= hz + 6; f += 0.2) {
		double amp = tone_amp(low, n, f, 8000);

		if (amp > best) {
			best = amp;
			best_hz = f;
		}
	}

	return best_hz;
}

static void voiced(double f0_hz, uint32_t rate_hz, size_t len_ms, enum dir dir)
{
	static float in[LONG_MAX], out[2 * LONG_MAX];
	size_t n = rate_hz, len = len_ms * rate_hz / 1000;
	double period = rate_hz / f0_hz, hz, periods;
	struct outcome o = {0};

	vowel(in, n, f0_hz, rate_hz);
	go(out, in, n, len, rate_hz, dir, &o);
	n = o.pieces * len;

	/* Each piece gave or took whole periods, to a half sample each. */
	assert_int_equal(o.changed, o.pieces);
	periods = fabs((double)o.n - (double)n) / (double)o.pieces / period;
	assert_true(fabs(periods - round(periods)) * period < 0.6);
	assert_true(periods > 0.9);

	hz = pitch_hz(out, o.n, f0_hz, rate_hz);
	printf("%5u %2zu ms %-7s %5.1f Hz: %5.1f Hz, %.2f periods a piece, "
	       "click %.2f\n",
	       rate_hz, len_ms, dirs[dir], f0_hz, hz, periods,
	       speech_click(out, o.n) / speech_click(in, n));
	assert_true(fabs(hz - f0_hz) < 1);
	assert_true(speech_click(out, o.n) < 1.25 * speech_click(in, n));
}

static void test_pitch(void **state)
{
	static const double f0[] = {82.4, 120, 201.3, 310};
	size_t i, k;

	(void)state;

	for (i = 0; i < 4; i++) {
		for (k = 0; k < 3; k++) {
			voiced(f0[i], rates[k], 30, SHORTER);
			voiced(f0[i], rates[k], 30, LONGER);
		}
		voiced(f0[i], 8000, 20, SHORTER);
		voiced(f0[i], 8000, 60, LONGER);
	}
}

/* Distance of the middles of changed pieces, where the joint is, from the
 * middles of what they were made of. */
static double joints_lsd_db(const float *in, const float *out,
			    const struct outcome *o, size_t len,
			    uint32_t rate_hz)
{
	size_t w = rate_hz == 8000 ? 256 : rate_hz == 16000 ? 512 : 2048;
	size_t i, k, count = 0;
	double sum = 0;

	for (i = 2; i + 2 < o->pieces; i++) {
		const float *a = in + i * len + len / 2 - w / 2;
		size_t mid = (o->tov[i] + o->tov[i + 1]) / 2;
		double p = 0;

		for (k = 0; k < w; k++)
			p += (double)a[k] * a[k];
		if (p / (double)w < 1e-5 || mid < w / 2 || mid + w / 2 > o->n ||
		    o->tov[i + 1] - o->tov[i] == len)
			continue;

		sum += speech_lsd_frame(a, out + mid - w / 2, w);
		++count;
	}

	return sum / (double)count;
}

/* The same lengths without an ear: cut out of the middle, or repeated. */
static void naive(float *out, const float *in, size_t len,
		  const struct outcome *o)
{
	size_t i;

	for (i = 0; i < o->pieces; i++) {
		size_t m = o->tov[i + 1] - o->tov[i], head = (m + 1) / 2;

		memcpy(out, in + i * len, head * sizeof(*out));
		memcpy(out + head, in + (i + 1) * len - (m - head),
		       (m - head) * sizeof(*out));
		out += m;
	}
}

static void speech(const char *voice, uint32_t rate_hz, size_t len_ms,
		   enum dir dir)
{
	size_t n, len = len_ms * rate_hz / 1000;
	float *in = speech_load(voice, rate_hz, &n);
	float *out = malloc(2 * n * sizeof(*out));
	struct outcome o = {0};
	double lsd, click, share, naive_lsd, naive_click;

	assert_non_null(out);
	o.tov = calloc(n / len + 2, sizeof(*o.tov));
	assert_non_null(o.tov);
	speech_noise(in, n, 3e-4, 7);

	go(out, in, n, len, rate_hz, dir, &o);
	lsd = joints_lsd_db(in, out, &o, len, rate_hz);
	click = speech_click(out, o.n) / speech_click(in, n);
	share = (double)o.changed / (double)o.pieces;
	naive(out, in, len, &o);
	naive_lsd = joints_lsd_db(in, out, &o, len, rate_hz);
	naive_click = speech_click(out, o.n) / speech_click(in, n);

	printf("%-6s %5u %2zu ms %-7s lsd %.2f (cut %.2f) click %.2f (cut "
	       "%.2f) pieces %.0f %%, time %+.1f %%\n",
	       voice, rate_hz, len_ms, dirs[dir], lsd, naive_lsd, click,
	       naive_click, 100 * share,
	       100 * ((double)o.n / (double)(o.pieces * len) - 1));

	free(o.tov);
	free(out);
	free(in);

	assert_true(lsd < 0.85 * naive_lsd);
	assert_true(lsd < 6.2);
	assert_true(click < 1.15);
	assert_true(share > 0.55);
}

static void test_speech(void **state)
{
	static const char *const voices[] = {"en", "en+f3"};
	size_t i, k;

	(void)state;

	for (i = 0; i < VOICES; i++) {
		for (k = 0; k < 1 + VOICES; k++) {
			speech(voices[i], rates[k], 30, SHORTER);
			speech(voices[i], rates[k], 30, LONGER);
		}
		speech(voices[i], 8000, 20, SHORTER);
		speech(voices[i], 8000, 20, LONGER);
		speech(voices[i], 8000, 60, SHORTER);
		speech(voices[i], 8000, 60, LONGER);
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

/* Loud noise keeps its power; most of it can be stretched. */
static void noise(uint32_t rate_hz, enum dir dir)
{
	static float in[LONG_MAX], out[2 * LONG_MAX];
	struct outcome o = {0};
	double db;

	memset(in, 0, sizeof(in));
	speech_noise(in, rate_hz, 0.1, 99);
	go(out, in, rate_hz, rate_hz / 1000 * 30, rate_hz, dir, &o);
	db = rms_db(out, o.n) - rms_db(in, o.pieces * rate_hz / 1000 * 30);
	printf("%5u %-7s noise: %+.2f dB, %zu of %zu pieces, time %+.1f %%\n",
	       rate_hz, dirs[dir], db, o.changed, o.pieces,
	       100 * ((double)o.n / ((double)o.pieces * rate_hz * 0.03) - 1));
	assert_true(fabs(db) < 0.3);
	assert_true(o.changed > o.pieces / 2);
}

static void test_noise(void **state)
{
	size_t k;

	(void)state;

	for (k = 0; k < 3; k++) {
		noise(rates[k], SHORTER);
		noise(rates[k], LONGER);
	}
}

/* In silence and near it: all but 5 ms can go. */
static void test_silence(void **state)
{
	static float v[2 * PIECE_MAX_SMP];
	size_t i, ms;

	(void)state;

	for (i = 0; i < 3; i++) {
		for (ms = 20; ms <= 60; ms += 10) {
			size_t n = rates[i] / 1000 * ms;
			size_t over = rates[i] / 200;

			memset(v, 0, sizeof(v));
			assert_int_equal(stretch_shorten(v, n, rates[i]), over);
			assert_int_equal(
			    stretch_lengthen(v, n, 2 * n, rates[i]),
			    2 * n - over);

			speech_noise(v, n, 0.002, 5);
			assert_int_equal(
			    stretch_lengthen(v, n, 2 * n, rates[i]),
			    2 * n - over);
			assert_true(
			    fabs(rms_db(v, 2 * n - over) - to_db(0.002)) < 1);
		}
	}
}

/* An onset is neither cut nor doubled; nor is what is not of 20 to 60 ms. */
static void test_unchanged(void **state)
{
	static float v[2 * PIECE_MAX_SMP], keep[2 * PIECE_MAX_SMP];
	size_t i, k, n;

	(void)state;

	for (i = 0; i < 3; i++) {
		n = rates[i] / 1000 * 30;
		memset(v, 0, sizeof(v));
		speech_noise(v, n, 0.003, 3);
		speech_noise(v + n / 2, n / 2, 0.2, 4);
		memcpy(keep, v, sizeof(v));
		assert_int_equal(stretch_shorten(v, n, rates[i]), n);
		assert_int_equal(stretch_lengthen(v, n, 2 * n, rates[i]), n);
		assert_memory_equal(v, keep, sizeof(v));

		vowel(v, 2 * PIECE_MAX_SMP, 150, rates[i]);
		memcpy(keep, v, sizeof(v));
		for (k = 0; k < 2; k++) {
			n = k ? rates[i] / 50 - 1 : rates[i] / 1000 * 60 + 1;
			assert_int_equal(stretch_shorten(v, n, rates[i]), n);
			assert_int_equal(
			    stretch_lengthen(v, n, 2 * n, rates[i]), n);
		}

		/* No room for a period. */
		n = rates[i] / 1000 * 30;
		assert_int_equal(stretch_lengthen(v, n, n + 8, rates[i]), n);
		assert_int_equal(stretch_shorten(v, n, 44100), n);
		assert_memory_equal(v, keep, sizeof(v));
	}
}

/* Any numbers, any length: nothing is read or written beyond, and from
 * finite samples of a sane size come finite ones. */
static void test_random(void **state)
{
	static float v[2 * PIECE_MAX_SMP];
	uint32_t rnd = test_seed() | 1;
	size_t i, n, m, max;
	int round;

	(void)state;

	for (round = 0; round < 2000 * VOICES; round++) {
		uint32_t rate_hz = rates[test_rand(&rnd) % 3];
		bool wild = round % 4 == 0;
		float *w;

		max = rate_hz / 1000 * 62;
		n = round % 3 ? rate_hz / 1000 * (20 + test_rand(&rnd) % 40)
			      : test_rand(&rnd) % max;
		for (i = 0; i < n; i++) {
			uint32_t bits = test_rand(&rnd);

			if (wild)
				memcpy(&v[i], &bits, sizeof(bits));
			else
				v[i] = (float)(int32_t)bits / 2147483648.0f *
				       (float)(round % 7);
		}

		/* ASan watches the ends. */
		w = malloc(2 * n * sizeof(*w) + 1);
		assert_non_null(w);
		memcpy(w, v, n * sizeof(*w));
		m = round & 1 ? stretch_shorten(w, n, rate_hz)
			      : stretch_lengthen(w, n, 2 * n, rate_hz);
		assert_true(m <= 2 * n);
		for (i = 0; i < m && !wild; i++)
			assert_true(fabsf(w[i]) < 20);
		free(w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pitch),
		cmocka_unit_test(test_speech),
		cmocka_unit_test(test_noise),
		cmocka_unit_test(test_silence),
		cmocka_unit_test(test_unchanged),
		cmocka_unit_test(test_random),
	};

	resample_tables();

	return cmocka_run_group_tests(tests, NULL, NULL);
}
