/* libs: sy_proto crypto */
/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <re.h>
#include "proto/token.h"

static const char secret[] = "a secret of the cluster";

static const struct token sample = {
	.kind = TOKEN_ROUTE,
	.instance = 0x01020304,
	.hub = {0xa0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 0xff},
	.leg = 0xdeadbeef,
	.epoch = 7,
};

static int setup(void **state)
{
	struct token_key *key = NULL;

	assert_int_equal(token_key_alloc(&key, secret, sizeof(secret) - 1),
			 0);
	*state = key;

	return 0;
}

static int teardown(void **state)
{
	mem_deref(*state);

	return 0;
}

/* A dull HMAC of the same, by OpenSSL's one-shot call. */
static void model_mac(uint8_t mac[32], char use, const void *p, size_t len)
{
	uint8_t key[32], buf[512] = {(uint8_t)use};

	SHA256((const uint8_t *)secret, sizeof(secret) - 1, key);
	memcpy(buf + 1, p, len);
	HMAC(EVP_sha256(), key, sizeof(key), buf, len + 1, mac, NULL);
}

static void test_round_trip(void **state)
{
	static const enum token_kind kinds[] = {
		TOKEN_CONTACT, TOKEN_ROUTE, TOKEN_NODE, TOKEN_BRANCH,
		TOKEN_TAG};
	struct token_key *key = *state;

	for (size_t i = 0; i < 5; i++) {
		struct token in = sample, out;
		char str[TOKEN_LEN];

		in.kind = kinds[i];
		token_print(str, key, &in, NULL, 0);
		memset(&out, 0, sizeof(out));
		assert_int_equal(token_read(&out, key, kinds[i], str,
					    TOKEN_LEN, NULL, 0), 0);
		assert_int_equal(out.kind, in.kind);
		assert_int_equal(out.instance, in.instance);
		assert_memory_equal(out.hub, in.hub, ULID_BYTES);
		assert_int_equal(out.leg, in.leg);
		assert_int_equal(out.epoch, in.epoch);

		/* worth nothing in another place */
		for (size_t k = 0; k < 5; k++) {
			int err = token_read(&out, key, kinds[k], str,
					     TOKEN_LEN, NULL, 0);

			assert_int_equal(err, k == i ? 0 : EINVAL);
		}
	}
}

/* What the text holds, and that its MAC is the HMAC-SHA256 that the header
 * says, over the text's bytes and the context. */
static void test_layout(void **state)
{
	static const uint8_t head[] = {'R', 1, 2, 3, 4, 0xa0, 1};
	static const char ctx[] = "z9hG4bKabc";
	uint8_t b[TOKEN_BYTES], buf[128], mac[32];
	char str[TOKEN_LEN];

	token_print(str, *state, &sample, ctx, sizeof(ctx));
	assert_int_equal(base64url_read(b, sizeof(b), str, TOKEN_LEN),
			 TOKEN_BYTES);
	assert_memory_equal(b, head, sizeof(head));
	memcpy(buf, b, TOKEN_BYTES - TOKEN_MAC_BYTES);
	memcpy(buf + TOKEN_BYTES - TOKEN_MAC_BYTES, ctx, sizeof(ctx));
	model_mac(mac, 't', buf,
		  TOKEN_BYTES - TOKEN_MAC_BYTES + sizeof(ctx));
	assert_memory_equal(b + TOKEN_BYTES - TOKEN_MAC_BYTES, mac,
			    TOKEN_MAC_BYTES);
}

static void test_mac(void **state)
{
	uint8_t a[32], b[32];

	for (size_t len = 0; len < 200; len++) {
		uint8_t p[200];

		memset(p, (int)len, sizeof(p));
		token_mac(a, *state, 'n', p, len);
		model_mac(b, 'n', p, len);
		assert_memory_equal(a, b, 32);
		token_mac(b, *state, 'f', p, len);
		assert_memory_not_equal(a, b, 32);
	}
}

