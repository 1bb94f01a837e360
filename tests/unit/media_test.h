/* SPDX-License-Identifier: MIT */
/* What the media tests share: tones, and an ear for them. */

#ifndef SY_TESTS_UNIT_MEDIA_TEST_H
#define SY_TESTS_UNIT_MEDIA_TEST_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "test_port.h"

/* A sine's samples i0 ... i0 + n - 1. */
static inline void tone_make(float *v, size_t n, size_t i0, double hz,
			     double rate_hz, double amp)
{
	size_t i;

	for (i = 0; i < n; i++)
		v[i] = (float)(amp *
			       sin(2 * M_PI * hz * (double)(i0 + i) / rate_hz));
}

/* Amplitude of a frequency in n samples, Hann window (Goertzel's sum). */
static inline double tone_amp(const float *v, size_t n, double hz,
			      double rate_hz)
{
	double re = 0, im = 0, sum = 0;
	size_t i;

	for (i = 0; i < n; i++) {
		double w = 0.5 - 0.5 * cos(2 * M_PI * ((double)i + 0.5) /
					   (double)n);
		double a = 2 * M_PI * hz * (double)i / rate_hz;

		re += w * v[i] * cos(a);
		im += w * v[i] * sin(a);
		sum += w;
	}

	return 2 * sqrt(re * re + im * im) / sum;
}

static inline double to_db(double ratio)
{
	return 20 * log10(ratio > 1e-9 ? ratio : 1e-9);
}

/* A seed, printed, so that a failure can be repeated: SEED=n. */
static inline unsigned test_seed(void)
{
	const char *s = getenv("SEED");
	unsigned seed = s ? (unsigned)strtoul(s, NULL, 10)
			  : (unsigned)time(NULL) * 2654435761u;

	printf("seed %u\n", seed);

	return seed;
}

static inline uint32_t test_rand(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;

	return *state;
}

#endif
