/* libs: sy_node_sip sy_proto */
/* SPDX-License-Identifier: MIT */
/* Sessions that go on at another node: texts in, the same agreement out. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <re.h>

#include "has.h"
#include "node/sip/session.h"

#define HEAD "v=0\r\no=phone 20518 0 IN IP4 192.0.2.7\r\ns=-\r\n"
#define CONN "c=IN IP4 192.0.2.7\r\nt=0 0\r\n"
#define AUDIO                                                                  \
	"m=audio 11780 RTP/AVP 9 0 8 101\r\n"                                  \
	"a=rtpmap:9 G722/8000\r\na=rtpmap:0 PCMU/8000\r\n"                     \
	"a=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\n"        \
	"a=fmtp:101 0-15\r\na=ptime:30\r\n"
#define DESK HEAD CONN AUDIO
#define SOFT                                                                   \
	HEAD CONN                                                              \
	    "m=video 0 RTP/AVP 31\r\n"                                         \
	    "m=audio 7078 RTP/AVP 111 97 0 120 99 13\r\n"                      \
	    "a=rtpmap:111 opus/48000/2\r\n"                                    \
	    "a=fmtp:111 useinbandfec=1;maxaveragebitrate=20000;stereo=0\r\n"   \
	    "a=rtpmap:97 speex/16000\r\na=fmtp:97 vbr=on\r\n"                  \
	    "a=rtpmap:120 telephone-event/48000\r\n"                           \
	    "a=rtpmap:99 telephone-event/8000\r\na=rtpmap:13 CN/8000\r\n"      \
	    "a=rtcp-mux\r\na=rtcp-xr:voip-metrics\r\n"

/* Two keys of the peer, by RFC 4568's own examples. */
#define KEY1 "inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz"
#define KEY2 "inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj"
#define CRYPTO(tag, key) "a=crypto:" #tag " AES_CM_128_HMAC_SHA1_80 " key "\r\n"

/* A leg at one node, and what it would write down. */
struct side {
	struct session *s;
	char *local, *remote;
};

static void setup_conf(struct session_conf *conf, const char *addr,
		       enum session_srtp srtp)
{
	memset(conf, 0, sizeof(*conf));
	conf->opus_bitrate_bps = 32000;
	conf->srtp = srtp;
	assert_int_equal(sa_set_str(&conf->laddr, addr, 20000), 0);
}

static void begin(struct side *a, enum session_srtp srtp)
{
	struct session_conf conf;

	memset(a, 0, sizeof(*a));
	setup_conf(&conf, "192.0.2.50", srtp);
	assert_int_equal(session_alloc(&a->s, &conf), 0);
}

static void end(struct side *a)
{
	mem_deref(a->s);
	mem_deref(a->local);
	mem_deref(a->remote);
}

static struct mbuf *text(const char *str)
{
	struct mbuf *mb = mbuf_alloc(strlen(str) + 1);

	assert_non_null(mb);
	(void)mbuf_write_str(mb, str);
	mb->pos = 0;

	return mb;
}

static void keep(char **strp, const struct mbuf *mb)
{
	*strp = mem_deref(*strp);
	(void)re_sdprintf(strp, "%b", mb->buf, mb->end);
}

static void offered(struct side *a, const char *offer)
{
	struct mbuf *in = text(offer), *mb = NULL;

	assert_int_equal(session_answer(a->s, in, &mb), 0);
	keep(&a->local, mb);
	keep(&a->remote, in);
	mem_deref(mb);
	mem_deref(in);
}

static void offer(struct side *a, bool hold)
{
	struct mbuf *mb = NULL;

	assert_int_equal(session_offer(a->s, hold, &mb), 0);
	keep(&a->local, mb);
	mem_deref(mb);
}

static int answered(struct side *a, const char *answer)
{
	struct mbuf *in = text(answer);
	int err = session_answered(a->s, in);

	if (!err)
		keep(&a->remote, in);
	mem_deref(in);

	return err;
}

static int resume(struct side *b, const struct side *a, bool hold, bool pending,
		  enum session_srtp srtp)
{
	const struct session_state st = {
	    .local_sdp = a->local,
	    .remote_sdp = a->remote,
	    .id = session_id(a->s),
	    .version = session_version(a->s),
	    .local_hold = hold,
	    .pending = pending,
	};
	struct session_conf conf;

	memset(b, 0, sizeof(*b));
	setup_conf(&conf, "192.0.2.60", srtp);

