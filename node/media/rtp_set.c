/* SPDX-License-Identifier: MIT */
/*
 * What was negotiated for an RTP leg.  Signalling makes a whole set with its
 * codecs ready; the worker puts it into force and moves into it what goes on
 * (states of codecs, keys, the audio so far); the old one goes back.
 */

#include <string.h>
#include <re.h>

#include "node/media/cng.h"
#include "node/media/encgroup.h"
#include "node/media/engine.h"
#include "node/media/mix.h"
#include "node/media/plc.h"
#include "node/media/rtp.h"
#include "node/media/rtp_leg.h"
#include "node/media/rtp_rtcp.h"

static void destructor(void *arg)
{
	struct rtp_set *set = arg;
	size_t i;

	encgroup_leave(set->group);
	rtp_srtp_close(&set->srtp, &set->prm);
	mem_deref(set->rtcp);
	mem_deref(set->inband);
	codec_close(&set->tx);
	for (i = 0; i < set->prm.rxc; i++)
		codec_close(&set->rxv[i]);

	mem_deref(set->plc);
	mem_deref(set->cng);
}

/* --- worker */

/* What was heard so far is where concealment goes on from. */
static void keep_plc(struct rtp_set *set, struct rtp_set *old)
{
	struct plc *plc = set->plc;
	struct cng *cng = set->cng;

	if (plc && old->plc && old->plc_bytes >= set->plc_bytes) {
		set->plc = old->plc;
		set->plc_bytes = old->plc_bytes;
		set->plc_new = old->plc_new;
		old->plc = plc;
	}

	if (cng && old->cng) {
		set->cng = old->cng;
		old->cng = cng;
	}
}

/* Move the states of codecs that go on. */
static void keep_codecs(struct rtp_set *set, struct rtp_set *old)
{
	size_t i, k;

	if (set->tx.ops && old->tx.ops && codec_same(&set->tx, &old->tx)) {
		void *st = set->tx.st;

		set->tx.st = old->tx.st;
		old->tx.st = st;
	}

	for (i = 0; i < set->prm.rxc; i++) {
		for (k = 0; k < old->prm.rxc; k++) {
			void *st = set->rxv[i].st;

			if (!codec_same(&set->rxv[i], &old->rxv[k]))
				continue;

			set->rxv[i].st = old->rxv[k].st;
			old->rxv[k].st = st;
			old->rxv[k].ops = NULL;
			break;
		}
	}
}

/* Media that comes later than this pass is judged by the new signalling. */
static void set_source(struct rtp_leg *r, const struct media_rtp_params *prm)
{
	if (!source_signal(&r->rx.source, &prm->raddr, prm->relearn,
			   media_now_ms() * 1000)) {
		r->tx.latched = false;
		flood_open(&r->rx.flood, r->fd, &r->rx.source);
	}

	if (prm->asymmetric)
		r->tx.latched = false;
}

void *rtp_set_take(struct rtp_leg *r, struct rtp_set *set)
{
	struct rtp_set *old = r->set;

	if (old) {
		keep_codecs(set, old);
		rtp_srtp_keep(set, old);
		inband_keep(set->inband, old->inband);
		keep_plc(set, old);
	}

	r->set = set;
	set_source(r, &set->prm);
	if (set->rtcp && !r->rtcp) {
		r->rtcp = set->rtcp;
		set->rtcp = NULL;
	}
	rtp_rx_set(r, old);
	rtp_tx_set(r, old);
	rtp_rtcp_set(r);

	return old;
}

/* --- signalling */

static void default_jitter(const struct media *m,
			   struct media_rtp_params *prm)
{
	if (prm->jitter_ms || prm->jitter_min_ms || prm->jitter_max_ms)
		return;

	prm->jitter_ms = m->conf.jitter_ms;
	prm->jitter_min_ms = m->conf.jitter_min_ms;
	prm->jitter_max_ms = m->conf.jitter_max_ms;
}

static void default_opus(const struct media *m, struct media_codec *c)
{
	if (c->id != MEDIA_OPUS)
		return;

	if (c->complexity < 0 || c->complexity > 10)
		c->complexity = m->conf.opus_complexity;
	if (!c->bitrate_bps)
		c->bitrate_bps = m->conf.opus_bitrate_bps;
}

static int set_tx(struct rtp_set *set, struct mix *mix)
{
	const struct media *m = mix->m;
	struct media_codec prm = set->prm.tx;
	int err;

	/* Nothing to send and nothing named: all right. */
	if (!set->prm.send && !prm.clock_hz)
		return 0;

	default_opus(m, &prm);
	err = codec_init(&set->tx, &prm);
	if (!err)
		err = codec_enc_alloc(&set->tx);
	if (!err)
		err = encgroup_join(&set->group, &mix->groupl, &set->tx);
	if (err)
		codec_close(&set->tx);
	if (err)
		set->tx.ops = NULL;

	return err;
}

