/* SPDX-License-Identifier: MIT */
/*
 * The RTP leg, sending: bus rate -> encoder -> packet.
 *
 * The timestamp follows the clock whatever is sent or not, so hold, silence
 * and digits need no correction afterwards.
 */

#include <string.h>
#include <re.h>

#include "node/media/rtp.h"
#include "node/media/rtp_leg.h"
#include "node/media/worker.h"

/* A packet with its header; the caller sets the length of the payload. */
static struct packet *packet(struct rtp_leg *r, struct worker *w, uint8_t pt,
			     uint32_t ts, bool marker)
{
	struct packet *pkt = pool_get(&w->pool);

	if (!pkt) {
		stat_inc(r->leg.stat.tx_errors);
		return NULL;
	}

	pkt->pt = pt;
	pkt->ts = ts;
	pkt->ssrc = r->tx.ssrc;
	pkt->marker = marker;
	pkt->payload_off = RTP_HDR_BYTES;
	pkt->payload_len = 0;

	return pkt;
}

static void send_packet(struct rtp_leg *r, struct worker *w,
			struct packet *pkt)
{
	if (!pkt->payload_len) {
		pool_put(&w->pool, pkt);
		return;
	}

	pkt->seq = r->tx.seq++;
	pkt->len = (uint16_t)(RTP_HDR_BYTES + pkt->payload_len);
	rtp_print(pkt);
	worker_send(w, &r->leg, r->fd, rtp_leg_dst(r), pkt);
}

static void send_audio(struct rtp_leg *r, struct worker *w, const float *pcm,
		       size_t n, uint32_t ts)
{
	const struct codec *c = &r->set->tx;
	struct packet *pkt = packet(r, w, c->prm.pt, ts, r->tx.marker);

	if (!pkt)
		return;

	pkt->payload_len = (uint16_t)c->ops->encode(
		c->st, pkt->data + RTP_HDR_BYTES, PACKET_BYTES - RTP_HDR_BYTES,
		pcm, n);
	if (pkt->payload_len)
		r->tx.marker = false;

	send_packet(r, w, pkt);
}

/* True: a digit took the place of audio. */
static bool send_event(struct rtp_leg *r, struct worker *w)
{
	const struct media_rtp_params *prm = &r->set->prm;
	struct event_packet ev;
	struct packet *pkt;

	if (!event_tx_busy(&r->tx.event) || prm->event_pt_tx < 0)
		return false;

	if (!event_tx_get(&r->tx.event, &ev, r->tx.ts, prm->event_clock_hz,
			  MEDIA_TICK_MS))
		return false;

	r->tx.marker = true;
	r->tx.fifoc = 0;

	pkt = packet(r, w, (uint8_t)prm->event_pt_tx, ev.ts, ev.marker);
	if (!pkt)
		return true;

	memcpy(pkt->data + RTP_HDR_BYTES, ev.payload, EVENT_BYTES);
	pkt->payload_len = EVENT_BYTES;
	send_packet(r, w, pkt);

	return true;
}

/* Packets that are not a tick long: gather, and cut. */
static void send_cut(struct rtp_leg *r, struct worker *w, const float *pcm,
		     size_t n)
{
	const struct codec *c = &r->set->tx;
	struct rtp_tx *tx = &r->tx;
	size_t len = c->rate_hz / 1000 * c->prm.ptime_ms, pos = 0;
	uint32_t ts = tx->ts -
		      (uint32_t)((uint64_t)tx->fifoc * c->clock_hz /
				 c->rate_hz);

	memcpy(r->tx_fifo + tx->fifoc, pcm, n * sizeof(*pcm));
	tx->fifoc += (uint32_t)n;

	for (; tx->fifoc - pos >= len; pos += len) {
		send_audio(r, w, r->tx_fifo + pos, len, ts);
		ts += c->clock_hz / 1000 * c->prm.ptime_ms;
	}

	tx->fifoc -= (uint32_t)pos;
	memmove(r->tx_fifo, r->tx_fifo + pos, tx->fifoc * sizeof(*pcm));
}

static bool may_send(const struct rtp_leg *r)
{
	const struct rtp_set *set = r->set;

	return set && set->tx.ops && set->prm.send &&
	       sa_isset(&set->prm.raddr, SA_ALL);
}

/* Ticks that were missed are a gap in time for the peer, too. */
static void skip_time(struct rtp_leg *r, uint32_t ticks)
{
	if (!r->set || !r->set->tx.ops || !ticks)
		return;

	r->tx.ts += ticks * (r->set->tx.clock_hz / 1000 * MEDIA_TICK_MS);
	r->tx.fifoc = 0;
}

void rtp_tx_put(struct leg *leg, const float *frame, const struct tick *t)
{
	static const float silence[MEDIA_FRAME_SMP];
	struct rtp_leg *r = (struct rtp_leg *)leg;
	const float *pcm;
	size_t n;

	skip_time(r, t->steps - 1);

	if (!may_send(r)) {
		r->tx.marker = true;
		skip_time(r, 1);
		return;
	}

	if (!send_event(r, t->w)) {

		n = r->tx.rate_hz / 1000 * MEDIA_TICK_MS;
		pcm = resample_down(&r->tx.down, t->w->pcm, frame, n);
		if (!pcm)
			pcm = silence;

		if (r->set->tx.prm.ptime_ms == MEDIA_TICK_MS)
			send_audio(r, t->w, pcm, n, r->tx.ts);
		else
			send_cut(r, t->w, pcm, n);
	}

	r->tx.ts += r->set->tx.clock_hz / 1000 * MEDIA_TICK_MS;
}

void rtp_tx_set(struct rtp_leg *r)
{
	const struct codec *c = &r->set->tx;

	r->tx.fifoc = 0;
	if (!c->ops || c->rate_hz == r->tx.rate_hz)
		return;

	r->tx.rate_hz = c->rate_hz;
	(void)resample_down_init(&r->tx.down, c->rate_hz);
}
