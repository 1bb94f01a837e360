/* SPDX-License-Identifier: MIT */
/*
 * What comes of an RTP leg's RTCP, and its clock.
 *
 * All time is CLOCK_MONOTONIC plus an offset that is fixed once: the wall
 * clock may be set at any time, and a round trip must not jump with it.
 */

#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <re.h>

#include "node/media/clock.h"
#include "node/media/encgroup.h"
#include "node/media/packet.h"
#include "node/media/rtp_rtcp.h"
#include "node/media/worker.h"

enum {
	READ_MAX = 4,	 /* packets a look: a flood's limit             */
	AVG_BYTES = 120, /* a guess, before anything was sent           */
};

struct rtp_rtcp *rtp_rtcp_alloc(const char *cname)
{
	struct rtp_rtcp *c = mem_zalloc(sizeof(*c), NULL);
	struct timespec ts;

	if (!c)
		return NULL;

	(void)clock_gettime(CLOCK_REALTIME, &ts);
	c->epoch_us = (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000 -
		      (int64_t)clock_now_us();
	str_ncpy(c->cname, cname, sizeof(c->cname));
	c->fd = -1;
	c->rnd = rand_u32() | 1;
	c->avg_bytes = AVG_BYTES + RTCP_UDP_BYTES;

	return c;
}

static void adapt_encoder(struct rtp_leg *r)
{
	const struct codec *c = &r->set->tx;
	const struct adapt *a = &r->rtcp->adapt;

	if (c->ops && c->ops->adapt)
		c->ops->adapt(c->st, a->percent, a->fec && c->prm.fec,
			      a->bitrate_bps ? a->bitrate_bps
					     : c->prm.bitrate_bps);
}

/* What the peer says of our stream. */
static void take_report(struct rtp_leg *r, const struct rtcp_report *rep,
			uint64_t at_us)
{
	struct rtp_rtcp *c = r->rtcp;
	struct leg_stat *st = &r->leg.stat;
	const struct codec *tx = &r->set->tx;
	int64_t rtt_us = rtcp_round_trip_us(rep, rtp_rtcp_ntp(c, at_us));

	if (rtt_us >= 0)
		stat_set(st->round_trip_us, (uint32_t)MAX(rtt_us, 1));

	stat_set(st->peer_loss_percent, (float)rep->fraction * 100 / 256);
	if (tx->ops)
		stat_set(st->peer_jitter_ms,
			 (float)rep->jitter_ts * 1000 / (float)tx->clock_hz);

	if (adapt_report(&c->adapt, rep->fraction, tx->prm.bitrate_bps))
		adapt_encoder(r);

	if (r->leg.shared && r->set->group)
		encgroup_adapt(r->set->group, c->adapt.percent, at_us);
}

/* Under the key of before, until the first packet under a new one came. */
static int unprotect(struct rtp_srtp *s, uint8_t *buf, size_t *lenp)
{
	uint8_t copy[PACKET_BYTES];
	size_t len = *lenp;
	int err;

	if (!s->prev || s->settled)
		return srtp_ctx_unprotect_rtcp(s->rx, buf, lenp);

	/* A try spoils the packet. */
	memcpy(copy, buf, len);
	err = srtp_ctx_unprotect_rtcp(s->rx, buf, lenp);
	if (!err)
		return 0;

	memcpy(buf, copy, len);
	*lenp = len;

	return srtp_ctx_unprotect_rtcp(s->prev, buf, lenp);
}

/* True: it was valid. */
static bool take(struct rtp_leg *r, uint8_t *buf, size_t len, uint64_t at_us,
		 struct worker *w)
{
	struct rtp_rtcp *c = r->rtcp;
	struct leg_stat *st = &r->leg.stat;
	struct rtcp_in in;

	if (r->set->srtp.rx && unprotect(&r->set->srtp, buf, &len)) {
		stat_inc(st->rx_auth_failed);
		return false;
	}

	if (rtcp_parse(&in, buf, len, r->tx.ssrc)) {
		rtp_rx_invalid(r, w);
		return false;
	}

	stat_inc(st->rtcp_rx);
	rtp_rtcp_count(c, len);

	/* Of the stream that we hear; another one of the peer is none of
	 * ours. */
	if (in.has_sender && (!c->source.valid || in.ssrc == c->source.ssrc)) {
		c->lsr = rtcp_ntp_mid(in.sender.ntp);
		c->lsr_us = at_us;
	}

