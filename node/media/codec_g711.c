/* SPDX-License-Identifier: MIT */
/*
 * PCMU and PCMA (ITU-T G.711; RFC 3551 4.5.14).
 *
 * A code is sign, segment, and four bits within the segment: a tiny floating
 * point number.  So the encoder takes segment and bits right out of the
 * machine's float, with no table and no branch, eight samples at a time.
 * Negative values count from -1, as in the ITU's reference (G.191).
 */

#include <re.h>

#include "node/media/clones.h"
#include "node/media/codec.h"

enum {
	ULAW_BIAS = 132,      /* 33 in 14 bits */
	ULAW_MAX = 32635,     /* 32767 - ULAW_BIAS */
};

static float ulaw_table[256];
static float alaw_table[256];

/* Exponent of 2^n in a float, shifted so that four mantissa bits remain. */
#define EXPONENT(n) ((127 + (n)) << 4)

static int ulaw_value(uint8_t code)
{
	int c = ~code & 0xff;
	int mag = ((((c & 0x0f) << 3) + ULAW_BIAS) << (c >> 4 & 7)) -
		  ULAW_BIAS;

	return c & 0x80 ? -mag : mag;
}

static int alaw_value(uint8_t code)
{
	int c = code ^ 0x55;
	int seg = c >> 4 & 7, mag = (c & 0x0f) << 4;

	mag = seg ? (mag + 0x108) << (seg - 1) : mag + 8;

	return c & 0x80 ? mag : -mag;
}

__attribute__((constructor)) static void tables(void)
{
	int i;

	for (i = 0; i < 256; i++) {
		ulaw_table[i] = (float)ulaw_value((uint8_t)i) / 32768.0f;
		alaw_table[i] = (float)alaw_value((uint8_t)i) / 32768.0f;
	}
}

static inline int to_int(float x)
{
	x *= 32768.0f;
	x = x > 32767.0f ? 32767.0f : x;
	x = x < -32768.0f ? -32768.0f : x;

	return (int)(x + (x < 0 ? -0.5f : 0.5f));
}

static inline int float_bits(float x)
{
	union {
		float f;
		int i;
	} u = {.f = x};

	return u.i;
}

SY_CLONES
static void ulaw_encode(uint8_t *restrict buf, const float *restrict pcm,
			size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		int v = to_int(pcm[i]);
		int sign = v >> 31;
		int mag = v ^ sign;

		mag = (mag > ULAW_MAX ? ULAW_MAX : mag) + ULAW_BIAS;
		mag = (float_bits((float)mag) >> 19) - EXPONENT(7);
		buf[i] = (uint8_t)~(mag | (sign & 0x80));
	}
}

SY_CLONES
static void alaw_encode(uint8_t *restrict buf, const float *restrict pcm,
			size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		int v = to_int(pcm[i]);
		int sign = v >> 31;
		int mag = v ^ sign;
		int low = mag >> 4;
		int high = (float_bits((float)mag) >> 19) - EXPONENT(7);

		mag = mag < 256 ? low : high;
		buf[i] = (uint8_t)((mag | (~sign & 0x80)) ^ 0x55);
	}
}

static size_t pcmu_encode(void *st, uint8_t *buf, size_t size,
			  const float *pcm, size_t n)
{
	(void)st;

	if (n > size)
		return 0;

	ulaw_encode(buf, pcm, n);

	return n;
}

static size_t pcma_encode(void *st, uint8_t *buf, size_t size,
			  const float *pcm, size_t n)
{
	(void)st;

	if (n > size)
		return 0;

	alaw_encode(buf, pcm, n);

	return n;
}

static size_t samples(void *st, const uint8_t *buf, size_t len)
{
	(void)st;
	(void)buf;

	return len <= 8 * CODEC_FRAME_MAX_MS ? len : 0;
}

static size_t expand(float *pcm, const uint8_t *buf, size_t len,
		     const float *table)
{
	size_t i;

	for (i = 0; i < len; i++)
		pcm[i] = table[buf[i]];

	return len;
}

static size_t pcmu_decode(void *st, float *pcm, const uint8_t *buf, size_t len)
{
	return expand(pcm, buf, samples(st, buf, len), ulaw_table);
}

static size_t pcma_decode(void *st, float *pcm, const uint8_t *buf, size_t len)
{
	return expand(pcm, buf, samples(st, buf, len), alaw_table);
}

const struct codec_ops codec_pcmu = {
	.name = "PCMU",
	.encode = pcmu_encode,
	.samples = samples,
	.decode = pcmu_decode,
};

const struct codec_ops codec_pcma = {
	.name = "PCMA",
	.encode = pcma_encode,
	.samples = samples,
	.decode = pcma_decode,
};
