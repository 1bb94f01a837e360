/* SPDX-License-Identifier: MIT */
/* The codecs of the phone; see codec.h.  Called on the tick. */

#include <stdlib.h>
#include <opus/opus.h>
#include <spandsp.h>
#include "tests/phone/base.h"
#include "tests/phone/codec.h"

static const struct codec_info infos[CODEC_COUNT] = {
	[CODEC_PCMU] = {"PCMU", "PCMU", 0, 0, 8000, 8000, 1, false},
	[CODEC_PCMA] = {"PCMA", "PCMA", 8, 8, 8000, 8000, 1, false},
	/* The RTP clock of G.722 is 8000 by an old mistake, RFC 3551 4.5.2 */
	[CODEC_G722] = {"G722", "G722", 9, 9, 8000, 16000, 1, true},
	[CODEC_OPUS] = {"opus", "opus", -1, 96, 48000, 48000, 2, true},
	[CODEC_L16] = {"L16", "L16", -1, 97, 48000, 48000, 1, false},
	[CODEC_L16_16K] = {"L16/16000", "L16", -1, 98, 16000, 16000, 1, false},
};

struct codec_enc {
	enum codec_id id;
	OpusEncoder *opus;
	g722_encode_state_t *g722;
};

struct codec_dec {
	enum codec_id id;
	OpusDecoder *opus;
	g722_decode_state_t *g722;
};

const struct codec_info *codec_info(enum codec_id id)
{
	return (unsigned)id < CODEC_COUNT ? &infos[id] : NULL;
}

enum codec_id codec_find(const char *name)
{
	for (unsigned i = 0; i < CODEC_COUNT; i++)
		if (!str_casecmp(name, infos[i].name))
			return i;

	return CODEC_NONE;
}

/* ------------------------------------------------------------------ G.711 */

/* ITU-T G.711 tables 1a and 2a as formulas: sign, segment, step. */
int16_t codec_g711_decode(bool alaw, uint8_t code)
{
	const uint8_t c = alaw ? code ^ 0x55 : ~code;
	const int seg = (c >> 4) & 7;
	const int step = c & 15;
	int v;

	if (alaw)
		v = seg ? (2 * step + 33) << (seg + 2) : (2 * step + 1) << 3;
	else
		v = (((2 * step + 33) << seg) - 33) * 4;

	/* the sign bit means positive in A-law, negative in inverted u-law */
	return alaw == !!(c & 0x80) ? v : -v;
}

struct level {
	int16_t smp;
	uint8_t code;
};

static int level_cmp(const void *a, const void *b)
{
	const struct level *x = a, *y = b;

	/* u-law has two zeros: the later code, 0xff, is the usual one */
	return x->smp != y->smp ? x->smp - y->smp : x->code - y->code;
}

/* Encoding is the search for the nearest level, done once for all samples. */
static void law_init(uint8_t *table, bool alaw)
{
	struct level levels[256];
	int at = 0;

	for (int i = 0; i < 256; i++) {
		levels[i].smp = codec_g711_decode(alaw, i);
		levels[i].code = i;
	}
	qsort(levels, 256, sizeof(levels[0]), level_cmp);

	for (int v = -32768; v < 32768; v++) {
		while (at < 255 && abs(levels[at + 1].smp - v) <=
					   abs(levels[at].smp - v))
			++at;
		table[v + 32768] = levels[at].code;
	}
}

uint8_t codec_g711_encode(bool alaw, int16_t smp)
{
	static uint8_t tables[2][65536];
	static bool ready[2];

	if (!ready[alaw]) {
		law_init(tables[alaw], alaw);
		ready[alaw] = true;
	}

	return tables[alaw][smp + 32768];
}

/* ---------------------------------------------------------------- encoder */

static void enc_destructor(void *arg)
{
	struct codec_enc *enc = arg;

	if (enc->opus)
		opus_encoder_destroy(enc->opus);
	if (enc->g722)
		g722_encode_free(enc->g722);
}

