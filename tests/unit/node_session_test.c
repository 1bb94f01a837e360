/* libs: sy_node_sip sy_proto */
/* SPDX-License-Identifier: MIT */
/* Offer and answer by text: what phones send, what they must get back. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>
#include <re.h>

#include "tests/unit/node_session.h"

#define HEAD "v=0\r\no=phone 20518 0 IN IP4 192.0.2.7\r\ns=-\r\n"
#define CONN "c=IN IP4 192.0.2.7\r\n"
#define TIME "t=0 0\r\n"

/* A desk phone: G.722 first, events at 101. */
#define DESK                                                                  \
	HEAD CONN TIME                                                        \
	"m=audio 11780 RTP/AVP 9 0 8 18 101\r\n"                              \
	"a=rtpmap:9 G722/8000\r\na=rtpmap:0 PCMU/8000\r\n"                    \
	"a=rtpmap:8 PCMA/8000\r\na=rtpmap:18 G729/8000\r\n"                   \
	"a=fmtp:18 annexb=no\r\na=rtpmap:101 telephone-event/8000\r\n"        \
	"a=fmtp:101 0-15\r\na=ptime:20\r\na=sendrecv\r\n"

/* A soft phone: Opus at its own payload type, two clocks of events. */
#define SOFT                                                                  \
	HEAD CONN TIME                                                        \
	"a=rtcp-xr:rcvr-rtt=all:10000\r\n"                                    \
	"m=audio 7078 RTP/AVP 111 97 0 120 99\r\n"                            \
	"a=rtpmap:111 opus/48000/2\r\n"                                       \
	"a=fmtp:111 useinbandfec=1;maxaveragebitrate=20000;stereo=0\r\n"      \
	"a=rtpmap:97 speex/16000\r\na=fmtp:97 vbr=on\r\n"                     \
	"a=rtpmap:120 telephone-event/48000\r\n"                              \
	"a=rtpmap:99 telephone-event/8000\r\na=rtcp-mux\r\n"

static struct session *make(const char *addr)
{
	struct session_conf conf = {.opus_bitrate_bps = 32000};
	struct session *s = NULL;

	assert_int_equal(sa_set_str(&conf.laddr, addr, 20000), 0);
	assert_int_equal(session_alloc(&s, &conf), 0);

	return s;
}

static struct media_rtp_params params(const struct session *s)
{
	struct media_rtp_params prm;

	assert_int_equal(session_params(s, &prm), 0);

	return prm;
}

static void test_desk(void **state)
{
	struct session *s = make("127.0.0.1");
	struct media_rtp_params p;
	char *sdp = NULL;
	struct sa want;

	(void)state;

	assert_int_equal(session_params(s, &p), EPROTO);
	assert_string_equal(session_codec(s), "");
	assert_int_equal(answer(s, DESK, &sdp), 0);

	HAS(sdp, "v=0\r\no=- ");
	HAS(sdp, "c=IN IP4 127.0.0.1\r\n");
	HAS(sdp, "m=audio 20000 RTP/AVP 9 0 8 101\r\n");
	HAS(sdp, "a=rtpmap:101 telephone-event/8000\r\n");
	HAS(sdp, "a=sendrecv\r\n");
	HAS(sdp, "a=ptime:20\r\n");
	HAS_NOT(sdp, "G729");
	HAS_NOT(sdp, "rtcp");
	HAS_NOT(sdp, "CN/");

	p = params(s);
	assert_int_equal(p.rtcp, MEDIA_RTCP_PORT);
	assert_false(sa_isset(&p.rtcp_raddr, SA_ADDR));
	assert_int_equal(p.tx.id, MEDIA_G722);
	assert_int_equal(p.tx.pt, 9);
	assert_int_equal(p.tx.ptime_ms, 20);
	assert_int_equal(p.rxc, 3);
	assert_int_equal(p.event_pt_tx, 101);
	assert_int_equal(p.event_pt_rx, 101);
	assert_int_equal(p.event_clock_hz, 8000);
	assert_true(p.send && p.recv);
	assert_int_equal(sa_set_str(&want, "192.0.2.7", 11780), 0);
	assert_true(sa_cmp(&p.raddr, &want, SA_ALL));
	assert_string_equal(session_codec(s), "G722");

	mem_deref(sdp);
	mem_deref(s);
}

