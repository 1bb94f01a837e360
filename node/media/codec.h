/* SPDX-License-Identifier: MIT */
/*
 * The codecs behind one table.  Audio is float in -1..1 at the codec's own
 * rate; payloads are those of RTP.  Encoders and decoders are allocated by
 * the signalling thread and used by a worker; encode, decode and conceal do
 * not allocate.
 */

#ifndef SY_NODE_MEDIA_CODEC_H
#define SY_NODE_MEDIA_CODEC_H

#include "node/media/media.h"

enum {
	CODEC_FRAME_MAX_MS = 120,  /* longest packet that is decoded */
	CODEC_FRAME_MAX_SMP = MEDIA_RATE_HZ / 1000 * CODEC_FRAME_MAX_MS,
	CODEC_PTIME_MAX_MS = 60,   /* longest packet that is encoded */
};

/** What a kind of codec can do. */
struct codec_ops {
	const char *name;

	/** Allocate an encoder's or decoder's state; NULL: there is none. */
	int (*enc_alloc)(void **stp, const struct media_codec *c);
	int (*dec_alloc)(void **stp, const struct media_codec *c);

	/**
	 * Encode one packet.
	 *
	 * @param st    State of the encoder.
	 * @param buf   Payload is written here, at most size bytes.
	 * @param pcm   n samples.
	 *
	 * @return length of the payload; 0: nothing to send.
	 */
	size_t (*encode)(void *st, uint8_t *buf, size_t size,
			 const float *pcm, size_t n);

	/**
	 * Encode n samples of silence, as encode(), where that is cheaper;
	 * 0: nothing to send.  NULL: encode zeros.
	 */
	size_t (*silence)(void *st, uint8_t *buf, size_t size, size_t n);

	/** Make an encoder of the same settings go on as another one.
	 *  NULL: there is no state. */
	void (*fork)(void *st, const void *from);

	/** The next packet shall not lean on those before it: the decoder
	 *  has not heard them.  NULL: none ever does, or little. */
	void (*alone)(void *st);

	/** Encode at a complexity below the one negotiated, or, with -1, at
	 *  that one again.  NULL: there is none.  Costs nothing when nothing
	 *  changes. */
	void (*complexity)(void *st, int complexity);

	/** Samples that a payload decodes to; 0: it is not valid. */
	size_t (*samples)(void *st, const uint8_t *buf, size_t len);

	/**
	 * Decode one payload.
	 *
	 * @param pcm  Room for CODEC_FRAME_MAX_SMP samples.
	 *
	 * @return number of samples; 0: the payload is not valid.
	 */
	size_t (*decode)(void *st, float *pcm, const uint8_t *buf, size_t len);

	/** Make n samples up for a missing packet; NULL: cannot. */
	size_t (*conceal)(void *st, float *pcm, size_t n);

	/**
	 * Told after others (plc.h) made n samples up for a missing packet,
	 * so that the decoder goes on from there; NULL: it has no memory.
	 */
	void (*missed)(void *st, const float *pcm, size_t n);

	/**
	 * Adapt an encoder to the way, on the worker; NULL: it cannot.
	 *
	 * @param loss_percent  Loss to be ready for.
	 * @param fec           Send forward error correction for it.
	 */
	void (*adapt)(void *st, uint32_t loss_percent, bool fec,
		      uint32_t bitrate_bps);

	/** Whether a payload tells what was in the one before (in-band FEC);
	 *  NULL: never. */
	bool (*redundant)(const uint8_t *buf, size_t len);

	/**
	 * Decode a missing packet of n samples out of the payload after it;
	 * decode() of that payload follows.
	 *
	 * @return n; 0: it does not tell.
	 */
	size_t (*fec)(void *st, float *pcm, size_t n, const uint8_t *buf,
		      size_t len);

	/** Forget what was decoded so far; NULL: nothing to forget. */
	void (*dec_reset)(void *st);

	/** Payloads up to this length say that the sender is silent. */
	size_t dtx_bytes;
};

/** One direction of a codec, ready for use. */
struct codec {
	const struct codec_ops *ops;
	struct media_codec prm;
	uint32_t rate_hz;   /* of the audio: 8000, 16000 or 48000 */
	uint32_t clock_hz;  /* of RTP                             */
	void *st;           /* owned                              */
};

/** The table's entry of a codec, or NULL. */
const struct codec_ops *codec_ops(enum media_codec_id id);

/**
 * Check a negotiated codec and find its rates.
 *
 * @param c     Set, without state, on success.
 * @param prm   As negotiated; ptime_ms is brought to what can be sent.
 *
 * @return 0, or EINVAL: unknown codec, payload type or clock.
 */
int codec_init(struct codec *c, const struct media_codec *prm);

/** Allocate the state of an encoder, or a decoder. */
int codec_enc_alloc(struct codec *c);
int codec_dec_alloc(struct codec *c);

/** Free the state. */
void codec_close(struct codec *c);

/** Two codecs whose states are interchangeable. */
bool codec_same(const struct codec *a, const struct codec *b);

extern const struct codec_ops codec_pcmu;
extern const struct codec_ops codec_pcma;
extern const struct codec_ops codec_g722;
extern const struct codec_ops codec_opus;
extern const struct codec_ops codec_l16;

#endif
