/* SPDX-License-Identifier: MIT */
/*
 * Both ways rest on one finding: x[at ...] and x[at + lag ...] are alike for
 * over samples.  Shorter: from the first into the second.  Longer: play to
 * the end of the second, from there into the first.
 *
 *     shorter  |---- at ====\        over
 *                            \====at + lag -----------|
 *     longer   |---- at ------- at + lag ====\
 *                   /==== at ================
 *                   \--------- at + lag --------------|
 */

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "node/media/level.h"
#include "node/media/pitch.h"
#include "node/media/stretch.h"

enum {
	OVERLAP_MIN_US = 5000,
	PIECE_MIN_US = 20000,
	PIECE_MAX_US = 60000,
	PIECE_MAX_SMP = 2880,
};

#define QUIET_POWER 1e-5f /* -50 dBFS: nobody hears what is done there */
#define VOICED_CORR 0.85f
#define NOISE_CORR 0.45f  /* below it there is no pitch to be heard */
#define STEADY_RATIO 2.0f /* ... and halves are as loud, within 3 dB */

/* How a piece can be joined with itself. */
struct join {
	size_t at;   /* first of the samples that are alike */
	size_t lag;  /* 0: not at all                       */
	size_t over; /* how many they are                   */
	float corr;
};

static size_t smp(uint32_t us, uint32_t rate_hz)
{
	return (size_t)us * (rate_hz / 1000) / 1000;
}

static bool steady(const float *x, size_t n)
{
	size_t half = n / 2 & ~(size_t)7;
	float a = level_power(x, half), b = level_power(x + n - half, half);

	return a < STEADY_RATIO * b && b < STEADY_RATIO * a;
}

static void find(struct join *j, const float *x, size_t n, uint32_t rate_hz)
{
	size_t over = smp(OVERLAP_MIN_US, rate_hz);
	float power = level_power(x, n & ~(size_t)7);
	struct pitch_search s = {
	    .x = x,
	    .n = n,
	    .win = smp(PITCH_MAX_US, rate_hz),
	    .win_min = over,
	    .lag_min = smp(PITCH_MIN_US, rate_hz),
	    .lag_max = smp(PITCH_MAX_US, rate_hz),
	    .rate_hz = rate_hz,
	};
	struct pitch p;

	memset(j, 0, sizeof(*j));

	/* Not finite, or absurd. */
	if (!(power < 1e6f))
		return;

	if (power < QUIET_POWER) {
		j->over = over;
		j->lag = n - over;
		return;
	}

	p = pitch_find(&s);
	if (!p.lag)
		return;
	if (p.corr < VOICED_CORR && (p.corr > NOISE_CORR || !steady(x, n)))
		return;

	j->lag = p.lag;
	j->corr = p.corr < 0 ? 0 : p.corr;
	j->over = p.win < p.lag ? p.win : p.lag;
	j->over = j->over > over ? j->over : over;
	j->at = n - p.win - p.lag;
}

/* From a into b.  Weights keep the power: that of a sum depends on how much
 * the two are alike. */
static void blend(float *out, const float *a, const float *b, size_t n,
		  float corr)
{
	size_t i;

	for (i = 0; i < n; i++) {
		float w = (float)i / (float)(n - 1), v = 1 - w;
		float g = 1 / sqrtf(w * w + v * v + 2 * w * v * corr);

		out[i] = g * (v * a[i] + w * b[i]);
	}
}

static bool usable(size_t n, uint32_t rate_hz)
{
	if (rate_hz != 8000 && rate_hz != 16000 && rate_hz != 48000)
		return false;

	return n >= smp(PIECE_MIN_US, rate_hz) &&
	       n <= smp(PIECE_MAX_US, rate_hz);
}

size_t stretch_shorten(float *pcm, size_t n, uint32_t rate_hz)
{
	struct join j;

	if (!usable(n, rate_hz))
		return n;

	find(&j, pcm, n, rate_hz);
	if (!j.lag)
		return n;

	blend(pcm + j.at, pcm + j.at, pcm + j.at + j.lag, j.over, j.corr);
	memmove(pcm + j.at + j.over, pcm + j.at + j.lag + j.over,
		(n - j.at - j.lag - j.over) * sizeof(*pcm));

	return n - j.lag;
}

size_t stretch_lengthen(float *pcm, size_t n, size_t cap, uint32_t rate_hz)
{
	float v[PIECE_MAX_SMP];
	struct join j;
	size_t end;

	if (!usable(n, rate_hz))
		return n;

	find(&j, pcm, n, rate_hz);
	if (!j.lag || n + j.lag > cap)
		return n;

	/* What follows the joint, first: it moves. */
	end = j.at + j.lag;
	memcpy(v, pcm, n * sizeof(*pcm));
	blend(pcm + end, v + end, v + j.at, j.over, j.corr);
	memcpy(pcm + end + j.over, v + j.at + j.over,
	       (n - j.at - j.over) * sizeof(*pcm));

	return n + j.lag;
}