static void test_soft(void **state)
{
	struct session *s = make("127.0.0.1");
	struct media_rtp_params p;
	char *sdp = NULL;

	(void)state;

	assert_int_equal(answer(s, SOFT, &sdp), 0);
	HAS(sdp, "m=audio 20000 RTP/AVP 111 0 120 99\r\n");
	HAS(sdp, "a=rtpmap:111 opus/48000/2\r\n");
	HAS(sdp, "a=rtcp-mux\r\n");
	HAS_NOT(sdp, "rtcp-xr");

	p = params(s);
	assert_int_equal(p.rtcp, MEDIA_RTCP_MUX);
	assert_false(p.rtcp_xr);
	assert_int_equal(p.tx.id, MEDIA_OPUS);
	assert_int_equal(p.tx.pt, 111);
	assert_int_equal(p.tx.clock_hz, 48000);
	assert_int_equal(p.tx.bitrate_bps, 20000);
	assert_true(p.tx.fec);
	assert_int_equal(p.event_clock_hz, 48000);
	assert_int_equal(p.event_pt_tx, 120);
	assert_int_equal(p.event_pt_rx, 120);
	assert_int_equal(p.event2_pt_rx, 99); /* may arrive all the same */
	assert_int_equal(p.event2_clock_hz, 8000);
	assert_int_equal(p.rxc, 2);

	mem_deref(sdp);
	mem_deref(s);
}

/* Only 8 kHz events beside Opus: taken, many phones offer no other. */
static void test_events_8k_with_opus(void **state)
{
	struct session *s = make("127.0.0.1");
	struct media_rtp_params p;
	char *sdp = NULL;

	(void)state;

	assert_int_equal(answer(s,
				HEAD CONN TIME
				"m=audio 4000 RTP/AVP 96 101\r\n"
				"a=rtpmap:96 opus/48000/2\r\n"
				"a=rtpmap:101 telephone-event/8000\r\n",
				&sdp),
			 0);
	p = params(s);
	assert_int_equal(p.event_pt_rx, 101);
	assert_int_equal(p.event_clock_hz, 8000);
	assert_int_equal(p.event2_pt_rx, 0);
	assert_false(p.tx.fec);

	mem_deref(sdp);
	mem_deref(s);
}

struct hold_case {
	const char *conn, *attr;
	bool held, send, recv;
	const char *answer;
};

/* RTCP: muxed if both say so; else where a=rtcp says; else the port above. */
static void test_rtcp(void **state)
{
	static const struct {
		const char *attr;
		enum media_rtcp rtcp;
		const char *addr; /* NULL: none named */
		uint16_t port;
		bool xr;
	} v[] = {
		{"", MEDIA_RTCP_PORT, NULL, 0, false},
		{"a=rtcp:7090\r\n", MEDIA_RTCP_PORT, "192.0.2.7", 7090, false},
		{"a=rtcp:7090 IN IP4 192.0.2.9\r\n", MEDIA_RTCP_PORT,
		 "192.0.2.9", 7090, false},
		{"a=rtcp:7090 IN IP6 2001:db8::1\r\n", MEDIA_RTCP_PORT,
		 "192.0.2.7", 7090, false},
		{"a=rtcp:7090 IN IP4 host.example\r\n", MEDIA_RTCP_PORT,
		 "192.0.2.7", 7090, false},
		{"a=rtcp:70900\r\n", MEDIA_RTCP_PORT, NULL, 0, false},
		{"a=rtcp:x\r\n", MEDIA_RTCP_PORT, NULL, 0, false},
		{"a=rtcp:7078\r\na=rtcp-mux\r\n", MEDIA_RTCP_MUX, NULL, 0,
		 false},
		{"b=RS:0\r\nb=RR:0\r\n", MEDIA_RTCP_OFF, NULL, 0, false},
		{"b=AS:80\r\nb=RS:0\r\nb=RR:600\r\n", MEDIA_RTCP_PORT, NULL,
		 0, false},
		{"a=rtcp-xr:rcvr-rtt=all voip-metrics\r\n", MEDIA_RTCP_PORT,
		 NULL, 0, true},
	};
	size_t i;

	(void)state;

	for (i = 0; i < ARRAY_SIZE(v); i++) {
		struct session *s = make("127.0.0.1");
		struct media_rtp_params p;
		char *sdp = NULL, *text_of, *next;
		struct sa want;

		assert_int_equal(re_sdprintf(&text_of, "%s%s",
					     HEAD CONN TIME
					     "m=audio 7078 RTP/AVP 0\r\n",
					     v[i].attr), 0);
		assert_int_equal(answer(s, text_of, &sdp), 0);
		p = params(s);
		assert_int_equal(p.rtcp, v[i].rtcp);
		assert_int_equal(p.rtcp_xr, v[i].xr);
		assert_int_equal(sa_isset(&p.rtcp_raddr, SA_ADDR),
				 v[i].addr != NULL);
		if (v[i].addr) {
			assert_int_equal(sa_set_str(&want, v[i].addr,
						    v[i].port), 0);
			assert_true(sa_cmp(&p.rtcp_raddr, &want, SA_ALL));
		}
		assert_int_equal(strstr(sdp, "a=rtcp-mux") != NULL,
				 v[i].rtcp == MEDIA_RTCP_MUX);
		assert_int_equal(strstr(sdp, "voip-metrics") != NULL,
				 v[i].xr);

		/* The other way round: we offer it, he chooses. */
		next = offer(s, false);
		HAS(next, "a=rtcp-mux\r\n");
		HAS(next, "a=rtcp-xr:voip-metrics\r\n");
		assert_int_equal(answered(s, text_of), 0);
		assert_int_equal(params(s).rtcp, v[i].rtcp);

		mem_deref(next);
		mem_deref(sdp);
		mem_deref(text_of);
		mem_deref(s);
	}
}

