/* SPDX-License-Identifier: MIT */
/* What an offer and its answer mean for the media engine. */

#include <string.h>
#include <re.h>

#include "node/sip/session_impl.h"

static void codec_set(const struct session *s, struct media_codec *c,
		      const struct format *f, int pt, const char *fmtp,
		      uint32_t ptime_ms)
{
	struct pl params, val;

	memset(c, 0, sizeof(*c));
	c->id = f->id;
	c->pt = (uint8_t)pt;
	c->clock_hz = f->clock_hz;
	c->ptime_ms = ptime_ms;
	c->complexity = -1;

	if (f->id != MEDIA_OPUS)
		return;

	c->bitrate_bps = s->conf.opus_bitrate_bps;
	if (!fmtp)
		return;

	pl_set_str(&params, fmtp);
	c->fec = fmt_param_get(&params, "useinbandfec", &val) &&
		 !pl_strcmp(&val, "1");
	c->dtx = fmt_param_get(&params, "usedtx", &val) &&
		 !pl_strcmp(&val, "1");
	if (fmt_param_get(&params, "maxaveragebitrate", &val)) {
		uint32_t bps = pl_u32(&val);

		if (bps >= 6000 &&
		    (!c->bitrate_bps || bps < c->bitrate_bps))
			c->bitrate_bps = bps;
	}
}

/* The clock that fits the codec counts; the other may arrive, too. */
static void event_rx_add(struct media_rtp_params *prm, int pt,
			 uint32_t clock_hz)
{
	const bool first = prm->event_pt_rx < 0;

	if (!first && clock_hz != prm->tx.clock_hz) {
		prm->event2_pt_rx = pt;
		prm->event2_clock_hz = clock_hz;
		return;
	}

	if (!first) {
		prm->event2_pt_rx = prm->event_pt_rx;
		prm->event2_clock_hz = prm->event_clock_hz;
	}

	prm->event_pt_rx = pt;
	prm->event_clock_hz = clock_hz;
}

/* Payload types that may arrive: those of our own description. */
static void collect_rx(const struct session *s, const struct round *r,
		       struct media_rtp_params *prm)
{
	const struct list *lst = sdp_media_format_lst(r->audio, true);
	const struct le *le;

	for (le = list_head(lst); le; le = le->next) {
		const struct sdp_format *lf = le->data;
		const struct format *f = lf->data;

		if (!lf->sup)
			continue;

		if (f->event)
			event_rx_add(prm, lf->pt, f->clock_hz);
		else if (f->noise)
			prm->cn_rx = true;
		else if (prm->rxc < ARRAY_SIZE(prm->rxv)) {
			codec_set(s, &prm->rxv[prm->rxc++], f, lf->pt,
				  lf->rparams, r->ptime_ms);
		}
	}
}

/* What we send: the first codec in the peer's order that we know. */
static const struct format *collect_tx(const struct session *s,
				       const struct round *r,
				       struct media_rtp_params *prm)
{
	const struct list *lst = sdp_media_format_lst(r->audio, false);
	const struct format *tx = NULL;
	const struct le *le;

	for (le = list_head(lst); le; le = le->next) {
		const struct sdp_format *rf = le->data;
		const struct format *f = rf->data;

		if (!rf->sup || f->event || f->noise || tx)
			continue;

		tx = f;
		codec_set(s, &prm->tx, f, rf->pt, rf->params, r->ptime_ms);
	}

	return tx;
}

static void collect_event_tx(const struct round *r,
			     struct media_rtp_params *prm)
{
	const struct list *lst = sdp_media_format_lst(r->audio, false);
	const struct le *le;

	for (le = list_head(lst); le; le = le->next) {
		const struct sdp_format *rf = le->data;
		const struct format *f = rf->data;

		if (rf->sup && f->event && f->clock_hz == prm->event_clock_hz)
			prm->event_pt_tx = rf->pt;
	}
}

/* Our offers have rtcp-mux always, our answers if the offer had. */
static void collect_rtcp(const struct round *r, const struct sa *raddr,
			 struct media_rtp_params *prm)
{
	const struct sdptext_rtcp *rtcp = &r->rtcp;

	if (r->rtc) {
		prm->rtcp = MEDIA_RTCP_MUX; /* RFC 8834 4.5 */
		sa_init(&prm->rtcp_raddr, AF_INET);
		return;
	}

	prm->rtcp = rtcp->no_rs && rtcp->no_rr ? MEDIA_RTCP_OFF :
		    rtcp->mux		       ? MEDIA_RTCP_MUX :
						 MEDIA_RTCP_PORT;
	prm->rtcp_xr = rtcp->voip;
	sa_init(&prm->rtcp_raddr, AF_INET);
	if (!rtcp->port || rtcp->mux || !sa_isset(raddr, SA_ADDR))
		return;

	/* What names another family is left out: it could not be sent. */
	prm->rtcp_raddr = sa_isset(&rtcp->addr, SA_ADDR) &&
					  sa_af(&rtcp->addr) == sa_af(raddr) ?
				  rtcp->addr : *raddr;
	sa_set_port(&prm->rtcp_raddr, rtcp->port);
}

int session_agree(const struct session *s, const struct round *r,
		 struct agreement *a)
{
	const struct sa *raddr = sdp_media_raddr(r->audio);
	enum sdp_dir rdir = sdp_media_rdir(r->audio);
	bool off = !sa_port(raddr);

	memset(a, 0, sizeof(*a));
	sa_init(&a->prm.raddr, AF_INET);
	a->prm.event_pt_rx = a->prm.event_pt_tx = -1;

