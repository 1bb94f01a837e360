/* libs: sy_proto */
/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <re.h>

#include "proto/seal.h"

static const char secret[] = "p\xc3\xa4ss \"word\"";

static struct token_key *key_of(const char *text)
{
	struct token_key *key = NULL;

	assert_int_equal(token_key_alloc(&key, text, strlen(text)), 0);

	return key;
}

static void test_opens_what_it_closed(void **state)
{
	struct token_key *key = key_of("0123456789abcdef");
	uint8_t a[128], b[128];
	const size_t n = sizeof(secret) - 1, len = n + SEAL_EXTRA_BYTES;
	char str[64];
	(void)state;

	assert_int_equal(seal_close(a, key, "trunk:a", secret, n), 0);
	assert_int_equal(seal_close(b, key, "trunk:a", secret, n), 0);
	assert_memory_not_equal(a, b, len);
	assert_int_equal(
		seal_open(str, sizeof(str), key, "trunk:a", a, len), 0);
	assert_string_equal(str, secret);
	assert_int_equal(
		seal_open(str, sizeof(str), key, "trunk:a", b, len), 0);
	assert_string_equal(str, secret);
	assert_int_equal(seal_open(str, n, key, "trunk:a", a, len), EINVAL);
	mem_deref(key);
}

static void test_opens_nothing_else(void **state)
{
	struct token_key *key = key_of("0123456789abcdef");
	struct token_key *other = key_of("0123456789abcdeg");
	uint8_t a[128];
	const size_t n = sizeof(secret) - 1, len = n + SEAL_EXTRA_BYTES;
	char str[64];
	size_t i;
	(void)state;

	assert_int_equal(seal_close(a, key, "trunk:a", secret, n), 0);
	assert_int_equal(
		seal_open(str, sizeof(str), key, "trunk:b", a, len), EBADMSG);
	assert_int_equal(
		seal_open(str, sizeof(str), other, "trunk:a", a, len),
		EBADMSG);
	for (i = 0; i < len; i++) {
		a[i] ^= 1;
		assert_int_not_equal(
			seal_open(str, sizeof(str), key, "trunk:a", a, len), 0);
		a[i] ^= 1;
		assert_int_not_equal(
			seal_open(str, sizeof(str), key, "trunk:a", a, i), 0);
	}
	mem_deref(other);
	mem_deref(key);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_opens_what_it_closed),
		cmocka_unit_test(test_opens_nothing_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
