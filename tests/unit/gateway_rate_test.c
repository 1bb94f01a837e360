/* libs: sy_gateway_core sy_gateway_http sy_proto jansson */
/* SPDX-License-Identifier: MIT */
/* Token buckets, beside a dull model; origins of other sites. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <re.h>

#include "gateway/api/cors.h"
#include "gateway/api/rate.h"

static const uint64_t SECOND = 1000000;

static void test_bucket(void **state)
{
	struct rate_state st;
	uint64_t now = 5 * SECOND;
	struct rate *r;
	(void)state;

	assert_int_equal(rate_alloc(&r, 64), 0);
	for (unsigned i = 0; i < 20; i++) {
		assert_true(rate_take(r, "jo", 10, 20, now, &st));
		assert_int_equal(st.limit, 20);
		assert_int_equal(st.remaining, 19 - i);
	}
	assert_int_equal(st.retry_s, 1);
	assert_int_equal(st.reset_s, 2);
	assert_false(rate_take(r, "jo", 10, 20, now, &st));
	assert_int_equal(st.remaining, 0);
	/* Nobody else is concerned. */
	assert_true(rate_take(r, "al", 10, 20, now, NULL));
	/* One in a tenth of a second, not earlier. */
	assert_false(rate_take(r, "jo", 10, 20, now + SECOND / 10 - 1, NULL));
	assert_true(rate_take(r, "jo", 10, 20, now + SECOND / 10, NULL));
	assert_false(rate_take(r, "jo", 10, 20, now + SECOND / 10, NULL));
	/* Never more than its size. */
	now += 1000 * SECOND;
	for (unsigned i = 0; i < 20; i++)
		assert_true(rate_take(r, "jo", 10, 20, now, NULL));
	assert_false(rate_take(r, "jo", 10, 20, now, NULL));
	/* The clock of another thread may be a little behind. */
	assert_false(rate_take(r, "jo", 10, 20, now - SECOND, NULL));
	mem_deref(r);
}

/* A table that is full: those who are busy keep their buckets. */
static void test_full(void **state)
{
	uint64_t now = SECOND;
	struct rate *r;
	char name[32];
	unsigned passed = 0;
	(void)state;

	assert_int_equal(rate_alloc(&r, 8), 0);
	for (unsigned i = 0; i < 20000; i++) {
		now += 100;
		passed += rate_take(r, "busy", 1, 10, now, NULL);
		(void)snprintf(name, sizeof(name), "guest-%u", i);
		assert_true(rate_take(r, name, 1, 10, now, NULL));
	}
	/* Two seconds: its 10, and one each second. */
	assert_true(passed >= 11 && passed <= 12);
	mem_deref(r);
}

/* Against a bucket in floating point. */
static void test_model(void **state)
{
	const uint32_t per_s = 7, burst = 13;
	double held = burst;
	uint64_t now = SECOND, last = now;
	struct rate *r;
	(void)state;

	srand(4711);
	assert_int_equal(rate_alloc(&r, 4096), 0);
	for (unsigned i = 0; i < 100000; i++) {
		bool got;

		now += (uint64_t)rand() % 300000;
		held += (double)(now - last) * per_s / 1e6;
		held = held > burst ? burst : held;
		last = now;
		got = rate_take(r, "x", per_s, burst, now, NULL);
		if (held > 1.001)
			assert_true(got);
		if (held < 0.999)
			assert_false(got);
		if (got)
			held -= 1;
	}
	mem_deref(r);
}

static void test_origins(void **state)
{
	static const struct {
		const char *list;
		bool valid;
	} v[] = {
		{"", true},
		{"*", true},
		{"https://app.example.com", true},
		{"https://a.example, http://localhost:3000", true},
		{"app.example.com", false},
		{"https://", false},
		{"https://a.example/", false},
		{"https://a.example/path", false},
		{"ftp://a.example", false},
		{"https://a.example,b", false},
	};
	(void)state;

	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		if (cors_is_valid(v[i].list) != v[i].valid)
			fail_msg("%s", v[i].list);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bucket),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_model),
		cmocka_unit_test(test_origins),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
