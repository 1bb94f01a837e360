/* SPDX-License-Identifier: MIT */
#include <math.h>

#include "node/media/clones.h"
#include "node/media/pitch.h"

enum {
	COARSE_HZ = 4000,
	COARSE_MAX_SMP = 240,
	MULTIPLE_MAX = 4,
};

/* A period must match nearly as well as its multiple, to be taken. */
#define MULTIPLE_SHARE 0.9f

#define SUM8(v)                                                                \
	((v)[0] + (v)[1] + (v)[2] + (v)[3] + (v)[4] + (v)[5] + (v)[6] + (v)[7])

SY_CLONES
float pitch_dot(const float *a, const float *b, size_t n)
{
	v8f s = {0};
	float sum;
	size_t i;

	for (i = 0; i + 8 <= n; i += 8)
		s += V8_LOAD(a + i) * V8_LOAD(b + i);

	sum = SUM8(s);
	for (; i < n; i++)
		sum += a[i] * b[i];

	return sum;
}

/* Normalised correlation; all three sums in one pass. */
SY_CLONES
static float correlate(const float *a, const float *b, size_t n)
{
	v8f ab8 = {0}, aa8 = {0}, bb8 = {0};
	float ab, aa, bb;
	size_t i;

	for (i = 0; i + 8 <= n; i += 8) {
		v8f x = V8_LOAD(a + i), y = V8_LOAD(b + i);

		ab8 += x * y;
		aa8 += x * x;
		bb8 += y * y;
	}

	ab = SUM8(ab8);
	aa = SUM8(aa8);
	bb = SUM8(bb8);
	for (; i < n; i++) {
		ab += a[i] * b[i];
		aa += a[i] * a[i];
		bb += b[i] * b[i];
	}

	/* The small number: silence, and no division by zero. */
	return ab / sqrtf(aa * bb + 1e-12f);
}

static struct pitch at(const float *x, size_t n, size_t win, size_t lag)
{
	size_t w = win < n - lag ? win : n - lag;
	struct pitch p = {
	    .lag = lag,
	    .win = w,
	    .corr = correlate(x + n - w, x + n - w - lag, w),
	};

	return p;
}

/* Sums of div samples each, the last one ending with the input. */
static size_t decimate(float *out, const float *x, size_t n, size_t div)
{
	size_t outc = n / div, i, k;

	x += n - outc * div;
	for (i = 0; i < outc; i++, x += div) {
		float sum = x[0];

		for (k = 1; k < div; k++)
			sum += x[k];
		out[i] = sum / (float)div;
	}

	return outc;
}

static size_t best_of(const float *corrv, size_t from, size_t to)
{
	size_t i, best = from;

	for (i = from + 1; i <= to; i++) {
		if (corrv[i] > corrv[best])
			best = i;
	}

	return best;
}

/* The shortest lag that does nearly as well as the best. */
static size_t shortest(const float *corrv, size_t best, size_t lag_min)
{
	size_t m, lag;

	for (m = MULTIPLE_MAX; m > 1; m--) {
		if (best / m <= lag_min)
			continue;

		lag = best_of(corrv, best / m - 1, best / m + 1);
		if (lag < best && corrv[lag] > MULTIPLE_SHARE * corrv[best])
			return lag;
	}

	return best;
}

static size_t coarse(const struct pitch_search *s, const float *x, size_t n,
		     size_t lag_max, size_t div)
{
	float v[COARSE_MAX_SMP], corrv[COARSE_MAX_SMP];
	size_t from = s->lag_min / div, to = lag_max / div, lag;

	n = decimate(v, x, n, div);
	from = from ? from : 1;
	to = to < n ? to : n - 1;
	if (to <= from)
		return s->lag_min;

	for (lag = from; lag <= to; lag++)
		corrv[lag] = at(v, n, s->win / div, lag).corr;

	return div * shortest(corrv, best_of(corrv, from, to), from);
}

struct pitch pitch_find(const struct pitch_search *s)
{
	size_t div = s->rate_hz / COARSE_HZ, lag_max = s->lag_max, n = s->n;
	struct pitch best = {0}, p;
	size_t lag, mid, from, to;
	const float *x = s->x;

	if (n > COARSE_MAX_SMP * div) {
		x += n - COARSE_MAX_SMP * div;
		n = COARSE_MAX_SMP * div;
	}

	if (n < s->win_min + s->lag_min || !s->win_min || !s->lag_min)
		return best;
	if (lag_max > n - s->win_min)
		lag_max = n - s->win_min;
	if (lag_max < s->lag_min)
		return best;

	mid = coarse(s, x, n, lag_max, div);
	from = mid > s->lag_min + div ? mid - div : s->lag_min;
	to = mid + div < lag_max ? mid + div : lag_max;

	best.corr = -2;
	for (lag = from; lag <= to; lag++) {
		p = at(x, n, s->win, lag);
		if (p.corr > best.corr)
			best = p;
	}

	return best;
}
