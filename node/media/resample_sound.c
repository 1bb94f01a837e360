/* SPDX-License-Identifier: MIT */
/* A whole sound at once, any rate to any rate: a filter for each phase. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "node/media/clones.h"
#include "node/media/resample.h"

enum {
	SOUND_HZ_MIN = 4000,
	SOUND_HZ_MAX = 192000,
	BETA = 7, /* of the Kaiser window: some 70 dB */
};

static uint32_t gcd(uint32_t a, uint32_t b)
{
	while (b) {
		uint32_t t = a % b;

		a = b;
		b = t;
	}

	return a;
}

SY_CLONES
static float dot(const float *x, const float *h, size_t n)
{
	v8f s = {0};
	size_t k;

	for (k = 0; k < n; k += 8)
		s += V8_LOAD(x + k) * V8_LOAD(h + k);

	return s[0] + s[1] + s[2] + s[3] + s[4] + s[5] + s[6] + s[7];
}

/* The filter of each of the up phases between two inputs. */
static float *phases(size_t up, size_t taps, double cutoff)
{
	float *h = malloc(up * taps * sizeof(*h));
	size_t p, k;

	for (p = 0; h && p < up; p++) {
		double mid = (double)(taps / 2 - 1) + (double)p / (double)up;

		for (k = 0; k < taps; k++)
			h[p * taps + k] = (float)resample_kernel(
				(double)k - mid, (double)taps / 2, cutoff,
				BETA);
	}

	return h;
}

int resample_sound(float **outp, size_t *outc, uint32_t out_hz,
		   const float *in, size_t inc, uint32_t in_hz)
{
	float *h = NULL, *x = NULL, *out = NULL;
	size_t up, step, taps = 64, n, i;
	int err = ENOMEM;
	uint32_t g;

	if (!outp || !in || !inc || in_hz < SOUND_HZ_MIN ||
	    in_hz > SOUND_HZ_MAX || out_hz < SOUND_HZ_MIN ||
	    out_hz > SOUND_HZ_MAX)
		return EINVAL;

	g = gcd(in_hz, out_hz);
	up = out_hz / g;
	step = in_hz / g;
	if (in_hz > out_hz)
		taps = (taps * in_hz / out_hz + 7) & ~(size_t)7;

	n = (size_t)((uint64_t)inc * out_hz / in_hz);
	h = phases(up, taps, 0.47 * (in_hz > out_hz ? (double)out_hz / in_hz
						    : 1));
	x = calloc(inc + 2 * taps, sizeof(*x));
	out = malloc((n + 1) * sizeof(*out));
	if (!h || !x || !out)
		goto out;

	memcpy(x + taps / 2 - 1, in, inc * sizeof(*x));
	for (i = 0; i < n; i++)
		out[i] = dot(x + i * step / up, h + i * step % up * taps,
			     taps);

	*outp = out;
	*outc = n;
	out = NULL;
	err = 0;

out:
	free(out);
	free(x);
	free(h);

	return err;
}
