/* SPDX-License-Identifier: MIT */
/*
 * ICE and DTLS joined to a leg: see rtc.h.
 *
 * A peer that has an offer of ours is ahead of its answer: its checks are
 * answered (rtc_expect()), its DTLS waits for the answer, which tells its
 * fingerprint.
 */

#include <re.h>

#include "node/media/aside.h"
#include "node/webrtc/early.h"
#include "node/webrtc/rtc_impl.h"

enum {
	LOOK_MS = 5000,	      /* whether the peer still consents          */
	HANDSHAKE_MS = 30000, /* from rtc_set() until there must be keys  */
};

static void destructor(void *data)
{
	struct rtc *rtc = data;

	rtc_detach(rtc);
	list_flush(&rtc->early);
	mem_deref(rtc->door);
	mem_deref(rtc->dtls);
	mem_deref(rtc->former);
	mem_deref(rtc->ice);
	mem_deref(rtc->id);
	media_srtp_wipe(&rtc->tx);
	media_srtp_wipe(&rtc->rx);
}

static void tell(struct rtc *rtc, enum rtc_event ev)
{
	if (rtc->h && rtc->media)
		rtc->h(ev, rtc->arg);
}

void rtc_fail(struct rtc *rtc, const char *why)
{
	rtc->why = why;
	tell(rtc, RTC_FAILED);
}

bool rtc_is_ready(const struct rtc *rtc)
{
	return rtc && ice_selected(rtc->ice) &&
	       rtc->rx.suite != MEDIA_SRTP_NONE;
}

void rtc_tell_ready(struct rtc *rtc)
{
	if (rtc_is_ready(rtc))
		tell(rtc, RTC_READY);
}

/* --- ICE */

static void ice_send_handler(const struct sa *dst, const uint8_t *p, size_t len,
			     void *arg)
{
	struct rtc *rtc = arg;

	rtc_say(rtc, dst, p, len);
}

static void selected_handler(const struct sa *peer, void *arg)
{
	struct rtc *rtc = arg;

	rtc->from = *peer;
	rtc->has_from = true;
	rtc_join(rtc);
	dtls_start(rtc->dtls);
	rtc_tell_ready(rtc);
}

static void take_stun(struct rtc *rtc, const struct sa *src, const uint8_t *p,
		      size_t len)
{
	const uint64_t now_ms = tmr_jiffies();

	ice_recv(rtc->ice, src, p, len, now_ms);
	if (rtc->offered && ice_is_early(rtc->ice, src))
		(void)door_guest(rtc->offered, src);
	else if (rtc->name && !rtc->keyed && ice_is_checked(rtc->ice, src))
		(void)door_guest(rtc->name, src);
	if (!rtc->silent || !ice_consents(rtc->ice, now_ms))
		return;

	rtc->silent = false;
	rtc_tell_ready(rtc);
}

void rtc_take(struct rtc *rtc, const struct sa *src, const uint8_t *p,
	      size_t len)
{
	const enum aside_kind kind = aside_kind(p[0]);

	mem_ref(rtc);
	if (kind == ASIDE_STUN)
		take_stun(rtc, src, p, len);
	else if (kind == ASIDE_DTLS)
		rtc_dtls_take(rtc, src, p, len);
	mem_deref(rtc);
}

static void aside_handler(const struct sa *src, const uint8_t *p, size_t len,
			  void *arg)
{
	rtc_take(arg, src, p, len);
}

/* --- time */

static void look_handler(void *arg)
{
	struct rtc *rtc = arg;
	const uint64_t now_ms = tmr_jiffies();

	tmr_start(&rtc->tmr, LOOK_MS, look_handler, rtc);
	if (!rtc->keyed) {
		if (now_ms < rtc->until_ms)
			return;
		rtc_fail(rtc, rtc->failed ? "DTLS handshake failed" :
			      ice_selected(rtc->ice) ? "no DTLS from the peer" :
						       "no ICE from the peer");
		return;
	}

	if (!rtc->silent && !ice_consents(rtc->ice, now_ms)) {
		rtc->silent = true;
		tell(rtc, RTC_SILENT);
	}
}

/* --- what the owner wants */

int rtc_alloc(struct rtc **rp, struct dtls_identity *id,
	      struct media_leg *media, rtc_event_h *h, void *arg)
{
	struct rtc *rtc;
	int err;

	if (!rp || !id || !media)
		return EINVAL;

