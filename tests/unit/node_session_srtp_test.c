/* libs: sy_node_sip sy_media sy_proto */
/* SPDX-License-Identifier: MIT */
/* SRTP in offer and answer, by text. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>
#include <re.h>

#include "node/sip/sdes.h"
#include "node/sip/session.h"
#include "tests/unit/node_session.h"

#define HEAD                                                                   \
	"v=0\r\no=phone 20518 0 IN IP4 192.0.2.7\r\ns=-\r\n"                   \
	"c=IN IP4 192.0.2.7\r\nt=0 0\r\n"
#define M(proto) "m=audio 11780 " proto " 0\r\n"
#define C80(tag) "a=crypto:" tag " AES_CM_128_HMAC_SHA1_80 " KEY_A "\r\n"
#define C80B(tag) "a=crypto:" tag " AES_CM_128_HMAC_SHA1_80 " KEY_B "\r\n"
#define C32(tag) "a=crypto:" tag " AES_CM_128_HMAC_SHA1_32 " KEY_A "\r\n"
#define CBAD(tag) "a=crypto:" tag " F8_128_HMAC_SHA1_80 " KEY_A "\r\n"
#define C128(tag) "a=crypto:" tag " AEAD_AES_128_GCM " KEY_28 "\r\n"
#define C256(tag) "a=crypto:" tag " AEAD_AES_256_GCM " KEY_44 "\r\n"
#define KEY_A "inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj"
#define KEY_B "inline:e0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj"
#define KEY_28 "inline:AAECAwQFBgcICQoLDA0OD/DBAgMEBQYHCAkKCw=="
#define KEY_44                                                                 \
	"inline:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKis="

static struct session *make(enum session_srtp srtp)
{
	struct session_conf conf = {.srtp = srtp};
	struct session *s = NULL;

	assert_int_equal(sa_set_str(&conf.laddr, "127.0.0.1", 20000), 0);
	assert_int_equal(session_alloc(&s, &conf), 0);

	return s;
}

static struct media_rtp_params params(const struct session *s)
{
	struct media_rtp_params prm;

	assert_int_equal(session_params(s, &prm), 0);

	return prm;
}

/* The keys of the n-th a=crypto of a text; false: there is none. */
static bool crypto(const char *str, unsigned n, struct sdes *s)
{
	const char *p = str;
	struct pl pl;

	do {
		p = strstr(p, "a=crypto:");
		if (!p)
			return false;
		p += 9;
	} while (n--);

	pl.p = p;
	pl.l = strcspn(p, "\r\n");
	assert_int_equal(sdes_read(s, &pl), 0);

	return true;
}

static unsigned crypto_count(const char *str)
{
	struct sdes s;
	unsigned n = 0;

	while (crypto(str, n, &s))
		++n;

	return n;
}