	return session_resume(&b->s, &conf, &st);
}

static struct media_rtp_params params(const struct side *a)
{
	struct media_rtp_params prm;

	assert_int_equal(session_params(a->s, &prm), 0);

	return prm;
}

static bool same_codec(const struct media_codec *a, const struct media_codec *b)
{
	return a->id == b->id && a->pt == b->pt && a->clock_hz == b->clock_hz &&
	       a->ptime_ms == b->ptime_ms && a->bitrate_bps == b->bitrate_bps &&
	       a->fec == b->fec && a->dtx == b->dtx;
}

/* Whatever order the formats stand in. */
static void check_rx(const struct media_rtp_params *a,
		     const struct media_rtp_params *b)
{
	size_t i, k, n = 0;

	assert_int_equal(a->rxc, b->rxc);
	for (i = 0; i < a->rxc; i++) {
		for (k = 0; k < b->rxc; k++)
			n += same_codec(&a->rxv[i], &b->rxv[k]);
	}
	assert_int_equal(n, a->rxc);
}

static void check_same(const struct side *sa, const struct side *sb)
{
	const struct media_rtp_params a = params(sa), b = params(sb);

	assert_string_equal(session_codec(sa->s), session_codec(sb->s));
	assert_string_equal(session_srtp(sa->s), session_srtp(sb->s));
	assert_int_equal(session_remote_hold(sa->s),
			 session_remote_hold(sb->s));
	assert_true(same_codec(&a.tx, &b.tx));
	check_rx(&a, &b);
	assert_true(sa_cmp(&a.raddr, &b.raddr, SA_ALL));
	assert_int_equal(a.event_pt_tx, b.event_pt_tx);
	assert_int_equal(a.event_pt_rx, b.event_pt_rx);
	assert_int_equal(a.event_clock_hz, b.event_clock_hz);
	assert_int_equal(a.event2_pt_rx, b.event2_pt_rx);
	assert_int_equal(a.send, b.send);
	assert_int_equal(a.recv, b.recv);
	assert_int_equal(a.cn_rx, b.cn_rx);
	assert_int_equal(a.rtcp, b.rtcp);
	assert_int_equal(a.rtcp_xr, b.rtcp_xr);
	assert_true(media_srtp_same(&a.srtp_rx, &b.srtp_rx));
	assert_true(media_srtp_same(&a.srtp_tx, &b.srtp_tx));
}

/* The next offer: the version after the last, the new address. */
static void check_offer(struct side *b, const struct side *a, bool hold)
{
	const uint64_t version = session_version(a->s);
	char o[96];

	offer(b, hold);
	(void)re_snprintf(o, sizeof(o), "o=- %llu %llu IN IP4 192.0.2.60\r\n",
			  session_id(a->s), version + 1);
	HAS(b->local, o);
	HAS(b->local, "c=IN IP4 192.0.2.60\r\n");
	if (hold)
		HAS(b->local,
		    session_remote_hold(a->s) ? "a=inactive" : "a=sendonly");
}

static void check(struct side *a, bool hold, enum session_srtp srtp)
{
	struct side b;

	assert_int_equal(resume(&b, a, hold, false, srtp), 0);
	check_same(a, &b);
	check_offer(&b, a, hold);
	end(&b);
}

/* ------------------------------------------------------------------- tests */

static void test_answered_by_us(void **state)
{
	static const char *const offers[] = {
	    DESK, SOFT, DESK "a=sendonly\r\n", DESK "a=inactive\r\n",
	    HEAD "c=IN IP4 0.0.0.0\r\nt=0 0\r\n" AUDIO};
	size_t i;

	(void)state;

	for (i = 0; i < ARRAY_SIZE(offers); i++) {
		struct side a;

		begin(&a, SESSION_SRTP_OPTIONAL);
		offered(&a, offers[i]);
		check(&a, false, SESSION_SRTP_OPTIONAL);
		end(&a);
	}
}

static void test_answered_by_peer(void **state)
{
	struct side a;

	(void)state;

	begin(&a, SESSION_SRTP_OFF);
	offer(&a, false);
	assert_int_equal(answered(&a, DESK), 0);
	check(&a, false, SESSION_SRTP_OFF);

	/* we hold; then the peer does, too */
	offer(&a, true);
	assert_int_equal(answered(&a, DESK "a=recvonly\r\n"), 0);
	check(&a, true, SESSION_SRTP_OFF);
	offer(&a, true);
	assert_int_equal(answered(&a, DESK "a=inactive\r\n"), 0);
	check(&a, true, SESSION_SRTP_OFF);
	end(&a);
}