static void test_hold_forms(void **state)
{
	static const struct hold_case v[] = {
		{CONN, "a=sendonly\r\n", true, false, true, "a=recvonly\r\n"},
		{CONN, "a=inactive\r\n", true, false, false, "a=inactive\r\n"},
		{CONN, "a=recvonly\r\n", false, true, false, "a=sendonly\r\n"},
		{CONN, "", false, true, true, "a=sendrecv\r\n"},
		{"c=IN IP4 0.0.0.0\r\n", "", true, false, true,
		 "a=recvonly\r\n"},
		{"c=IN IP4 0.0.0.0\r\n", "a=sendonly\r\n", true, false, true,
		 "a=recvonly\r\n"},
		{"c=IN IP4 0.0.0.0\r\n", "a=inactive\r\n", true, false, false,
		 "a=inactive\r\n"},
	};
	struct session *s = make("127.0.0.1");
	char *sdp = NULL;
	size_t i;

	(void)state;

	assert_int_equal(answer(s, DESK, &sdp), 0);
	sdp = mem_deref(sdp);

	for (i = 0; i < ARRAY_SIZE(v); i++) {
		struct media_rtp_params p;
		char buf[512];

		(void)re_snprintf(buf, sizeof(buf),
				  HEAD "%s" TIME
				  "m=audio 11780 RTP/AVP 0\r\n%s",
				  v[i].conn, v[i].attr);
		assert_int_equal(answer(s, buf, &sdp), 0);
		HAS(sdp, v[i].answer);
		HAS(sdp, "m=audio 20000 RTP/AVP 0\r\n");
		sdp = mem_deref(sdp);
		p = params(s);
		assert_int_equal(session_remote_hold(s), v[i].held);
		assert_int_equal(p.send, v[i].send);
		assert_int_equal(p.recv, v[i].recv);

		/* and back */
		assert_int_equal(answer(s, DESK, &sdp), 0);
		HAS(sdp, "a=sendrecv\r\n");
		sdp = mem_deref(sdp);
		assert_false(session_remote_hold(s));
		p = params(s);
		assert_true(p.send && p.recv);
	}

	mem_deref(s);
}

/* Direction of the session, overridden by that of the media. */
static void test_session_level(void **state)
{
	struct session *s = make("127.0.0.1");
	struct media_rtp_params p;
	char *sdp = NULL;
	struct sa want;

	(void)state;

	assert_int_equal(answer(s,
				HEAD CONN TIME "a=sendonly\r\n"
				"m=audio 4000 RTP/AVP 0\r\n",
				&sdp),
			 0);
	assert_true(session_remote_hold(s));
	sdp = mem_deref(sdp);

	assert_int_equal(answer(s,
				HEAD CONN TIME "a=sendonly\r\n"
				"m=audio 4000 RTP/AVP 0\r\n"
				"c=IN IP4 192.0.2.99\r\na=sendrecv\r\n",
				&sdp),
			 0);
	assert_false(session_remote_hold(s));
	p = params(s);
	(void)sa_set_str(&want, "192.0.2.99", 4000);
	assert_true(sa_cmp(&p.raddr, &want, SA_ALL));

	mem_deref(sdp);
	mem_deref(s);
}