/* What is offered to us, in each mode. */
static void test_answers(void **state)
{
	static const struct {
		const char *sdp;
		int err[3];	      /* OPTIONAL, OFF, REQUIRED      */
		const char *suite[3]; /* NULL: as an error            */
		const char *has;      /* of what is answered with it  */
	} v[] = {
	    {HEAD M("RTP/AVP"),
	     {0, 0, EPROTONOSUPPORT},
	     {"", "", NULL},
	     "RTP/AVP 0"},
	    {HEAD M("RTP/SAVP") C80("1"),
	     {0, ENOTSUP, 0},
	     {"AES_CM_128_HMAC_SHA1_80", NULL, "AES_CM_128_HMAC_SHA1_80"},
	     "m=audio 20000 RTP/SAVP 0\r\n"},
	    {HEAD M("RTP/SAVPF") C256("7"),
	     {0, ENOTSUP, 0},
	     {"AEAD_AES_256_GCM", NULL, "AEAD_AES_256_GCM"},
	     "m=audio 20000 RTP/SAVPF 0\r\n"},
	    /* Best effort. */
	    {HEAD M("RTP/AVP") C32("3"),
	     {0, 0, 0},
	     {"AES_CM_128_HMAC_SHA1_32", "", "AES_CM_128_HMAC_SHA1_32"},
	     "m=audio 20000 RTP/AVP 0\r\n"},
	    /* The peer's order, less what we cannot do. */
	    {HEAD M("RTP/SAVP") CBAD("1") C32("2") C128("3"),
	     {0, ENOTSUP, 0},
	     {"AES_CM_128_HMAC_SHA1_32", NULL, "AES_CM_128_HMAC_SHA1_32"},
	     "a=crypto:2 AES_CM_128_HMAC_SHA1_32 inline:"},
	    {HEAD M("RTP/SAVP") C128("3") C80("2"),
	     {0, ENOTSUP, 0},
	     {"AEAD_AES_128_GCM", NULL, "AEAD_AES_128_GCM"},
	     "a=crypto:3 AEAD_AES_128_GCM inline:"},
	    {HEAD M("RTP/SAVP") CBAD("1"),
	     {ENOTSUP, ENOTSUP, EPROTONOSUPPORT},
	     {0},
	     NULL},
	    {HEAD M("RTP/SAVP"),
	     {ENOTSUP, ENOTSUP, EPROTONOSUPPORT},
	     {0},
	     NULL},
	    {HEAD M("RTP/AVP") CBAD("1"),
	     {0, 0, EPROTONOSUPPORT},
	     {"", "", NULL},
	     "RTP/AVP 0"},
	    {HEAD M("RTP/SAVP") "a=crypto:x\r\na=crypto:\r\n" C80(
		 "1") "a=crypto:2 " KEY_A "\r\n",
	     {0, ENOTSUP, 0},
	     {"AES_CM_128_HMAC_SHA1_80", NULL, "AES_CM_128_HMAC_SHA1_80"},
	     "a=crypto:1 "},
	    /* Two lines: SRTP before plain, whatever their order. */
	    {HEAD M("RTP/SAVP") C80("1") M("RTP/AVP"),
	     {0, 0, 0},
	     {"AES_CM_128_HMAC_SHA1_80", "", "AES_CM_128_HMAC_SHA1_80"},
	     "m=audio 20000 RTP/SAVP 0\r\n"},
	    {HEAD M("RTP/AVP") M("RTP/SAVP") C80("1"),
	     {0, 0, 0},
	     {"AES_CM_128_HMAC_SHA1_80", "", "AES_CM_128_HMAC_SHA1_80"},
	     "m=audio 20000 RTP/SAVP 0\r\n"},
	    /* DTLS is not ours. */
	    {HEAD M("UDP/TLS/RTP/SAVP") C80("1"),
	     {ENOTSUP, ENOTSUP, ENOTSUP},
	     {0},
	     NULL},
	    /* A key of the session's is nobody's. */
	    {HEAD C80("1") M("RTP/SAVP"),
	     {ENOTSUP, ENOTSUP, EPROTONOSUPPORT},
	     {0},
	     NULL},
	};
	size_t i, mode;

	(void)state;

	for (i = 0; i < ARRAY_SIZE(v); i++) {
		for (mode = 0; mode < 3; mode++) {
			struct session *s = make((enum session_srtp)mode);
			struct media_rtp_params prm;
			struct sdes line;
			char *out = NULL;
			int err = answer(s, v[i].sdp, &out);

			if (err != v[i].err[mode])
				fail_msg("%zu, %zu: %d, not %d", i, mode, err,
					 v[i].err[mode]);
			if (err) {
				mem_deref(s);
				continue;
			}

			assert_string_equal(session_srtp(s), v[i].suite[mode]);
			prm = params(s);
			assert_int_equal(crypto_count(out),
					 *v[i].suite[mode] ? 1 : 0);
			if (*v[i].suite[mode]) {
				HAS(out, v[i].has);
				assert_true(crypto(out, 0, &line));
				assert_true(
				    media_srtp_same(&line.keys, &prm.srtp_tx));
				assert_false(media_srtp_same(&prm.srtp_rx,
							     &prm.srtp_tx));
			} else {
				assert_int_equal(prm.srtp_tx.suite, 0);
				assert_int_equal(prm.srtp_rx.suite, 0);
			}
			mem_deref(out);
			mem_deref(s);
		}
	}
}

/* With two lines the one that is not taken has port 0, in its place. */
static void test_two_lines(void **state)
{
	struct session *s = make(SESSION_SRTP_OPTIONAL);
	char *out = NULL;

	(void)state;

	assert_int_equal(
	    answer(s, HEAD M("RTP/SAVP") C80("1") M("RTP/AVP"), &out), 0);
	HAS(out, "m=audio 20000 RTP/SAVP 0\r\n");
	HAS(out, "m=audio 0 RTP/AVP 0\r\n");
	assert_true(strstr(out, "RTP/SAVP") < strstr(out, "RTP/AVP"));
	mem_deref(out);
	mem_deref(s);
}

