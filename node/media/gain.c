/* SPDX-License-Identifier: MIT */
#include <math.h>

#include "node/media/clones.h"
#include "node/media/gain.h"

float gain_of_db(float db)
{
	return powf(10, db / 20);
}

SY_CLONES
void gain_ramp(float *out, const float *in, size_t n, float from, float to)
{
	float step = (to - from) / (float)n;
	v8f g = from + step * (v8f){1, 2, 3, 4, 5, 6, 7, 8};
	v8f d = (v8f){0} + 8 * step;
	size_t i;

	for (i = 0; i < n; i += 8) {
		V8_SAVE(out + i, V8_LOAD(in + i) * g);
		g += d;
	}
}

SY_CLONES
void gain_fade(float *out, const float *from, const float *to, size_t n,
	       float w0, float w1)
{
	float step = (w1 - w0) / (float)n;
	v8f w = w0 + step * (v8f){1, 2, 3, 4, 5, 6, 7, 8};
	v8f d = (v8f){0} + 8 * step;
	size_t i;

	for (i = 0; i < n; i += 8) {
		v8f a = V8_LOAD(from + i), b = V8_LOAD(to + i);

		V8_SAVE(out + i, a + w * (b - a));
		w += d;
	}
}

/* Magnitudes are ordered as the integers of their bits are. */
SY_CLONES
float gain_peak(const float *pcm, size_t n)
{
	v8i max = {0};
	v8f maxf;
	float peak = 0;
	size_t i;

	for (i = 0; i < n; i += 8) {
		v8i a = (v8i)V8_LOAD(pcm + i) & 0x7fffffff;
		v8i more = a > max;

		max = (a & more) | (max & ~more);
	}

	maxf = (v8f)max;
	for (i = 0; i < 8; i++)
		peak = maxf[i] > peak ? maxf[i] : peak;

	return peak;
}
