/* sources: node/sip/sdes.c node/sip/sdptext.c node/sip/session.c
 * node/sip/session_agree.c node/sip/session_resume.c node/sip/session_round.c
 * node/sip/session_srtp.c node/sip/session_rtc.c node/sip/sdprtc.c
 * node/webrtc/ice.c node/webrtc/ice_early.c node/webrtc/dtls_identity.c node/media/srtp.c node/media/srtp_stream.c
 * node/media/srtp_xform.c */
/* SPDX-License-Identifier: MIT */
/* libFuzzer target: any bytes as an offer, as the next offer of a session
 * that runs, and as the answer to ours.  An answer of ours is a description
 * again; an offer that is refused leaves the session as it was. */

#include <stdlib.h>
#include <string.h>
#include "node/sip/session.h"
#include "node/sip/sdptext.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char plain[] =
    "v=0\r\no=a 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\n"
    "t=0 0\r\nm=audio 4000 RTP/AVP 0 8 101\r\n"
    "a=rtpmap:101 telephone-event/8000\r\n";

static struct mbuf *text(const void *p, size_t n)
{
	struct mbuf *mb = mbuf_alloc(n + 1);

	if (!mb || mbuf_write_mem(mb, p, n))
		abort();
	mb->pos = 0;

	return mb;
}

static struct session *make(size_t variant)
{
	struct session_conf conf = {
	    .opus_bitrate_bps = 32000,
	    .srtp = (enum session_srtp)(variant % 3),
	    .fingerprint = variant % 5 ? "sha-256 00:01" : NULL,
	    .offer_rtc = variant % 7 < 3,
	};
	struct session *s;

	if (sa_set_str(&conf.laddr, variant & 1 ? "::1" : "127.0.0.1", 20000) ||
	    session_alloc(&s, &conf))
		abort();

	return s;
}

/* WebRTC has a peer to check, and no keys of its own. */
static void must_fit(const struct session *s)
{
	struct media_rtp_params prm;
	struct rtc_params rtc;

	if (session_rtc(s, &rtc))
		return;

	if (!rtc.fp.len || !rtc.local.pwd[0] || !rtc.remote.pwd[0] ||
	    session_params(s, &prm) ||
	    prm.srtp_tx.suite != MEDIA_SRTP_NONE)
		abort();
}

/* There are a codec and keys that fit together, or nothing yet. */
static void agreed(const struct session *s, bool must)
{
	struct media_rtp_params prm;
	int err = session_params(s, &prm);

	if (err ? must : !*session_codec(s))
		abort();
	if (!err) {
		media_srtp_wipe(&prm.srtp_tx);
		media_srtp_wipe(&prm.srtp_rx);
	}
	must_fit(s);
	(void)session_remote_hold(s);
	(void)session_srtp(s);
}

static bool offered(struct session *s, const void *p, size_t n)
{
	struct mbuf *in = text(p, n), *out = NULL;
	const int err = session_answer(s, in, &out);
	struct sdptext t;

	(void)session_offer_af(in);
	if (!err) {
		if (!out || sdptext_read(&t, out) || !t.mc)
			abort();
		sdptext_close(&t);
	} else if (out) {
		abort();
	}
	mem_deref(in);
	mem_deref(out);

	return !err;
}

static void as_offer(const uint8_t *data, size_t size)
{
	struct session *s = make(size);
	struct mbuf *mb = NULL;

	if (offered(s, data, size)) {
		agreed(s, true);
		/* what was fine once is fine again */
		if (!offered(s, data, size) || session_offer(s, true, &mb))
			abort();
		mem_deref(mb);
	}
	mem_deref(s);
}

static void as_next_offer(const uint8_t *data, size_t size)
{
	struct session *s = make(0);

	if (!offered(s, plain, strlen(plain)))
		abort();
	(void)offered(s, data, size);
	agreed(s, true);
	mem_deref(s);
}

static void as_answer(const uint8_t *data, size_t size)
{
	struct session *s = make(size);
	struct mbuf *mb = NULL, *in = text(data, size);

	if (session_offer(s, false, &mb))
		abort();
	agreed(s, !session_answered(s, in));
	mem_deref(mb);
	mem_deref(in);
	mem_deref(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	as_offer(data, size);
	as_next_offer(data, size);
	as_answer(data, size);

	return 0;
}
