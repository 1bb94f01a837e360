/* SPDX-License-Identifier: MIT */
#include <stdbool.h>
#include <string.h>

#include "node/media/clones.h"
#include "node/media/lpc.h"
#include "node/media/pitch.h"

/* Noise of -45 dB is added to what is analysed: a filter of less contrast
 * is tame, and its numbers stay well-conditioned. */
#define WHITE 1.00003
#define K_MAX 0.9995

void lpc_autocorr(float *r, const float *x, size_t n, size_t order)
{
	size_t i;

	for (i = 0; i <= order; i++)
		r[i] = i < n ? pitch_dot(x, x + i, n - i) : 0;
}

/* One more coefficient: the filter of order m becomes one of m + 1. */
static void step_up(double *a, double k, size_t m)
{
	double t[LPC_ORDER_MAX];
	size_t i;

	for (i = 0; i < m; i++)
		t[i] = a[i] + k * a[m - 1 - i];

	memcpy(a, t, m * sizeof(*a));
	a[m] = k;
}

static void to_float(float *out, const double *v, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		out[i] = (float)v[i];
}

float lpc_solve(float *a, float *k, const float *r, size_t order)
{
	double av[LPC_ORDER_MAX] = {0}, kv[LPC_ORDER_MAX] = {0};
	double e = r[0] * WHITE, left = 1;
	bool last = false;
	size_t m, i;

	/* Nearly foreseen, it needs no more of the filter. */
	for (m = 0; m < order && e > 1e-12 && !last; m++) {
		double sum = r[m + 1];

		for (i = 0; i < m; i++)
			sum += av[i] * r[m - i];

		kv[m] = -sum / e;
		last = !(kv[m] > -K_MAX && kv[m] < K_MAX);
		if (last)
			kv[m] = kv[m] > 0 ? K_MAX : -K_MAX;

		step_up(av, kv[m], m);
		e *= 1 - kv[m] * kv[m];
		left *= 1 - kv[m] * kv[m];
	}

	to_float(a, av, order);
	to_float(k, kv, order);

	return (float)left;
}

float lpc_reflect(float *a, const float *k, size_t order)
{
	double av[LPC_ORDER_MAX] = {0}, left = 1;
	size_t m;

	for (m = 0; m < order; m++) {
		step_up(av, k[m], m);
		left *= 1 - (double)k[m] * k[m];
	}

	to_float(a, av, order);

	return (float)left;
}

/* What the past outputs will still add to the next ones. */
static void state_load(float *s, const float *a, const float *mem, size_t order)
{
	size_t k, j;

	for (k = 0; k < order; k++) {
		for (j = k; j < order; j++)
			s[k] -= a[j] * mem[j - k];
	}
}

/* The transposed form: one product a sample stands in the way of the next
 * one, not a sum of order of them.  s and a hold LPC_ORDER_MAX floats. */
SY_CLONES
static void run(float *v, size_t n, const float *s, const float *a, bool all)
{
	v8f s0 = V8_LOAD(s), s1 = V8_LOAD(s + 8), zero = {0};
	v8f a0 = V8_LOAD(a), a1 = V8_LOAD(a + 8);
	size_t i;

	for (i = 0; i < n; i++) {
		float y = v[i] + s0[0];

		v[i] = y;
		s0 = V8_SHUFFLE(s0, s1, 1, 2, 3, 4, 5, 6, 7, 8) - a0 * y;
		if (all)
			s1 = V8_SHUFFLE(s1, zero, 1, 2, 3, 4, 5, 6, 7, 8) -
			     a1 * y;
	}
}

void lpc_synth(float *v, size_t n, const float *a, float *mem, size_t order)
{
	float s[LPC_ORDER_MAX] = {0}, av[LPC_ORDER_MAX] = {0};
	float keep[LPC_ORDER_MAX];
	size_t k;

	if (!order)
		return;

	memcpy(av, a, order * sizeof(*a));
	memcpy(keep, mem, order * sizeof(*mem));
	state_load(s, a, mem, order);
	run(v, n, s, av, order > 8);

	/* What has died away must not become slow numbers. */
	for (k = 0; k < order; k++) {
		float y = k < n ? v[n - 1 - k] : keep[k - n];

		mem[k] = y > 1e-15f || y < -1e-15f ? y : 0;
	}
}
