/* SPDX-License-Identifier: MIT */
/*
 * All time is CLOCK_MONOTONIC plus an offset that is fixed once: the wall
 * clock may be set at any time, and a round trip must not jump with it.
 *
 * A report is sent at once and not with the packets of the tick: its NTP time
 * shall be the time that it leaves, and it is rare.
 */

#include <math.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <re.h>

#include "node/media/emodel.h"
#include "node/media/encgroup.h"
#include "node/media/rtp.h"
#include "node/media/mix.h"
#include "node/media/packet.h"
#include "node/media/rtp_rtcp.h"
#include "node/media/worker.h"

enum {
	READ_MAX = 4,	 /* packets a look: a flood's limit             */
	UDP_BYTES = 28,	 /* IPv4 and UDP, for the share of bandwidth    */
	AVG_BYTES = 120, /* a guess, before anything was sent           */
	RTP_BYTES_SHARE = 16000, /* bit/s of headers at 50 packets/s        */
	XR_UNKNOWN = 127, /* RFC 3611 4.7: not measured                  */
	XR_CONFIG = 0x38, /* PLC standard, jitter buffer adaptive        */
};

static uint64_t now_us(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);

	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

static uint32_t rnd(struct rtp_rtcp *c)
{
	c->rnd ^= c->rnd << 13;
	c->rnd ^= c->rnd >> 17;
	c->rnd ^= c->rnd << 5;

	return c->rnd;
}

static uint64_t ntp_of(const struct rtp_rtcp *c, uint64_t mono_us)
{
	return rtcp_ntp(mono_us + (uint64_t)c->epoch_us);
}

struct rtp_rtcp *rtp_rtcp_alloc(const char *cname)
{
	struct rtp_rtcp *c = mem_zalloc(sizeof(*c), NULL);
	struct timespec ts;

	if (!c)
		return NULL;

