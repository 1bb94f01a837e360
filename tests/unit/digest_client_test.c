/* libs: sy_proto */
/* SPDX-License-Identifier: MIT */
/* The client against the printed examples, and against our own checker. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "proto/digest_client.h"

static const struct digest_credentials bob = {"bob", "zanzibar", NULL, NULL};
static const uint8_t cnonce[DIGEST_CNONCE_BYTES] = {1, 2, 3, 0xff};

static int challenge(struct digest_client *dc, uint16_t code,
		     const struct digest_credentials *cred, const char *a,
		     const char *b)
{
	struct pl v[2];

	pl_set_str(&v[0], a);
	if (b)
		pl_set_str(&v[1], b);

	return digest_client_challenge(dc, code, v, b ? 2 : 1, cred, cnonce);
}

/* The headers as text; static. */
static const char *print(struct digest_client *dc,
			 const struct digest_credentials *cred,
			 const char *method, const char *body)
{
	static char text[4096];
	struct mbuf *mb = mbuf_alloc(512);
	struct pl pl;

	if (body)
		pl_set_str(&pl, body);
	assert_int_equal(digest_client_print(mb, dc, cred, method, "sip:reg",
					     body ? &pl : NULL),
			 0);
	assert_true(mb->end < sizeof(text));
	memcpy(text, mb->buf, mb->end);
	text[mb->end] = '\0';
	mem_deref(mb);

	return text;
}

static void read_line(struct digest_response *r, const char *line,
		      const char *name)
{
	struct pl val;

	assert_int_equal(strncmp(line, name, strlen(name)), 0);
	val.p = line + strlen(name);
	val.l = strcspn(val.p, "\r");
	assert_int_equal(digest_response_read(r, &val), 0);
}

/* Does the server take it? */
static bool taken(const char *line, const char *name, const char *ha1,
		  const char *method, const char *body)
{
	struct digest_response r;
	struct pl m, b;

	read_line(&r, line, name);
	pl_set_str(&m, method);
	if (body)
		pl_set_str(&b, body);

	return digest_check(&r, ha1, &m, body ? &b : NULL);
}

/* Every algorithm and qop, by the checker that digest_test.c tests with the
 * printed examples of RFC 2617, 7616 and 8760. */
static void test_own_checker(void **state)
{
	static const char *const qops[] = {"", ", qop=\"auth\"",
					   ", qop=\"auth-int\"",
					   ", qop=\"auth,auth-int\""};
	(void)state;

	for (int alg = 0; alg < DIGEST_ALG_COUNT; alg++) {
		char ha1[DIGEST_HEX_MAX + 1], text[256];

		assert_int_equal(digest_ha1(ha1, (enum digest_alg)alg, "bob",
					    "biloxi.com", "zanzibar"),
				 0);
		for (size_t q = 0; q < 4; q++) {
			struct digest_client *dc;

			(void)re_snprintf(text, sizeof(text),
					  "Digest realm=\"biloxi.com\","
					  " nonce=\"dcd9\", opaque=\"5c\","
					  " algorithm=%s%s",
					  digest_alg_name(
						  (enum digest_alg)alg),
					  qops[q]);
			assert_int_equal(digest_client_alloc(&dc), 0);
			digest_client_start(dc);
			assert_string_equal(print(dc, &bob, "REGISTER", NULL),
					    "");
			assert_int_equal(challenge(dc, 401, &bob, text, NULL),
					 0);
			const char *line = print(dc, &bob, "REGISTER", "a b");

			assert_true(taken(line, "Authorization: ", ha1,
					  "REGISTER", "a b"));
			assert_int_equal(taken(line, "Authorization: ", ha1,
					       "REGISTER", "a c"),
					 q != 2);
			assert_false(taken(line, "Authorization: ", ha1,
					   "INVITE", "a b"));
			assert_non_null(strstr(line, "opaque=\"5c\""));
			mem_deref(dc);
		}
	}
}

