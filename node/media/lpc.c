/* SPDX-License-Identifier: MIT */
#include <string.h>

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
	size_t m, i;

	for (m = 0; m < order && e > 1e-12; m++) {
		double sum = r[m + 1];

		for (i = 0; i < m; i++)
			sum += av[i] * r[m - i];

		kv[m] = -sum / e;
		if (!(kv[m] > -K_MAX && kv[m] < K_MAX)) {
			kv[m] = 0;
			break;
		}

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

void lpc_synth(float *v, size_t n, const float *a, float *mem, size_t order)
{
	size_t i, k;

	for (i = 0; i < n; i++) {
		float y = v[i];

		/* The newest last: the sum of the others need not wait. */
		for (k = order; k > 0; k--)
			y -= a[k - 1] * mem[k - 1];

		memmove(mem + 1, mem, (order ? order - 1 : 0) * sizeof(*mem));
		if (order)
			mem[0] = y;
		v[i] = y;
	}

	/* What has died away must not become slow numbers. */
	for (k = 0; k < order; k++) {
		if (mem[k] < 1e-15f && mem[k] > -1e-15f)
			mem[k] = 0;
	}
}
