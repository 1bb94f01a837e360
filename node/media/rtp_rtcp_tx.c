/* SPDX-License-Identifier: MIT */
/*
 * The reports that an RTP leg sends, and when.
 *
 * A report is sent at once and not with the packets of the tick: its NTP time
 * shall be the time that it leaves, and it is rare.
 */

#include <math.h>
#include <sys/socket.h>
#include <re.h>

#include "node/media/clock.h"
#include "node/media/emodel.h"
#include "node/media/mix.h"
#include "node/media/rtp_rtcp.h"
#include "node/media/worker.h"

enum {
	RTP_BYTES_SHARE = 16000, /* bit/s of headers at 50 packets/s        */
	XR_UNKNOWN = 127, /* RFC 3611 4.7: not measured                  */
	XR_CONFIG = 0x38, /* PLC standard, jitter buffer adaptive        */
};

uint32_t rtp_rtcp_rnd(struct rtp_rtcp *c)
{
	c->rnd ^= c->rnd << 13;
	c->rnd ^= c->rnd >> 17;
	c->rnd ^= c->rnd << 5;

	return c->rnd;
}

uint64_t rtp_rtcp_ntp(const struct rtp_rtcp *c, uint64_t mono_us)
{
	return rtcp_ntp(mono_us + (uint64_t)c->epoch_us);
}

static uint32_t bandwidth_bps(const struct rtp_leg *r)
{
	const struct codec *c = &r->set->tx;

	if (c->ops == &codec_opus)
		return c->prm.bitrate_bps + RTP_BYTES_SHARE;

	return (c->ops == &codec_l16 ? 16 * c->rate_hz : 64000) +
	       RTP_BYTES_SHARE;
}

void rtp_rtcp_schedule(struct rtp_leg *r, uint64_t from_us)
{
	struct rtp_rtcp *c = r->rtcp;

	c->due_us =
	    from_us + 1000ull * rtcp_interval_ms(bandwidth_bps(r), c->avg_bytes,
						 !c->told, rtp_rtcp_rnd(c));
}

void rtp_rtcp_count(struct rtp_rtcp *c, size_t len)
{
	c->avg_bytes = (15 * c->avg_bytes + (uint32_t)len + RTCP_UDP_BYTES) / 16;
}

/* The codec that arrives, or NULL. */
const struct codec *rtp_rtcp_codec_in(const struct rtp_leg *r)
{
	return r->rx.codec >= 0 ? &r->set->rxv[r->rx.codec] : NULL;
}

static bool report_fill(struct rtp_leg *r, struct rtcp_report *rep,
			uint64_t at_us)
{
	const struct codec *in = rtp_rtcp_codec_in(r);
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
	snd->ntp = rtp_rtcp_ntp(c, at_us);
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
	const struct codec *in = rtp_rtcp_codec_in(r);
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

void rtp_rtcp_transmit(struct rtp_leg *r, bool bye)
{
	struct rtp_rtcp *c = r->rtcp;
	uint64_t at_us = clock_now_us();
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
	rtp_rtcp_count(c, len);
	stat_inc(r->leg.stat.rtcp_tx);
}

bool rtp_rtcp_may_send(const struct rtp_leg *r)
{
	return r->rtcp && r->set && r->set->prm.rtcp != MEDIA_RTCP_OFF &&
	       sa_isset(&r->rtcp->dst, SA_ALL);
}

void rtp_rtcp_bye(struct rtp_leg *r)
{
	/* Who never said anything does not say good-bye (RFC 3550 6.3.7). */
	if (rtp_rtcp_may_send(r) && (r->rtcp->told || r->rtcp->packets))
		rtp_rtcp_transmit(r, true);
}
