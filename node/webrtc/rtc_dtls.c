/* SPDX-License-Identifier: MIT */
/*
 * The DTLS of a transport.
 *
 * It is heard only from where ICE was: anybody may send a ClientHello to an
 * open port, and the first one would have the association.  Of a peer that is
 * ahead of its answer it waits (early.h).
 */

#include <re.h>

#include "node/webrtc/early.h"
#include "node/webrtc/rtc_impl.h"

enum { HANDSHAKES_MAX = 8 }; /* that may fail after one rtc_set() */

static void send_handler(const uint8_t *p, size_t len, void *arg)
{
	struct rtc *rtc = arg;
	const struct sa *dst =
	    rtc->has_from ? &rtc->from : ice_selected(rtc->ice);

	if (dst)
		rtc_say(rtc, dst, p, len);
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

	rtc_join(rtc);
	rtc_tell_ready(rtc);
}

/* A browser that was offered another node meanwhile checks our addresses
 * before it takes our fingerprint for right, and refuses us: it begins anew
 * once its answer is there. */
static void handshake_failed(struct rtc *rtc)
{
	if (++rtc->failed > HANDSHAKES_MAX || rtc_dtls_new(rtc)) {
		rtc_fail(rtc, "DTLS handshake failed");
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
		rtc_fail(rtc, "certificate of another fingerprint");
	else if (why == DTLS_END_FAILED && !rtc->keyed)
		handshake_failed(rtc);
}

int rtc_dtls_new(struct rtc *rtc)
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

void rtc_dtls_take(struct rtc *rtc, const struct sa *src, const uint8_t *p,
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