/* Each single changed bit of the text is found out. */
static void test_forged(void **state)
{
	struct token out;
	char str[TOKEN_LEN];
	int wrong_mac = 0;

	token_print(str, *state, &sample, "ctx", 3);
	for (size_t i = 0; i < TOKEN_LEN; i++) {
		for (int bit = 0; bit < 8; bit++) {
			char copy[TOKEN_LEN];
			int err;

			memcpy(copy, str, TOKEN_LEN);
			copy[i] = (char)(copy[i] ^ (1 << bit));
			err = token_read(&out, *state, TOKEN_ROUTE, copy,
					 TOKEN_LEN, "ctx", 3);
			assert_true(err == EINVAL || err == EBADMSG);
			wrong_mac += err == EBADMSG;
		}
	}
	assert_true(wrong_mac > 100);

	assert_int_equal(token_read(&out, *state, TOKEN_ROUTE, str, TOKEN_LEN,
				    "cty", 3), EBADMSG);
	assert_int_equal(token_read(&out, *state, TOKEN_ROUTE, str, TOKEN_LEN,
				    NULL, 0), EBADMSG);
	assert_int_equal(token_read(&out, *state, TOKEN_ROUTE, str,
				    TOKEN_LEN - 1, "ctx", 3), EINVAL);
	assert_int_equal(token_read(&out, *state, TOKEN_ROUTE, "", 0, "ctx",
				    3), EINVAL);
}

static void test_other_cluster(void **state)
{
	struct token_key *other = NULL;
	struct token out;
	char str[TOKEN_LEN];

	assert_int_equal(token_key_alloc(&other, "another secret here", 19),
			 0);
	token_print(str, other, &sample, NULL, 0);
	assert_int_equal(token_read(&out, *state, TOKEN_ROUTE, str, TOKEN_LEN,
				    NULL, 0), EBADMSG);
	mem_deref(other);

	other = NULL;
	assert_int_equal(token_key_alloc(&other, "fifteen bytes..", 15),
			 EINVAL);
	assert_null(other);
}

/* RFC 4648 10, and what is not base64url. */
static void test_base64url(void **state)
{
	static const struct {
		const char *raw, *text;
	} v[] = {{"", ""}, {"f", "Zg"}, {"fo", "Zm8"}, {"foo", "Zm9v"},
		 {"foob", "Zm9vYg"}, {"fooba", "Zm9vYmE"},
		 {"foobar", "Zm9vYmFy"}, {"\xfb\xff", "-_8"}};
	static const char *const bad[] = {"Z", "Zg==", "Zm9+", "Zm9/", "Z m8",
					  "Zh", "Zm9"};
	uint8_t buf[16];
	char str[32];
	(void)state;

	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		size_t rlen = strlen(v[i].raw), tlen = strlen(v[i].text);

		assert_int_equal(base64url_print(str, (const uint8_t *)
						 v[i].raw, rlen), tlen);
		assert_memory_equal(str, v[i].text, tlen);
		assert_int_equal(base64url_read(buf, sizeof(buf), v[i].text,
						tlen), rlen);
		assert_memory_equal(buf, v[i].raw, rlen);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (base64url_read(buf, sizeof(buf), bad[i],
				   strlen(bad[i])) >= 0)
			fail_msg("read: '%s'", bad[i]);
	}
	assert_int_equal(base64url_read(buf, 5, "Zm9vYmFy", 8), -1);
}

static void test_memcmp(void **state)
{
	(void)state;
	assert_int_equal(token_memcmp("abc", "abc", 3), 0);
	assert_int_not_equal(token_memcmp("abc", "abd", 3), 0);
	assert_int_equal(token_memcmp("abc", "abd", 2), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_layout),
		cmocka_unit_test(test_mac),
		cmocka_unit_test(test_forged),
		cmocka_unit_test(test_other_cluster),
		cmocka_unit_test(test_base64url),
		cmocka_unit_test(test_memcmp),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
