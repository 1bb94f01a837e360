/* SPDX-License-Identifier: MIT */
/* Opus (RFC 6716, RFC 7587), mono, always at 48 kHz. */

#include <re.h>
#include <opus/opus.h>

#include "node/media/codec.h"

enum {
	PACKET_MAX = 1275, /* RFC 6716 3.2: a frame is never longer */
};

static int enc_alloc(void **stp, const struct media_codec *c)
{
	OpusEncoder *e;

	e = mem_zalloc((size_t)opus_encoder_get_size(1), NULL);
	if (!e)
		return ENOMEM;

	if (opus_encoder_init(e, 48000, 1, OPUS_APPLICATION_VOIP)) {
		mem_deref(e);
		return EINVAL;
	}

	(void)opus_encoder_ctl(e, OPUS_SET_COMPLEXITY(c->complexity));
	(void)opus_encoder_ctl(e, OPUS_SET_BITRATE((int)c->bitrate_bps));
	(void)opus_encoder_ctl(e, OPUS_SET_INBAND_FEC(c->fec));

	*stp = e;

	return 0;
}

static int dec_alloc(void **stp, const struct media_codec *c)
{
	OpusDecoder *d;

	(void)c;

	d = mem_zalloc((size_t)opus_decoder_get_size(1), NULL);
	if (!d)
		return ENOMEM;

	if (opus_decoder_init(d, 48000, 1)) {
		mem_deref(d);
		return EINVAL;
	}

	*stp = d;

	return 0;
}

static size_t encode(void *st, uint8_t *buf, size_t size, const float *pcm,
		     size_t n)
{
	int r = opus_encode_float(st, pcm, (int)n, buf,
				  (opus_int32)MIN(size, (size_t)PACKET_MAX));

	return r > 0 ? (size_t)r : 0;
}

static size_t samples(void *st, const uint8_t *buf, size_t len)
{
	int r;

	(void)st;

	if (!len)
		return 0;

	r = opus_packet_get_nb_samples(buf, (opus_int32)len, 48000);

	return r > 0 && r <= CODEC_FRAME_MAX_SMP ? (size_t)r : 0;
}

static size_t decode(void *st, float *pcm, const uint8_t *buf, size_t len)
{
	int r = opus_decode_float(st, buf, (opus_int32)len, pcm,
				  CODEC_FRAME_MAX_SMP, 0);

	return r > 0 ? (size_t)r : 0;
}

static size_t conceal(void *st, float *pcm, size_t n)
{
	int r = opus_decode_float(st, NULL, 0, pcm, (int)n, 0);

	return r > 0 ? (size_t)r : 0;
}

const struct codec_ops codec_opus = {
	.name = "opus",
	.enc_alloc = enc_alloc,
	.dec_alloc = dec_alloc,
	.encode = encode,
	.samples = samples,
	.decode = decode,
	.conceal = conceal,
};
