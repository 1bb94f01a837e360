/* SPDX-License-Identifier: MIT */
/* Opus (RFC 6716, RFC 7587), mono, always at 48 kHz. */

#include <string.h>
#include <re.h>
#include <opus/opus.h>

#include "node/media/codec.h"

enum {
	PACKET_MAX = 1275,   /* RFC 6716 3.2: a frame is never longer      */
	QUIET_BYTES = 120,   /* a packet of silence is shorter             */
	QUIET_PACKETS = 10,  /* encoded before the last one is repeated    */
	QUIET_REFRESH = 20,  /* DTX: of so many packets one is sent        */
	ENC_ALIGN = 8,
	DTX_BYTES = 2,       /* a frame with nothing in it                 */
	FEC_PERCENT = 6,     /* libopus (decide_fec): up to 5 % of loss it
				keeps its bandwidth, and at our bitrates
				has nothing left for FEC                   */
};

/*
 * An encoder.  Most legs that listen never need their own: it is made when
 * it is first used, and its memory is not touched before.
 */
struct enc {
	struct media_codec prm;
	bool ready;           /* st is initialised                         */
	bool alone;           /* st encodes without prediction             */
	int complexity;       /* in st                                     */
	uint32_t loss_percent; /* to st, as the next two: see enc_way()    */
	uint32_t bitrate_bps;
	bool fec;
	uint32_t quiet;       /* packets of silence in a row               */
	size_t quietc;        /* bytes of quietv                           */
	uint8_t quietv[QUIET_BYTES]; /* the last one that was encoded      */
	_Alignas(ENC_ALIGN) uint8_t st[];
};

struct dec {
	bool ready; /* st is in use */
	float clip; /* bend()'s     */
	_Alignas(ENC_ALIGN) uint8_t st[];
};

static OpusEncoder *enc_st(struct enc *e)
{
	return (OpusEncoder *)(void *)e->st;
}

/* These ctls only store numbers. */
static void enc_way(struct enc *e)
{
	const uint32_t loss = e->fec && e->loss_percent
				      ? MAX(e->loss_percent, FEC_PERCENT)
				      : e->loss_percent;
	OpusEncoder *st = enc_st(e);

	(void)opus_encoder_ctl(st, OPUS_SET_PACKET_LOSS_PERC((int)loss));
	(void)opus_encoder_ctl(st, OPUS_SET_INBAND_FEC(e->fec));
	(void)opus_encoder_ctl(st, OPUS_SET_BITRATE((int)e->bitrate_bps));
}

static void enc_ready(struct enc *e)
{
	OpusEncoder *st = enc_st(e);

	if (e->ready)
		return;

	(void)opus_encoder_init(st, 48000, 1, OPUS_APPLICATION_VOIP);
	(void)opus_encoder_ctl(st, OPUS_SET_COMPLEXITY(e->complexity));
	enc_way(e);
	e->ready = true;
}

static int enc_alloc(void **stp, const struct media_codec *c)
{
	size_t size = (size_t)opus_encoder_get_size(1);
	struct enc *e = mem_alloc(sizeof(*e) + size, NULL);

	if (!e)
		return ENOMEM;

	memset(e, 0, sizeof(*e));
	e->prm = *c;
	e->complexity = c->complexity;
	e->bitrate_bps = c->bitrate_bps;
	e->fec = c->fec;
	*stp = e;

	return 0;
}

/* The state is one block without pointers to itself, made to be copied. */
static void enc_fork(void *dst, const void *src)
{
	const struct enc *from = src;
	struct enc *e = dst;

	e->ready = from->ready;
	e->alone = from->alone;
	e->complexity = from->complexity;
	e->quiet = from->quiet;
	e->quietc = from->quietc;
	memcpy(e->quietv, from->quietv, from->quietc);
	if (!from->ready)
		return;

	/* Its way through the network stays its own. */
	memcpy(e->st, from->st, (size_t)opus_encoder_get_size(1));
	enc_way(e);
}

static void enc_alone(void *arg)
{
	struct enc *e = arg;

	if (!e->ready)
		return;

	(void)opus_encoder_ctl(enc_st(e), OPUS_SET_PREDICTION_DISABLED(1));
	e->alone = true;
}

static void enc_complexity(void *arg, int complexity)
{
	struct enc *e = arg;

	if (complexity < 0 || complexity > e->prm.complexity)
		complexity = e->prm.complexity;
	if (complexity == e->complexity)
		return;

	e->complexity = complexity;
	if (e->ready)
		(void)opus_encoder_ctl(enc_st(e),
				       OPUS_SET_COMPLEXITY(complexity));
}

static void enc_adapt(void *arg, uint32_t loss_percent, bool fec,
		      uint32_t bitrate_bps)
{
	struct enc *e = arg;

	e->loss_percent = loss_percent;
	e->fec = fec;
	e->bitrate_bps = bitrate_bps;
	if (e->ready)
		enc_way(e);
}

static int dec_alloc(void **stp, const struct media_codec *c)
{
	size_t size = (size_t)opus_decoder_get_size(1);
	struct dec *d = mem_alloc(sizeof(*d) + size, NULL);

	(void)c;

	if (!d)
		return ENOMEM;

	d->ready = false;
	d->clip = 0;
	*stp = d;

	return 0;
}

/* Many legs could receive Opus and never do. */
static OpusDecoder *dec_st(void *arg)
{
	struct dec *d = arg;
	OpusDecoder *st = (OpusDecoder *)(void *)d->st;

	if (!d->ready)
		(void)opus_decoder_init(st, 48000, 1);
	d->ready = true;

	return st;
}

