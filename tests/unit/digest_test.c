/* libs: sy_proto */
/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "proto/digest.h"

struct vector {
	const char *source, *user, *realm, *password, *method, *body;
	enum digest_alg alg;
	const char *header;
};

static const struct vector vectors[] = {
	{"RFC 2617 3.5", "Mufasa", "testrealm@host.com", "Circle Of Life",
	 "GET", NULL, DIGEST_MD5,
	 "Digest username=\"Mufasa\", realm=\"testrealm@host.com\","
	 " nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\","
	 " uri=\"/dir/index.html\", qop=auth, nc=00000001,"
	 " cnonce=\"0a4f113b\","
	 " response=\"6629fae49393a05397450978507c4ef1\","
	 " opaque=\"5ccc069c403ebaf9f0171e9517f40e41\""},
	{"RFC 7616 3.9.1, MD5", "Mufasa", "http-auth@example.org",
	 "Circle of Life", "GET", NULL, DIGEST_MD5,
	 "Digest username=\"Mufasa\",\r\n realm=\"http-auth@example.org\","
	 " uri=\"/dir/index.html\", algorithm=MD5,"
	 " nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\","
	 " nc=00000001,"
	 " cnonce=\"f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ\","
	 " qop=auth, response=\"8ca523f5e9506fed4657c9700eebdbec\","
	 " opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\""},
	{"RFC 7616 3.9.1, SHA-256", "Mufasa", "http-auth@example.org",
	 "Circle of Life", "GET", NULL, DIGEST_SHA256,
	 "Digest username=\"Mufasa\", realm=\"http-auth@example.org\","
	 " uri=\"/dir/index.html\", algorithm=SHA-256,"
	 " nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\","
	 " nc=00000001,"
	 " cnonce=\"f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ\","
	 " qop=auth, response=\"753927fa0e85d155564e2e272a28d1802ca10daf449"
	 "6794697cf8db5856cb6c1\","
	 " opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\""},
	/* The printed example is SHA-512 cut short; erratum 4897 has the
	 * values of SHA-512/256. */
	{"RFC 7616 3.9.2, SHA-512-256", "J\xc3\xa4s\xc3\xb8n Doe",
	 "api@example.org", "Secret, or not?", "GET", NULL,
	 DIGEST_SHA512_256,
	 "Digest username=\"793263caabb707a56211940d90411ea4a575adeccb7e360a"
	 "eb624ed06ece9b0b\", realm=\"api@example.org\", uri=\"/doe.json\","
	 " algorithm=SHA-512-256,"
	 " nonce=\"5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK\","
	 " nc=00000001,"
	 " cnonce=\"NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v\","
	 " qop=auth, response=\"3798d4131c277846293534c3edc11bd8a5e4cdcbff78"
	 "b05db9d95eeb1cec68a5\","
	 " opaque=\"HRPCssKJSGjCrkzDg8OhwpzCiGPChXYjwrI2QmXDnsOS\","
	 " userhash=true"},
	{"RFC 2069, with the corrected value", "Mufasa",
	 "testrealm@host.com", "CircleOfLife", "GET", NULL, DIGEST_MD5,
	 "Digest username=\"Mufasa\", realm=\"testrealm@host.com\","
	 " nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\","
	 " uri=\"/dir/index.html\","
	 " response=\"1949323746fe6a43ef61f9606e7febea\""},
	/* As RFC 8760 2.2 uses it in SIP; values by another program. */
	{"auth-int, MD5", "1001", "switchyard", "demo-1001", "INVITE",
	 "v=0\r\n", DIGEST_MD5,
	 "Digest username=\"1001\",realm=\"switchyard\",nonce=\"n0nce\","
	 "uri=\"sip:1002@switchyard\",qop=auth-int,nc=00000002,cnonce=\"cn\","
	 "response=\"16e2e5fde438471c7f91906320418396\""},
	{"auth-int, SHA-256, no body", "1001", "switchyard", "demo-1001",
	 "INVITE", NULL, DIGEST_SHA256,
	 "Digest username=\"1001\",realm=\"switchyard\",nonce=\"n0nce\","
	 "uri=\"sip:1002@switchyard\",qop=\"auth-int\",nc=00000002,"
	 "cnonce=\"cn\",algorithm=\"sha-256\","
	 "response=\"45ebaf65ec13163c06b8e2deddda0ba1595c2bfc6e932ab98b60c50d809dc792\""},
};

