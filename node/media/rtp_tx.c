/* SPDX-License-Identifier: MIT */
/*
 * The RTP leg, sending: bus rate -> encoder -> packet.
 *
 * The timestamp follows the clock whatever is sent or not, so hold, silence
 * and digits need no correction afterwards.
 */

#include <string.h>
#include <re.h>

#include "node/media/encgroup.h"
#include "node/media/rtp.h"
#include "node/media/rtp_leg.h"
#include "node/media/rtp_rtcp.h"
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
	rtp_rtcp_sent(r, pkt->payload_len);
	if (r->set->srtp.tx && !rtp_srtp_send(r, pkt)) {
		stat_inc(r->leg.stat.tx_errors);
		pool_put(&w->pool, pkt);
		return;
	}

	worker_send(w, &r->leg, r->fd, rtp_leg_dst(r), pkt);
}

/* A payload of the group's behind a header of this leg's. */
static void send_copy(struct rtp_leg *r, struct worker *w,
		      const struct encout *out)
{
	struct packet *pkt;

	if (!out->len) {
		r->tx.marker = true;
		return;
	}

	pkt = packet(r, w, r->set->tx.prm.pt, r->tx.ts - out->before_ts,
		     r->tx.marker);
	if (!pkt)
		return;

	memcpy(pkt->data + RTP_HDR_BYTES, out->data, out->len);
	pkt->payload_len = out->len;
	r->tx.marker = false;
	send_packet(r, w, pkt);
}

static void send_shared(struct rtp_leg *r, const float *frame,
			const struct tick *t)
{
	struct encgroup *g = r->set->group;
	size_t i;

	encgroup_run(g, frame, t);
	for (i = 0; i < g->outc; i++)
		send_copy(r, t->w, &g->room->outv[i]);
}

static void send_piece(struct rtp_leg *r, struct worker *w,
		       const struct cut_piece *piece)
{
	struct packet *pkt = packet(r, w, r->set->tx.prm.pt,
				    r->tx.ts - piece->before_ts, r->tx.marker);

	if (!pkt)
		return;

	pkt->payload_len = (uint16_t)worker_encode(
		w, &r->set->tx, pkt->data + RTP_HDR_BYTES,
		PACKET_BYTES - RTP_HDR_BYTES, piece);
	r->tx.marker = !pkt->payload_len;
	send_packet(r, w, pkt);
}

static void send_own(struct rtp_leg *r, const float *frame,
		     const struct tick *t)
{
	struct cut_piece piecev[CUT_PIECES];
	const struct codec *c = &r->set->tx;
	size_t i, n;

	if (r->tx.virgin && c->ops->alone)
		c->ops->alone(c->st);
	r->tx.virgin = false;

	n = cut_put(&r->tx.cut, r->tx_fifo, c, frame, t->w->pcm,
		    t->now_us, piecev);
	for (i = 0; i < n; i++)
		send_piece(r, t->w, &piecev[i]);
}

/* True: a digit took the place of audio. */
static bool send_event(struct rtp_leg *r, struct worker *w)
{
	const struct media_rtp_params *prm = &r->set->prm;
	const struct event_clock clock = {prm->event_clock_hz,
					  r->set->tx.clock_hz};
	struct event_packet ev;
	struct packet *pkt;

	if (!event_tx_busy(&r->tx.event) || prm->event_pt_tx < 0 ||
	    (r->set->inband && r->set->inband->says))
		return false;

	if (!event_tx_get(&r->tx.event, &ev, r->tx.ts, &clock, MEDIA_TICK_MS))
		return false;

	r->tx.marker = true;
	cut_reset(&r->tx.cut);

	pkt = packet(r, w, (uint8_t)prm->event_pt_tx, ev.ts, ev.marker);
	if (!pkt)
		return true;

	memcpy(pkt->data + RTP_HDR_BYTES, ev.payload, EVENT_BYTES);
	pkt->payload_len = EVENT_BYTES;
	send_packet(r, w, pkt);

	return true;
}

static bool may_send(const struct rtp_leg *r)
{
	const struct rtp_set *set = r->set;

	return set && set->tx.ops && set->prm.send && !r->tx.off &&
	       sa_isset(&set->prm.raddr, SA_ALL);
}

