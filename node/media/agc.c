/* SPDX-License-Identifier: MIT */
#include <math.h>

#include "node/media/agc.h"
#include "node/media/gain.h"
#include "node/media/level.h"

enum {
	LONG_FRAMES = 100, /* 2 s: how long loudness is averaged       */
	KNOWN_FRAMES = 5,  /* before it is trusted                     */
	GUARD_SMP = 48,	   /* a peak is met within 1 ms at 48 kHz      */
};

#define TARGET 0.01f	/* -20 dBFS                                  */
#define GAIN_MIN 0.25f	/* -12 dB                                    */
#define GAIN_MAX 15.85f /* +24 dB                                    */
#define NOISE_MAX 1e-5f /* -50 dBFS                                  */
#define UP 1.0139f	/* 0.12 dB a frame                           */
#define DOWN 0.9727f	/* -0.24 dB a frame                          */
#define PEAK_MAX 0.89f	/* -1 dBFS                                   */

void agc_init(struct agc *a)
{
	vad_init(&a->vad);
	a->level = 0;
	a->heard = 0;
	a->gain = 1;
}

void agc_silence(struct agc *a)
{
	(void)vad_step(&a->vad, 0);
}

/* The mean of all that was heard at first, later of the last seconds. */
static void measure(struct agc *a, float power)
{
	if (a->heard < LONG_FRAMES)
		a->heard += 1;

	a->level += (power - a->level) / a->heard;
}

static float wanted(const struct agc *a)
{
	float g = sqrtf(TARGET / a->level);
	float quiet = sqrtf(NOISE_MAX / a->vad.floor);

	if (g > quiet)
		g = quiet > 1 ? quiet : (g < 1 ? g : 1);
	if (g > GAIN_MAX)
		return GAIN_MAX;

	return g < GAIN_MIN ? GAIN_MIN : g;
}

static float next_gain(const struct agc *a)
{
	float want = wanted(a);

	if (want > a->gain)
		return want < a->gain * UP ? want : a->gain * UP;

	return want > a->gain * DOWN ? want : a->gain * DOWN;
}

void agc_run(struct agc *a, float *pcm, size_t n)
{
	float power = level_power(pcm, n), peak = gain_peak(pcm, n);
	float from = a->gain, to = from;

	(void)vad_step(&a->vad, power);
	if (a->vad.active && a->vad.talking)
		measure(a, power);
	if (a->vad.talking && a->heard >= KNOWN_FRAMES)
		to = next_gain(a);

	a->gain = to;
	if (peak * (from > to ? from : to) <= PEAK_MAX) {
		gain_ramp(pcm, pcm, n, from, to);
		return;
	}

	/* It stays there: the loudness will follow. */
	if (peak * to > PEAK_MAX)
		to = PEAK_MAX / peak;
	a->gain = to;
	gain_ramp(pcm, pcm, GUARD_SMP, from, to);
	gain_ramp(pcm + GUARD_SMP, pcm + GUARD_SMP, n - GUARD_SMP, to, to);
}
