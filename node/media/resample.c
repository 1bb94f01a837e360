/* SPDX-License-Identifier: MIT */
/*
 * One low-pass for each rate, designed at 48 kHz as a windowed sinc (Kaiser),
 * serves both directions.
 *
 * Up by L: out[L i + p] = sum over k of in[i - k] * h[L k + p].  Sixteen
 * inputs at a time, all L phases in registers; the phases are then woven
 * into order.
 *
 * Down by L: out[i] = sum over k of in[L i - k] * h[k]: a dot product, eight
 * outputs at a time, the filter stored backwards.
 */

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <string.h>

#include "node/media/clones.h"
#include "node/media/resample.h"

enum {
	TAPS_MAX = 144,
	IN_MAX = 320 + 32,
	BLOCK = 16,
};

struct resample_fir {
	uint32_t ratio;        /* L                                        */
	uint32_t taps;         /* a multiple of 8 and of L                 */
	float up[TAPS_MAX];    /* h times L, in the order of h             */
	float down[TAPS_MAX];  /* h backwards                              */
};

static struct resample_fir fir8 = {.ratio = 6, .taps = 144};
static struct resample_fir fir16 = {.ratio = 3, .taps = 96};

/* Modified Bessel function of the first kind, order 0. */
static double bessel0(double x)
{
	double sum = 1, term = 1;
	int k;

	for (k = 1; k < 40; k++) {
		term *= (x / (2 * k)) * (x / (2 * k));
		sum += term;
	}

	return sum;
}

double resample_kernel(double x, double half, double cutoff, double beta)
{
	double w = x / half, s = 2 * cutoff;

	if (w <= -1 || w >= 1)
		return 0;

	if (x != 0)
		s = sin(2 * M_PI * cutoff * x) / (M_PI * x);

	return s * bessel0(beta * sqrt(1 - w * w)) / bessel0(beta);
}

static void design(struct resample_fir *fir, double cutoff_hz, double beta)
{
	double h[TAPS_MAX], sum = 0;
	uint32_t i;

	for (i = 0; i < fir->taps; i++) {
		h[i] = resample_kernel(i - (fir->taps - 1) / 2.0,
				       fir->taps / 2.0, cutoff_hz / 48000,
				       beta);
		sum += h[i];
	}

	for (i = 0; i < fir->taps; i++) {
		fir->up[i] = (float)(h[i] / sum * fir->ratio);
		fir->down[fir->taps - 1 - i] = (float)(h[i] / sum);
	}
}

static void design_all(void)
{
	design(&fir8, 3960, 6.0);
	design(&fir16, 7950, 6.2);
}

void resample_tables(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	(void)pthread_once(&once, design_all);
}

static int init(struct resample *rs, uint32_t rate_hz)
{
	memset(rs, 0, sizeof(*rs));
	rs->quiet = true;

	switch (rate_hz) {

	case 8000:
		rs->fir = &fir8;
		return 0;

	case 16000:
		rs->fir = &fir16;
		return 0;

	case 48000:
		return 0;

	default:
		return EINVAL;
	}
}

int resample_up_init(struct resample *rs, uint32_t rate_hz)
{
	return init(rs, rate_hz);
}

int resample_down_init(struct resample *rs, uint32_t rate_hz)
{
	return init(rs, rate_hz);
}

/* Eight of each of a, b, c, to a0 b0 c0 a1 ... */
#define WEAVE3(out, a, b, c)                                                   \
	do {                                                                   \
		v8f ab_ = V8_SHUFFLE(a, b, 0, 8, 0, 1, 9, 0, 2, 10);             \
		v8f ab2_ = V8_SHUFFLE(a, b, 0, 3, 11, 0, 4, 12, 0, 5);           \
		v8f ab3_ = V8_SHUFFLE(a, b, 13, 0, 6, 14, 0, 7, 15, 0);          \
                                                                               \
		V8_SAVE((out), V8_SHUFFLE(ab_, c, 0, 1, 8, 3, 4, 9, 6, 7));         \
		V8_SAVE((out) + 8, V8_SHUFFLE(ab2_, c, 10, 1, 2, 11, 4, 5, 12, 7)); \
		V8_SAVE((out) + 16,                                               \
		     V8_SHUFFLE(ab3_, c, 0, 13, 2, 3, 14, 5, 6, 15));            \
	} while (0)

