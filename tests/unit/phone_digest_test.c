/* libs: sy_phone */
/* SPDX-License-Identifier: MIT */
/* The test phone's digest: published vectors, and what it must refuse. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "tests/phone/credentials.h"

static struct digest_challenge *decode(const char *text)
{
	struct digest_challenge *ch = NULL;
	struct pl pl;

	pl_set_str(&pl, text);
	assert_int_equal(digest_challenge_decode(&ch, &pl), 0);
	return ch;
}

static int decode_error(const char *text)
{
	struct digest_challenge *ch = NULL;
	struct pl pl;
	int err;

	pl_set_str(&pl, text);
	err = digest_challenge_decode(&ch, &pl);
	mem_deref(ch);
	return err;
}

static void response_is(const char *challenge, const struct digest_request *r,
			const char *expected)
{
	struct digest_challenge *ch = decode(challenge);
	char hex[DIGEST_HEX_MAX + 1];

	assert_int_equal(digest_response(hex, ch, r), 0);
	assert_string_equal(hex, expected);
	mem_deref(ch);
}

/* RFC 2617 3.5 */
static void test_rfc2617(void **state)
{
	const struct digest_request r = {"Mufasa", "Circle Of Life", "GET",
					 "/dir/index.html", "0a4f113b", 1};
	(void)state;

	response_is("Digest realm=\"testrealm@host.com\", "
		    "qop=\"auth,auth-int\", "
		    "nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", "
		    "opaque=\"5ccc069c403ebaf9f0171e9517f40e41\"",
		    &r, "6629fae49393a05397450978507c4ef1");
}

/* RFC 7616 3.9.1, MD5 and SHA-256 */
static void test_rfc7616(void **state)
{
	static const char cnonce[] =
		"f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";
	const struct digest_request r = {"Mufasa", "Circle of Life", "GET",
					 "/dir/index.html", cnonce, 1};
	(void)state;

	response_is("Digest realm=\"http-auth@example.org\", "
		    "qop=\"auth, auth-int\", algorithm=SHA-256, "
		    "nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", "
		    "opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\"",
		    &r,
		    "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5"
		    "856cb6c1");
	response_is("Digest realm=\"http-auth@example.org\", "
		    "qop=\"auth, auth-int\", algorithm=MD5, "
		    "nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", "
		    "opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\"",
		    &r, "8ca523f5e9506fed4657c9700eebdbec");
}

/* The old form without qop: MD5(HA1:nonce:HA2), RFC 2617 3.2.2.1 */
static void test_without_qop(void **state)
{
	const struct digest_request r = {"bob", "zanzibar", "REGISTER",
					 "sip:biloxi.com", NULL, 0};
	struct digest_challenge *ch;
	(void)state;

	ch = decode("Digest realm=\"biloxi.com\", "
		    "nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\"");
	assert_false(ch->qop);
	assert_int_equal(ch->alg, DIGEST_MD5);
	mem_deref(ch);
	response_is("Digest realm=\"biloxi.com\", "
		    "nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\"",
		    &r, "4441045a8075db3ead543693997e2a0e");
}

static void test_what_is_refused(void **state)
{
	(void)state;

	assert_int_equal(decode_error("Basic realm=\"x\""), EBADMSG);
	assert_int_equal(decode_error("Digest realm=\"x\""), EBADMSG);
	assert_int_equal(decode_error("Digest nonce=\"x\""), EBADMSG);
	assert_int_equal(decode_error("Digest "), EBADMSG);
	assert_int_equal(decode_error("Digest realm=\"a\", nonce=\"b"),
			 EBADMSG);
	assert_int_equal(decode_error("Digest realm=\"x\", nonce=\"y\", "
				      "algorithm=MD5-sess"), ENOTSUP);
	assert_int_equal(decode_error("Digest realm=\"x\", nonce=\"y\", "
				      "qop=\"auth-int\""), ENOTSUP);
}