static struct pl pl_of(const char *s)
{
	return (struct pl){s, s ? strlen(s) : 0};
}

static int parse(struct digest_response *r, const char *hval)
{
	const struct pl pl = pl_of(hval);

	return digest_response_read(r, &pl);
}

static void test_vectors(void **state)
{
	size_t i;
	(void)state;

	for (i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		const struct vector *v = &vectors[i];
		const struct pl method = pl_of(v->method), other = pl_of("X");
		const struct pl body = pl_of(v->body);
		char ha1[DIGEST_HEX_MAX + 1];
		struct digest_response r;

		if (parse(&r, v->header))
			fail_msg("%s: not parsed", v->source);
		assert_true(r.alg_known);
		assert_int_equal(r.alg, v->alg);
		assert_int_equal(0, digest_ha1(ha1, v->alg, v->user,
					       v->realm, v->password));
		if (!digest_check(&r, ha1, &method, v->body ? &body : NULL))
			fail_msg("%s: not the response", v->source);

		/* Anything else that goes in changes it. */
		assert_false(digest_check(&r, ha1, &other, &body));
		assert_int_equal(0, digest_ha1(ha1, v->alg, v->user,
					       v->realm, "wrong"));
		assert_false(digest_check(&r, ha1, &method, &body));
	}
}

static void test_body_matters(void **state)
{
	const struct vector *v = &vectors[5];
	const struct pl method = pl_of(v->method), body = pl_of("v=1\r\n");
	char ha1[DIGEST_HEX_MAX + 1];
	struct digest_response r;
	(void)state;

	assert_int_equal(0, parse(&r, v->header));
	assert_int_equal(0, digest_ha1(ha1, v->alg, v->user, v->realm,
				       v->password));
	assert_false(digest_check(&r, ha1, &method, &body));
	assert_false(digest_check(&r, ha1, &method, NULL));
}

static void test_parse_tolerant(void **state)
{
	struct digest_response r;
	(void)state;

	assert_int_equal(0, parse(&r, "dIGEST \t,, RESPONSE = abc ,\r\n\t"
				  "uri=sip:a@b;x=y, , x-new=\"a,b\\\"c\","
				  "Nonce=n,username=\"a\\\"b, c\",realm=\"\","
				  "stale=TRUE,"));
	assert_int_equal(0, pl_strcmp(&r.response, "abc"));
	assert_int_equal(0, pl_strcmp(&r.uri, "sip:a@b;x=y"));
	assert_int_equal(0, pl_strcmp(&r.username, "a\\\"b, c"));
	assert_int_equal(0, r.realm.l);
	assert_int_equal(0, r.qop.l);
	assert_int_equal(DIGEST_MD5, r.alg);
	assert_true(r.alg_known);
}

#define BASE "Digest username=\"u\",realm=\"r\",nonce=\"n\",uri=\"i\"," \
	     "response=\"d\""

static void test_parse_refused(void **state)
{
	static const char *const wrong[] = {
		"", "Digest", "Digest ", "Basic dTpw", "Digestusername=\"u\"",
		"Digest username=\"u\",realm=\"r\",nonce=\"n\",uri=\"i\"",
		"Digest realm=\"r\",nonce=\"n\",uri=\"i\",response=\"d\"",
		BASE ",Username=\"v\"", BASE ",realm=r", BASE ",nc=1,nc=2",
		BASE ",opaque=\"open", BASE ",opaque=\"open\\",
		BASE ",opaque=\"open\\\"", BASE ",opaque", BASE ",opaque=",
		BASE ",=x", BASE " opaque=\"x\"", BASE ",opaque=\"x\"y",
		BASE ",qop=auth", BASE ",qop=auth,nc=00000001",
		BASE ",qop=auth,nc=1,cnonce=\"c\"",
		BASE ",qop=auth,nc=0000000g,cnonce=\"c\"",
		BASE ",\"opaque\"=x",
	};
	struct digest_response r;
	size_t i;
	(void)state;

	assert_int_equal(0, parse(&r, BASE));
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		if (parse(&r, wrong[i]) != EBADMSG)
			fail_msg("taken: %s", wrong[i]);
	}
	assert_int_equal(EBADMSG, digest_response_read(&r, NULL));
}

