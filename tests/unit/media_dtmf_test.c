/* libs: sy_media */
/* SPDX-License-Identifier: MIT */
/*
 * DTMF in the band, by the numbers of ITU-T Q.24: what must be heard, what
 * must not, what speech makes of it, and the tones that we make.
 */

#include "media_speech.h"

#include <re.h>

#include "node/media/dtmf.h"

static const char digits[] = "123A456B789C*0#D";
static const double low_hz[] = {697, 770, 852, 941};
static const double high_hz[] = {1209, 1336, 1477, 1633};

enum {
	RATE = DTMF_RATE_HZ,
	MS = RATE / 1000,
};

/* Amplitude of a sine of so many dBm0: +3.14 is full scale. */
static double amp(double dbm0)
{
	return pow(10, (dbm0 - 3.14) / 20);
}

static double noise(void)
{
	/* Near enough to Gauss: twelve uniform ones. */
	double sum = -6;
	int i;

	for (i = 0; i < 12; i++)
		sum += (double)rand() / RAND_MAX;

	return sum;
}

struct burst {
	double low_dbm0, high_dbm0;
	double off;    /* frequencies are so much wrong, as a part */
	double snr_db; /* 0: no noise                              */
	double on_ms, off_ms;
};

/* What was heard. */
struct ear {
	struct dtmf_rx rx;
	char text[64];
	size_t n;
	uint32_t dur_ms; /* of the last           */
	size_t muted;	 /* hops that sounded     */
	size_t leak_smp; /* of tones, not muted   */
};

static void hear(struct ear *e, const float *pcm, size_t n)
{
	struct dtmf_digit d;

	for (; n >= 20 * MS; n -= 20 * MS, pcm += 20 * MS) {
		if (dtmf_rx_put(&e->rx, pcm, 20 * MS, &d) &&
		    e->n < sizeof(e->text) - 1) {
			e->text[e->n++] = d.digit;
			e->dur_ms = d.dur_ms;
		}
		e->muted += dtmf_rx_sounds(&e->rx) ? 2 : 0;
	}
}

static struct ear ear(void)
{
	struct ear e = {.n = 0};

	dtmf_tables();
	dtmf_rx_init(&e.rx);

	return e;
}

/* Say digits, each at a place of its own within the frames. */
static float *say(const char *text, const struct burst *b, size_t *np)
{
	const size_t on = (size_t)(b->on_ms * MS);
	const size_t off = (size_t)(b->off_ms * MS);
	size_t n = strlen(text) * (on + off + 20 * MS) + 200 * MS, pos, i, k;
	double low = amp(b->low_dbm0), high = amp(b->high_dbm0);
	double sigma =
	    sqrt((low * low + high * high) / 2 / pow(10, b->snr_db / 10));
	float *pcm = calloc(n, sizeof(*pcm));

	assert_non_null(pcm);
	for (i = 0, pos = 100; text[i]; i++, pos += on + off) {
		size_t at = (size_t)(strchr(digits, text[i]) - digits);
		double w[2] = {low_hz[at / 4], high_hz[at % 4]};

		for (k = 0; k < 2; k++)
			w[k] *= 2 * M_PI * (1 + b->off) / RATE;

		for (k = 0; k < on; k++)
			pcm[pos + k] =
			    (float)(low * sin(w[0] * (double)k) +
				    high * sin(1 + w[1] * (double)k));
	}

	for (i = 0; i < n && b->snr_db > 0; i++)
		pcm[i] += (float)(sigma * noise());

	*np = n;
	return pcm;
}

static struct ear heard(const char *text, const struct burst *b)
{
	struct ear e = ear();
	size_t n;
	float *pcm = say(text, b, &n);

	hear(&e, pcm, n);
	free(pcm);

	return e;
}

static void test_levels(void **state)
{
	int db;

	(void)state;

	for (db = -3; db >= -30; db -= 3) {
		struct burst b = {db, db, 0, 0, 50, 50};
		struct ear e = heard(digits, &b);

		assert_string_equal(e.text, digits);
	}
}

/* Noise at 15 dB under the digit: 10 rounds of all, none lost or made up. */
static void test_noise(void **state)
{
	int db, round;

	(void)state;

	srand(test_seed());
	for (db = -3; db >= -30; db -= 9) {
		for (round = 0; round < 10; round++) {
			struct burst b = {db, db, 0, 15, 50, 50};
			struct ear e = heard(digits, &b);

			assert_string_equal(e.text, digits);
		}
	}
}