	if (off) {
		/* The peer takes its stream away; it may give it back by a
		 * later offer, so this is a hold (RFC 3264 8.2). */
		if (!s->ready)
			return ENOTSUP;
		a->prm = s->prm;
		a->tx = s->tx;
		a->prm.send = a->prm.recv = false;
		a->remote_hold = true;
		return 0;
	}

	a->tx = collect_tx(s, r, &a->prm);
	if (!a->tx)
		return ENOTSUP;

	collect_rx(s, r, &a->prm);
	collect_event_tx(r, &a->prm);
	collect_rtcp(r, raddr, &a->prm);

	/* RFC 2543's hold: nothing may be sent to 0.0.0.0.  With ICE it means
	 * that there is no candidate yet, and no address here means anything. */
	if (r->rtc)
		;
	else if (sa_isset(raddr, SA_ADDR))
		a->prm.raddr = *raddr;
	else
		rdir = (enum sdp_dir)(rdir & ~SDP_SENDONLY);

	a->remote_hold = !(rdir & SDP_SENDONLY);
	a->prm.send = rdir & SDP_SENDONLY;
	a->prm.recv = !r->hold && (rdir & SDP_RECVONLY);

	return 0;
}

int session_check_line(const struct session *s, const struct sdptext_media *m)
{
	if (!m->port || session_rtc_takes(s, m))
		return 0;

	if (!m->has_addr)
		return EBADMSG;

	if (m->named)
		return ENOTSUP; /* no name is resolved on the way of a call */

	if (sa_isset(&m->addr, SA_ADDR) &&
	    sa_af(&m->addr) != sa_af(&s->conf.laddr))
		return ENOTSUP;

	return 0;
}

int session_offer_af(const struct mbuf *offer)
{
	struct sdptext t;
	int af = AF_UNSPEC;

	if (!offer || sdptext_read(&t, offer))
		return AF_UNSPEC;

	for (size_t i = 0; i < t.mc && af == AF_UNSPEC; i++) {
		const struct sdptext_media *m = &t.mv[i];

		if (!strcmp(m->name, "audio") && m->port && m->has_addr &&
		    !m->named && !sdprtc_is_proto(m->proto))
			af = sa_af(&m->addr);
	}

	sdptext_close(&t);

	return af;
}

const char *session_why_no_line(const struct session *s,
				const struct sdptext *t)
{
	const struct sdptext_media *m = NULL;
	size_t i;

	for (i = 0; i < t->mc && !m; i++) {
		if (!strcmp(t->mv[i].name, "audio") && t->mv[i].port)
			m = &t->mv[i];
	}

	if (!m)
		return "304 switchyard \"no audio line with a port\"";

	if (!m->has_addr)
		return "399 switchyard \"no c= line for the audio\"";

	if (session_check_line(s, m))
		return m->named ? "302 switchyard \"c= has a name: an address "
				  "is wanted\""
				: "301 switchyard \"c= has an address of a "
				  "family that is not served here\"";

	if (sdprtc_is_proto(m->proto))
		return session_rtc_why(s, m);

	if (!session_srtp_known(m))
		return "302 switchyard \"transport not known; RTP/AVP, "
		       "RTP/AVPF, RTP/SAVP, RTP/SAVPF and UDP/TLS/RTP/SAVPF "
		       "are\"";

	return s->conf.srtp == SESSION_SRTP_OFF
		       ? "302 switchyard \"SRTP is switched off for this "
			 "party\""
	       : s->conf.srtp == SESSION_SRTP_REQUIRED
		       ? "302 switchyard \"SRTP is required\""
		       : "302 switchyard \"RTP/SAVP without a usable "
			 "a=crypto\"";
}

/* The first audio line that is on and gives SRTP, or gives none. */
static int choose_on(const struct session *s, const struct sdptext *t,
		     bool secure, size_t *ip)
{
	size_t i;
	int err = ENOTSUP;

	for (i = 0; i < t->mc && err; i++) {
		const struct sdptext_media *m = &t->mv[i];

		if (strcmp(m->name, "audio") || !m->port ||
		    !session_srtp_takes(s, m, secure))
			continue;

		*ip = i;
		err = session_check_line(s, m);
	}

	return err;
}

/* It would do, but for SRTP. */
static int choose_none(const struct session *s, const struct sdptext *t)
{
	size_t i;

	if (s->conf.srtp != SESSION_SRTP_REQUIRED)
		return ENOTSUP;

	for (i = 0; i < t->mc; i++) {
		const struct sdptext_media *m = &t->mv[i];

		if (!strcmp(m->name, "audio") && m->port &&
		    session_srtp_known(m) && !sdprtc_is_proto(m->proto) &&
		    !session_srtp_takes(s, m, true))
			return EPROTONOSUPPORT;
	}

	return ENOTSUP;
}

/* Which m line of an offer we take: the first audio that is on, one with SRTP
 * before others; once something was negotiated also one that is off. */
int session_choose_line(const struct session *s, const struct sdptext *t,
		       size_t *ip)
{
	size_t i;
	int err, plain;

	err = choose_on(s, t, true, ip);
	if (err) {
		plain = choose_on(s, t, false, ip);
		if (plain != ENOTSUP)
			err = plain;
	}

	if (err == ENOTSUP)
		err = choose_none(s, t);

	for (i = 0; i < t->mc && err == ENOTSUP && s->ready; i++) {
		const struct sdptext_media *m = &t->mv[i];

		if (strcmp(m->name, "audio") || !session_srtp_known(m) ||
		    m->port)
			continue;

		*ip = i;
		err = 0;
	}

	return err;
}