/* x points into the input, history before it. */
SY_CLONES
static void up3(float *restrict out, const float *restrict x, size_t n,
		const float *restrict h, size_t taps)
{
	size_t i, k;

	for (i = 0; i < n; i += BLOCK, out += 3 * BLOCK) {
		v8f a0 = {0}, a1 = {0}, b0 = {0}, b1 = {0}, c0 = {0}, c1 = {0};

		for (k = 0; k < taps / 3; k++) {
			v8f x0 = V8_LOAD(x + i - k), x1 = V8_LOAD(x + i - k + 8);
			const float *p = h + 3 * k;

			a0 += x0 * p[0];
			a1 += x1 * p[0];
			b0 += x0 * p[1];
			b1 += x1 * p[1];
			c0 += x0 * p[2];
			c1 += x1 * p[2];
		}

		WEAVE3(out, a0, b0, c0);
		WEAVE3(out + 24, a1, b1, c1);
	}
}

/* Phases p and p + 3 are woven first, then it is as with three. */
#define WEAVE6(out, y)                                                         \
	do {                                                                   \
		v8f a_ = V8_SHUFFLE(y[0], y[3], 0, 8, 1, 9, 2, 10, 3, 11);       \
		v8f b_ = V8_SHUFFLE(y[1], y[4], 0, 8, 1, 9, 2, 10, 3, 11);       \
		v8f c_ = V8_SHUFFLE(y[2], y[5], 0, 8, 1, 9, 2, 10, 3, 11);       \
		v8f d_ = V8_SHUFFLE(y[0], y[3], 4, 12, 5, 13, 6, 14, 7, 15);     \
		v8f e_ = V8_SHUFFLE(y[1], y[4], 4, 12, 5, 13, 6, 14, 7, 15);     \
		v8f f_ = V8_SHUFFLE(y[2], y[5], 4, 12, 5, 13, 6, 14, 7, 15);     \
                                                                               \
		WEAVE3(out, a_, b_, c_);                                       \
		WEAVE3((out) + 24, d_, e_, f_);                                \
	} while (0)

SY_CLONES
static void up6(float *restrict out, const float *restrict x, size_t n,
		const float *restrict h, size_t taps)
{
	size_t i, k;

	for (i = 0; i < n; i += BLOCK, out += 6 * BLOCK) {
		v8f y[6] = {{0}}, z[6] = {{0}};

		for (k = 0; k < taps / 6; k++) {
			v8f x0 = V8_LOAD(x + i - k), x1 = V8_LOAD(x + i - k + 8);
			const float *p = h + 6 * k;

			y[0] += x0 * p[0];
			z[0] += x1 * p[0];
			y[1] += x0 * p[1];
			z[1] += x1 * p[1];
			y[2] += x0 * p[2];
			z[2] += x1 * p[2];
			y[3] += x0 * p[3];
			z[3] += x1 * p[3];
			y[4] += x0 * p[4];
			z[4] += x1 * p[4];
			y[5] += x0 * p[5];
			z[5] += x1 * p[5];
		}

		WEAVE6(out, y);
		WEAVE6(out + 48, z);
	}
}

/* From two vectors, the sums of their neighbours: of a, of b, in turn. */
#define PAIRS(a, b)                                                            \
	(V8_SHUFFLE(a, b, 0, 8, 2, 10, 4, 12, 6, 14) +                         \
	 V8_SHUFFLE(a, b, 1, 9, 3, 11, 5, 13, 7, 15))
