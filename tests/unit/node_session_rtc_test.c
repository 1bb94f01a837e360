/* libs: sy_node_sip sy_media sy_proto */
/* SPDX-License-Identifier: MIT */
/* WebRTC in offer and answer, by text. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>
#include <re.h>

#include "node/sip/session.h"
#include "tests/unit/node_session.h"

#define OURS                                                                   \
	"sha-256 01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:13:14:" \
	"15:16:17:18:19:1A:1B:1C:1D:1E:1F:20"
#define FP                                                                     \
	"a=fingerprint:sha-256 "                                               \
	"A1:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:13:14:15:16:"   \
	"17:18:19:1A:1B:1C:1D:1E:1F:20\r\n"
#define SHA1                                                                   \
	"a=fingerprint:sha-1 "                                                 \
	"00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33\r\n"
#define HEAD "v=0\r\no=- 46117317 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"
#define ICE "a=ice-ufrag:F7gI\r\na=ice-pwd:x9cml/YzichV2+XlhiMu8g\r\n"
#define ICE2 "a=ice-ufrag:G8hJ\r\na=ice-pwd:y9cml/YzichV2+XlhiMu8g\r\n"
#define LINE(proto)                                                            \
	"m=audio 9 " proto " 111 0 8 110 126\r\nc=IN IP4 0.0.0.0\r\n"
#define DTLS "UDP/TLS/RTP/SAVPF"
#define MAPS                                                                   \
	"a=rtcp-mux\r\na=rtcp:9 IN IP4 0.0.0.0\r\na=ice-options:trickle\r\n"   \
	"a=rtpmap:111 opus/48000/2\r\n"                                        \
	"a=fmtp:111 minptime=10;useinbandfec=1\r\na=rtpmap:0 PCMU/8000\r\n"    \
	"a=rtpmap:8 PCMA/8000\r\na=rtpmap:110 telephone-event/48000\r\n"       \
	"a=rtpmap:126 telephone-event/8000\r\n"                                \
	"a=ssrc:3735928559 cname:x\r\n"
#define SETUP(s) "a=setup:" s "\r\n"
#define GROUP "a=group:BUNDLE 0 1\r\n"
#define MID "a=mid:0\r\n"
#define VIDEO                                                                  \
	"m=video 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=mid:1\r\n"    \
	"a=rtpmap:96 VP8/90000\r\n"

/* As Chromium writes one. */
#define CHROME                                                                 \
	HEAD GROUP "a=msid-semantic: WMS s\r\n" LINE(DTLS)                     \
	    ICE FP SETUP("actpass") MID MAPS

static struct session *make(bool offers)
{
	struct session_conf conf = {.fingerprint = OURS, .offer_rtc = offers};
	struct session *s = NULL;

	assert_int_equal(sa_set_str(&conf.laddr, "192.0.2.1", 20000), 0);
	assert_int_equal(session_alloc(&s, &conf), 0);

	return s;
}

static void has(const char *str, const char *sub)
{
	if (!strstr(str, sub))
		fail_msg("no \"%s\" in:\n%s", sub, str);
}

static void has_not(const char *str, const char *sub)
{
	if (strstr(str, sub))
		fail_msg("\"%s\" in:\n%s", sub, str);
}

static struct rtc_params rtc(const struct session *s)
{
	struct rtc_params prm;

	assert_int_equal(session_rtc(s, &prm), 0);

	return prm;
}

