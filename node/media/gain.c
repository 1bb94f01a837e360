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

/* The greater one of each; magnitudes are ordered as their bits are. */
#define V8_MAGNITUDE(p) ((v8i)V8_LOAD(p) & 0x7fffffff)
#define V8_GREATER(a, b) (((a) & ((a) > (b))) | ((b) & ~((a) > (b))))

/* Four chains, since each step of one waits for the last. */
SY_CLONES
float gain_peak(const float *pcm, size_t n)
{
	v8i a = {0}, b = {0}, c = {0}, d = {0};
	v8f max;
	float peak = 0;
	size_t i;

	for (i = 0; i + 32 <= n; i += 32) {
		v8i w = V8_MAGNITUDE(pcm + i);
		v8i x = V8_MAGNITUDE(pcm + i + 8);
		v8i y = V8_MAGNITUDE(pcm + i + 16);
		v8i z = V8_MAGNITUDE(pcm + i + 24);

		a = V8_GREATER(w, a);
		b = V8_GREATER(x, b);
		c = V8_GREATER(y, c);
		d = V8_GREATER(z, d);
	}

	for (; i < n; i += 8) {
		v8i w = V8_MAGNITUDE(pcm + i);

		a = V8_GREATER(w, a);
	}

	a = V8_GREATER(b, a);
	c = V8_GREATER(d, c);
	a = V8_GREATER(c, a);
	max = (v8f)a;
	for (i = 0; i < 8; i++)
		peak = max[i] > peak ? max[i] : peak;

	return peak;
}
