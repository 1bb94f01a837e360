/* libs: sy_node_sip sy_media sy_proto */
/* SPDX-License-Identifier: MIT */
/* a=crypto: what is taken, and what is not. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <re.h>

#include "node/sip/sdes.h"

/* RFC 4568 9.1's example key: 30 bytes. */
#define K30 "inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj"
/* 28 and 44 bytes. */
#define K28 "inline:AAECAwQFBgcICQoLDA0OD/DBAgMEBQYHCAkKCw=="
#define K44                                                                    \
	"inline:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKis="
#define S80 "AES_CM_128_HMAC_SHA1_80 "
#define S32 "AES_CM_128_HMAC_SHA1_32 "
#define G128 "AEAD_AES_128_GCM "
#define G256 "AEAD_AES_256_GCM "

static int read_str(struct sdes *s, const char *str)
{
	/* Of the exact size, for AddressSanitizer. */
	const size_t n = strlen(str);
	char *copy = malloc(n ? n : 1);
	struct pl pl = {copy, n};
	int err;

	memcpy(copy, str, n);
	err = sdes_read(s, &pl);
	free(copy);

	return err;
}

static void test_taken(void **state)
{
	static const struct {
		const char *line;
		uint32_t tag;
		enum media_srtp_suite suite;
		unsigned mki_len;
	} v[] = {
	    {"1 " S80 K30, 1, MEDIA_SRTP_AES_CM_128_HMAC_SHA1_80, 0},
	    {"0 " S80 K30, 0, MEDIA_SRTP_AES_CM_128_HMAC_SHA1_80, 0},
	    {"999999999 " S32 K30, 999999999,
	     MEDIA_SRTP_AES_CM_128_HMAC_SHA1_32, 0},
	    {"2\t" S80 " " K30 "  ", 2, MEDIA_SRTP_AES_CM_128_HMAC_SHA1_80, 0},
	    {"1 " S80 K30 "|2^20|1:32", 1, MEDIA_SRTP_AES_CM_128_HMAC_SHA1_80,
	     32},
	    {"1 " S80 K30 "|2^31", 1, MEDIA_SRTP_AES_CM_128_HMAC_SHA1_80, 0},
	    {"1 " S80 K30 "|1048576|3:1", 1, MEDIA_SRTP_AES_CM_128_HMAC_SHA1_80,
	     1},
	    {"1 " S80 K30 "|66051:4", 1, MEDIA_SRTP_AES_CM_128_HMAC_SHA1_80, 4},
	    {"1 " S80 K30 " WSH=64 KDR=0 -x=y -UNKNOWN", 1,
	     MEDIA_SRTP_AES_CM_128_HMAC_SHA1_80, 0},
	    {"3 " G128 K28, 3, MEDIA_SRTP_AEAD_AES_128_GCM, 0},
	    {"4 " G256 K44, 4, MEDIA_SRTP_AEAD_AES_256_GCM, 0},
	    {"4 " G256 "inline:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8g"
	     "ISIjJCUmJygpKis",
	     4, MEDIA_SRTP_AEAD_AES_256_GCM, 0},
	};
	struct sdes s;
	size_t i, k;

	(void)state;

	for (i = 0; i < ARRAY_SIZE(v); i++) {
		print_message("%s\n", v[i].line);
		assert_int_equal(read_str(&s, v[i].line), 0);
		assert_int_equal(s.tag, v[i].tag);
		assert_int_equal(s.keys.suite, v[i].suite);
		assert_int_equal(s.keys.mki_len, v[i].mki_len);
	}

	assert_int_equal(read_str(&s, "1 " S80 K30 "|66051:4"), 0);
	assert_memory_equal(s.keys.mki, "\0\1\2\3", 4);
	assert_int_equal(read_str(&s, "1 " S80 K30 "|2^20|1:32"), 0);
	assert_int_equal(s.keys.mki[31], 1);
	assert_int_equal(s.keys.mki[0], 0);

	assert_int_equal(read_str(&s, "4 " G256 K44), 0);
	for (k = 0; k < 32; k++)
		assert_int_equal(s.keys.key[k], k);
	for (k = 0; k < 12; k++)
		assert_int_equal(s.keys.salt[k], 32 + k);

	assert_int_equal(read_str(&s, "1 " S80 K30), 0);
	assert_memory_equal(s.keys.key, "wDfvg&T+)xG7@fb5", 16);
	assert_memory_equal(s.keys.salt, "jU,RaA}\\|p0%*#", 14);
}