/* Ticks that were missed are a gap in time for the peer, too. */
static void skip_time(struct rtp_leg *r, uint32_t ticks)
{
	if (!ticks)
		return;

	r->tx.ts += ticks * (r->tx.clock_hz / 1000 * MEDIA_TICK_MS);
	cut_reset(&r->tx.cut);
}

/* Time enough to trust that it stays, and a place where no packet is cut in
 * two; many that come at a time come in the same tick. */
static bool may_share(const struct rtp_leg *r, const struct tick *t)
{
	uint64_t tick = t->now_us / (MEDIA_TICK_MS * 1000);

	if (r->tx.virgin)
		return true;

	return r->tx.common >= ENCGROUP_STAY && tick % ENCGROUP_STAY == 0 &&
	       cut_between(&r->tx.cut);
}

void rtp_tx_share(struct leg *leg, const float *frame, const struct tick *t)
{
	encgroup_run(((struct rtp_leg *)leg)->set->group, frame, t);
}

void rtp_tx_plan(struct leg *leg, bool common, const struct tick *t)
{
	struct rtp_leg *r = (struct rtp_leg *)leg;
	const struct rtp_set *set = r->set;

	if (!common) {
		encgroup_part(set->group, &r->set->tx, &r->tx.cut, r->tx_fifo,
			      t);
		leg->shared = NULL;
		r->tx.virgin = false;
		r->tx.common = 0;
		return;
	}

	/* Digits take the place of the audio: no need for any encoder. */
	if (!may_send(r) || rtp_leg_says(r))
		return;

	if (!set->group || !encgroup_worth(set->group)) {
		r->tx.common = 0;
		return;
	}

	r->tx.common += t->steps;
	if (!may_share(r, t))
		return;

	encgroup_enter(set->group, r->tx.virgin ? NULL : &set->tx, &r->tx.cut,
		       r->tx_fifo, t);
	leg->shared = set->group;
}

/* Its peer hears nothing from an encoder: whichever comes next starts anew. */
static void unheard(struct rtp_leg *r)
{
	r->leg.shared = NULL;
	r->tx.virgin = true;
}

/* True: a digit is said in the band, by the leg's own encoder. */
static bool send_tone(struct rtp_leg *r, const struct tick *t)
{
	struct inband *ib = r->set->inband;
	float tone[MEDIA_FRAME_SMP];

	if (!ib || !ib->says || !inband_say(ib, &r->tx.event, tone))
		return false;

	if (r->leg.shared)
		rtp_tx_plan(&r->leg, false, t);
	send_own(r, tone, t);

	return true;
}

static void send_frame(struct rtp_leg *r, const float *frame, const struct tick *t)
{
	if (send_tone(r, t))
		return;

	if (send_event(r, t->w)) {
		unheard(r);
		return;
	}

	if (r->leg.shared)
		send_shared(r, frame, t);
	else
		send_own(r, frame, t);
}

void rtp_tx_put(struct leg *leg, const float *frame, const struct tick *t)
{
	struct rtp_leg *r = (struct rtp_leg *)leg;

	skip_time(r, t->steps - 1);

	if (!may_send(r)) {
		unheard(r);
		r->tx.marker = true;
		skip_time(r, 1);
		return;
	}

	send_frame(r, frame, t);
	r->tx.ts += r->tx.clock_hz / 1000 * MEDIA_TICK_MS;
}

/* What can no longer be said is not said later, when nobody expects it. */
static void drop_digits(struct rtp_leg *r)
{
	const struct rtp_set *set = r->set;
	uint32_t dur_ms;
	char digit;

	if (set->prm.event_pt_tx >= 0 || (set->inband && set->inband->says))
		return;

	while (event_tx_take(&r->tx.event, &digit, &dur_ms))
		;
}

void rtp_tx_set(struct rtp_leg *r, const struct rtp_set *old)
{
	const struct codec *c = &r->set->tx;
	bool same = old && old->group == r->set->group;

	/* keep_codecs() saw to its own encoder; its peer heard another one. */
	if (!same) {
		if (r->leg.shared)
			r->tx.virgin = true;
		r->leg.shared = NULL;
		r->tx.common = 0;
	}

	drop_digits(r);
	cut_reset(&r->tx.cut);
	if (!c->ops)
		return;

	r->tx.clock_hz = c->clock_hz;
	cut_init(&r->tx.cut, c->rate_hz);
	if (!old || !old->tx.ops || !codec_same(c, &old->tx))
		r->tx.virgin = true;
}