	(void)clock_gettime(CLOCK_REALTIME, &ts);
	c->epoch_us = (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000 -
		      (int64_t)now_us();
	str_ncpy(c->cname, cname, sizeof(c->cname));
	c->fd = -1;
	c->rnd = rand_u32() | 1;
	c->avg_bytes = AVG_BYTES + UDP_BYTES;

	return c;
}

/* --- sending */

static uint32_t bandwidth_bps(const struct rtp_leg *r)
{
	const struct codec *c = &r->set->tx;

	if (c->ops == &codec_opus)
		return c->prm.bitrate_bps + RTP_BYTES_SHARE;

	return (c->ops == &codec_l16 ? 16 * c->rate_hz : 64000) +
	       RTP_BYTES_SHARE;
}

static void schedule(struct rtp_leg *r, uint64_t from_us)
{
	struct rtp_rtcp *c = r->rtcp;

	c->due_us =
	    from_us + 1000ull * rtcp_interval_ms(bandwidth_bps(r), c->avg_bytes,
						 !c->told, rnd(c));
}

static void count_size(struct rtp_rtcp *c, size_t len)
{
	c->avg_bytes = (15 * c->avg_bytes + (uint32_t)len + UDP_BYTES) / 16;
}

/* The codec that arrives, or NULL. */
static const struct codec *codec_in(const struct rtp_leg *r)
{
	return r->rx.codec >= 0 ? &r->set->rxv[r->rx.codec] : NULL;
}

static bool report_fill(struct rtp_leg *r, struct rtcp_report *rep,
			uint64_t at_us)
{
	const struct codec *in = codec_in(r);
	struct rtp_rtcp *c = r->rtcp;

	if (!rtcp_source_report(&c->source, rep))
		return false;

	rep->jitter_ts = in ? (uint32_t)(jitter_jitter_ms(&r->rx.jitter) *
					 (float)in->clock_hz / 1000)
			    : 0;
	rep->lsr = c->lsr;
	rep->dlsr =
	    c->lsr ? (uint32_t)(((at_us - c->lsr_us) << 16) / 1000000) : 0;

	return true;
}

/* The clock of the stream goes on between the passes of its mix, and while
 * that sleeps: ts is that of the tick after the last pass. */
static bool sender_fill(const struct rtp_leg *r, struct rtcp_sender *snd,
			uint64_t at_us)
{
	const struct rtp_rtcp *c = r->rtcp;
	const struct codec *tx = &r->set->tx;
	uint64_t since_us;

	if (!tx->ops || !r->leg.bus->run_us || c->packets == c->packets_told)
		return false;

	since_us = at_us - r->leg.bus->run_us - 1000ull * MEDIA_TICK_MS;
	snd->ntp = ntp_of(c, at_us);
	snd->ts = r->tx.ts + (uint32_t)(since_us * tx->clock_hz / 1000000);
	snd->packets = c->packets;
	snd->bytes = c->bytes;

	return true;
}

static uint8_t level(float power)
{
	return power > 1e-9f ? (uint8_t)(int8_t)(10 * log10f(power))
			     : XR_UNKNOWN;
}

static uint8_t mos10(float mos)
{
	return (uint8_t)(mos * 10 + 0.5f);
}

/* Lost or late since the start, and not brought back by FEC [%]. */
static float heard_loss(const struct rtp_leg *r)
{
	const struct rtcp_source *s = &r->rtcp->source;
	uint64_t expected = rtcp_source_expected(s);
	int64_t missing = rtcp_source_lost(s) + (int64_t)s->discarded -
			  (int64_t)stat_get(r->leg.stat.rx_recovered);

	return expected && missing > 0 ? 100 * (float)missing / (float)expected
				       : 0;
}

/* RFC 3611 4.7: how it sounds here. */
static bool voip_fill(const struct rtp_leg *r, struct rtcp_voip *v)
{
	const struct leg_stat *st = &r->leg.stat;
	const struct rtcp_source *s = &r->rtcp->source;
	const struct codec *in = codec_in(r);
	uint32_t depth = stat_get(st->depth_ms);
	uint32_t target = stat_get(st->target_ms);
	uint32_t rtt_ms = stat_get(st->round_trip_us) / 1000;
	struct emodel_in e = {.burst_ratio = rtcp_burst_ratio(&s->loss)};
	struct emodel_out q;

	if (!r->set->prm.rtcp_xr || !s->valid || !in)
		return false;

	rtcp_source_voip(s, v, MEDIA_TICK_MS);
	v->ssrc = s->ssrc;
	v->round_trip_ms = (uint16_t)MIN(rtt_ms, 0xffffu);
	v->end_system_ms = (uint16_t)(depth + MEDIA_TICK_MS);
	v->signal_dbm = (int8_t)level(stat_get(st->power_in));
	v->noise_dbm = XR_UNKNOWN;
	v->rerl_db = XR_UNKNOWN;
	v->ext_r = XR_UNKNOWN;
	v->config = XR_CONFIG;
	v->jb_nominal_ms = (uint16_t)target;
	v->jb_maximum_ms = (uint16_t)MAX(target, depth);
	v->jb_abs_max_ms = JITTER_DEPTH_MAX_MS;

	e.codec = in->prm.id;
	e.loss_percent = heard_loss(r);
	e.delay_ms = (float)(rtt_ms / 2 + depth + MEDIA_TICK_MS);
	emodel_rate(&q, &e);
	/* One byte, and 127 means unknown: a wideband R is brought to it. */
	v->r = (uint8_t)MIN(q.r, 126);
	v->mos_lq = mos10(q.mos_lq);
	v->mos_cq = mos10(q.mos_cq);

	return true;
}

static void transmit(struct rtp_leg *r, bool bye)
{
	struct rtp_rtcp *c = r->rtcp;
	uint64_t at_us = now_us();
	struct rtcp_report rep;
	struct rtcp_sender snd;
	struct rtcp_voip voip;
	struct rtcp_out out = {
	    .ssrc = r->tx.ssrc, .cname = c->cname, .bye = bye};
	uint8_t buf[RTCP_BYTES + SRTP_CTX_GROW];
	struct srtp_ctx *srtp = r->set->srtp.tx;
	const struct sa *dst;
	size_t len;

	out.sender = sender_fill(r, &snd, at_us) ? &snd : NULL;
	out.report = report_fill(r, &rep, at_us) ? &rep : NULL;
	out.voip = voip_fill(r, &voip) ? &voip : NULL;
	len = rtcp_print(buf, &out);
	if (srtp && srtp_ctx_protect_rtcp(srtp, buf, &len, sizeof(buf)))
		return;

	dst = c->fd >= 0 ? &c->dst : rtp_leg_dst(r);
	if (sendto(c->fd >= 0 ? c->fd : r->fd, buf, len, 0, &dst->u.sa,
		   dst->len) < 0)
		return;

	c->told = true;
	c->packets_told = c->packets;
	count_size(c, len);
	stat_inc(r->leg.stat.rtcp_tx);
}

static bool may_send(const struct rtp_leg *r)
{
	return r->rtcp && r->set && r->set->prm.rtcp != MEDIA_RTCP_OFF &&
	       sa_isset(&r->rtcp->dst, SA_ALL);
}

void rtp_rtcp_bye(struct rtp_leg *r)
{
	/* Who never said anything does not say good-bye (RFC 3550 6.3.7). */
	if (may_send(r) && (r->rtcp->told || r->rtcp->packets))
		transmit(r, true);
}

/* --- receiving */

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
	int64_t rtt_us = rtcp_round_trip_us(rep, ntp_of(c, at_us));

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
	count_size(c, len);

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

/* --- both */

static void publish(struct rtp_leg *r)
{
	const struct rtcp_loss *l = &r->rtcp->source.loss;
	const struct codec *in = codec_in(r);
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
	if (!may_send(r))
		return;

	if (!c->due_us) {
		/* The first time: legs that began together spread out. */
		c->next_us = t->now_us + rnd(c) % (1000ull * RTCP_LOOK_MS);
		schedule(r, t->now_us);
	} else if (t->now_us >= c->due_us) {
		transmit(r, false);
		schedule(r, t->now_us);
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