static void test_offers(void **state)
{
	struct session *s = make(SESSION_SRTP_OPTIONAL);
	char *a, *b;
	struct sdes x, y;
	unsigned i, k;

	(void)state;

	a = offer(s, false);
	HAS(a, "m=audio 20000 RTP/AVP ");
	assert_int_equal(crypto_count(a), 4);
	HAS(a, "a=crypto:1 AEAD_AES_128_GCM ");
	HAS(a, "a=crypto:2 AES_CM_128_HMAC_SHA1_80 ");
	HAS(a, "a=crypto:3 AEAD_AES_256_GCM ");
	HAS(a, "a=crypto:4 AES_CM_128_HMAC_SHA1_32 ");
	for (i = 0; i < 4; i++) {
		for (k = 0; k < i; k++) {
			assert_true(crypto(a, i, &x) && crypto(a, k, &y));
			assert_memory_not_equal(x.keys.key, y.keys.key, 16);
		}
	}

	/* The same once more, as nothing has changed. */
	b = offer(s, false);
	assert_string_equal(a, b);
	mem_deref(a);
	mem_deref(b);
	mem_deref(s);

	/* Another leg has other keys. */
	s = make(SESSION_SRTP_REQUIRED);
	a = offer(s, false);
	HAS(a, "m=audio 20000 RTP/SAVP ");
	assert_int_equal(crypto_count(a), 4);
	assert_true(crypto(a, 0, &x));
	assert_memory_not_equal(x.keys.key, y.keys.key, 16);
	mem_deref(a);
	mem_deref(s);

	s = make(SESSION_SRTP_OFF);
	a = offer(s, false);
	HAS(a, "m=audio 20000 RTP/AVP ");
	assert_int_equal(crypto_count(a), 0);
	mem_deref(a);
	mem_deref(s);
}

/* What may be answered to our offers. */
static void test_answered(void **state)
{
	static const struct {
		enum session_srtp mode;
		const char *sdp;
		int err;
		const char *suite;
	} v[] = {
	    {SESSION_SRTP_OPTIONAL, HEAD M("RTP/AVP"), 0, ""},
	    {SESSION_SRTP_OPTIONAL, HEAD M("RTP/AVP") C80("2"), 0,
	     "AES_CM_128_HMAC_SHA1_80"},
	    {SESSION_SRTP_OPTIONAL, HEAD M("RTP/AVP") C128("1"), 0,
	     "AEAD_AES_128_GCM"},
	    {SESSION_SRTP_OPTIONAL, HEAD M("RTP/AVP") C256("3"), 0,
	     "AEAD_AES_256_GCM"},
	    {SESSION_SRTP_OPTIONAL, HEAD M("RTP/AVP") C32("4"), 0,
	     "AES_CM_128_HMAC_SHA1_32"},
	    /* Not the suite of that tag; not a tag of ours. */
	    {SESSION_SRTP_OPTIONAL, HEAD M("RTP/AVP") C80("1"), ENOTSUP, ""},
	    {SESSION_SRTP_OPTIONAL, HEAD M("RTP/AVP") C80("5"), ENOTSUP, ""},
	    {SESSION_SRTP_OPTIONAL, HEAD M("RTP/AVP") CBAD("2"), ENOTSUP, ""},
	    /* Some say SAVP, having read a=crypto. */
	    {SESSION_SRTP_OPTIONAL, HEAD M("RTP/SAVP") C80("2"), 0,
	     "AES_CM_128_HMAC_SHA1_80"},
	    {SESSION_SRTP_OFF, HEAD M("RTP/AVP"), 0, ""},
	    {SESSION_SRTP_OFF, HEAD M("RTP/AVP") C80("2"), 0, ""},
	    {SESSION_SRTP_REQUIRED, HEAD M("RTP/SAVP") C128("1"), 0,
	     "AEAD_AES_128_GCM"},
	    {SESSION_SRTP_REQUIRED, HEAD M("RTP/SAVP"), EPROTONOSUPPORT, ""},
	    {SESSION_SRTP_REQUIRED, HEAD M("RTP/SAVP") C80("1"),
	     EPROTONOSUPPORT, ""},
	    {SESSION_SRTP_REQUIRED, HEAD M("RTP/AVP"), EPROTONOSUPPORT, ""},
	};
	size_t i;

	(void)state;

	for (i = 0; i < ARRAY_SIZE(v); i++) {
		struct session *s = make(v[i].mode);
		struct media_rtp_params prm;
		char *out = offer(s, false);
		struct sdes ours, theirs;
		int err = answered(s, v[i].sdp);

		if (err != v[i].err)
			fail_msg("%zu: %d, not %d", i, err, v[i].err);
		assert_string_equal(session_srtp(s), v[i].suite);
		if (*v[i].suite) {
			prm = params(s);
			assert_true(crypto(v[i].sdp, 0, &theirs));
			assert_true(crypto(out, theirs.tag - 1, &ours));
			assert_true(media_srtp_same(&prm.srtp_tx, &ours.keys));
			assert_true(
			    media_srtp_same(&prm.srtp_rx, &theirs.keys));
		}
		mem_deref(out);
		mem_deref(s);
	}
}

