/* libs: sy_proto */
/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "proto/schema.h"
#include "proto/ulid.h"

/* The example of the ULID specification's README, and the edges. */
static void test_vectors(void **state)
{
	static const struct {
		const char *str;
		uint8_t bytes[ULID_BYTES];
	} v[] = {
		{"00000000000000000000000000", {0}},
		{"7ZZZZZZZZZZZZZZZZZZZZZZZZZ",
		 {255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
		  255, 255, 255, 255}},
		/* 1469918176385 ms */
		{"01ARYZ6S41TSV4RRFFQ69G5FAV",
		 {0x01, 0x56, 0x3d, 0xf3, 0x64, 0x81, 0xd6, 0x76, 0x4c, 0x61,
		  0xef, 0xb9, 0x93, 0x02, 0xbd, 0x5b}},
	};
	(void)state;

	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		uint8_t bytes[ULID_BYTES];
		char str[ULID_LEN + 1];

		ulid_print(str, v[i].bytes);
		assert_string_equal(str, v[i].str);
		assert_int_equal(ulid_read(bytes, v[i].str, ULID_LEN), 0);
		assert_memory_equal(bytes, v[i].bytes, ULID_BYTES);
	}
}

static void test_bad(void **state)
{
	static const char *const bad[] = {
		"",
		"01ARYZ6S41TSV4RRFFQ69G5FA",   /* short              */
		"01ARYZ6S41TSV4RRFFQ69G5FAVX", /* long               */
		"81ARYZ6S41TSV4RRFFQ69G5FAV",  /* more than 128 bits */
		"01ARYZ6S41TSV4RRFFQ69G5FAU",  /* no U, I, L, O      */
		"01ARYZ6S41TSV4RRFFQ69G5FAI",
		"01ARYZ6S41TSV4RRFFQ69G5FAL",
		"01ARYZ6S41TSV4RRFFQ69G5FAO",
		"01ARYZ6S41TSV4RRFFQ69G5FA-",
		"01ARYZ6S41TSV4RRFFQ69G5FA\xc3",
	};
	(void)state;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (ulid_is_valid(bad[i]))
			fail_msg("taken for a ULID: '%s'", bad[i]);
	}
	assert_false(ulid_is_valid(NULL));
}

static void test_either_case(void **state)
{
	uint8_t a[ULID_BYTES], b[ULID_BYTES];
	(void)state;

	assert_int_equal(ulid_read(a, "01ARYZ6S41TSV4RRFFQ69G5FAV", 26), 0);
	assert_int_equal(ulid_read(b, "01aryz6s41tsv4rrffq69g5fav", 26), 0);
	assert_memory_equal(a, b, ULID_BYTES);
}

/* Ids of different milliseconds sort by time; none comes twice. */
static void test_make(void **state)
{
	char prev[ULID_LEN + 1], cur[ULID_LEN + 1];
	uint64_t before = timestamp_now_ms(), after, ms = 0;
	uint8_t bytes[ULID_BYTES];
	(void)state;

	ulid_make(prev);
	after = timestamp_now_ms();
	assert_int_equal(ulid_read(bytes, prev, ULID_LEN), 0);
	for (int i = 0; i < 6; i++)
		ms = ms << 8 | bytes[i];
	assert_in_range(ms, before, after);

	for (int i = 0; i < 10000; i++) {
		ulid_make(cur);
		assert_true(ulid_is_valid(cur));
		assert_string_not_equal(cur, prev);
		assert_true(memcmp(prev, cur, 10) <= 0);
		memcpy(prev, cur, sizeof(cur));
	}
}

static void test_timestamp(void **state)
{
	Google__Protobuf__Timestamp ts;
	(void)state;

	timestamp_set_ms(&ts, 1469918176385);
	assert_int_equal(ts.seconds, 1469918176);
	assert_int_equal(ts.nanos, 385000000);
	assert_int_equal(timestamp_ms(&ts), 1469918176385);
	assert_int_equal(timestamp_ms(NULL), 0);
	ts.seconds = -1;
	assert_int_equal(timestamp_ms(&ts), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_either_case),
		cmocka_unit_test(test_make),
		cmocka_unit_test(test_timestamp),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