static void test_port_zero(void **state)
{
	const char *off = HEAD CONN TIME "m=audio 0 RTP/AVP 0\r\n";
	struct session *s = make("127.0.0.1");
	struct media_rtp_params p;
	char *sdp = NULL;

	(void)state;

	assert_int_equal(answer(s, off, &sdp), ENOTSUP);
	assert_int_equal(answer(s, DESK, &sdp), 0);
	sdp = mem_deref(sdp);

	assert_int_equal(answer(s, off, &sdp), 0);
	HAS(sdp, "m=audio 0 RTP/AVP");
	sdp = mem_deref(sdp);
	p = params(s);
	assert_false(p.send || p.recv);
	assert_true(session_remote_hold(s));

	assert_int_equal(answer(s, DESK, &sdp), 0);
	assert_true(params(s).send);

	mem_deref(sdp);
	mem_deref(s);
}

static void test_codec_and_address_change(void **state)
{
	struct session *s = make("127.0.0.1");
	struct media_rtp_params p;
	uint64_t ver;
	char *sdp = NULL;

	(void)state;

	assert_int_equal(answer(s, DESK, &sdp), 0);
	sdp = mem_deref(sdp);
	ver = session_version(s);
	assert_int_equal(ver, 1);

	/* the same again: the same text, the same version */
	assert_int_equal(answer(s, DESK, &sdp), 0);
	sdp = mem_deref(sdp);
	assert_int_equal(session_version(s), ver);

	/* another address only: our text stays */
	assert_int_equal(answer(s,
				HEAD "c=IN IP4 198.51.100.1\r\n" TIME
				"m=audio 5004 RTP/AVP 9 0 8 101\r\n"
				"a=rtpmap:101 telephone-event/8000\r\n",
				&sdp),
			 0);
	sdp = mem_deref(sdp);
	assert_int_equal(session_version(s), ver);
	p = params(s);
	assert_int_equal(sa_port(&p.raddr), 5004);

	/* another codec */
	assert_int_equal(answer(s,
				HEAD CONN TIME
				"m=audio 5004 RTP/AVP 8 101\r\n"
				"a=rtpmap:101 telephone-event/8000\r\n",
				&sdp),
			 0);
	assert_int_equal(session_version(s), ver + 1);
	assert_string_equal(session_codec(s), "PCMA");
	sdp = mem_deref(sdp);
	p = params(s);
	assert_int_equal(p.rxc, 1);

	/* what fails changes nothing */
	assert_int_equal(answer(s,
				HEAD CONN TIME "m=audio 5004 RTP/AVP 18\r\n",
				&sdp),
			 ENOTSUP);
	assert_string_equal(session_codec(s), "PCMA");
	assert_int_equal(session_version(s), ver + 1);

	mem_deref(s);
}

static void test_many_lines(void **state)
{
	struct session *s = make("127.0.0.1");
	char *sdp = NULL, *again = NULL;
	struct media_rtp_params p;
	const char *a, *v, *z;

	(void)state;

	assert_int_equal(
		answer(s,
		       HEAD CONN TIME
		       "m=video 5000 RTP/AVP 98\r\na=rtpmap:98 H264/90000\r\n"
		       "m=audio 5002 RTP/SAVP 0\r\na=crypto:1 x\r\n"
		       "m=audio 0 RTP/AVP 0\r\n"
		       "m=audio 5004 RTP/AVP 8\r\n"
		       "m=audio 5006 RTP/AVP 0\r\n"
		       "m=application 5008 UDP/BFCP *\r\n",
		       &sdp),
		0);
	v = strstr(sdp, "m=video 0 RTP/AVP");
	z = strstr(sdp, "m=audio 0 RTP/SAVP");
	a = strstr(sdp, "m=audio 20000 RTP/AVP 8\r\n");
	assert_true(v && z && a && v < z && z < a);
	HAS(a, "m=audio 0 RTP/AVP");
	HAS(a, "m=application 0 UDP/BFCP");
	p = params(s);
	assert_int_equal(sa_port(&p.raddr), 5004);

	/* our next offer keeps the lines in their places */
	again = offer(s, false);
	HAS(again, "m=video 0 RTP/AVP");
	HAS(strstr(again, "m=video 0 RTP/AVP"), "m=audio 20000 RTP/AVP 8 ");

	mem_deref(again);
	mem_deref(sdp);
	mem_deref(s);
}

