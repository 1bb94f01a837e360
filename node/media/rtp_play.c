/* SPDX-License-Identifier: MIT */
/*
 * The RTP leg, playing: jitter buffer -> decoder -> bus rate, and what is
 * played when nothing came.
 */

#include <string.h>
#include <re.h>

#include "node/media/rtp_leg.h"
#include "node/media/worker.h"

enum {
	FADE_MS = 60,
	RATE_DEFAULT_HZ = 8000,
};

static void rate_set(struct rtp_rx *rx, uint32_t rate_hz)
{
	rx->rate_hz = rate_hz;
	rx->fifoc = 0;
	rx->lastc = 0;
	(void)resample_up_init(&rx->up, rate_hz);
}

/* Played backwards and forwards from where it broke off: no click, and gone
 * before it becomes a buzz. */
static void fade(struct rtp_leg *r, float *pcm, size_t n)
{
	const struct rtp_rx *rx = &r->rx;
	size_t i, len = rx->lastc;
	float total = (float)(rx->rate_hz / 1000 * FADE_MS);

	for (i = 0; i < n; i++) {
		size_t pos = rx->concealed_smp + i;
		float gain = 1 - (float)pos / total;
		size_t k = len ? pos % (2 * len) : 0;

		if (gain <= 0 || !len)
			pcm[i] = 0;
		else if (k < len)
			pcm[i] = gain * r->last[len - 1 - k];
		else
			pcm[i] = gain * r->last[k - len];
	}
}

static size_t conceal(struct rtp_leg *r, float *pcm, size_t n)
{
	struct rtp_rx *rx = &r->rx;
	const struct codec *c;
	size_t got = 0;

	if (rx->codec < 0 || rx->concealed_smp >= rx->rate_hz / 1000 * FADE_MS)
		return 0;

	c = &r->set->rxv[rx->codec];
	if (c->ops->conceal)
		got = c->ops->conceal(c->st, pcm, n);
	if (!got) {
		fade(r, pcm, n);
		got = n;
	}

	rx->concealed_smp += (uint32_t)got;
	stat_inc(r->leg.stat.frames_concealed);

	return got;
}

/* The end of a frame, in case that the next one does not come. */
static void remember(struct rtp_leg *r, const float *pcm, size_t n)
{
	size_t len = MIN(n, (size_t)(r->rx.rate_hz / 1000 * MEDIA_TICK_MS));

	memcpy(r->last, pcm + n - len, len * sizeof(*pcm));
	r->rx.lastc = (uint32_t)len;
}

static size_t play(struct rtp_leg *r, float *pcm, const struct packet *pkt)
{
	struct rtp_rx *rx = &r->rx;
	const struct codec *c = &r->set->rxv[rx->codec];
	size_t n;

	n = c->ops->decode(c->st, pcm, pkt->data + pkt->payload_off,
			   pkt->payload_len);
	if (!n)
		return conceal(r, pcm, rx->rate_hz / 1000 * MEDIA_TICK_MS);

	rx->concealed_smp = 0;
	stat_inc(r->leg.stat.frames_played);
	if (!c->ops->conceal)
		remember(r, pcm, n);

	return n;
}

/* A packet's audio, to pcm + *have; at another rate nothing is kept. */
static size_t play_packet(struct rtp_leg *r, float *pcm, size_t *have,
			  const struct packet *pkt)
{
	struct rtp_rx *rx = &r->rx;
	int i = r->set->ptv[pkt->pt];

	/* Negotiated away while it waited. */
	if (i < 0)
		return 0;

	rx->codec = i;
	if (r->set->rxv[i].rate_hz != rx->rate_hz) {
		rate_set(rx, r->set->rxv[i].rate_hz);
		*have = 0;
	}

	return play(r, pcm + *have, pkt);
}