/* Concealment for codecs that have none, and the peer's comfort noise. */
static int set_plc(struct rtp_set *set)
{
	size_t i;

	for (i = 0; i < set->prm.rxc; i++) {
		const struct codec *c = &set->rxv[i];

		if (!c->ops->conceal)
			set->plc_bytes = MAX(set->plc_bytes,
					     plc_size(c->rate_hz));
	}

	if (set->plc_bytes) {
		set->plc_new = true;
		set->plc = mem_alloc(set->plc_bytes, NULL);
		if (!set->plc)
			return ENOMEM;
	}

	if (set->prm.cn_rx && set->ptv[RTP_PT_CN] == PT_UNKNOWN) {
		set->ptv[RTP_PT_CN] = PT_CN;
		set->cng = mem_alloc(sizeof(*set->cng), NULL);
		if (!set->cng)
			return ENOMEM;
		cng_init(set->cng, rand_u32());
	}

	return 0;
}

static int set_rx(struct rtp_set *set)
{
	size_t i;
	int err;

	memset(set->ptv, PT_UNKNOWN, sizeof(set->ptv));
	if (set->prm.event_pt_rx >= 0)
		set->ptv[set->prm.event_pt_rx] = PT_EVENT;
	if (set->prm.event2_pt_rx > 0)
		set->ptv[set->prm.event2_pt_rx] = PT_EVENT2;

	for (i = 0; i < set->prm.rxc; i++) {

		err = codec_init(&set->rxv[i], &set->prm.rxv[i]);
		if (!err)
			err = codec_dec_alloc(&set->rxv[i]);
		if (err)
			return err;

		set->ptv[set->prm.rxv[i].pt] = (int8_t)i;
	}

	return set_plc(set);
}

/* A port that a stranger holds costs RTCP, not the call. */
static void rtcp_open(struct rtp_leg *r, const struct sa *laddr)
{
	struct sa addr = *laddr;

	if (r->rtcp_fd >= 0)
		return;

	sa_set_port(&addr, (uint16_t)(sa_port(laddr) + 1));
	(void)rtp_leg_open(&r->rtcp_fd, &addr);
}

static int set_rtcp(struct rtp_set *set, struct rtp_leg *r,
		    const struct media_leg *leg)
{
	set->rtcp_fd = -1;
	if (set->prm.rtcp == MEDIA_RTCP_OFF)
		return 0;

	if (set->prm.rtcp == MEDIA_RTCP_PORT)
		rtcp_open(r, &leg->laddr);
	set->rtcp_fd = r->rtcp_fd;

	if (r->rtcp_made)
		return 0;

	set->rtcp = rtp_rtcp_alloc(leg->mix->m->cname);

	return set->rtcp ? 0 : ENOMEM;
}

static bool params_valid(const struct media_rtp_params *prm)
{
	bool events = prm->event_pt_tx >= 0 || prm->event_pt_rx >= 0;

	if (prm->rxc > MEDIA_CODECS_MAX || prm->event_pt_tx > 127 ||
	    prm->event_pt_rx > 127)
		return false;

	if (prm->event2_pt_rx > 127 ||
	    (prm->event2_pt_rx > 0 && (prm->event2_clock_hz < 8000 ||
				       prm->event2_clock_hz > 48000)))
		return false;

	return !events || (prm->event_clock_hz >= 8000 &&
			   prm->event_clock_hz <= 48000);
}

int media_leg_rtp_set(struct media_leg *leg,
		      const struct media_rtp_params *prm)
{
	struct cmd cmd = {.type = CMD_LEG_SET};
	struct rtp_leg *r;
	struct rtp_set *set;
	bool says;
	int err;

	if (!leg || !prm || leg->leg->ops != &rtp_leg_ops || !params_valid(prm))
		return EINVAL;

	if (sa_isset(&prm->raddr, SA_ADDR) &&
	    sa_af(&prm->raddr) != sa_af(&leg->laddr))
		return EINVAL;

	r = (struct rtp_leg *)leg->leg;
	set = mem_zalloc(sizeof(*set), destructor);
	if (!set)
		return ENOMEM;

	set->prm = *prm;
	default_jitter(leg->mix->m, &set->prm);

	err = set_tx(set, leg->mix);
	if (err)
		goto out;

	err = set_rx(set);
	if (!err)
		err = set_rtcp(set, r, leg);
	if (err)
		goto out;

	err = rtp_srtp_init(&set->srtp, prm);
	if (err)
		goto out;

	err = inband_alloc(&set->inband, prm);
	if (err)
		goto out;

	says = set->inband && set->inband->says;

	cmd.obj = leg->leg;
	cmd.ptr = set;
	err = media_cmd(leg->mix->m, leg->mix->w, &cmd);
	if (err)
		goto out;

	r->rtcp_made |= prm->rtcp != MEDIA_RTCP_OFF;
	leg->dtmf = says || (prm->event_pt_tx >= 0 &&
			     prm->dtmf != MEDIA_DTMF_ELSEWHERE);

out:
	if (err)
		mem_deref(set);

	return err;
}