static void test_refused(void **state)
{
	static const struct {
		const char *sdp;
		int err;
		const char *why; /* the code and a word of the warning */
	} v[] = {
		{"", EBADMSG, "399 not"},
		{"hello\r\n", EBADMSG, "399 not"},
		{"v=1\r\n", EBADMSG, "399 not"},
		{"v=0\r\n", ENOTSUP, "304 audio"},
		{HEAD CONN TIME, ENOTSUP, "304 audio"},
		{HEAD TIME "m=audio 4000 RTP/AVP 0\r\n", EBADMSG, "399 c="},
		{HEAD CONN TIME "m=audio\r\n", EBADMSG, "399 not"},
		{HEAD CONN TIME "m=audio x RTP/AVP 0\r\n", EBADMSG,
		 "399 not"},
		{HEAD CONN TIME "m=audio 70000 RTP/AVP 0\r\n", EBADMSG,
		 "399 not"},
		{HEAD CONN TIME "m=audio 4000 RTP/SAVP 0\r\n", ENOTSUP,
		 "302 a=crypto"},
		{HEAD CONN TIME "m=audio 4000 UDP/TLS/RTP/SAVPF 0\r\n",
		 ENOTSUP, "302 switched off"},
		{HEAD CONN TIME "m=video 4000 RTP/AVP 31\r\n", ENOTSUP,
		 "304 audio"},
		{HEAD CONN TIME "m=audio 4000 RTP/AVP 18 4\r\n", ENOTSUP,
		 "305 codec"},
		{HEAD CONN TIME "m=audio 4000 RTP/AVP 101\r\n"
				"a=rtpmap:101 telephone-event/8000\r\n",
		 ENOTSUP, "305 codec"},
		{HEAD "c=IN IP6 2001:db8::1\r\n" TIME
		      "m=audio 4000 RTP/AVP 0\r\n",
		 ENOTSUP, "301 family"},
		{HEAD "c=IN IP4 pbx.example.com\r\n" TIME
		      "m=audio 4000 RTP/AVP 0\r\n",
		 ENOTSUP, "302 name"},
		{HEAD "c=ATM NSAP x\r\n" TIME "m=audio 4000 RTP/AVP 0\r\n",
		 EBADMSG, "399 not"},
	};
	size_t i;

	(void)state;

	for (i = 0; i < ARRAY_SIZE(v); i++) {
		struct session *s = make("127.0.0.1");
		struct media_rtp_params p;
		char *sdp = NULL;
		int err = answer(s, v[i].sdp, &sdp);

		if (err != v[i].err)
			fail_msg("%zu: %d, not %d", i, err, v[i].err);
		if (strncmp(session_why(s), v[i].why, 4) ||
		    !strstr(session_why(s), v[i].why + 4))
			fail_msg("%zu: %s", i, session_why(s));
		assert_null(sdp);
		assert_int_equal(session_params(s, &p), EPROTO);
		mem_deref(s);
	}
}

/* What libre alone would refuse: odd lines, no newline at the end. */
static void test_tolerant(void **state)
{
	struct session *s = make("127.0.0.1");
	char *sdp = NULL;

	(void)state;

	assert_int_equal(answer(s,
				"v=0\no=- 1 1 IN IP4 192.0.2.7\ns= \n"
				"c=IN IP4 192.0.2.7/127\nb=AS:many\nt=0 0\n\n"
				"m=audio 4000 RTP/AVP 0 101\n"
				"a=fmtp:101\na=rtpmap:102\na=rtcp:nothing\n"
				"a=rtpmap:101 telephone-event/8000\n"
				"a=ptime:30",
				&sdp),
			 0);
	HAS(sdp, "a=ptime:30\r\n");
	assert_int_equal(params(s).tx.ptime_ms, 30);
	assert_int_equal(params(s).event_pt_rx, 101);

	mem_deref(sdp);
	mem_deref(s);
}

