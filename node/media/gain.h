/* SPDX-License-Identifier: MIT */
/*
 * Gain on a frame.  A gain never jumps: it goes from what it was at the end
 * of the last frame to what it shall be, in a straight line over a frame.
 * No state, no I/O; any thread.
 */

#ifndef SY_NODE_MEDIA_GAIN_H
#define SY_NODE_MEDIA_GAIN_H

#include <stddef.h>

/** The factor of a gain in dB. */
float gain_of_db(float db);

/**
 * Multiply samples by a gain that goes in a straight line.
 *
 * @param out   n samples; may be in itself.
 * @param in    n samples.
 * @param n     A multiple of 8.
 * @param from  Gain before the first sample (that of the last one before it).
 * @param to    Gain of the last sample.
 */
void gain_ramp(float *out, const float *in, size_t n, float from, float to);

/**
 * Go over from one signal to another.
 *
 * @param out   n samples: at first `to`'s weight is `w0`, at last `w1`; may
 *              be `from` or `to`.
 * @param from  n samples; their weight is 1 less that of `to`.
 * @param to    n samples.
 * @param n     A multiple of 8.
 */
void gain_fade(float *out, const float *from, const float *to, size_t n,
	       float w0, float w1);

/** The largest magnitude of n samples; n a multiple of 8. */
float gain_peak(const float *pcm, size_t n);

#endif