static size_t enc_run(struct enc *e, uint8_t *buf, size_t size,
		      const float *pcm, size_t n)
{
	OpusEncoder *st = enc_st(e);
	int r;

	enc_ready(e);
	r = opus_encode_float(st, pcm, (int)n, buf,
			      (opus_int32)MIN(size, (size_t)PACKET_MAX));
	if (e->alone) {
		(void)opus_encoder_ctl(st, OPUS_SET_PREDICTION_DISABLED(0));
		e->alone = false;
	}

	return r > 0 ? (size_t)r : 0;
}

static size_t encode(void *st, uint8_t *buf, size_t size, const float *pcm,
		     size_t n)
{
	struct enc *e = st;

	/* The decoder went on while this one stood still. */
	if (e->quiet >= QUIET_PACKETS)
		enc_alone(e);
	e->quiet = 0;

	return enc_run(e, buf, size, pcm, n);
}

/*
 * A packet without any audio, in the frames of another one (RFC 6716 3.2): what
 * follows is a pause, no loss.  Browsers conceal what is only not there.
 */
static size_t pause_put(uint8_t *buf, size_t size, const uint8_t *like)
{
	enum { CODE = 3, ONE = 0, TWO_EQUAL = 1, MANY = 3, COUNT = 0x3f };

	if (size < DTX_BYTES)
		return 0;

	buf[0] = like[0];
	buf[1] = like[1] & COUNT; /* all of the same size: none */
	if ((like[0] & CODE) == MANY)
		return 2;
	if ((like[0] & CODE) != ONE)
		buf[0] = (uint8_t)((like[0] & ~CODE) | TWO_EQUAL);

	return 1;
}

/*
 * When the encoder has nothing left to say, its last packet is sent again and
 * it stands still; or, with DTX, nothing is sent for most of the time.
 */
static size_t silence(void *st, uint8_t *buf, size_t size, size_t n)
{
	static const float zero[MEDIA_RATE_HZ / 1000 * CODEC_PTIME_MAX_MS];
	struct enc *e = st;
	uint32_t since; /* the last one that was sent again */
	size_t len;

	if (e->quiet < QUIET_PACKETS) {
		len = enc_run(e, buf, size, zero, n);
		e->quietc = len <= sizeof(e->quietv) ? len : 0;
		e->quiet += e->quietc != 0;
		memcpy(e->quietv, buf, e->quietc);
		return len;
	}

	since = e->quiet++ % QUIET_REFRESH;
	if (e->prm.dtx && (e->quiet == QUIET_PACKETS + 1 || !since))
		return pause_put(buf, size, e->quietv);
	if (e->prm.dtx && since + 1 < QUIET_REFRESH)
		return 0;

	len = MIN(e->quietc, size);
	memcpy(buf, e->quietv, len);

	return len;
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

/*
 * A decoder that lost its encoder knows the bands' energies wrong, and what
 * comes out is up to 50 times full scale: the limiter would turn everybody
 * down for that.  With integers libopus bends it; with floats it is up to us.
 */
static size_t bend(void *st, float *pcm, int n)
{
	struct dec *d = st;

	if (n <= 0)
		return 0;

	opus_pcm_soft_clip(pcm, n, 1, &d->clip);

	return (size_t)n;
}

static size_t decode(void *st, float *pcm, const uint8_t *buf, size_t len)
{
	int r = opus_decode_float(dec_st(st), buf, (opus_int32)len, pcm,
				  CODEC_FRAME_MAX_SMP, 0);

	return bend(st, pcm, r);
}

static size_t conceal(void *st, float *pcm, size_t n)
{
	int r = opus_decode_float(dec_st(st), NULL, 0, pcm, (int)n, 0);

	return bend(st, pcm, r);
}

/*
 * RFC 6716 4.2.3: a SILK frame begins with a flag of voice for each of its
 * 20 ms and one for redundancy (LBRR).  The range coder's first bits, at even
 * odds, are the first byte's.
 */
static bool redundant(const uint8_t *buf, size_t len)
{
	const unsigned char *framev[48];
	opus_int16 sizev[48];
	int ms, subframes;

	/* CELT has none: configurations 16 to 31. */
	if (len < 2 || buf[0] & 0x80)
		return false;

	if (opus_packet_parse(buf, (opus_int32)len, NULL, framev, sizev,
			      NULL) < 1 ||
	    !sizev[0])
		return false;

	ms = opus_packet_get_samples_per_frame(buf, 48000) / 48;
	subframes = ms > 20 ? ms / 20 : 1;

	return framev[0][0] >> (7 - subframes) & 1;
}

static size_t fec(void *st, float *pcm, size_t n, const uint8_t *buf,
		  size_t len)
{
	int r;

	if (!redundant(buf, len))
		return 0;

	r = opus_decode_float(dec_st(st), buf, (opus_int32)len, pcm, (int)n,
			      1);

	return bend(st, pcm, r) == n ? n : 0;
}

static void dec_reset(void *st)
{
	struct dec *d = st;

	d->clip = 0;
	if (d->ready)
		(void)opus_decoder_ctl(dec_st(st), OPUS_RESET_STATE);
}

const struct codec_ops codec_opus = {
	.name = "opus",
	.enc_alloc = enc_alloc,
	.dec_alloc = dec_alloc,
	.encode = encode,
	.silence = silence,
	.fork = enc_fork,
	.alone = enc_alone,
	.complexity = enc_complexity,
	.samples = samples,
	.decode = decode,
	.conceal = conceal,
	.adapt = enc_adapt,
	.redundant = redundant,
	.fec = fec,
	.dec_reset = dec_reset,
	.dtx_bytes = DTX_BYTES,
};