static void test_ptime(void **state)
{
	static const unsigned v[][3] = {
		{5, 0, 10},   {10, 0, 10},  {20, 0, 20},  {25, 0, 20},
		{30, 0, 30},  {60, 0, 60},  {200, 0, 60}, {0, 10, 10},
		{30, 20, 20}, {20, 60, 20}, {0, 150, 20}, {20, 1, 10},
	};
	size_t i;

	(void)state;

	for (i = 0; i < ARRAY_SIZE(v); i++) {
		struct session *s = make("127.0.0.1");
		char buf[300], *sdp = NULL;

		(void)re_snprintf(buf, sizeof(buf),
				  HEAD CONN TIME "m=audio 4000 RTP/AVP 0\r\n"
						 "a=ptime:%u\r\n"
						 "a=maxptime:%u\r\n",
				  v[i][0], v[i][1]);
		assert_int_equal(answer(s, buf, &sdp), 0);
		assert_int_equal(params(s).tx.ptime_ms, v[i][2]);
		mem_deref(sdp);
		mem_deref(s);
	}
}

/* Comfort noise (RFC 3389): where it is offered it may come, and stays. */
static void test_comfort_noise(void **state)
{
	struct session *s = make("127.0.0.1");
	char *sdp = NULL, *next;

	(void)state;

	assert_int_equal(answer(s,
				HEAD CONN TIME "m=audio 4000 RTP/AVP 13\r\n",
				&sdp),
			 ENOTSUP);
	assert_int_equal(
		answer(s, HEAD CONN TIME "m=audio 4000 RTP/AVP 0 13\r\n", &sdp),
		0);
	HAS(sdp, "m=audio 20000 RTP/AVP 0 13\r\n");
	HAS(sdp, "a=rtpmap:13 CN/8000\r\n");
	assert_true(params(s).cn_rx);
	assert_int_equal(params(s).rxc, 1);
	assert_int_equal(params(s).tx.id, MEDIA_PCMU);
	sdp = mem_deref(sdp);

	next = offer(s, true);
	HAS(next, " 13\r\n");
	assert_int_equal(
		answered(s, HEAD CONN TIME "m=audio 4000 RTP/AVP 0\r\n"), 0);
	assert_false(params(s).cn_rx);
	mem_deref(next);

	next = offer(s, false);
	HAS_NOT(next, "CN/");
	mem_deref(next);
	mem_deref(s);
}

static void test_offer(void **state)
{
	struct session *s = make("127.0.0.1");
	struct media_rtp_params p;
	char *sdp = offer(s, false), *next;

	(void)state;

	HAS(sdp, "m=audio 20000 RTP/AVP 96 9 0 8 100 101\r\n");
	HAS(sdp, "a=rtpmap:96 opus/48000/2\r\n");
	HAS(sdp, "a=fmtp:96 useinbandfec=1\r\n");
	HAS(sdp, "a=rtpmap:100 telephone-event/48000\r\n");
	HAS(sdp, "a=sendrecv\r\n");
	HAS_NOT(sdp, "L16");
	assert_int_equal(session_version(s), 1);

	/* the answer: another payload type for what we shall send */
	assert_int_equal(answered(s,
				  HEAD CONN TIME
				  "m=audio 6000 RTP/AVP 107 0 98\r\n"
				  "a=rtpmap:107 opus/48000/2\r\n"
				  "a=rtpmap:98 telephone-event/48000\r\n"),
			 0);
	p = params(s);
	assert_int_equal(p.tx.id, MEDIA_OPUS);
	assert_int_equal(p.tx.pt, 107);
	assert_int_equal(p.rxv[0].pt, 96);
	assert_int_equal(p.event_pt_tx, 98);
	assert_int_equal(p.event_pt_rx, 100);
	assert_int_equal(p.rxc, 2);

	/* an early answer may be followed by another */
	assert_int_equal(answered(s,
				  HEAD CONN TIME
				  "m=audio 6002 RTP/AVP 8\r\n"),
			 0);
	assert_string_equal(session_codec(s), "PCMA");
	assert_int_equal(params(s).event_pt_tx, -1);

	/* hold, refused by the peer: the session stays */
	next = offer(s, true);
	HAS(next, "a=sendonly\r\n");
	HAS(next, "m=audio 20000 RTP/AVP 8 96 9 0 100 101\r\n");
	assert_int_equal(session_version(s), 2);
	assert_true(params(s).recv);
	assert_int_equal(answered(s, HEAD CONN TIME "m=audio 0 RTP/AVP 8\r\n"),
			 0);
	assert_false(params(s).send);
	next = mem_deref(next);

	next = offer(s, true);
	assert_int_equal(answered(s, HEAD CONN TIME "m=audio 6002 RTP/AVP 8\r\n"
						    "a=recvonly\r\n"),
			 0);
	assert_true(params(s).send);
	assert_false(params(s).recv);
	assert_false(session_remote_hold(s));

	mem_deref(next);
	mem_deref(sdp);
	mem_deref(s);
}