#define QUADS(a, b)                                                            \
	(V8_SHUFFLE(a, b, 0, 1, 8, 9, 4, 5, 12, 13) +                          \
	 V8_SHUFFLE(a, b, 2, 3, 10, 11, 6, 7, 14, 15))
#define HALVES(a, b)                                                           \
	(V8_SHUFFLE(a, b, 0, 1, 2, 3, 8, 9, 10, 11) +                          \
	 V8_SHUFFLE(a, b, 4, 5, 6, 7, 12, 13, 14, 15))

/* x: the first of the samples under the filter for out[0].  Eight sums hide
 * the latency of the multiplier; at the end they are added across. */
SY_CLONES
static void down(float *restrict out, const float *restrict x, size_t n,
		 const float *restrict h, size_t taps, size_t step)
{
	size_t i, k;

	for (i = 0; i < n; i += 8, x += 8 * step) {
		v8f a = {0}, b = {0}, c = {0}, d = {0};
		v8f e = {0}, f = {0}, g = {0}, j = {0};

		for (k = 0; k < taps; k += 8) {
			v8f w = V8_LOAD(h + k);

			a += V8_LOAD(x + k) * w;
			b += V8_LOAD(x + step + k) * w;
			c += V8_LOAD(x + 2 * step + k) * w;
			d += V8_LOAD(x + 3 * step + k) * w;
			e += V8_LOAD(x + 4 * step + k) * w;
			f += V8_LOAD(x + 5 * step + k) * w;
			g += V8_LOAD(x + 6 * step + k) * w;
			j += V8_LOAD(x + 7 * step + k) * w;
		}

		a = PAIRS(a, b);
		c = PAIRS(c, d);
		e = PAIRS(e, f);
		g = PAIRS(g, j);
		a = QUADS(a, c);
		e = QUADS(e, g);
		V8_SAVE(out + i, HALVES(a, e));
	}
}

const float *resample_up(struct resample *rs, float *out, const float *in,
			 size_t n)
{
	const struct resample_fir *fir = rs->fir;
	float x[IN_MAX];
	size_t hist;

	if (!fir)
		return in;

	if (!in && rs->quiet)
		return NULL;

	hist = fir->taps / fir->ratio - 1;
	memcpy(x, rs->histv, hist * sizeof(*x));
	if (in)
		memcpy(x + hist, in, n * sizeof(*x));
	else
		memset(x + hist, 0, n * sizeof(*x));

	memcpy(rs->histv, x + n, hist * sizeof(*x));
	rs->quiet = !in;

	if (fir->ratio == 6)
		up6(out, x + hist, n, fir->up, fir->taps);
	else
		up3(out, x + hist, n, fir->up, fir->taps);

	return out;
}

/* The first outputs reach back into the history: they are computed on a
 * short copy, all others on the input as it lies. */
const float *resample_down(struct resample *rs, float *out, const float *in,
			   size_t n)
{
	static const float zero[960];
	const struct resample_fir *fir = rs->fir;
	float x[RESAMPLE_HIST_SMP + TAPS_MAX + 8 * 6];
	size_t hist, first, total;

	if (!fir)
		return in;

	if (!in && rs->quiet)
		return NULL;

	rs->quiet = !in;
	if (!in)
		in = zero;

	/* As many as have history, rounded up to blocks of eight outputs. */
	total = n * fir->ratio;
	first = (fir->taps / fir->ratio + 7) & ~(size_t)7;
	hist = first * fir->ratio;
	if (n < first || total < fir->taps)
		return NULL;

	memcpy(x, rs->histv, (fir->taps - fir->ratio) * sizeof(*x));
	memcpy(x + fir->taps - fir->ratio, in, hist * sizeof(*x));
	down(out, x, first, fir->down, fir->taps, fir->ratio);
	down(out + first, in + hist - (fir->taps - fir->ratio), n - first,
	     fir->down, fir->taps, fir->ratio);

	memcpy(rs->histv, in + total - (fir->taps - fir->ratio),
	       (fir->taps - fir->ratio) * sizeof(*x));

	return out;
}