/* The next piece of audio; 0: silence is due. */
static size_t next_piece(struct rtp_leg *r, float *pcm, size_t *have,
			 const struct tick *t)
{
	struct jitter *j = &r->rx.jitter;
	uint32_t ratio = r->rx.rate_hz / 1000;
	struct packet *pkt = NULL;
	size_t n;

	switch (jitter_get(j, &pkt, t->now_us)) {

	case JITTER_PLAY:
		n = play_packet(r, pcm, have, pkt);
		pool_put(&t->w->pool, pkt);
		return n;

	case JITTER_LOST:
		n = MIN(jitter_ptime_ms(j), (uint32_t)FADE_MS) * ratio;
		return conceal(r, pcm + *have, n);

	case JITTER_EMPTY:
		return conceal(r, pcm + *have, (size_t)MEDIA_TICK_MS * ratio);

	default:
		return 0;
	}
}

/* Fill pcm with a tick of audio at rx->rate_hz; 0: silence. */
static size_t pull(struct rtp_leg *r, float *pcm, const struct tick *t)
{
	struct rtp_rx *rx = &r->rx;
	size_t need = rx->rate_hz / 1000 * MEDIA_TICK_MS, have = rx->fifoc, n;

	memcpy(pcm, r->rx_fifo, have * sizeof(*pcm));
	rx->fifoc = 0;

	while (have < need) {

		n = next_piece(r, pcm, &have, t);
		need = rx->rate_hz / 1000 * MEDIA_TICK_MS;
		have += n;

		if (n)
			continue;
		if (!have)
			return 0;

		memset(pcm + have, 0, (need - have) * sizeof(*pcm));
		have = need;
	}

	rx->fifoc = (uint32_t)(have - need);
	memcpy(r->rx_fifo, pcm + need, rx->fifoc * sizeof(*pcm));

	return need;
}

/* A digit in the band is told, and not heard.  Its first 10 to 20 ms are. */
static size_t listen_inband(struct rtp_leg *r, size_t n, const struct tick *t)
{
	struct inband *ib = r->set->inband;
	struct dtmf_digit d;

	if (!ib->listens)
		return n;

	if (inband_hear(ib, t->w->pcm, n, r->rx.rate_hz, &d))
		rtp_rx_digit(r, d.digit, d.dur_ms, true, t);

	return inband_sounds(ib) ? 0 : n;
}

const float *rtp_rx_get(struct leg *leg, float *buf, const struct tick *t)
{
	struct rtp_leg *r = (struct rtp_leg *)leg;
	const float *out;
	size_t n = 0;

	if (!r->set)
		return NULL;

	if (r->set->prm.recv)
		n = pull(r, t->w->pcm, t);

	if (t->now_us < r->rx.deaf_until_us)
		n = 0;

	if (r->set->inband && r->set->prm.recv)
		n = listen_inband(r, n, t);

	stat_set(leg->stat.depth_ms,
		 jitter_depth_ms(&r->rx.jitter, t->now_us));

	out = resample_up(&r->rx.up, buf, n ? t->w->pcm : NULL,
			  r->rx.rate_hz / 1000 * MEDIA_TICK_MS);
	if (!out || out == buf)
		return out;

	/* Already at the bus's rate; the scratch is needed by the next. */
	memcpy(buf, out, MEDIA_FRAME_SMP * sizeof(*buf));

	return buf;
}

void rtp_rx_set(struct rtp_leg *r, const struct rtp_set *old)
{
	struct rtp_rx *rx = &r->rx;
	const struct media_rtp_params *prm = &r->set->prm;

	if (!rx->rate_hz)
		rate_set(rx, RATE_DEFAULT_HZ);

	/* The codec in use may have got another place. */
	if (rx->codec >= 0)
		rx->codec = old ? r->set->ptv[old->rxv[rx->codec].prm.pt] : -1;
	if (rx->codec >= 0 && r->set->rxv[rx->codec].rate_hz != rx->rate_hz)
		rx->codec = -1;

	if (!prm->recv) {
		jitter_flush(&rx->jitter);
		rx->fifoc = 0;
		rx->lastc = 0;
	}

	jitter_depth_set(&rx->jitter, prm->jitter_ms);
}