static void test_twist(void **state)
{
	static const struct {
		double db;
		bool heard;
	} v[] = {{8, true},  {4, true},	  {-4, true},
		 {-8, true}, {12, false}, {-12, false}};
	size_t i;

	(void)state;

	for (i = 0; i < ARRAY_SIZE(v); i++) {
		struct burst b = {
		    -10 - v[i].db / 2, -10 + v[i].db / 2, 0, 0, 50, 50};
		struct ear e = heard(digits, &b);

		assert_string_equal(e.text, v[i].heard ? digits : "");
	}
}

/* Q.24: 1.5 % + 2 Hz must be heard, 3.5 % must not. */
static void test_frequency(void **state)
{
	static const struct {
		double off;
		bool heard;
	} v[] = {{0.015, true},	  {-0.015, true}, {0.0175, true},
		 {-0.0175, true}, {0.035, false}, {-0.035, false},
		 {0.05, false}};
	size_t i;

	(void)state;

	for (i = 0; i < ARRAY_SIZE(v); i++) {
		struct burst b = {-10, -10, v[i].off, 0, 50, 50};
		struct ear e = heard(digits, &b);

		assert_string_equal(e.text, v[i].heard ? digits : "");
	}
}

/* 40 ms must be heard, 23 ms must not, wherever they lie in the windows. */
static void test_length(void **state)
{
	double on;
	int shift;

	(void)state;

	for (on = 15; on <= 200; on++) {
		for (shift = 0; shift < 20; shift++) {
			struct burst b = {-10, -10,
					  0,   0,
					  on,  60 + shift % 10 + 0.125 * shift};
			struct ear e = heard("159D", &b);

			if (on <= 25)
				assert_string_equal(e.text, "");
			if (on >= 40)
				assert_string_equal(e.text, "159D");
			if (on >= 40)
				assert_true(fabs((double)e.dur_ms - on) < 16);
		}
	}
}

/* The same digit again, after 40 ms of silence; not after a gap of 8 ms. */
static void test_pause(void **state)
{
	struct burst b = {-10, -10, 0, 0, 50, 40};
	struct ear e = heard("5555555555", &b);

	(void)state;

	assert_string_equal(e.text, "5555555555");

	b.off_ms = 8;
	b.on_ms = 100;
	e = heard("555", &b);
	assert_string_equal(e.text, "5");
}

/* Single tones, two of one group, tones with a third, ringing, busy. */
static void test_no_digits(void **state)
{
	static const double v[][3] = {
	    {697},	{1209},	    {425},	  {440, 480},
	    {350, 440}, {697, 770}, {1209, 1336}, {697, 1209, 1633},
	    {1100},	{2100},	    {1000, 2000}, {941, 1209, 350},
	    {2600},	{480, 620},
	};
	size_t i, k, n = 2 * RATE;
	float *pcm = malloc(n * sizeof(*pcm)), *one = malloc(n * sizeof(*one));

	(void)state;

	assert_non_null(pcm);
	assert_non_null(one);
	for (i = 0; i < ARRAY_SIZE(v); i++) {
		struct ear e = ear();
		size_t s;

		memset(pcm, 0, n * sizeof(*pcm));
		for (k = 0; k < 3; k++) {
			tone_make(one, n, 0, v[i][k], RATE, amp(-10));
			for (s = 0; s < n; s++)
				pcm[s] += one[s];
		}
		hear(&e, pcm, n);
		assert_string_equal(e.text, "");
		assert_int_equal(e.muted, 0);
	}
	free(pcm);
	free(one);
}

/* Two minutes of speech of six voices: no digit, and next to nothing of it
 * is taken for the begin of one. */
static void test_talk_off(void **state)
{
	static const char *const voicev[] = {"en",    "en+f3", "en+m3",
					     "en+f1", "en+f4", "en+m7"};
	static const double gainv[] = {1, 4};
	double sum_s = 0, muted_ms = 0;
	size_t i, g, k, n;

	(void)state;

	for (i = 0; i < ARRAY_SIZE(voicev); i++) {
		float *pcm = speech_load(voicev[i], RATE, &n);

		for (g = 0; g < ARRAY_SIZE(gainv); g++) {
			struct ear e = ear();

			for (k = 0; k < n; k++) {
				double x = pcm[k] * gainv[g];

				pcm[k] = (float)fmax(-1, fmin(1, x));
			}
			hear(&e, pcm, n);
			assert_string_equal(e.text, "");
			muted_ms += 10 * (double)e.muted;
			sum_s += (double)n / RATE;
		}
		free(pcm);
	}

	print_message("%.0f s of speech, %.0f ms muted\n", sum_s, muted_ms);
	assert_true(sum_s > 120);
	assert_true(muted_ms <= 0.001 * 1000 * sum_s);
}