/* Hold and resume by either side change no key; a new key of the peer's
 * makes a new one of ours. */
static void test_rekey(void **state)
{
	struct session *s = make(SESSION_SRTP_OPTIONAL);
	struct media_rtp_params p, q;
	char *out = NULL;
	struct sdes line;

	(void)state;

	assert_int_equal(answer(s, HEAD M("RTP/SAVP") C80("1") C32("2"), &out),
			 0);
	out = mem_deref(out);
	p = params(s);

	assert_int_equal(
	    answer(s, HEAD M("RTP/SAVP") C80("9") "a=sendonly\r\n", &out), 0);
	HAS(out, "a=crypto:9 ");
	HAS(out, "a=recvonly");
	out = mem_deref(out);
	q = params(s);
	assert_true(media_srtp_same(&p.srtp_tx, &q.srtp_tx));
	assert_true(media_srtp_same(&p.srtp_rx, &q.srtp_rx));

	/* Ours: the line in use, and no other. */
	out = offer(s, true);
	HAS(out, "RTP/SAVP");
	assert_int_equal(crypto_count(out), 1);
	assert_true(crypto(out, 0, &line));
	assert_true(media_srtp_same(&line.keys, &p.srtp_tx));
	out = mem_deref(out);
	assert_int_equal(answered(s, HEAD M("RTP/SAVP") C80("1")), 0);
	q = params(s);
	assert_true(media_srtp_same(&p.srtp_tx, &q.srtp_tx));
	assert_true(media_srtp_same(&p.srtp_rx, &q.srtp_rx));

	/* ... where the peer may change its own. */
	out = mem_deref(offer(s, false));
	assert_int_equal(answered(s, HEAD M("RTP/SAVP") C80B("1")), 0);
	q = params(s);
	assert_true(media_srtp_same(&p.srtp_tx, &q.srtp_tx));
	assert_false(media_srtp_same(&p.srtp_rx, &q.srtp_rx));

	/* The peer's new key. */
	assert_int_equal(answer(s, HEAD M("RTP/SAVP") C80("1"), &out), 0);
	out = mem_deref(out);
	q = params(s);
	assert_false(media_srtp_same(&p.srtp_tx, &q.srtp_tx));
	assert_true(media_srtp_same(&p.srtp_rx, &q.srtp_rx));

	/* Another suite; then none; then off and on again. */
	assert_int_equal(answer(s, HEAD M("RTP/SAVP") C128("1"), &out), 0);
	out = mem_deref(out);
	assert_string_equal(session_srtp(s), "AEAD_AES_128_GCM");
	p = params(s);
	assert_int_equal(
	    answer(s, HEAD "m=audio 0 RTP/SAVP 0\r\n" C128("1"), &out), 0);
	HAS(out, "m=audio 0 RTP/SAVP");
	out = mem_deref(out);
	assert_int_equal(answer(s, HEAD M("RTP/SAVP") C128("1"), &out), 0);
	out = mem_deref(out);
	q = params(s);
	assert_true(media_srtp_same(&p.srtp_tx, &q.srtp_tx));
	assert_int_equal(answer(s, HEAD M("RTP/AVP"), &out), 0);
	assert_string_equal(session_srtp(s), "");
	assert_int_equal(crypto_count(out), 0);
	out = mem_deref(out);

	/* Plain stays plain in our own offers. */
	out = offer(s, false);
	assert_int_equal(crypto_count(out), 0);
	mem_deref(out);
	mem_deref(s);

	/* Required stays required; the session is as before. */
	s = make(SESSION_SRTP_REQUIRED);
	assert_int_equal(answer(s, HEAD M("RTP/SAVP") C80("1"), &out), 0);
	out = mem_deref(out);
	p = params(s);
	assert_int_equal(answer(s, HEAD M("RTP/AVP"), &out), EPROTONOSUPPORT);
	q = params(s);
	assert_true(media_srtp_same(&p.srtp_tx, &q.srtp_tx));
	mem_deref(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_answers), cmocka_unit_test(test_two_lines),
	    cmocka_unit_test(test_offers),  cmocka_unit_test(test_answered),
	    cmocka_unit_test(test_rekey),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
