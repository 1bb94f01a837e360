/* SPDX-License-Identifier: MIT */
#include <string.h>
#include <re.h>

#include "node/media/codec.h"

static const struct codec_ops *const table[MEDIA_CODEC_COUNT] = {
	[MEDIA_PCMU] = &codec_pcmu, [MEDIA_PCMA] = &codec_pcma,
	[MEDIA_G722] = &codec_g722, [MEDIA_OPUS] = &codec_opus,
	[MEDIA_L16] = &codec_l16,
};

const struct codec_ops *codec_ops(enum media_codec_id id)
{
	return (unsigned)id < MEDIA_CODEC_COUNT ? table[id] : NULL;
}

const char *media_codec_name(enum media_codec_id id)
{
	const struct codec_ops *ops = codec_ops(id);

	return ops ? ops->name : "?";
}

static int rates(struct codec *c)
{
	uint32_t clock = c->prm.clock_hz;

	c->clock_hz = clock;

	switch (c->prm.id) {

	case MEDIA_PCMU:
	case MEDIA_PCMA:
		c->rate_hz = 8000;
		return clock == 8000 ? 0 : EINVAL;

	case MEDIA_G722: /* RFC 3551 4.5.2: the clock is a historic error */
		c->rate_hz = 16000;
		return clock == 8000 ? 0 : EINVAL;

	case MEDIA_OPUS:
		c->rate_hz = 48000;
		return clock == 48000 ? 0 : EINVAL;

	case MEDIA_L16:
		c->rate_hz = clock;
		return clock == 8000 || clock == 16000 || clock == 48000
			       ? 0
			       : EINVAL;

	default:
		return EINVAL;
	}
}

/* What can be sent, no longer than is wanted: Opus has no frame of 30 ms, and
 * L16 at 48 kHz none over 20 ms that would fit into a datagram. */
static uint32_t ptime(const struct codec *c)
{
	uint32_t ms = c->prm.ptime_ms;

	if (ms == 50)
		return 40;

	if (ms != 10 && ms != 30 && ms != 40 && ms != 60)
		return 20;

	if (c->prm.id == MEDIA_OPUS && ms == 30)
		return 20;

	if (c->prm.id == MEDIA_L16 && c->rate_hz / 1000 * ms * 2 > 1920)
		return 20;

	return ms;
}

int codec_init(struct codec *c, const struct media_codec *prm)
{
	int err;

	memset(c, 0, sizeof(*c));

	c->ops = codec_ops(prm->id);
	c->prm = *prm;
	if (!c->ops || prm->pt > 127)
		return EINVAL;

	err = rates(c);
	if (err)
		return err;

	c->prm.ptime_ms = ptime(c);

	return 0;
}

int codec_enc_alloc(struct codec *c)
{
	return c->ops->enc_alloc ? c->ops->enc_alloc(&c->st, &c->prm) : 0;
}

int codec_dec_alloc(struct codec *c)
{
	return c->ops->dec_alloc ? c->ops->dec_alloc(&c->st, &c->prm) : 0;
}

void codec_close(struct codec *c)
{
	c->st = mem_deref(c->st);
}

bool codec_same(const struct codec *a, const struct codec *b)
{
	return a->ops == b->ops && a->clock_hz == b->clock_hz &&
	       a->prm.bitrate_bps == b->prm.bitrate_bps &&
	       a->prm.complexity == b->prm.complexity &&
	       a->prm.fec == b->prm.fec;
}