/* Pure noise says nothing. */
static void test_noise_alone(void **state)
{
	size_t i, n = 60 * RATE;
	float *pcm = malloc(n * sizeof(*pcm));
	struct ear e = ear();

	(void)state;

	assert_non_null(pcm);
	srand(test_seed());
	for (i = 0; i < n; i++)
		pcm[i] = (float)(0.1 * noise());
	hear(&e, pcm, n);
	free(pcm);
	assert_string_equal(e.text, "");
}

/* How much of a tone the others hear, frame by frame as on the tick. */
static void test_leak(void **state)
{
	size_t shift, worst = 0;

	(void)state;

	for (shift = 0; shift < 20 * MS; shift += 4) {
		struct ear e = ear();
		size_t n = 400 * MS, on = 100 * MS, leak = 0, f, i;
		float *pcm = calloc(n, sizeof(*pcm));

		assert_non_null(pcm);
		for (i = 0; i < on; i++)
			pcm[100 * MS + shift + i] =
			    (float)(amp(-10) *
				    (sin(2 * M_PI * 770 * (double)i / RATE) +
				     sin(2 * M_PI * 1336 * (double)i / RATE)));

		for (f = 0; f < n; f += 20 * MS) {
			hear(&e, pcm + f, 20 * MS);
			for (i = f; i < f + 20 * MS; i++)
				leak += !dtmf_rx_sounds(&e.rx) &&
					i >= 100 * MS + shift &&
					i < 100 * MS + shift + on;
		}
		assert_string_equal(e.text, "5");
		worst = MAX(worst, leak);
		free(pcm);
	}

	print_message("leak at worst %.1f ms\n", (double)worst / MS);
	assert_true(worst <= 30 * MS);
}

/* Ours: each frequency and level exact, nothing else, its own ear hears it. */
static void test_tx(void **state)
{
	static const uint32_t ratev[] = {8000, 16000, 48000};
	static float pcm[48000];
	struct dtmf_tx tx = {.rate_hz = 0};
	size_t r, i, k;

	(void)state;

	assert_int_equal(dtmf_tx_start(&tx, 'x', 100, 8000), EINVAL);
	assert_int_equal(dtmf_tx_start(&tx, '\0', 100, 8000), EINVAL);
	assert_false(dtmf_tx_busy(&tx));

	for (r = 0; r < ARRAY_SIZE(ratev); r++) {
		const uint32_t rate = ratev[r], ms = rate / 1000;

		for (i = 0; i < 16; i++) {
			assert_int_equal(
			    dtmf_tx_start(&tx, digits[i], 500, rate), 0);
			for (k = 0; k < 28; k++) {
				assert_true(dtmf_tx_busy(&tx));
				dtmf_tx_get(&tx, pcm + k * 20 * ms, 20 * ms);
			}
			assert_false(dtmf_tx_busy(&tx));

			for (k = 0; k < 4; k++) {
				double lo = tone_amp(pcm + 50 * ms, 400 * ms,
						     low_hz[k], rate);
				double hi = tone_amp(pcm + 50 * ms, 400 * ms,
						     high_hz[k], rate);

				if (k == i / 4)
					assert_true(fabs(to_db(lo / amp(-8))) <
						    0.05);
				else
					assert_true(to_db(lo) < -60);
				if (k == i % 4)
					assert_true(fabs(to_db(hi / amp(-6))) <
						    0.05);
				else
					assert_true(to_db(hi) < -60);
			}
			for (k = 500 * ms; k < 560 * ms; k++)
				assert_true(fabsf(pcm[k]) <= 0);
		}
	}

	{
		struct ear e = ear();

		for (i = 0; i < 16; i++) {
			assert_int_equal(
			    dtmf_tx_start(&tx, digits[i], 60, 8000), 0);
			for (k = 0; k < 6; k++) {
				dtmf_tx_get(&tx, pcm, 160);
				hear(&e, pcm, 160);
			}
		}
		memset(pcm, 0, sizeof(pcm));
		hear(&e, pcm, 800);
		assert_string_equal(e.text, digits);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_levels),
	    cmocka_unit_test(test_noise),
	    cmocka_unit_test(test_twist),
	    cmocka_unit_test(test_frequency),
	    cmocka_unit_test(test_length),
	    cmocka_unit_test(test_pause),
	    cmocka_unit_test(test_no_digits),
	    cmocka_unit_test(test_talk_off),
	    cmocka_unit_test(test_noise_alone),
	    cmocka_unit_test(test_leak),
	    cmocka_unit_test(test_tx),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
