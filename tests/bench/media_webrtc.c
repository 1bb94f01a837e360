/* SPDX-License-Identifier: MIT */
/*
 * Legs of browsers: each peer finds its leg by ICE, agrees on keys by DTLS and
 * then sends SRTP, as a page does; see media_bench.h.  All of it happens before
 * the load, on libre's loop of this thread:
 *
 *   peer's socket -- STUN check --> leg + rtc
 *                 <-- answer ------
 *                 -- DTLS hello --> ... keys on both sides, RTC_READY
 */

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "node/media/aside.h"
#include "node/webrtc/rtc.h"
#include "tests/bench/media_bench.h"

enum { CHECK_MS = 100, DEADLINE_MS = 30000 };

struct link {
	struct webrtc *w;
	size_t i;            /* of leg and peer                           */
	struct rtc *rtc;
	struct rtc_params prm;
	struct dtls *dtls;   /* the peer's                                */
	bool answered, keyed, ready;
};

struct webrtc {
	struct dtls_identity *ours, *theirs;
	struct dtls_fingerprint fp; /* ours                               */
	struct call *call;
	struct peers *peers;
	const struct load *load;
	size_t n, up;
	struct tmr check, deadline;
	struct link v[LEGS_MAX];
};

static void to_leg(const struct link *l, const uint8_t *buf, size_t len)
{
	const struct sa *dst = &l->w->peers->dstv[l->i];

	(void)sendto(l->w->peers->fdv[l->i], buf, len, 0, &dst->u.sa,
		     dst->len);
}

static void came_up(struct link *l)
{
	if (l->ready && l->keyed && ++l->w->up == l->w->n)
		re_cancel();
}

/* --- the node's side */

static void rtc_handler(enum rtc_event ev, void *arg)
{
	struct link *l = arg;
	struct media_rtp_params prm;
	int err;

	if (ev != RTC_READY || l->ready)
		return;

	call_params(&prm, l->w->load);
	err = rtc_fill(l->rtc, &prm);
	if (!err)
		err = media_leg_rtp_set(l->w->call->legv[l->i], &prm);
	if (err)
		die("webrtc leg", err);
	l->ready = true;
	came_up(l);
}

/* --- the peer's */

static void send_handler(const uint8_t *buf, size_t len, void *arg)
{
	to_leg(arg, buf, len);
}

static void keys_handler(const struct media_srtp *tx,
			 const struct media_srtp *rx, void *arg)
{
	struct link *l = arg;

	(void)rx;
	if (srtp_ctx_alloc(&l->w->peers->srtpv[l->i], tx, true))
		die("srtp", ENOMEM);
	l->keyed = true;
	came_up(l);
}

static void end_handler(enum dtls_end why, void *arg)
{
	(void)why;
	(void)arg;
	die("DTLS", EPROTO);
}

static void recv_handler(int flags, void *arg)
{
	struct link *l = arg;
	uint8_t buf[2048];
	ssize_t len = recv(l->w->peers->fdv[l->i], buf, sizeof(buf), 0);

	(void)flags;
	if (len <= 0)
		return;
	if (aside_kind(buf[0]) == ASIDE_STUN && !l->answered) {
		l->answered = true;
		dtls_start(l->dtls);
	}
	else if (aside_kind(buf[0]) == ASIDE_DTLS) {
		dtls_recv(l->dtls, buf, (size_t)len);
	}
}

static void check(const struct link *l)
{
	static const uint8_t tid[STUN_TID_SIZE] = "switchyard!";
	const struct ice_cred *to = &l->prm.local;
	const uint64_t tie = 1;
	struct mbuf *mb = mbuf_alloc(256);
	char user[64];

	if (!mb)
		die("memory", ENOMEM);
	(void)re_snprintf(user, sizeof(user), "%s:%s", to->ufrag,
			  l->prm.remote.ufrag);
	if (stun_msg_encode(mb, STUN_METHOD_BINDING, STUN_CLASS_REQUEST, tid,
			    NULL, (const uint8_t *)to->pwd, strlen(to->pwd),
			    true, 0, 3, STUN_ATTR_USERNAME, user,
			    STUN_ATTR_CONTROLLING, &tie, STUN_ATTR_USE_CAND,
			    &tie))
		die("STUN", EINVAL);
	to_leg(l, mb->buf, mb->end);
	mem_deref(mb);
}

static void check_handler(void *arg)
{
	struct webrtc *w = arg;

	for (size_t i = 0; i < w->n; i++) {
		if (!w->v[i].answered)
			check(&w->v[i]);
	}
	tmr_start(&w->check, CHECK_MS, check_handler, w);
}

static void deadline_handler(void *arg)
{
	(void)arg;
	die("WebRTC legs", ETIMEDOUT);
}

/* --- */

static void link_start(struct webrtc *w, size_t i)
{
	static const struct dtls_handlers handlers = {
		.send = send_handler,
		.keys = keys_handler,
		.end = end_handler,
	};
	struct link *l = &w->v[i];
	struct pl pl;
	int err;

	l->w = w;
	l->i = i;
	ice_cred_new(&l->prm.local);
	ice_cred_new(&l->prm.remote);
	pl_set_str(&pl, dtls_identity_fingerprint(w->theirs));
	err = dtls_fingerprint_read(&l->prm.fp, &pl);
	if (!err)
		err = rtc_alloc(&l->rtc, w->ours, w->call->legv[i],
				rtc_handler, l);
	if (!err)
		err = rtc_set(l->rtc, &l->prm);
	if (!err)
		err = dtls_alloc(&l->dtls, w->theirs, &w->fp, true, &handlers,
				 l);
	if (!err)
		err = fd_listen(w->peers->fdv[i], FD_READ, recv_handler, l);
	if (err)
		die("webrtc leg", err);
}

struct webrtc *webrtc_start(struct call *call, const struct load *load,
			    struct peers *peers)
{
	struct webrtc *w = calloc(1, sizeof(*w));
	struct pl pl;

	if (!w)
		die("memory", ENOMEM);
	w->call = call;
	w->peers = peers;
	w->load = load;
	w->n = call->legc;
	if (dtls_identity_alloc(&w->ours) || dtls_identity_alloc(&w->theirs))
		die("certificate", ENOMEM);
	pl_set_str(&pl, dtls_identity_fingerprint(w->ours));
	(void)dtls_fingerprint_read(&w->fp, &pl);
	for (size_t i = 0; i < w->n; i++)
		link_start(w, i);

	tmr_start(&w->deadline, DEADLINE_MS, deadline_handler, w);
	check_handler(w);
	(void)re_main(NULL);
	tmr_cancel(&w->check);
	tmr_cancel(&w->deadline);
	for (size_t i = 0; i < w->n; i++)
		fd_close(peers->fdv[i]);

	return w;
}

void webrtc_stop(struct webrtc *w)
{
	if (!w)
		return;

	for (size_t i = 0; i < w->n; i++) {
		mem_deref(w->v[i].rtc);
		mem_deref(w->v[i].dtls);
	}
	mem_deref(w->ours);
	mem_deref(w->theirs);
	free(w);
}