/* The lines of the peer's offer stay in their places. */
static void test_lines(void **state)
{
	struct side a, b;

	(void)state;

	begin(&a, SESSION_SRTP_OPTIONAL);
	offered(&a, SOFT);
	assert_int_equal(resume(&b, &a, false, false, SESSION_SRTP_OPTIONAL),
			 0);
	offer(&b, false);
	HAS(b.local, "m=video 0 ");
	assert_true(strstr(b.local, "m=video") < strstr(b.local, "m=audio"));
	HAS(b.local, "a=rtpmap:111 opus/48000/2\r\n");
	HAS(b.local, "a=rtpmap:120 telephone-event/48000\r\n");
	assert_int_equal(answered(&b, SOFT), 0);
	check_same(&a, &b);
	end(&b);
	end(&a);
}

/* The peer has taken its stream away; it gives it back to the new owner. */
static void test_off(void **state)
{
	struct side a, b;

	(void)state;

	begin(&a, SESSION_SRTP_OPTIONAL);
	offered(&a, DESK);
	offered(&a, HEAD CONN "m=audio 0 RTP/AVP 9 0\r\n");
	assert_int_equal(resume(&b, &a, false, false, SESSION_SRTP_OPTIONAL),
			 0);
	assert_true(session_remote_hold(b.s));
	assert_false(params(&b).send);
	offer(&b, false);
	assert_int_equal(answered(&b, DESK), 0);
	assert_string_equal(session_codec(b.s), "G722");
	assert_false(session_remote_hold(b.s));
	end(&b);
	end(&a);
}

static void peer_key(char *buf, size_t size, const char *local, const char *key)
{
	const char *p = strstr(local, " AES_CM_128_HMAC_SHA1_80 ");

	assert_non_null(p);
	(void)re_snprintf(buf, size,
			  HEAD CONN AUDIO
			  "a=crypto:%c AES_CM_128_HMAC_SHA1_80 %s\r\n",
			  p[-1], key);
}

/* Both keys are known, and stay: not every phone takes new ones. */
static void test_srtp(void **state)
{
	struct media_rtp_params before, after;
	struct side a, b;
	char answer[1024];

	(void)state;

	/* the peer offered */
	begin(&a, SESSION_SRTP_OPTIONAL);
	offered(&a, DESK CRYPTO(3, KEY2) CRYPTO(5, KEY1));
	check(&a, false, SESSION_SRTP_OPTIONAL);
	assert_int_equal(resume(&b, &a, false, false, SESSION_SRTP_OPTIONAL),
			 0);
	before = params(&b);

	/* ... and offers again the same key */
	offered(&b, DESK CRYPTO(3, KEY2));
	after = params(&b);
	assert_true(media_srtp_same(&before.srtp_rx, &after.srtp_rx));
	assert_true(media_srtp_same(&before.srtp_tx, &after.srtp_tx));

	/* ... or a new one, which is answered by a new one */
	offered(&b, DESK CRYPTO(3, KEY1));
	after = params(&b);
	assert_false(media_srtp_same(&before.srtp_rx, &after.srtp_rx));
	assert_false(media_srtp_same(&before.srtp_tx, &after.srtp_tx));
	end(&b);
	end(&a);

	/* we offered */
	begin(&a, SESSION_SRTP_OPTIONAL);
	offer(&a, false);
	peer_key(answer, sizeof(answer), a.local, KEY1);
	assert_int_equal(answered(&a, answer), 0);
	check(&a, false, SESSION_SRTP_OPTIONAL);
	assert_int_equal(resume(&b, &a, false, false, SESSION_SRTP_OPTIONAL),
			 0);
	before = params(&b);
	offer(&b, false);
	peer_key(answer, sizeof(answer), b.local, KEY1);
	assert_int_equal(answered(&b, answer), 0);
	after = params(&b);
	assert_true(media_srtp_same(&before.srtp_rx, &after.srtp_rx));
	assert_true(media_srtp_same(&before.srtp_tx, &after.srtp_tx));
	end(&b);
	end(&a);
}

/* Our re-INVITE was under way when its owner died: the peer's description is
 * of the round before, with the tag of that. */
