/* SPDX-License-Identifier: MIT */
#include <math.h>

#include "node/media/clones.h"
#include "node/media/level.h"

#define FLOOR_DB -96.0f

SY_CLONES
float level_power(const float *pcm, size_t n)
{
	v8f a = {0}, b = {0}, c = {0}, d = {0};
	size_t i;

	for (i = 0; i + 32 <= n; i += 32) {
		v8f w = V8_LOAD(pcm + i);
		v8f x = V8_LOAD(pcm + i + 8);
		v8f y = V8_LOAD(pcm + i + 16);
		v8f z = V8_LOAD(pcm + i + 24);

		a += w * w;
		b += x * x;
		c += y * y;
		d += z * z;
	}

	for (; i < n; i += 8) {
		v8f w = V8_LOAD(pcm + i);

		a += w * w;
	}

	a += b + c + d;

	return (a[0] + a[1] + a[2] + a[3] + a[4] + a[5] + a[6] + a[7]) /
	       (float)n;
}

float level_db(float power)
{
	float db = power > 0 ? 10 * log10f(power) : FLOOR_DB;

	return db > FLOOR_DB ? db : FLOOR_DB;
}
