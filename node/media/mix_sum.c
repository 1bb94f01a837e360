/* SPDX-License-Identifier: MIT */
/* The two sums of a mix; everything else of it is decisions. */

#include "node/media/clones.h"
#include "node/media/mix.h"

SY_CLONES
void mix_sum(float *sum, const float *const *framev, size_t n)
{
	size_t i, k;

	for (i = 0; i < MEDIA_FRAME_SMP; i += 32) {
		v8f a = {0}, b = {0}, c = {0}, d = {0};

		for (k = 0; k < n; k++) {
			const float *p = framev[k] + i;

			a += V8_LOAD(p);
			b += V8_LOAD(p + 8);
			c += V8_LOAD(p + 16);
			d += V8_LOAD(p + 24);
		}

		V8_SAVE(sum + i, a);
		V8_SAVE(sum + i + 8, b);
		V8_SAVE(sum + i + 16, c);
		V8_SAVE(sum + i + 24, d);
	}
}

SY_CLONES
void mix_minus(float *out, const float *sum, const float *own)
{
	size_t i;

	for (i = 0; i < MEDIA_FRAME_SMP; i += 32) {
		v8f a = V8_LOAD(sum + i) - V8_LOAD(own + i);
		v8f b = V8_LOAD(sum + i + 8) - V8_LOAD(own + i + 8);
		v8f c = V8_LOAD(sum + i + 16) - V8_LOAD(own + i + 16);
		v8f d = V8_LOAD(sum + i + 24) - V8_LOAD(own + i + 24);

		V8_SAVE(out + i, a);
		V8_SAVE(out + i + 8, b);
		V8_SAVE(out + i + 16, c);
		V8_SAVE(out + i + 24, d);
	}
}
