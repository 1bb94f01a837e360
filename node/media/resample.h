/* SPDX-License-Identifier: MIT */
/*
 * Resampling between the bus (48 kHz) and the codecs' rates (8, 16 kHz), by
 * polyphase FIR filters; their state lives across frames.  Passband flat to
 * 3.4 kHz (at 8 kHz) or 7 kHz (at 16 kHz), images and aliases below -60 dB.
 * 48 kHz passes through untouched.
 */

#ifndef SY_NODE_MEDIA_RESAMPLE_H
#define SY_NODE_MEDIA_RESAMPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	RESAMPLE_HIST_SMP = 152, /* longest memory of a filter */
};

struct resample_fir;

struct resample {
	const struct resample_fir *fir; /* NULL: 48 kHz            */
	bool quiet;                     /* the memory is all zeros */
	float histv[RESAMPLE_HIST_SMP];
};

/** Compute the filters; once in a process before all else. */
void resample_tables(void);

/**
 * Make a resampler, its memory silent.
 *
 * @param rs       Resampler.
 * @param rate_hz  The codec's rate: 8000, 16000 or 48000.
 *
 * @return 0, or EINVAL: another rate.
 */
int resample_up_init(struct resample *rs, uint32_t rate_hz);
int resample_down_init(struct resample *rs, uint32_t rate_hz);

/**
 * From the codec's rate to 48 kHz.
 *
 * @param rs   Resampler of resample_up_init().
 * @param out  48 kHz, n * 48000 / rate samples.
 * @param in   n samples, n a multiple of 16 and not less than 32; NULL:
 *             silence.
 *
 * @return out, or in (48 kHz: nothing to do), or NULL: out would be silent.
 */
const float *resample_up(struct resample *rs, float *out, const float *in,
			 size_t n);

/**
 * From 48 kHz to the codec's rate.
 *
 * @param n    Samples of out; a multiple of 8.
 * @param in   n * 48000 / rate samples, or NULL: silence.
 *
 * @return as resample_up().
 */
const float *resample_down(struct resample *rs, float *out, const float *in,
			   size_t n);

/**
 * A low-pass filter's value: a sinc under a Kaiser window.
 *
 * @param x       Distance from its middle [samples].
 * @param half    Half of its length [samples].
 * @param cutoff  Frequency where it is half, as a part of the rate.
 * @param beta    Shape of the window.
 */
double resample_kernel(double x, double half, double cutoff, double beta);

/**
 * Resample a whole sound, off the tick, between any two rates.
 *
 * @param outp  Set to *outc samples; the caller free()s it.
 *
 * @return 0, EINVAL or ENOMEM.
 */
int resample_sound(float **outp, size_t *outc, uint32_t out_hz,
		   const float *in, size_t inc, uint32_t in_hz);

#endif