static void test_answers_a_browser(void **state)
{
	static const char *const wanted[] = {
	    "a=ice-lite\r\n",
	    "a=group:BUNDLE 0\r\n",
	    "m=audio 20000 UDP/TLS/RTP/SAVPF 111 0 8 ",
	    "a=mid:0\r\n",
	    "a=candidate:1 1 udp 2130706431 192.0.2.1 20000 typ host\r\n",
	    "a=end-of-candidates\r\n",
	    "a=fingerprint:" OURS "\r\n",
	    "a=setup:passive\r\n",
	    "a=rtcp-mux\r\n",
	    "a=fmtp:111 useinbandfec=1;usedtx=1\r\n",
	    "a=sendrecv\r\n",
	    "m=video 0 UDP/TLS/RTP/SAVPF"};
	struct session *s = make(false);
	struct media_rtp_params prm;
	struct rtc_params r;
	char *out = NULL;

	(void)state;

	assert_int_equal(answer(s, CHROME VIDEO, &out), 0);
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++)
		has(out, wanted[i]);
	has_not(out, "crypto");

	assert_true(session_is_rtc(s));
	assert_string_equal(session_codec(s), "opus");
	r = rtc(s);
	has(out, r.local.ufrag);
	has(out, r.local.pwd);
	assert_string_equal(r.remote.ufrag, "F7gI");
	assert_string_equal(r.remote.pwd, "x9cml/YzichV2+XlhiMu8g");
	assert_int_equal(r.fp.len, 32);
	assert_int_equal(r.fp.md[0], 0xa1);
	assert_false(r.active);

	/* 0.0.0.0 is no hold here, and the address is ICE's to find. */
	assert_int_equal(session_params(s, &prm), 0);
	assert_true(prm.send && prm.recv);
	assert_false(session_remote_hold(s));
	assert_false(sa_isset(&prm.raddr, SA_ADDR));
	assert_int_equal(prm.rtcp, MEDIA_RTCP_MUX);
	assert_int_equal(prm.event_pt_tx, 110);

	mem_deref(out);
	mem_deref(s);
}

static void test_what_is_taken(void **state)
{
	static const struct {
		const char *sdp;
		int err;
		const char *why; /* part of it, or of the answer */
	} rows[] = {
	    {HEAD LINE(DTLS) ICE SETUP("actpass") MAPS, ENOTSUP,
	     "a=fingerprint"},
	    {HEAD LINE(DTLS) FP SETUP("actpass") MAPS, ENOTSUP, "a=ice-ufrag"},
	    {HEAD "a=ice-lite\r\n" LINE(DTLS) ICE FP SETUP("actpass") MAPS,
	     ENOTSUP, "lite"},
	    /* for the session as a whole */
	    {HEAD ICE FP SETUP("actpass") LINE(DTLS) MAPS, 0, "setup:passive"},
	    {HEAD LINE(DTLS) ICE FP SETUP("active") MAPS, 0, "setup:passive"},
	    {HEAD LINE(DTLS) ICE FP SETUP("passive") MAPS, 0, "setup:active"},
	    {HEAD LINE(DTLS) ICE FP MAPS, 0, "setup:passive"},
	    {HEAD LINE("UDP/TLS/RTP/SAVP") ICE FP MAPS, 0,
	     "UDP/TLS/RTP/SAVP 111"},
	    {HEAD LINE("RTP/SAVPF") ICE FP MAPS, 0, "RTP/SAVPF 111"},
	    {HEAD LINE(DTLS) ICE SHA1 MAPS, 0, "a=fingerprint:sha-256"},
	};

	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct session *s = make(false);
		char *out = NULL;
		const int err = answer(s, rows[i].sdp, &out);

		if (err != rows[i].err)
			fail_msg("row %zu: %d", i, err);
		has(err ? session_why(s) : out, rows[i].why);
		mem_deref(out);
		mem_deref(s);
	}
}

/* The strongest fingerprint counts, in any order. */
static void test_fingerprints(void **state)
{
	static const char *const sdpv[] = {HEAD LINE(DTLS) ICE SHA1 FP MAPS,
					   HEAD LINE(DTLS) ICE FP SHA1 MAPS};

	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(sdpv); i++) {
		struct session *s = make(false);
		char *out = NULL;

		assert_int_equal(answer(s, sdpv[i], &out), 0);
		assert_int_equal(rtc(s).fp.hash, DTLS_SHA_256);
		mem_deref(out);
		mem_deref(s);
	}
}