/* Whatever it is cut to, it is read within its bounds (the sanitizer looks)
 * and never taken for whole. */
static void test_parse_cut(void **state)
{
	const char *whole = vectors[1].header;
	size_t n, taken = 0;
	(void)state;

	for (n = 0; n < strlen(whole); n++) {
		char *part = malloc(n + 1);
		struct digest_response r;
		struct pl pl = {part, n};

		memcpy(part, whole, n);
		part = realloc(part, n ? n : 1);
		pl.p = part;
		taken += !digest_response_read(&r, &pl);
		free(part);
	}
	/* Only where it ends after a full list without opaque. */
	assert_in_range(taken, 1, 3);
}

static void test_unknown(void **state)
{
	static const char *const algs[] = {"MD5-sess", "SHA-256-sess", "AKA",
					   "SHA-512-256-sess", "MD5x"};
	const struct pl method = pl_of("REGISTER");
	char ha1[DIGEST_HEX_MAX + 1], hex[DIGEST_HEX_MAX + 1];
	struct digest_response r;
	size_t i;
	(void)state;

	assert_int_equal(0, digest_ha1(ha1, DIGEST_MD5, "u", "r", "p"));
	for (i = 0; i < sizeof(algs) / sizeof(algs[0]); i++) {
		char text[256];

		strcpy(text, BASE ",algorithm=");
		strcat(text, algs[i]);
		assert_int_equal(0, parse(&r, text));
		assert_false(r.alg_known);
		assert_int_equal(ENOTSUP, digest_compute(hex, &r, ha1,
							 &method, NULL));
		assert_false(digest_check(&r, ha1, &method, NULL));
	}

	assert_int_equal(0, parse(&r, BASE ",qop=auth-conf,nc=00000001,"
				  "cnonce=\"c\""));
	assert_int_equal(ENOTSUP, digest_compute(hex, &r, ha1, &method,
						 NULL));

	/* An HA1 of another algorithm. */
	assert_int_equal(0, parse(&r, BASE ",algorithm=SHA-256"));
	assert_int_equal(EINVAL, digest_compute(hex, &r, ha1, &method, NULL));
	assert_int_equal(EINVAL, digest_compute(hex, &r, "", &method, NULL));
}

static void test_capitals(void **state)
{
	const struct pl method = pl_of("REGISTER");
	char ha1[DIGEST_HEX_MAX + 1], hex[DIGEST_HEX_MAX + 1], text[256];
	struct digest_response r;
	size_t i;
	(void)state;

	assert_int_equal(0, digest_ha1(ha1, DIGEST_MD5, "u", "r", "p"));
	assert_int_equal(0, parse(&r, BASE));
	assert_int_equal(0, digest_compute(hex, &r, ha1, &method, NULL));
	for (i = 0; hex[i]; i++) {
		if (hex[i] >= 'a')
			hex[i] -= 'a' - 'A';
	}
	strcpy(text, "Digest username=u,realm=r,nonce=n,uri=i,response=");
	strcat(text, hex);
	assert_int_equal(0, parse(&r, text));
	assert_true(digest_check(&r, ha1, &method, NULL));

	r.response.l--;
	assert_false(digest_check(&r, ha1, &method, NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_body_matters),
		cmocka_unit_test(test_parse_tolerant),
		cmocka_unit_test(test_parse_refused),
		cmocka_unit_test(test_parse_cut),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_capitals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