static void test_odd_but_valid(void **state)
{
	struct digest_challenge *ch;
	(void)state;

	ch = decode("digest REALM=\"a, b=c\",nonce=\"n\" ,stale=TRUE,"
		    "x=1,algorithm=\"sha-256\"");
	assert_string_equal(ch->realm, "a, b=c");
	assert_true(ch->stale);
	assert_int_equal(ch->alg, DIGEST_SHA256);
	assert_false(ch->qop);
	mem_deref(ch);
}

static struct sip_msg *refusal(const char *headers)
{
	struct mbuf *mb = mbuf_alloc(1024);
	struct sip_msg *msg = NULL;

	mbuf_printf(mb, "SIP/2.0 401 Unauthorized\r\n"
			"Via: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bKx\r\n"
			"From: <sip:a@b>;tag=1\r\nTo: <sip:a@b>;tag=2\r\n"
			"Call-ID: c\r\nCSeq: 1 REGISTER\r\n%s"
			"Content-Length: 0\r\n\r\n", headers);
	mb->pos = 0;
	assert_int_equal(sip_msg_decode(&msg, mb), 0);
	mem_deref(mb);
	return msg;
}

/* RFC 8760 2.4: of several challenges the first that fits. */
static void picks(unsigned allowed, const char *headers, const char *alg)
{
	struct credentials c = {.allowed = allowed};
	struct sip_msg *msg = refusal(headers);
	const int err = alg ? 0 : ENOTSUP;

	str_dup(&c.user, "a");
	str_dup(&c.password, "b");
	assert_int_equal(credentials_learn(&c, msg), err);
	if (alg)
		assert_string_equal(credentials_algorithm(&c), alg);
	else
		assert_null(credentials_algorithm(&c));

	credentials_reset(&c);
	mem_deref(msg);
}

static void test_several_challenges(void **state)
{
	static const char both[] =
		"WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", "
		"algorithm=FOO\r\n"
		"WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", "
		"algorithm=SHA-256, qop=\"auth\"\r\n"
		"WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", "
		"algorithm=MD5, qop=\"auth\"\r\n";
	static const char one[] =
		"WWW-Authenticate: Digest realm=\"r\", nonce=\"n\"\r\n";
	(void)state;

	picks(DIGEST_ANY, both, "SHA-256");
	picks(DIGEST_MD5, both, "MD5");
	picks(DIGEST_SHA512_256, both, NULL);
	picks(DIGEST_ANY, one, "MD5");
	picks(DIGEST_SHA256, one, NULL);
	picks(DIGEST_ANY, "", NULL);
}

/* Each use of a nonce counts. */
static void test_nonce_count(void **state)
{
	struct credentials c = {.allowed = DIGEST_ANY};
	struct sip_msg *msg = refusal("WWW-Authenticate: Digest realm=\"r\", "
				      "nonce=\"n\", qop=\"auth\"\r\n");
	struct mbuf *mb = mbuf_alloc(512);
	(void)state;

	str_dup(&c.user, "a");
	str_dup(&c.password, "b");
	assert_int_equal(credentials_learn(&c, msg), 0);
	for (int i = 1; i < 4; i++) {
		char nc[32];

		mbuf_rewind(mb);
		assert_int_equal(credentials_encode(&c, mb, "BYE", "sip:x"),
				 0);
		mbuf_write_u8(mb, 0);
		re_snprintf(nc, sizeof(nc), "nc=%08x", i);
		assert_non_null(strstr((char *)mb->buf, nc));
		assert_non_null(strstr((char *)mb->buf, "Authorization: "));
	}

	mem_deref(mb);
	credentials_reset(&c);
	mem_deref(msg);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rfc2617),
		cmocka_unit_test(test_rfc7616),
		cmocka_unit_test(test_without_qop),
		cmocka_unit_test(test_what_is_refused),
		cmocka_unit_test(test_odd_but_valid),
		cmocka_unit_test(test_several_challenges),
		cmocka_unit_test(test_nonce_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