static void test_switched_off(void **state)
{
	struct session_conf conf = {.fingerprint = NULL, .offer_rtc = true};
	struct session *s = NULL;
	char *out = NULL;

	(void)state;

	assert_int_equal(sa_set_str(&conf.laddr, "192.0.2.1", 20000), 0);
	assert_int_equal(session_alloc(&s, &conf), 0);
	assert_int_equal(answer(s, CHROME, &out), ENOTSUP);
	has(session_why(s), "switched off");
	out = offer(s, false);
	has(out, "RTP/AVP");
	mem_deref(out);
	mem_deref(s);
}

/* Hold keeps names, role, mid; other names of the peer's get others of ours. */
static void test_rounds(void **state)
{
	struct session *s = make(false);
	struct rtc_params first, next;
	char *out = NULL;

	(void)state;

	assert_int_equal(answer(s, CHROME, &out), 0);
	first = rtc(s);
	out = mem_deref(out);

	assert_int_equal(answer(s, CHROME "a=sendonly\r\n", &out), 0);
	has(out, "a=recvonly\r\n");
	assert_true(session_remote_hold(s));
	next = rtc(s);
	assert_true(ice_cred_same(&first.local, &next.local));
	out = mem_deref(out);

	out = offer(s, true);
	has(out, "a=setup:actpass\r\n");
	has(out, "a=mid:0\r\n");
	has(out, "a=group:BUNDLE 0\r\n");
	has(out, first.local.ufrag);
	out = mem_deref(out);

	assert_int_equal(
	    answer(s, HEAD GROUP LINE(DTLS) ICE2 FP SETUP("actpass") MID MAPS,
		   &out),
	    0);
	next = rtc(s);
	assert_string_equal(next.remote.ufrag, "G8hJ");
	assert_false(ice_cred_same(&first.local, &next.local));
	has(out, next.local.ufrag);

	mem_deref(out);
	mem_deref(s);
}

static void test_offers(void **state)
{
	struct session *s = make(true);
	char *out = offer(s, false);

	(void)state;

	has(out, "UDP/TLS/RTP/SAVPF");
	has(out, "a=fmtp:96 useinbandfec=1;usedtx=1\r\n");
	has(out, "a=setup:actpass\r\n");
	has(out, "a=group:BUNDLE 0\r\n");
	has(out, "a=ice-lite\r\n");
	has_not(out, "a=crypto");

	/* Never plain what was to be WebRTC. */
	assert_int_not_equal(answered(s, HEAD "m=audio 4000 RTP/AVP 0\r\n"
					      "c=IN IP4 192.0.2.7\r\n"),
			     0);
	assert_int_not_equal(
	    answered(s, HEAD LINE(DTLS) ICE SETUP("active") MAPS), 0);
	assert_int_equal(
	    answered(s, HEAD LINE(DTLS) ICE FP SETUP("active") MID MAPS), 0);
	assert_false(rtc(s).active);
	has(out, rtc(s).local.ufrag);
	assert_int_equal(
	    answered(s, HEAD LINE(DTLS) ICE FP SETUP("passive") MID MAPS), 0);
	assert_true(rtc(s).active);

	mem_deref(out);
	mem_deref(s);
}

/* At another node: what was agreed on is known, and the next offer is an ICE
 * restart with that node's certificate. */
static void test_resumes(void **state)
{
	struct session *s = make(false), *next = NULL;
	struct session_conf conf = {.fingerprint = "sha-256 FF"};
	struct session_state st = {.remote_sdp = CHROME, .version = 4};
	char *local = NULL, *out;

	(void)state;

	assert_int_equal(answer(s, CHROME, &local), 0);
	assert_int_equal(sa_set_str(&conf.laddr, "192.0.2.2", 20002), 0);
	st.local_sdp = local;
	assert_int_equal(session_resume(&next, &conf, &st), 0);
	assert_true(session_is_rtc(next));
	out = offer(next, false);
	has(out, "UDP/TLS/RTP/SAVPF 111");
	has(out, "a=fingerprint:sha-256 FF\r\n");
	has(out, "192.0.2.2 20002 typ host");
	has(out, "a=mid:0\r\n");
	has(out, "a=setup:actpass\r\n");
	has_not(out, rtc(s).local.ufrag);

	mem_deref(out);
	mem_deref(local);
	mem_deref(next);
	mem_deref(s);
}

