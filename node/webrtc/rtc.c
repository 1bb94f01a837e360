/* SPDX-License-Identifier: MIT */
/*
 * ICE and DTLS joined to a leg: see rtc.h.
 *
 * DTLS is heard only from where ICE was: anybody may send a ClientHello to an
 * open port, and the first one would have the association.  A peer that has an
 * offer of ours is ahead of its answer: its checks are answered (rtc_expect()),
 * its DTLS waits for the answer, which tells its fingerprint.
 */

#include <string.h>
#include <re.h>
#include <openssl/crypto.h>

#include "node/media/aside.h"
#include "node/webrtc/early.h"
#include "node/webrtc/rtc.h"

enum {
	LOOK_MS = 5000,	      /* whether the peer still consents          */
	HANDSHAKE_MS = 30000, /* from rtc_set() until there must be keys  */
	HANDSHAKES_MAX = 8,   /* that may fail meanwhile                  */
};

struct rtc {
	struct media_leg *media; /* borrowed; NULL: detached            */
	struct dtls_identity *id;
	struct ice *ice;
	struct dtls *dtls;   /* NULL: before rtc_set()               */
	struct dtls *former; /* replaced, freed with the next one    */
	struct dtls_fingerprint fp;
	bool active;
	struct sa from; /* whom DTLS is with                    */
	bool has_from;
	struct media_srtp tx, rx; /* no suite: not yet                  */
	bool keyed;		  /* by the DTLS of now                   */
	bool silent;		  /* RTC_SILENT was told                  */
	uint64_t until_ms;	  /* there must be keys                   */
	unsigned failed;	  /* handshakes since rtc_set()           */
	struct tmr tmr;
	struct door *door;        /* owned; NULL: the leg has its own port  */
	struct door_name *name;   /* owned; of our user name there          */
	char ufrag[ICE_UFRAG_MAX + 1]; /* ... as it is known there          */
	struct door_name *offered;     /* owned; the same of rtc_expect()   */
	char offered_ufrag[ICE_UFRAG_MAX + 1];
	struct list early; /* DTLS that came before its answer          */
	const char *why;
	rtc_event_h *h;
	void *arg;
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

static void fail(struct rtc *rtc, const char *why)
{
	rtc->why = why;
	tell(rtc, RTC_FAILED);
}

bool rtc_is_ready(const struct rtc *rtc)
{
	return rtc && ice_selected(rtc->ice) &&
	       rtc->rx.suite != MEDIA_SRTP_NONE;
}

static void tell_ready(struct rtc *rtc)
{
	if (rtc_is_ready(rtc))
		tell(rtc, RTC_READY);
}

static void say(const struct rtc *rtc, const struct sa *dst, const uint8_t *p,
		size_t len)
{
	if (!rtc->media)
		return;

	if (rtc->door)
		(void)door_send(rtc->door, dst, p, len);
	else
		(void)media_leg_aside_send(rtc->media, dst, p, len);
}

/* --- DTLS */

static void send_handler(const uint8_t *p, size_t len, void *arg)
{
	struct rtc *rtc = arg;
	const struct sa *dst =
	    rtc->has_from ? &rtc->from : ice_selected(rtc->ice);

	if (dst)
		say(rtc, dst, p, len);
}

/* Its datagrams are the worker's from now on, which has time for them once a
 * tick: too late for a handshake. */
static void join(struct rtc *rtc)
{
	const struct sa *peer = ice_selected(rtc->ice);

	if (!rtc->door || !rtc->media || !rtc->keyed || !peer)
		return;

	(void)media_leg_join(rtc->media, peer);
	if (rtc->name)
		door_guests_leave(rtc->name);
}

static void keys_handler(const struct media_srtp *tx,
			 const struct media_srtp *rx, void *arg)
{
	struct rtc *rtc = arg;

	rtc->tx = *tx;
	rtc->rx = *rx;
	rtc->keyed = true;
	if (ice_select(rtc->ice, &rtc->from))
		return;

	join(rtc);
	tell_ready(rtc);
}

static int dtls_new(struct rtc *rtc);

/* A browser that was offered another node meanwhile checks our addresses
 * before it takes our fingerprint for right, and refuses us: it begins anew
 * once its answer is there. */
static void handshake_failed(struct rtc *rtc)
{
	if (++rtc->failed > HANDSHAKES_MAX || dtls_new(rtc)) {
		fail(rtc, "DTLS handshake failed");
		return;
	}
	if (ice_selected(rtc->ice))
		dtls_start(rtc->dtls);
}

static void end_handler(enum dtls_end why, void *arg)
{
	struct rtc *rtc = arg;

	/* Who says good-bye hangs up, too, or begins anew. */
	if (why == DTLS_END_IMPOSTOR)
		fail(rtc, "certificate of another fingerprint");
	else if (why == DTLS_END_FAILED && !rtc->keyed)
		handshake_failed(rtc);
}

static void take_dtls(struct rtc *rtc, const struct sa *src, const uint8_t *p,
		      size_t len)
{
	if (ice_is_early(rtc->ice, src))
		early_keep(&rtc->early, src, p, len);
	if (!rtc->dtls || !ice_is_checked(rtc->ice, src))
		return;

	rtc->from = *src;
	rtc->has_from = true;
	dtls_recv(rtc->dtls, p, len);
}

/* --- ICE */

static void ice_send_handler(const struct sa *dst, const uint8_t *p, size_t len,
			     void *arg)
{
	struct rtc *rtc = arg;

	say(rtc, dst, p, len);
}

static void selected_handler(const struct sa *peer, void *arg)
{
	struct rtc *rtc = arg;

	rtc->from = *peer;
	rtc->has_from = true;
	join(rtc);
	dtls_start(rtc->dtls);
	tell_ready(rtc);
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
	tell_ready(rtc);
}

static void take(struct rtc *rtc, const struct sa *src, const uint8_t *p,
		 size_t len)
{
	const enum aside_kind kind = aside_kind(p[0]);

	mem_ref(rtc);
	if (kind == ASIDE_STUN)
		take_stun(rtc, src, p, len);
	else if (kind == ASIDE_DTLS)
		take_dtls(rtc, src, p, len);
	mem_deref(rtc);
}

static void aside_handler(const struct sa *src, const uint8_t *p, size_t len,
			  void *arg)
{
	take(arg, src, p, len);
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
		fail(rtc, rtc->failed ? "DTLS handshake failed" :
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

/* A check at the door, or DTLS; the leg's socket has what comes later. */
static void door_handler(const struct sa *src, const uint8_t *p, size_t len,
			 void *arg)
{
	struct rtc *rtc = arg;

	if (rtc->media && len)
		take(rtc, src, p, len);
}

void rtc_set_door(struct rtc *rtc, struct door *door)
{
	mem_deref(rtc->door);
	rtc->door = mem_ref(door);
}

/* Who came by an offer keeps what it has shown at the door. */
static int door_known(struct rtc *rtc, const char *ufrag)
{
	struct door_name *name = NULL;
	int err = 0;

	if (!rtc->door || (rtc->name && !strcmp(rtc->ufrag, ufrag)))
		return 0;

	if (rtc->offered && !strcmp(rtc->offered_ufrag, ufrag)) {
		name = rtc->offered;
		rtc->offered = NULL;
	} else {
		err = door_name(&name, rtc->door, ufrag, door_handler, rtc);
	}
	if (err)
		return err;
	mem_deref(rtc->name);
	rtc->name = name;
	str_ncpy(rtc->ufrag, ufrag, sizeof(rtc->ufrag));

	return 0;
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
	if (err || !rtc->door || !strcmp(rtc->ufrag, local->ufrag))
		return err;

	str_ncpy(rtc->offered_ufrag, local->ufrag, sizeof(rtc->offered_ufrag));

	return door_name(&rtc->offered, rtc->door, local->ufrag, door_handler,
			 rtc);
}

static int dtls_new(struct rtc *rtc)
{
	static const struct dtls_handlers handlers = {
	    .send = send_handler,
	    .keys = keys_handler,
	    .end = end_handler,
	};
	struct dtls *dtls;
	int err;

	err = dtls_alloc(&dtls, rtc->id, &rtc->fp, rtc->active, &handlers, rtc);
	if (err)
		return err;

	/* We may stand in a handler of it. */
	mem_deref(rtc->former);
	rtc->former = rtc->dtls;
	rtc->dtls = dtls;
	rtc->keyed = false;

	return 0;
}

static int dtls_anew(struct rtc *rtc, const struct rtc_params *prm)
{
	int err;

	rtc->fp = prm->fp;
	rtc->active = prm->active;
	err = dtls_new(rtc);
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
		take_dtls(rtc, src, p, len);
}

/* It may have chosen its address before its answer came here. */
static void set_ice(struct rtc *rtc, const struct rtc_params *prm)
{
	const struct sa *peer = ice_selected(rtc->ice);
	struct sa former;

	sa_init(&former, AF_UNSPEC);
	if (peer)
		former = *peer;
	ice_set(rtc->ice, &prm->local, &prm->remote);
	rtc->offered = mem_deref(rtc->offered);
	peer = ice_selected(rtc->ice);
	if (peer && !sa_cmp(peer, &former, SA_ALL)) {
		rtc->from = *peer;
		rtc->has_from = true;
		join(rtc);
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
		err = door_known(rtc, prm->local.ufrag);
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
	if (!rtc || !rtc->media)
		return;

	(void)media_leg_aside(rtc->media, NULL, NULL);
	rtc->name = mem_deref(rtc->name);
	rtc->offered = mem_deref(rtc->offered);
	rtc->media = NULL;
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