static void test_not_taken(void **state)
{
	static const struct {
		const char *line;
		int err;
	} v[] = {
	    {"", EBADMSG},
	    {" ", EBADMSG},
	    {"1", EBADMSG},
	    {"1 " S80, EBADMSG},
	    {S80 K30, EBADMSG},
	    {"x " S80 K30, EBADMSG},
	    {"-1 " S80 K30, EBADMSG},
	    {"01 " S80 K30, EBADMSG},
	    {"1234567890 " S80 K30, EBADMSG},
	    {"1 F8_128_HMAC_SHA1_80 " K30, ENOTSUP},
	    {"1 AES_256_CM_HMAC_SHA1_80 " K44, ENOTSUP},
	    {"1 aes_cm_128_hmac_sha1_80 " K30, ENOTSUP},
	    {"1 AES_CM_128_HMAC_SHA1_8 " K30, ENOTSUP},
	    {"1 " S80 "d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj", EBADMSG},
	    {"1 " S80 "INLINE:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj",
	     EBADMSG},
	    {"1 " S80 "uri:https://example.com/key", EBADMSG},
	    {"1 " S80 "inline:", EBADMSG},
	    {"1 " S80 "inline:====", EBADMSG},
	    {"1 " S80 K28, EBADMSG}, /* the length of another */
	    {"1 " G128 K30, EBADMSG},
	    {"1 " G256 K28, EBADMSG},
	    {"1 " S80 "inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSo",
	     EBADMSG},
	    {"1 " S80 K30 "A", EBADMSG},
	    {"1 " S80 "inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJS-_",
	     EBADMSG},
	    {"1 " S80 "inline:d0RmdmcmVCspeEc3QGZi=WpVLFJhQX1cfHAwJSoj",
	     EBADMSG},
	    {"1 " S80 K30 "|", EBADMSG},
	    {"1 " S80 K30 "|2^", EBADMSG},
	    {"1 " S80 K30 "|2^49", EBADMSG},
	    {"1 " S80 K30 "|0", EBADMSG},
	    {"1 " S80 K30 "|2^20|", EBADMSG},
	    {"1 " S80 K30 "|2^20|1", EBADMSG},
	    {"1 " S80 K30 "|2^20|1:", EBADMSG},
	    {"1 " S80 K30 "|2^20|:4", EBADMSG},
	    {"1 " S80 K30 "|2^20|1:0", EBADMSG},
	    {"1 " S80 K30 "|2^20|1:129", EBADMSG},
	    {"1 " S80 K30 "|2^20|256:1", EBADMSG},
	    {"1 " S80 K30 "|2^20|1:64", ENOTSUP}, /* longer than we keep */
	    {"1 " S80 K30 "|1:4|2^20", EBADMSG},
	    {"1 " S80 K30 "|2^20|1:4|x", EBADMSG},
	    {"1 " S80 K30 "|1:4;" K30 "|2:4", ENOTSUP},
	    {"1 " S80 K30 " KDR=1", ENOTSUP},
	    {"1 " S80 K30 " KDR=", EBADMSG},
	    {"1 " S80 K30 " KDR", ENOTSUP},
	    {"1 " S80 K30 " WSH=63", EBADMSG},
	    {"1 " S80 K30 " WSH=x", EBADMSG},
	    {"1 " S80 K30 " UNENCRYPTED_SRTP", ENOTSUP},
	    {"1 " S80 K30 " UNENCRYPTED_SRTCP", ENOTSUP},
	    {"1 " S80 K30 " UNAUTHENTICATED_SRTP", ENOTSUP},
	    {"1 " S80 K30 " FEC_ORDER=FEC_SRTP", ENOTSUP},
	    {"1 " S80 K30 " FEC_KEY=" K30, ENOTSUP},
	    {"1 " S80 K30 " NEW_PARAMETER=1", ENOTSUP},
	    {"1 " S80 K30 " -old WSH=128 NEW", ENOTSUP},
	};
	struct sdes s, same;
	size_t i;

	(void)state;

	memset(&s, 0x5a, sizeof(s));
	same = s;
	for (i = 0; i < ARRAY_SIZE(v); i++) {
		const int err = read_str(&s, v[i].line);

		if (err != v[i].err)
			fail_msg("%d instead of %d: %s", err, v[i].err,
				 v[i].line);
		assert_memory_equal(&s, &same, sizeof(s));
	}
}

/* Ours is read as it was written, and no two are alike. */
static void test_round(void **state)
{
	unsigned suite;

	(void)state;

	for (suite = 1; suite < MEDIA_SRTP_COUNT; suite++) {
		struct sdes a = {.tag = suite}, b, c = {.tag = suite};
		char buf[SDES_TEXT_MAX];

		assert_int_equal(sdes_new(&a.keys, suite), 0);
		assert_int_equal(sdes_new(&c.keys, suite), 0);
		assert_false(media_srtp_same(&a.keys, &c.keys));
		assert_true(
		    re_snprintf(buf, sizeof(buf), "%H", sdes_print, &a) > 0);
		assert_int_equal(read_str(&b, buf), 0);
		assert_int_equal(b.tag, suite);
		assert_true(media_srtp_same(&a.keys, &b.keys));
	}

	{
		struct media_srtp k;

		assert_int_equal(sdes_new(&k, MEDIA_SRTP_NONE), EINVAL);
		assert_int_equal(sdes_new(&k, MEDIA_SRTP_COUNT), EINVAL);
	}
}

/* Every prefix, every byte replaced by every other: an answer, no crash. */
static void test_bytes(void **state)
{
	static const char line[] = "17 " S80 K30 "|2^20|1:32 WSH=128 KDR=0 -x";
	char buf[sizeof(line)];
	struct sdes s;
	size_t i;
	int c;

	(void)state;

	for (i = 0; i < sizeof(line); i++) {
		memcpy(buf, line, i);
		buf[i] = '\0';
		(void)read_str(&s, buf);
	}

	for (i = 0; i + 1 < sizeof(line); i++) {
		for (c = 1; c < 256; c++) {
			memcpy(buf, line, sizeof(line));
			buf[i] = (char)c;
			(void)read_str(&s, buf);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_taken),
	    cmocka_unit_test(test_not_taken),
	    cmocka_unit_test(test_round),
	    cmocka_unit_test(test_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