/* The offer of the former node is answered here: ours that follows has names
 * of our own.  By its names the peer would find us before it knows our
 * certificate, and refuse us. */
static void test_resumes_an_offer(void **state)
{
	struct session *s = make(true), *next = NULL;
	struct session_conf conf = {.fingerprint = "sha-256 FF"};
	struct session_state st = {.pending = true, .version = 4};
	char *local = offer(s, false), *out;
	struct rtc_params former;

	(void)state;

	assert_int_equal(sa_set_str(&conf.laddr, "192.0.2.2", 20002), 0);
	st.local_sdp = local;
	assert_int_equal(session_resume(&next, &conf, &st), 0);
	assert_int_equal(
	    answered(next, HEAD LINE(DTLS) ICE FP SETUP("active") MID MAPS), 0);
	former = rtc(next);
	has(local, former.local.ufrag);
	out = offer(next, false);
	has(out, "a=fingerprint:sha-256 FF\r\n");
	has_not(out, former.local.ufrag);
	has_not(out, former.local.pwd);

	mem_deref(out);
	mem_deref(local);
	mem_deref(next);
	mem_deref(s);
}

/* A refresh repeats what was said, names and all. */
static void test_repeats(void **state)
{
	struct session *s = make(false);
	struct mbuf *mb = NULL;
	char *out = NULL, *again = NULL;
	struct rtc_params before, after;

	(void)state;

	assert_int_equal(answer(s, CHROME, &out), 0);
	before = rtc(s);
	assert_int_equal(session_repeat(s, &mb), 0);
	(void)mbuf_strdup(mb, &again, mb->end);
	assert_string_equal(again, out);
	assert_int_equal(answered(s, CHROME), 0);
	after = rtc(s);
	assert_true(ice_cred_same(&before.local, &after.local));

	mem_deref(mb);
	mem_deref(again);
	mem_deref(out);
	mem_deref(s);
}

/* Behind a NAT the public address comes first, our own second; who goes into a
 * local net is told the one alone. */
static void test_public(void **state)
{
	struct session_conf conf = {.fingerprint = OURS};
	struct session *s = NULL;
	struct sa none, own;
	char *out = NULL;

	(void)state;

	assert_int_equal(sa_set_str(&conf.laddr, "203.0.113.7", 20000), 0);
	assert_int_equal(sa_set_str(&own, "192.0.2.1", 20000), 0);
	conf.also = own;
	assert_int_equal(session_alloc(&s, &conf), 0);
	assert_int_equal(answer(s, CHROME, &out), 0);
	has(out, "IN IP4 203.0.113.7\r\n");
	has(out, "a=candidate:1 1 udp 2130706431 203.0.113.7 20000 typ host");
	has(out, "a=candidate:2 1 udp 2130706175 192.0.2.1 20000 typ host");
	out = mem_deref(out);

	sa_init(&none, AF_UNSPEC);
	session_move(s, &own, &none);
	out = offer(s, false);
	has(out, "a=candidate:1 1 udp 2130706431 192.0.2.1 20000 typ host");
	has(out, "IN IP4 192.0.2.1\r\n");
	has_not(out, "203.0.113.7");

	mem_deref(out);
	mem_deref(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_answers_a_browser),
	    cmocka_unit_test(test_what_is_taken),
	    cmocka_unit_test(test_fingerprints),
	    cmocka_unit_test(test_switched_off),
	    cmocka_unit_test(test_rounds),
	    cmocka_unit_test(test_offers),
	    cmocka_unit_test(test_resumes),
	    cmocka_unit_test(test_resumes_an_offer),
	    cmocka_unit_test(test_repeats),
	    cmocka_unit_test(test_public),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
