/* SPDX-License-Identifier: MIT */
/*
 * The spectral envelope of a sound as an all-pole filter (linear
 * prediction), for concealment and comfort noise.  No state but what the
 * caller passes; any thread.
 *
 * The prediction filter is A(z) = 1 + a[0] z^-1 + ... ; 1/A(z) has the
 * envelope.  k[] are its reflection coefficients, |k| < 1, k[0] negative for
 * a sound whose low frequencies are strong.
 */

#ifndef SY_NODE_MEDIA_LPC_H
#define SY_NODE_MEDIA_LPC_H

#include <stddef.h>

enum {
	LPC_ORDER_MAX = 16,
};

/** r[0] ... r[order]: sums of the products of x with itself, shifted. */
void lpc_autocorr(float *r, const float *x, size_t n, size_t order);

/**
 * Solve for the filter (Levinson and Durbin), stable for any r.
 *
 * @param a  order coefficients are set.
 * @param k  order reflection coefficients are set.
 * @param r  order + 1 values of lpc_autocorr().
 *
 * @return power that is left of each unit of power, 0..1; 1 and all
 *         coefficients 0 for silence.
 */
float lpc_solve(float *a, float *k, const float *r, size_t order);

/** The filter of reflection coefficients; returns as lpc_solve(). */
float lpc_reflect(float *a, const float *k, size_t order);

/**
 * Run n samples through 1/A(z), in place.
 *
 * @param mem  The last order outputs, newest first; updated.
 */
void lpc_synth(float *v, size_t n, const float *a, float *mem, size_t order);

#endif