static void test_counts(void **state)
{
	struct digest_client *dc;
	struct digest_response r;
	(void)state;

	assert_int_equal(digest_client_alloc(&dc), 0);
	digest_client_start(dc);
	assert_int_equal(challenge(dc, 401, &bob,
				   "Digest realm=\"r\", nonce=\"n\", "
				   "qop=\"auth\"",
				   NULL),
			 0);
	read_line(&r, print(dc, &bob, "REGISTER", NULL), "Authorization: ");
	assert_int_equal(pl_strcmp(&r.nc, "00000001"), 0);
	assert_int_equal(pl_strcmp(&r.cnonce,
				   "010203ff000000000000000000000000"),
			 0);
	digest_client_start(dc);
	read_line(&r, print(dc, &bob, "REGISTER", NULL), "Authorization: ");
	assert_int_equal(pl_strcmp(&r.nc, "00000002"), 0);
	mem_deref(dc);
}

static void test_best_of_several(void **state)
{
	static const char md5[] = "Digest realm=\"r\", nonce=\"m\", "
				  "algorithm=MD5, qop=\"auth\"";
	static const char sha[] = "Digest realm=\"r\", nonce=\"s\", "
				  "algorithm=SHA-256, qop=\"auth\"";
	static const char new[] = "Digest realm=\"r\", nonce=\"s\", "
				  "algorithm=SHA3-512, qop=\"auth\"";
	const struct digest_credentials only_md5 = {
		"bob", NULL, "0123456789abcdef0123456789abcdef", NULL};
	struct digest_client *dc;
	struct digest_response r;
	(void)state;

	for (int i = 0; i < 2; i++) {
		assert_int_equal(digest_client_alloc(&dc), 0);
		digest_client_start(dc);
		assert_int_equal(
			challenge(dc, 407, &bob, i ? md5 : sha, i ? sha : md5),
			0);
		read_line(&r, print(dc, &bob, "INVITE", NULL),
			  "Proxy-Authorization: ");
		assert_int_equal(r.alg, DIGEST_SHA256);
		mem_deref(dc);
	}

	assert_int_equal(digest_client_alloc(&dc), 0);
	digest_client_start(dc);
	assert_int_equal(challenge(dc, 401, &bob, new, NULL), ENOTSUP);
	assert_int_equal(challenge(dc, 401, &bob, "Basic realm=\"r\"", NULL),
			 EBADMSG);
	assert_int_equal(challenge(dc, 401, &bob,
				   "Digest realm=\"r\", nonce=\"s\", "
				   "qop=\"auth-conf\"",
				   NULL),
			 ENOTSUP);
	assert_false(digest_client_has(dc));
	assert_int_equal(challenge(dc, 401, &only_md5, sha, NULL), ENOTSUP);
	assert_int_equal(challenge(dc, 401, &only_md5, sha, md5), 0);
	read_line(&r, print(dc, &only_md5, "INVITE", NULL), "Authorization: ");
	assert_int_equal(r.alg, DIGEST_MD5);
	mem_deref(dc);
}

/* Refused is refused; stale is not; a nonce that is used up either way is
 * asked for anew by the next request. */
static void test_wrong_and_stale(void **state)
{
	static const char first[] = "Digest realm=\"r\", nonce=\"1\"";
	static const char second[] = "Digest realm=\"r\", nonce=\"2\"";
	static const char stale[] = "Digest realm=\"r\", nonce=\"3\", "
				    "stale=TRUE";
	struct digest_client *dc;
	struct digest_response r;
	(void)state;

	assert_int_equal(digest_client_alloc(&dc), 0);
	digest_client_start(dc);
	assert_int_equal(challenge(dc, 401, &bob, first, NULL), 0);
	print(dc, &bob, "REGISTER", NULL);
	assert_int_equal(challenge(dc, 401, &bob, second, NULL), EACCES);

	digest_client_start(dc);
	print(dc, &bob, "REGISTER", NULL);
	assert_int_equal(challenge(dc, 401, &bob, second, NULL), 0);
	print(dc, &bob, "REGISTER", NULL);
	assert_int_equal(challenge(dc, 401, &bob, stale, NULL), 0);
	read_line(&r, print(dc, &bob, "REGISTER", NULL), "Authorization: ");
	assert_int_equal(pl_strcmp(&r.nonce, "3"), 0);

	/* not for ever */
	for (int i = 0; i < 2; i++)
		assert_int_equal(challenge(dc, 401, &bob, stale, NULL), 0);
	assert_int_equal(challenge(dc, 401, &bob, stale, NULL), EACCES);
	mem_deref(dc);
}

