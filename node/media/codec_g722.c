/* SPDX-License-Identifier: MIT */
/*
 * G.722 at 64 kbit/s (RFC 3551 4.5.2), by spandsp: 16 kHz audio, two samples
 * a byte.
 */

#include <math.h>
#include <string.h>
#include <re.h>
#include <spandsp.h>
#include <spandsp/expose.h> /* the states' sizes */

#include "node/media/codec.h"

enum {
	BIT_RATE = 64000,
	BYTES_PER_MS = 8,
	PIECE_MS = 20,
	TAIL_SMP = 24, /* length of the filters that split the bands */
};

/* spandsp's states come from malloc: these own them. */
struct enc {
	g722_encode_state_t *st;
};

struct dec {
	g722_decode_state_t *st;
	int16_t tailv[TAIL_SMP]; /* played last */
};

static void enc_destructor(void *arg)
{
	struct enc *e = arg;

	if (e->st)
		g722_encode_free(e->st);
}

static void dec_destructor(void *arg)
{
	struct dec *d = arg;

	if (d->st)
		g722_decode_free(d->st);
}

static int enc_alloc(void **stp, const struct media_codec *c)
{
	struct enc *e = mem_zalloc(sizeof(*e), enc_destructor);

	(void)c;

	if (!e)
		return ENOMEM;

	e->st = g722_encode_init(NULL, BIT_RATE, 0);
	if (!e->st) {
		mem_deref(e);
		return ENOMEM;
	}

	*stp = e;

	return 0;
}

static int dec_alloc(void **stp, const struct media_codec *c)
{
	struct dec *d = mem_zalloc(sizeof(*d), dec_destructor);

	(void)c;

	if (!d)
		return ENOMEM;

	d->st = g722_decode_init(NULL, BIT_RATE, 0);
	if (!d->st) {
		mem_deref(d);
		return ENOMEM;
	}

	*stp = d;

	return 0;
}

static void to_int(int16_t *v, const float *pcm, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		float x = pcm[i] * 32768.0f;

		x = x > 32767.0f ? 32767.0f : x;
		v[i] = (int16_t)lrintf(x < -32768.0f ? -32768.0f : x);
	}
}

static size_t encode(void *st, uint8_t *buf, size_t size, const float *pcm,
		     size_t n)
{
	struct enc *e = st;
	int16_t v[16 * CODEC_PTIME_MAX_MS];

	if (n > ARRAY_SIZE(v) || n / 2 > size)
		return 0;

	to_int(v, pcm, n);

	return (size_t)g722_encode(e->st, buf, v, (int)n);
}

/* spandsp's state is plain numbers. */
static void enc_fork(void *dst, const void *src)
{
	const struct enc *from = src;
	struct enc *e = dst;

	*e->st = *from->st;
}

static size_t samples(void *st, const uint8_t *buf, size_t len)
{
	(void)st;
	(void)buf;

	return len <= BYTES_PER_MS * CODEC_FRAME_MAX_MS ? 2 * len : 0;
}

static void tail_keep(struct dec *d, const int16_t *v, size_t n)
{
	if (n >= TAIL_SMP)
		memcpy(d->tailv, v + n - TAIL_SMP, sizeof(d->tailv));
}

static size_t decode(void *st, float *pcm, const uint8_t *buf, size_t len)
{
	struct dec *d = st;
	int16_t v[16 * CODEC_FRAME_MAX_MS];
	size_t i, n = samples(st, buf, len);

	if (!n)
		return 0;

	n = (size_t)g722_decode(d->st, v, buf, (int)len);
	tail_keep(d, v, n);
	for (i = 0; i < n; i++)
		pcm[i] = (float)v[i] / 32768.0f;

	return n;
}

/*
 * Step sizes and predictors live on what was decoded before; left as they
 * were, the first packet after a loss is decoded with those of another sound:
 * some 10 ms of noise, now and then a bang.  So what was made up is encoded,
 * by an encoder with the decoder's state, and decoded.
 */
static void missed(void *st, const float *pcm, size_t n)
{
	struct dec *d = st;
	int16_t v[16 * PIECE_MS];
	uint8_t buf[BYTES_PER_MS * PIECE_MS];
	g722_encode_state_t enc;
	size_t i, k;
	int len;

	/* First its filter that splits the bands, then their states. */
	(void)g722_encode_init(&enc, BIT_RATE, 0);
	(void)g722_encode(&enc, buf, d->tailv, TAIL_SMP);
	memcpy(enc.band, d->st->band, sizeof(enc.band));

	for (i = 0; i + 1 < n; i += k) {
		k = MIN(n - i, ARRAY_SIZE(v)) & ~(size_t)1;
		to_int(v, pcm + i, k);
		tail_keep(d, v, k);
		len = g722_encode(&enc, buf, v, (int)k);
		(void)g722_decode(d->st, v, buf, len);
	}
}

static void dec_reset(void *st)
{
	struct dec *d = st;

	(void)g722_decode_init(d->st, BIT_RATE, 0);
	memset(d->tailv, 0, sizeof(d->tailv));
}

const struct codec_ops codec_g722 = {
	.name = "G722",
	.enc_alloc = enc_alloc,
	.dec_alloc = dec_alloc,
	.encode = encode,
	.fork = enc_fork,
	.samples = samples,
	.decode = decode,
	.missed = missed,
	.dec_reset = dec_reset,
};