int codec_enc_alloc(struct codec_enc **encp, enum codec_id id)
{
	struct codec_enc *enc;
	int status = OPUS_OK;
	int err = 0;

	if (!encp || !codec_info(id))
		return EINVAL;

	enc = mem_zalloc(sizeof(*enc), enc_destructor);
	if (!enc)
		return ENOMEM;

	enc->id = id;
	if (id == CODEC_OPUS) {
		enc->opus = opus_encoder_create(48000, 1, OPUS_APPLICATION_VOIP,
						&status);
		if (!enc->opus)
			err = ENOSYS;
		else
			opus_encoder_ctl(enc->opus, OPUS_SET_COMPLEXITY(5));
	}
	else if (id == CODEC_G722) {
		enc->g722 = g722_encode_init(NULL, 64000, 0);
		if (!enc->g722)
			err = ENOSYS;
	}

	if (err)
		mem_deref(enc);
	else
		*encp = enc;

	return err;
}

static size_t put_be16(uint8_t *buf, const int16_t *pcm, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		buf[2 * i] = (uint16_t)pcm[i] >> 8;
		buf[2 * i + 1] = pcm[i] & 0xff;
	}

	return 2 * n;
}

size_t codec_encode(struct codec_enc *enc, uint8_t *buf, const int16_t *pcm)
{
	const size_t n = infos[enc->id].rate_hz / 1000 * CODEC_FRAME_MS;
	int len = 0;

	switch (enc->id) {

	case CODEC_PCMU:
	case CODEC_PCMA:
		for (size_t i = 0; i < n; i++)
			buf[i] = codec_g711_encode(enc->id == CODEC_PCMA,
						   pcm[i]);
		return n;

	case CODEC_G722:
		len = g722_encode(enc->g722, buf, pcm, n);
		break;

	case CODEC_OPUS:
		len = opus_encode(enc->opus, pcm, n, buf, CODEC_PACKET_MAX);
		break;

	default:
		return put_be16(buf, pcm, n);
	}

	return len > 0 ? len : 0;
}

/* ---------------------------------------------------------------- decoder */

static void dec_destructor(void *arg)
{
	struct codec_dec *dec = arg;

	if (dec->opus)
		opus_decoder_destroy(dec->opus);
	if (dec->g722)
		g722_decode_free(dec->g722);
}

int codec_dec_alloc(struct codec_dec **decp, enum codec_id id)
{
	struct codec_dec *dec;
	int status = OPUS_OK;
	int err = 0;

	if (!decp || !codec_info(id))
		return EINVAL;

	dec = mem_zalloc(sizeof(*dec), dec_destructor);
	if (!dec)
		return ENOMEM;

	dec->id = id;
	if (id == CODEC_OPUS) {
		dec->opus = opus_decoder_create(48000, 1, &status);
		if (!dec->opus)
			err = ENOSYS;
	}
	else if (id == CODEC_G722) {
		dec->g722 = g722_decode_init(NULL, 64000, 0);
		if (!dec->g722)
			err = ENOSYS;
	}

	if (err)
		mem_deref(dec);
	else
		*decp = dec;

	return err;
}

static size_t get_be16(int16_t *pcm, const uint8_t *buf, size_t n)
{
	for (size_t i = 0; i < n; i++)
		pcm[i] = (int16_t)(buf[2 * i] << 8 | buf[2 * i + 1]);

	return n;
}

size_t codec_decode(struct codec_dec *dec, int16_t *pcm, const uint8_t *buf,
		    size_t len)
{
	int n = 0;

	switch (dec->id) {

	case CODEC_PCMU:
	case CODEC_PCMA:
		len = MIN(len, (size_t)CODEC_DECODE_SMP_MAX);
		for (size_t i = 0; i < len; i++)
			pcm[i] = codec_g711_decode(dec->id == CODEC_PCMA,
						   buf[i]);
		return len;

	case CODEC_G722:
		len = MIN(len, (size_t)CODEC_DECODE_SMP_MAX / 2);
		n = g722_decode(dec->g722, pcm, buf, len);
		break;

	case CODEC_OPUS:
		n = opus_decode(dec->opus, buf, len, pcm, CODEC_DECODE_SMP_MAX,
				0);
		break;

	default:
		return get_be16(pcm, buf,
				MIN(len / 2, (size_t)CODEC_DECODE_SMP_MAX));
	}

	return n > 0 ? n : 0;
}