	if (in.has_report)
		take_report(r, &in.report, at_us);

	if (in.has_voip && in.voip.mos_lq >= 10 && in.voip.mos_lq <= 50)
		stat_set(st->peer_mos_lq, (float)in.voip.mos_lq / 10);

	return true;
}

bool rtp_rtcp_muxed(struct rtp_leg *r, struct msghdr *hdr, struct packet *pkt,
		    const struct tick *t)
{
	if (!r->rtcp || !rtcp_is(pkt->data, pkt->len))
		return false;

	if (!(hdr->msg_flags & MSG_TRUNC) &&
	    source_is_host(&r->rx.source, hdr->msg_name))
		(void)take(r, pkt->data, pkt->len, rtp_rx_arrival_us(hdr, t),
		  t->w);

	return true;
}

/* From the host that the media comes from; the port may be any. */
static void look_one(struct rtp_leg *r, struct msghdr *hdr, uint8_t *buf,
		     size_t len, const struct tick *t)
{
	if (hdr->msg_flags & MSG_TRUNC ||
	    !source_is_host(&r->rx.source, hdr->msg_name)) {
		rtp_rx_invalid(r, t->w);
		return;
	}

	if (!take(r, buf, len, rtp_rx_arrival_us(hdr, t),
		  t->w))
		return;

	/* Behind NAT it is not where it says (RFC 4961). */
	if (!r->set->prm.asymmetric)
		(void)sa_set_sa(&r->rtcp->dst, hdr->msg_name);
}

static void look(struct rtp_leg *r, const struct tick *t)
{
	struct rtp_rtcp *c = r->rtcp;
	struct rxbatch *rx = &t->w->rx;
	struct msghdr *hdr = &rx->msgv[0].msg_hdr;
	ssize_t n;
	int i;

	for (i = 0; i < READ_MAX; i++) {

		n = recvmsg(c->fd, hdr, 0);
		if (n < 0)
			return;

		look_one(r, hdr, rx->pktv[0]->data, (size_t)n, t);
		hdr->msg_namelen = sizeof(rx->srcv[0]);
		hdr->msg_controllen = sizeof(rx->ctlv[0]);
	}
}

static void publish(struct rtp_leg *r)
{
	const struct rtcp_loss *l = &r->rtcp->source.loss;
	const struct codec *in = rtp_rtcp_codec_in(r);
	struct leg_stat *st = &r->leg.stat;

	stat_set(st->loss_packets, l->packets);
	stat_set(st->loss_missing, l->missing);
	stat_set(st->loss_runs, l->runs);
	if (in)
		stat_set(st->codec_in, (uint32_t)in->prm.id + 1);
}

void rtp_rtcp_tick(struct rtp_leg *r, const struct tick *t)
{
	struct rtp_rtcp *c = r->rtcp;

	c->next_us = t->now_us + 1000ull * RTCP_LOOK_MS;
	if (!r->set)
		return;

	if (c->fd >= 0)
		look(r, t);

	publish(r);
	if (!rtp_rtcp_may_send(r))
		return;

	if (!c->due_us) {
		/* The first time: legs that began together spread out. */
		c->next_us = t->now_us + rtp_rtcp_rnd(c) % (1000ull * RTCP_LOOK_MS);
		rtp_rtcp_schedule(r, t->now_us);
	} else if (t->now_us >= c->due_us) {
		rtp_rtcp_transmit(r, false);
		rtp_rtcp_schedule(r, t->now_us);
	}
}

void rtp_rtcp_set(struct rtp_leg *r)
{
	const struct media_rtp_params *prm = &r->set->prm;
	struct rtp_rtcp *c = r->rtcp;
	bool mux = prm->rtcp == MEDIA_RTCP_MUX;

	if (!c)
		return;

	c->fd = mux ? -1 : r->set->rtcp_fd;
	sa_init(&c->dst, AF_UNSPEC);

	/* Its own port or none: not from the port of RTP. */
	if (prm->rtcp == MEDIA_RTCP_OFF || (!mux && c->fd < 0) ||
	    !sa_isset(&prm->raddr, SA_ALL))
		return;

	c->dst = mux || !sa_isset(&prm->rtcp_raddr, SA_ALL) ? prm->raddr
							    : prm->rtcp_raddr;
	if (!mux && !sa_isset(&prm->rtcp_raddr, SA_ALL))
		sa_set_port(&c->dst, (uint16_t)(sa_port(&prm->raddr) + 1));

	adapt_encoder(r);
}
