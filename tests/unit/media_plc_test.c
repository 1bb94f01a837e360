/* libs: sy_media */
/* SPDX-License-Identifier: MIT */
#include "media_speech.h"

#include "node/media/plc.h"

enum {
	FRAME_MS = 20,
	FRAME_MAX = 960,
};

/* What a receiver may do about a missing frame. */
enum how {
	ZERO,
	REPEAT,
	PLC,
};

/* When frames go missing. */
struct loss {
	const char *name;
	unsigned percent;  /* of frames at random, or ...       */
	unsigned every;    /* one burst in so many frames       */
	unsigned burst;    /* frames of a burst                 */
};

static bool lost(const struct loss *l, size_t frame, uint32_t *rnd)
{
	if (l->percent)
		return frame > 5 && test_rand(rnd) % 100 < l->percent;

	return frame % l->every >= l->every - l->burst;
}

static struct plc *plc_new(uint32_t rate_hz)
{
	struct plc *p = malloc(plc_size(rate_hz));

	assert_non_null(p);
	plc_init(p, rate_hz);

	return p;
}

/* Play what is left of ref. */
static void damage(float *out, const float *ref, size_t n, uint32_t rate_hz,
		   const struct loss *l, enum how how)
{
	size_t len = rate_hz / 1000 * FRAME_MS, i;
	struct plc *p = plc_new(rate_hz);
	uint32_t rnd = 12345;

	for (i = 0; i < n / len; i++) {
		float *o = out + i * len;

		if (!lost(l, i, &rnd)) {
			memcpy(o, ref + i * len, len * sizeof(*o));
			if (how == PLC)
				plc_put(p, o, len);
		}
		else if (how == PLC) {
			plc_conceal(p, o, len);
		}
		else if (how == REPEAT) {
			memcpy(o, o - len, len * sizeof(*o));
		}
		else {
			memset(o, 0, len * sizeof(*o));
		}
	}

	free(p);
}

static void compare(const char *voice, uint32_t rate_hz, const struct loss *l)
{
	static const char *const names[] = {"zero", "repeat", "plc"};
	double lsd[3], snr[3], click[3];
	size_t n, len = rate_hz / 1000 * FRAME_MS;
	float *ref = speech_load(voice, rate_hz, &n);
	float *out;
	int how;

	n = n / len * len;
	speech_noise(ref, n, 3e-4, 7);
	out = malloc(n * sizeof(*out));
	assert_non_null(out);

	for (how = ZERO; how <= PLC; how++) {
		damage(out, ref, n, rate_hz, l, (enum how)how);
		lsd[how] = speech_lsd_db(ref, out, n, rate_hz);
		snr[how] = speech_segsnr_db(ref, out, n, rate_hz);
		click[how] = speech_click(out, n) / speech_click(ref, n);
		printf("%-6s %5u %-9s %-7s lsd %5.2f  segsnr %6.2f  "
		       "click %5.2f\n",
		       voice, rate_hz, l->name, names[how], lsd[how], snr[how],
		       click[how]);
	}

	free(ref);
	free(out);

	assert_true(lsd[PLC] < lsd[REPEAT] && lsd[PLC] < lsd[ZERO]);
	assert_true(snr[PLC] > snr[REPEAT]);
	assert_true(click[PLC] < 1.2);
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

	for (k = 0; k < 2; k++) {
		for (i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
			compare(voices[k], 8000, &v[i]);
			compare(voices[k], 16000, &v[i]);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_speech),
	};

	resample_tables();

	return cmocka_run_group_tests(tests, NULL, NULL);
}
