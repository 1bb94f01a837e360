/* SPDX-License-Identifier: MIT */
/* L16, mono, network order (RFC 3551 4.5.11), at 8, 16 or 48 kHz. */

#include <math.h>
#include <re.h>

#include "node/media/codec.h"

static size_t encode(void *st, uint8_t *buf, size_t size, const float *pcm,
		     size_t n)
{
	size_t i;

	(void)st;

	if (n * 2 > size)
		return 0;

	for (i = 0; i < n; i++) {
		float x = pcm[i] * 32768.0f;
		long v;

		/* To the nearest: cut off, the noise were 6 dB louder. */
		x = x > 32767.0f ? 32767.0f : x;
		v = lrintf(x < -32768.0f ? -32768.0f : x);
		buf[2 * i] = (uint8_t)(v >> 8);
		buf[2 * i + 1] = (uint8_t)v;
	}

	return n * 2;
}

static size_t samples(void *st, const uint8_t *buf, size_t len)
{
	(void)st;
	(void)buf;

	return len & 1 || len / 2 > CODEC_FRAME_MAX_SMP ? 0 : len / 2;
}

static size_t decode(void *st, float *pcm, const uint8_t *buf, size_t len)
{
	size_t i, n = samples(st, buf, len);

	for (i = 0; i < n; i++) {
		int16_t v = (int16_t)(buf[2 * i] << 8 | buf[2 * i + 1]);

		pcm[i] = (float)v / 32768.0f;
	}

	return n;
}

const struct codec_ops codec_l16 = {
	.name = "L16",
	.encode = encode,
	.samples = samples,
	.decode = decode,
};