static void test_proxy_and_server(void **state)
{
	struct digest_client *dc;
	const char *text;
	(void)state;

	assert_int_equal(digest_client_alloc(&dc), 0);
	digest_client_start(dc);
	assert_int_equal(challenge(dc, 407, &bob,
				   "Digest realm=\"p\", nonce=\"1\"", NULL),
			 0);
	print(dc, &bob, "INVITE", NULL);
	assert_int_equal(challenge(dc, 401, &bob,
				   "Digest realm=\"p\", nonce=\"2\"", NULL),
			 0);
	text = print(dc, &bob, "INVITE", NULL);
	assert_non_null(strstr(text, "Proxy-Authorization: Digest"));
	assert_non_null(strstr(text, "\r\nAuthorization: Digest"));

	/* Any number of realms: the last ones are kept */
	for (int i = 0; i < 10; i++) {
		char one[64];

		(void)re_snprintf(one, sizeof(one),
				  "Digest realm=\"%d\", nonce=\"1\"", i);
		assert_int_equal(challenge(dc, 407, &bob, one, NULL), 0);
	}
	text = print(dc, &bob, "INVITE", NULL);
	assert_non_null(strstr(text, "realm=\"9\""));
	assert_null(strstr(text, "realm=\"p\""));
	mem_deref(dc);
}

/* RFC 7616 3.4.2: the key of a session. */
static void test_sess(void **state)
{
	static const char *const names[] = {"MD5-sess", "SHA-256-sess",
					    "SHA-512-256-sess"};
	(void)state;

	for (int alg = 0; alg < DIGEST_ALG_COUNT; alg++) {
		char text[128], ha1[DIGEST_HEX_MAX + 1];
		char key[DIGEST_HEX_MAX + 1], want[DIGEST_HEX_MAX + 1];
		struct digest_client *dc;
		struct digest_response r;
		const char *line;
		struct pl m = PL("REGISTER");

		(void)re_snprintf(text, sizeof(text),
				  "Digest realm=\"r\", nonce=\"n\", "
				  "qop=\"auth\", algorithm=%s", names[alg]);
		assert_int_equal(digest_client_alloc(&dc), 0);
		digest_client_start(dc);
		assert_int_equal(challenge(dc, 401, &bob, text, NULL), 0);
		line = print(dc, &bob, "REGISTER", NULL);
		(void)re_snprintf(text, sizeof(text), "algorithm=%s,",
				  names[alg]);
		assert_non_null(strstr(line, text));
		read_line(&r, line, "Authorization: ");
		assert_false(r.alg_known); /* as a server we do not offer it */
		r.alg = (enum digest_alg)alg;
		r.alg_known = true;
		assert_int_equal(
			digest_ha1(ha1, r.alg, "bob", "r", "zanzibar"), 0);
		assert_int_equal(
			digest_ha1(key, r.alg, ha1, "n",
				   "010203ff000000000000000000000000"),
			0);
		assert_int_equal(digest_compute(want, &r, key, &m, NULL), 0);
		assert_int_equal(pl_strcmp(&r.response, want), 0);
		mem_deref(dc);
	}
}

static void test_nobody_breaks_out(void **state)
{
	const struct digest_credentials bad = {"b\"ob", "x", NULL, NULL};
	struct digest_client *dc;
	struct mbuf *mb = mbuf_alloc(64);
	(void)state;

	assert_int_equal(digest_client_alloc(&dc), 0);
	assert_int_equal(
		digest_client_print(mb, dc, &bad, "REGISTER", "sip:a", NULL),
		EINVAL);
	assert_int_equal(challenge(dc, 403, &bob, "Digest realm=\"r\", "
				   "nonce=\"n\"", NULL),
			 EINVAL);
	mem_deref(mb);
	mem_deref(dc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_own_checker),
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_best_of_several),
		cmocka_unit_test(test_wrong_and_stale),
		cmocka_unit_test(test_proxy_and_server),
		cmocka_unit_test(test_sess),
		cmocka_unit_test(test_nobody_breaks_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
