/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "node/media/cut.h"

static const float silence[MEDIA_FRAME_SMP];

void cut_init(struct cut *c, uint32_t rate_hz)
{
	cut_reset(c);
	if (c->rate_hz == rate_hz)
		return;

	c->rate_hz = rate_hz;
	(void)resample_down_init(&c->down, rate_hz);
}

void cut_reset(struct cut *c)
{
	c->from = 0;
	c->have = 0;
}

bool cut_between(const struct cut *c)
{
	return !c->have;
}

/* Ticks until a packet begins at a tick's begin again. */
static uint32_t period(uint32_t ptime_ms)
{
	if (ptime_ms <= MEDIA_TICK_MS)
		return 1;

	return ptime_ms % MEDIA_TICK_MS ? 2 * ptime_ms / MEDIA_TICK_MS
					: ptime_ms / MEDIA_TICK_MS;
}

static void gather(struct cut *c, float *fifo, const float *pcm, size_t n)
{
	memmove(fifo, fifo + c->from, c->have * sizeof(*fifo));
	memcpy(fifo + c->have, pcm, n * sizeof(*fifo));
	c->from = 0;
	c->have += (uint32_t)n;
}

/* n: samples of this tick, the last of the fifo. */
static size_t cut(struct cut *c, const float *fifo, const struct codec *codec,
		  size_t n, struct cut_piece piecev[CUT_PIECES])
{
	size_t len = c->rate_hz / 1000 * codec->prm.ptime_ms, i;
	int64_t before = (int64_t)c->have - (int64_t)n;

	for (i = 0; i < CUT_PIECES && c->have >= len; i++) {
		struct cut_piece *p = &piecev[i];

		p->pcm = fifo + c->from;
		p->n = len;
		p->before_ts = (uint32_t)((before - c->from) * codec->clock_hz /
					  c->rate_hz);
		p->silent = c->quiet * MEDIA_TICK_MS >=
			    CODEC_PTIME_MAX_MS + MEDIA_TICK_MS;
		c->from += (uint32_t)len;
		c->have -= (uint32_t)len;
	}

	return i;
}

size_t cut_put(struct cut *c, float *fifo, const struct codec *codec,
	       const float *frame, float *scratch, uint64_t now_us,
	       struct cut_piece piecev[CUT_PIECES])
{
	const uint64_t tick = now_us / (MEDIA_TICK_MS * 1000);
	size_t n = c->rate_hz / 1000 * MEDIA_TICK_MS;
	const float *pcm;

	pcm = resample_down(&c->down, scratch, frame, n);
	c->quiet = pcm ? 0 : c->quiet + (c->quiet < 1000);
	if (!pcm)
		pcm = silence;

	if (codec->prm.ptime_ms == MEDIA_TICK_MS) {
		piecev[0] = (struct cut_piece){
		    .pcm = pcm, .n = n, .silent = pcm == silence};
		return 1;
	}

	if (!c->have && tick % period(codec->prm.ptime_ms))
		return 0;

	gather(c, fifo, pcm, n);

	return cut(c, fifo, codec, n, piecev);
}
