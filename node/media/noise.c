/* SPDX-License-Identifier: MIT */
#include "node/media/noise.h"

enum { HOLD_SMP = 6 }; /* 48 kHz / 8 kHz */

/* RMS of uniform values in -1..1 with straight lines between them, six
 * samples each: the mean over the position of the lines' power is
 * (a^2 + ab + b^2) / 3 with a, b independent, sampled at k/6. */
#define RMS 0.4747f

void noise_init(struct noise *ns, uint32_t seed)
{
	ns->state = seed * 2654435761u | 1;
	ns->last = 0;
}

static float next(struct noise *ns)
{
	uint32_t x = ns->state;

	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	ns->state = x;

	return (float)(int32_t)x * (1.0f / 2147483648.0f);
}

void noise_fill(struct noise *ns, float *pcm, size_t n, float rms)
{
	float a = ns->last, scale = rms / RMS;
	size_t i, k;

	for (i = 0; i < n; i += HOLD_SMP) {
		float b = next(ns), step = (b - a) / HOLD_SMP;

		for (k = 0; k < HOLD_SMP; k++)
			pcm[i + k] = scale * (a + step * (float)(k + 1));

		a = b;
	}

	ns->last = a;
}