static char *repeat(struct session *s)
{
	struct mbuf *mb = NULL;
	char *str = NULL;

	assert_int_equal(session_repeat(s, &mb), 0);
	(void)mbuf_strdup(mb, &str, mb->end);
	mem_deref(mb);

	return str;
}

/* What is in force is offered as it stands, whoever had offered it. */
static void test_repeat(void **state)
{
	struct session *s = make("127.0.0.1");
	struct media_rtp_params before, after;
	char *first = NULL, *again, *held, *hold;
	struct mbuf *mb = NULL;

	(void)state;

	assert_int_equal(session_repeat(s, &mb), EPROTO);
	assert_int_equal(answer(s, DESK, &first), 0);
	before = params(s);
	again = repeat(s);
	assert_string_equal(again, first);
	assert_int_equal(answered(s, DESK), 0);
	after = params(s);
	assert_int_equal(after.tx.id, before.tx.id);
	assert_int_equal(after.tx.pt, before.tx.pt);
	assert_int_equal(after.event_pt_tx, before.event_pt_tx);
	assert_true(sa_cmp(&after.raddr, &before.raddr, SA_ALL));
	mem_deref(again);

	/* a hold that was refused is not repeated; its version is over */
	hold = offer(s, true);
	HAS(hold, "a=sendonly");
	again = repeat(s);
	assert_string_equal(strstr(again, "\r\ns="), strstr(first, "\r\ns="));
	assert_int_equal(session_version(s), 3);
	mem_deref(again);
	mem_deref(hold);

	/* one that was not is */
	hold = offer(s, true);
	assert_int_equal(answered(s, DESK "a=recvonly\r\n"), 0);
	held = repeat(s);
	assert_string_equal(held, hold);
	assert_int_equal(answered(s, DESK "a=recvonly\r\n"), 0);
	assert_false(session_remote_hold(s));

	mem_deref(held);
	mem_deref(hold);
	mem_deref(first);
	mem_deref(s);
}

static void test_both_hold(void **state)
{
	struct session *s = make("127.0.0.1");
	char *sdp = NULL;

	(void)state;

	assert_int_equal(answer(s, DESK "a=sendonly\r\n", &sdp), 0);
	sdp = mem_deref(sdp);
	assert_true(session_remote_hold(s));
	sdp = offer(s, true);
	HAS(sdp, "a=inactive\r\n");
	assert_int_equal(answered(s, HEAD CONN TIME
				  "m=audio 6002 RTP/AVP 9\r\na=inactive\r\n"),
			 0);
	sdp = mem_deref(sdp);

	/* while we hold, an offer of the peer is answered sendonly */
	assert_int_equal(answer(s, DESK, &sdp), 0);
	HAS(sdp, "a=sendonly\r\n");
	assert_false(params(s).recv);

	mem_deref(sdp);
	mem_deref(s);
}

static void test_bad_answers(void **state)
{
	struct session *s = make("127.0.0.1");
	char *sdp;

	(void)state;

	assert_int_equal(answered(s, DESK), EPROTO); /* to what? */
	sdp = offer(s, false);
	assert_int_equal(answered(s, "nonsense"), EBADMSG);
	assert_int_equal(answered(s, HEAD CONN TIME), EBADMSG);
	assert_int_equal(answered(s, HEAD CONN TIME "m=video 4 RTP/AVP 0\r\n"),
			 EBADMSG);
	assert_int_equal(answered(s, HEAD CONN TIME "m=audio 0 RTP/AVP 0\r\n"),
			 ENOTSUP);
	assert_int_equal(answered(s, HEAD CONN TIME "m=audio 4 RTP/AVP 18\r\n"),
			 ENOTSUP);
	assert_int_equal(answered(s, HEAD CONN TIME
				  "m=audio 4 RTP/SAVP 0\r\n"),
			 ENOTSUP);
	assert_int_equal(answered(s, HEAD CONN TIME "m=audio 4 RTP/AVP 0\r\n"),
			 0);

	mem_deref(sdp);
	mem_deref(s);
}