	rtc = mem_zalloc(sizeof(*rtc), destructor);
	if (!rtc)
		return ENOMEM;

	tmr_init(&rtc->tmr);
	rtc->why = "";
	rtc->id = mem_ref(id);
	rtc->media = media;
	rtc->h = h;
	rtc->arg = arg;
	err = ice_alloc(&rtc->ice, ice_send_handler, selected_handler, rtc);
	if (!err)
		err = media_leg_aside(media, aside_handler, rtc);
	if (err)
		mem_deref(rtc);
	else
		*rp = rtc;

	return err;
}

int rtc_expect(struct rtc *rtc, const struct ice_cred *local,
	       const char *former)
{
	int err;

	if (!rtc || !local)
		return EINVAL;

	list_flush(&rtc->early);
	rtc->offered = mem_deref(rtc->offered);
	err = ice_expect(rtc->ice, local, former);
	if (!err)
		err = rtc_door_offered(rtc, local->ufrag);

	return err;
}

static int dtls_anew(struct rtc *rtc, const struct rtc_params *prm)
{
	int err;

	rtc->fp = prm->fp;
	rtc->active = prm->active;
	err = rtc_dtls_new(rtc);
	if (err)
		return err;

	rtc->failed = 0;
	rtc->until_ms = tmr_jiffies() + HANDSHAKE_MS;
	tmr_start(&rtc->tmr, LOOK_MS, look_handler, rtc);

	return 0;
}

static void early_handler(const struct sa *src, const uint8_t *p, size_t len,
			  void *arg)
{
	struct rtc *rtc = arg;

	if (!rtc->keyed)
		rtc_dtls_take(rtc, src, p, len);
}

/* It may have chosen its address before its answer came here. */
static void set_ice(struct rtc *rtc, const struct rtc_params *prm)
{
	const struct sa *peer = ice_selected(rtc->ice);
	struct sa former;

	sa_init(&former, AF_UNSPEC);
	if (peer)
		former = *peer;
	/* What held before, once more: our offer still waits for its answer. */
	if (!ice_set(rtc->ice, &prm->local, &prm->remote))
		return;

	peer = ice_selected(rtc->ice);
	if (peer && !sa_cmp(peer, &former, SA_ALL)) {
		rtc->from = *peer;
		rtc->has_from = true;
		rtc_join(rtc);
	}
	early_play(&rtc->early, early_handler, rtc);
}

int rtc_set(struct rtc *rtc, const struct rtc_params *prm)
{
	int err = 0;

	if (!rtc || !prm || !prm->fp.len)
		return EINVAL;

	if (!rtc->dtls || rtc->active != prm->active ||
	    !dtls_fingerprint_same(&rtc->fp, &prm->fp))
		err = dtls_anew(rtc, prm);
	if (!err)
		err = rtc_door_known(rtc, prm->local.ufrag);
	if (err)
		return err;

	set_ice(rtc, prm);
	if (ice_selected(rtc->ice))
		dtls_start(rtc->dtls);

	return 0;
}

int rtc_fill(const struct rtc *rtc, struct media_rtp_params *prm)
{
	if (!rtc || !prm)
		return EINVAL;

	if (!rtc_is_ready(rtc))
		return EAGAIN;

	prm->raddr = *ice_selected(rtc->ice);
	prm->asymmetric = true; /* ICE says where, not the source lock */
	prm->srtp_tx = rtc->tx;
	prm->srtp_rx = rtc->rx;
	prm->rtcp = MEDIA_RTCP_MUX;
	sa_init(&prm->rtcp_raddr, AF_INET);
	prm->srtp_seek = false; /* both counters begin with the keys */
	if (rtc->silent)
		prm->send = false;

	return 0;
}

void rtc_detach(struct rtc *rtc)
{
	if (!rtc)
		return;

	if (rtc->media)
		(void)media_leg_aside(rtc->media, NULL, NULL);
	rtc->media = NULL;
	/* It may have been set since it was detached before. */
	rtc->name = mem_deref(rtc->name);
	rtc->offered = mem_deref(rtc->offered);
	tmr_cancel(&rtc->tmr);
}

bool rtc_is_alive(const struct rtc *rtc)
{
	return rtc && rtc->keyed && rtc->media &&
	       ice_consents(rtc->ice, tmr_jiffies());
}

const char *rtc_why(const struct rtc *rtc)
{
	return rtc ? rtc->why : "";
}
