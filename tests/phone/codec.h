/* SPDX-License-Identifier: MIT */
/*
 * The codecs of the phone.  G.711 and L16 are ours, by definition rather than
 * by the usual tables; G.722 is spandsp's, Opus libopus'.  A frame is 20 ms,
 * mono, 16 bits.
 */
#ifndef PHONE_CODEC_H
#define PHONE_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum codec_id {
	CODEC_PCMU,
	CODEC_PCMA,
	CODEC_G722,
	CODEC_OPUS,
	CODEC_L16,
	CODEC_L16_16K,
	CODEC_COUNT,
	CODEC_NONE = CODEC_COUNT,
};

enum {
	CODEC_FRAME_MS = 20,
	CODEC_FRAME_SMP_MAX = 960,	/* samples sent in a frame       */
	CODEC_PACKET_MAX = 1920,	/* bytes sent in a frame         */
	CODEC_DECODE_SMP_MAX = 5760,	/* samples of a received packet  */
};

struct codec_info {
	const char *name;     /* in commands and events     */
	const char *sdp_name; /* in rtpmap                  */
	int pt;		      /* static payload type, or -1 */
	uint8_t pt_own;	      /* what our offers use        */
	unsigned clock_hz;    /* RTP clock                  */
	unsigned rate_hz;     /* of the samples             */
	unsigned channels;    /* in rtpmap                  */
	bool stateful;	      /* a frame depends on those before it */
};

/** What a codec is; NULL for CODEC_NONE. */
const struct codec_info *codec_info(enum codec_id id);

/** Find by the name used in commands, without regard to case. */
enum codec_id codec_find(const char *name);

struct codec_enc;
struct codec_dec;

/**
 * Make an encoder or a decoder.  Free with mem_deref.
 *
 * @return 0, EINVAL, ENOMEM, ENOSYS (the library refused)
 */
int codec_enc_alloc(struct codec_enc **encp, enum codec_id id);
int codec_dec_alloc(struct codec_dec **decp, enum codec_id id);

/**
 * Encode one frame of 20 ms.
 *
 * @param buf  At least CODEC_PACKET_MAX bytes.
 *
 * @return bytes written, 0 on failure
 */
size_t codec_encode(struct codec_enc *enc, uint8_t *buf, const int16_t *pcm);

/**
 * Decode one packet of any length.
 *
 * @param pcm  At least CODEC_DECODE_SMP_MAX samples.
 *
 * @return samples written, 0 for what cannot be decoded
 */
size_t codec_decode(struct codec_dec *dec, int16_t *pcm, const uint8_t *buf,
		    size_t len);

/** One sample of G.711, for tables; alaw or ulaw. */
uint8_t codec_g711_encode(bool alaw, int16_t smp);
int16_t codec_g711_decode(bool alaw, uint8_t code);

#endif