static void test_payload_types_stay(void **state)
{
	struct session *s = make("127.0.0.1");
	char *sdp = NULL;

	(void)state;

	/* 96, our own choice for Opus, is the peer's for events */
	assert_int_equal(answer(s,
				HEAD CONN TIME
				"m=audio 4000 RTP/AVPF 0 96\r\n"
				"a=rtpmap:96 telephone-event/8000\r\n",
				&sdp),
			 0);
	HAS(sdp, "m=audio 20000 RTP/AVPF 0 96\r\n");
	sdp = mem_deref(sdp);

	sdp = offer(s, false);
	HAS(sdp, " RTP/AVPF ");
	HAS(sdp, "a=rtpmap:96 telephone-event/8000\r\n");
	HAS_NOT(sdp, "a=rtpmap:96 opus");
	HAS(sdp, "opus/48000/2\r\n");

	mem_deref(sdp);
	mem_deref(s);
}

static void test_ipv6(void **state)
{
	struct session *s = make("::1");
	struct media_rtp_params p;
	char *sdp = NULL;

	(void)state;

	assert_int_equal(answer(s,
				"v=0\r\no=- 1 1 IN IP6 2001:db8::7\r\ns=-\r\n"
				"c=IN IP6 2001:db8::7\r\nt=0 0\r\n"
				"m=audio 4000 RTP/AVP 0\r\n",
				&sdp),
			 0);
	HAS(sdp, "c=IN IP6 ::1\r\n");
	p = params(s);
	assert_int_equal(sa_af(&p.raddr), AF_INET6);

	mem_deref(sdp);
	mem_deref(s);
}

static void test_configured_codecs(void **state)
{
	static const char *const good[] = {"PCMA", "L16"};
	static const char *const bad[] = {"PCMA", "MP3"};
	struct session_conf conf = {.codecv = good, .codecc = 2};
	struct session *s = NULL;
	char *sdp;

	(void)state;

	(void)sa_set_str(&conf.laddr, "127.0.0.1", 20000);
	assert_int_equal(session_alloc(&s, &conf), 0);
	sdp = offer(s, false);
	HAS(sdp, "m=audio 20000 RTP/AVP 8 97 100 101\r\n");
	HAS(sdp, "a=rtpmap:97 L16/48000\r\n");
	mem_deref(sdp);
	s = mem_deref(s);

	conf.codecv = bad;
	assert_int_equal(session_alloc(&s, &conf), EINVAL);
	assert_null(s);
}

/* A description cut or changed anywhere: an error or an answer, no crash. */
static void test_mutations(void **state)
{
	uint32_t seed = 4711;
	size_t n = strlen(SOFT), i;

	(void)state;

	for (i = 0; i < 4000; i++) {
		struct session *s = make("127.0.0.1");
		char buf[sizeof(SOFT)], *sdp = NULL;
		size_t len = i < n ? i : n, k;

		memcpy(buf, SOFT, sizeof(buf));
		for (k = 0; i >= n && k < 4; k++) {
			seed = seed * 1664525 + 1013904223;
			buf[(seed >> 8) % n] = (char)(1 + (seed >> 24) % 126);
		}
		buf[len] = 0;
		(void)answer(s, buf, &sdp);
		mem_deref(sdp);
		mem_deref(s);
	}
}

static int no_leak(void **state)
{
	struct memstat st;

	(void)state;

	return mem_get_stat(&st) == 0 && st.blocks_cur ? -1 : 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_desk),
		cmocka_unit_test(test_soft),
		cmocka_unit_test(test_events_8k_with_opus),
		cmocka_unit_test(test_hold_forms),
		cmocka_unit_test(test_rtcp),
		cmocka_unit_test(test_session_level),
		cmocka_unit_test(test_port_zero),
		cmocka_unit_test(test_codec_and_address_change),
		cmocka_unit_test(test_many_lines),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_tolerant),
		cmocka_unit_test(test_ptime),
		cmocka_unit_test(test_offer),
		cmocka_unit_test(test_comfort_noise),
		cmocka_unit_test(test_repeat),
		cmocka_unit_test(test_both_hold),
		cmocka_unit_test(test_bad_answers),
		cmocka_unit_test(test_payload_types_stay),
		cmocka_unit_test(test_ipv6),
		cmocka_unit_test(test_configured_codecs),
		cmocka_unit_test(test_mutations),
	};

	return cmocka_run_group_tests(tests, NULL, no_leak);
}