static void test_srtp_two_rounds(void **state)
{
	struct side a, b;

	(void)state;

	begin(&a, SESSION_SRTP_OPTIONAL);
	offered(&a, DESK CRYPTO(3, KEY2));
	offer(&a, false);
	HAS(a.local, "a=crypto:1 ");
	assert_int_equal(resume(&b, &a, false, false, SESSION_SRTP_OPTIONAL),
			 0);
	assert_string_equal(session_srtp(b.s), "AES_CM_128_HMAC_SHA1_80");
	end(&b);
	end(&a);
}

/* Our offer waits for its answer. */
static void test_pending(void **state)
{
	struct media_rtp_params prm;
	struct side a, b;
	char answer[1024];

	(void)state;

	begin(&a, SESSION_SRTP_OPTIONAL);
	offer(&a, false);
	assert_int_equal(resume(&b, &a, false, true, SESSION_SRTP_OPTIONAL), 0);
	assert_int_equal(session_params(b.s, &prm), EPROTO);
	peer_key(answer, sizeof(answer), a.local, KEY1);
	assert_int_equal(answered(&b, answer), 0);
	assert_int_equal(answered(&a, answer), 0);
	check_same(&a, &b);
	check_offer(&b, &a, false);
	end(&b);

	/* it was answered early */
	assert_int_equal(resume(&b, &a, false, true, SESSION_SRTP_OPTIONAL), 0);
	check_same(&a, &b);
	assert_int_equal(answered(&b, answer), 0);
	end(&b);
	end(&a);
}

/* An offer of the peer's waits: only the o line goes on. */
static void test_fresh(void **state)
{
	struct side a, b;
	char o[64];

	(void)state;

	begin(&a, SESSION_SRTP_OPTIONAL);
	assert_int_equal(resume(&b, &a, false, false, SESSION_SRTP_OPTIONAL),
			 0);
	offered(&b, DESK);
	(void)re_snprintf(o, sizeof(o), "o=- %llu 1 IN IP4 192.0.2.60",
			  session_id(a.s));
	HAS(b.local, o);
	end(&b);
	end(&a);
}

static void test_names(void **state)
{
	const char *v[8];
	struct side a;

	(void)state;

	begin(&a, SESSION_SRTP_OPTIONAL);
	assert_int_equal(session_codecs(a.s, v, ARRAY_SIZE(v)), 4);
	assert_string_equal(v[0], "opus");
	assert_string_equal(v[3], "PCMA");
	assert_int_equal(session_codecs(a.s, v, 2), 2);
	end(&a);
}

/* Whatever stands in a record: an error, or a session that can be used. */
static void test_mutations(void **state)
{
	struct side a, b;
	unsigned seed, i;
	size_t n;

	(void)state;

	begin(&a, SESSION_SRTP_OPTIONAL);
	offered(&a, DESK CRYPTO(3, KEY2));
	n = strlen(a.local);

	for (seed = 1; seed <= 3000; seed++) {
		char *local = a.local, *remote = a.remote;

		srand(seed);
		(void)str_dup(&a.local, local);
		(void)str_dup(&a.remote, remote);
		for (i = 0; i < 3; i++) {
			char *str = rand() % 2 ? a.local : a.remote;
			const size_t at = (size_t)rand() % strlen(str);

			if (rand() % 8 == 0)
				str[at ? at : 1] = 0;
			else
				str[at] = (char)(1 + rand() % 127);
		}
		if (!resume(&b, &a, seed % 2, seed % 3 == 0,
			    SESSION_SRTP_OPTIONAL)) {
			struct mbuf *mb = NULL;

			if (!session_offer(b.s, false, &mb))
				mem_deref(mb);
			end(&b);
		}
		mem_deref(a.local);
		mem_deref(a.remote);
		a.local = local;
		a.remote = remote;
	}

	assert_int_equal(strlen(a.local), n);
	a.local[0] = 'x';
	assert_int_equal(resume(&b, &a, false, false, SESSION_SRTP_OPTIONAL),
			 EBADMSG);
	end(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_answered_by_us),
	    cmocka_unit_test(test_answered_by_peer),
	    cmocka_unit_test(test_lines),
	    cmocka_unit_test(test_off),
	    cmocka_unit_test(test_srtp),
	    cmocka_unit_test(test_srtp_two_rounds),
	    cmocka_unit_test(test_pending),
	    cmocka_unit_test(test_fresh),
	    cmocka_unit_test(test_names),
	    cmocka_unit_test(test_mutations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
