/* libs: sy_gateway_http */
/* SPDX-License-Identifier: MIT */
/*
 * Frames of a WebSocket client: each exchange is read whole, and one byte at a
 * time, and must come to the same.  The table has what RFC 6455 forbids.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include <re.h>

#include "gateway/http/ws_in.h"

enum { MAX = 300, TEXT_SIZE = 2048 };

struct bytes {
	uint8_t p[4096];
	size_t len;
};

/* A frame; mask 0: none. */
static void put(struct bytes *b, uint8_t first, const char *data, size_t len,
		bool masked)
{
	static const uint8_t mask[4] = {0x37, 0xfa, 0x21, 0x3d};
	uint8_t *p = b->p + b->len;

	*p++ = first;
	if (len < 126) {
		*p++ = (uint8_t)(len | (masked ? 0x80 : 0));
	}
	else {
		*p++ = (uint8_t)(126 | (masked ? 0x80 : 0));
		*p++ = (uint8_t)(len >> 8);
		*p++ = (uint8_t)len;
	}
	if (masked) {
		memcpy(p, mask, 4);
		p += 4;
	}
	for (size_t i = 0; i < len; i++)
		*p++ = (uint8_t)data[i] ^ (masked ? mask[i % 4] : 0);
	b->len = (size_t)(p - b->p);
}

/* What comes out, as text: "text=abc;ping=x;close=1000;bad=1002;". */
static void run(const struct bytes *b, size_t step, char out[TEXT_SIZE])
{
	static const char *const namev[] = {
		[WS_IN_TEXT] = "text", [WS_IN_PING] = "ping",
		[WS_IN_PONG] = "pong",
	};
	struct ws_in in = {.max_bytes = MAX};
	enum ws_in_out o = WS_IN_MORE;
	size_t at = 0, n = 0;

	out[0] = '\0';
	while (at < b->len && o != WS_IN_CLOSE && o != WS_IN_BAD) {
		size_t len = b->len - at < step ? b->len - at : step;
		const uint8_t *p = b->p + at, *msg;
		size_t size;

		at += len;
		do {
			o = ws_in_take(&in, &p, &len, &msg, &size);
			if (o == WS_IN_CLOSE || o == WS_IN_BAD)
				n += (size_t)snprintf(
					out + n, TEXT_SIZE - n, "%s=%u;",
					o == WS_IN_BAD ? "bad" : "close",
					in.code);
			else if (o != WS_IN_MORE)
				n += (size_t)snprintf(
					out + n, TEXT_SIZE - n, "%s=%.*s;",
					namev[o], (int)size,
					(const char *)msg);
		} while (o == WS_IN_TEXT || o == WS_IN_PING ||
			 o == WS_IN_PONG);
	}
	ws_in_close(&in);
}

static void expect(const struct bytes *b, const char *wanted)
{
	char out[TEXT_SIZE];

	for (size_t step = 1; step <= 7; step++) {
		run(b, step, out);
		assert_string_equal(out, wanted);
	}
	run(b, b->len, out);
	assert_string_equal(out, wanted);
}

#define one(first, text, wanted)                                              \
	do {                                                                  \
		struct bytes b_ = {.len = 0};                                 \
		put(&b_, first, text, sizeof(text) - 1, true);                \
		expect(&b_, wanted);                                          \
	} while (0)

static void test_messages(void **state)
{
	struct bytes b = {.len = 0};
	(void)state;

	put(&b, 0x81, "hello", 5, true);
	put(&b, 0x81, "", 0, true);
	put(&b, 0x01, "in ", 3, true);
	put(&b, 0x89, "x", 1, true);
	put(&b, 0x00, "three ", 6, true);
	put(&b, 0x8a, "", 0, true);
	put(&b, 0x80, "parts", 5, true);
	put(&b, 0x88, "\x03\xe8" "bye", 5, true);
	put(&b, 0x81, "after", 5, true);
	expect(&b, "text=hello;text=;ping=x;pong=;text=in three parts;"
	       "close=1000;");
}

static void test_close(void **state)
{
	(void)state;

	one(0x88, "", "close=1005;");
	one(0x88, "\x0f\xa1", "close=4001;");
	one(0x88, "\x03", "bad=1002;");
	one(0x88, "\x03\xe7", "bad=1002;"); /* 999 */
	one(0x88, "\x03\xed", "bad=1002;"); /* 1005 */
	one(0x88, "\x03\xee", "bad=1002;"); /* 1006 */
	one(0x88, "\x03\xf7", "bad=1002;"); /* 1015 */
	one(0x88, "\x13\x88", "bad=1002;"); /* 5000 */
	one(0x88, "\x03\xe8\xff", "bad=1007;");
	one(0x88, "\x03\xe8\xc3", "bad=1007;");
}

/* What no client may send. */
static void test_broken(void **state)
{
	struct bytes b = {.len = 0};
	(void)state;

	put(&b, 0x81, "hi", 2, false);
	expect(&b, "bad=1002;"); /* not masked */
	one(0xc1, "x", "bad=1002;"); /* reserved bits */
	one(0xa1, "x", "bad=1002;");
	one(0x91, "x", "bad=1002;");
	one(0x83, "x", "bad=1002;"); /* reserved opcodes */
	one(0x8b, "x", "bad=1002;");
	one(0x82, "x", "bad=1003;"); /* binary */
	one(0x80, "x", "bad=1002;"); /* nothing to continue */
	one(0x09, "x", "bad=1002;"); /* a fragment of a ping */
	b.len = 0;
	put(&b, 0x01, "a", 1, true);
	put(&b, 0x81, "b", 1, true);
	expect(&b, "bad=1002;"); /* a message in a message */
}

static void test_lengths(void **state)
{
	static const uint8_t long_form[] = {0x81, 0xfe, 0, 125, 1, 2, 3, 4};
	static const uint8_t longer[] = {0x81, 0xff, 0, 0, 0, 0,
					 0, 0, 0xff, 0xff, 1, 2, 3, 4};
	static const uint8_t huge[] = {0x81, 0xff, 0x80, 0, 0, 0,
				       0, 0, 0, 0, 1, 2, 3, 4};
	struct bytes b = {.len = sizeof(long_form)};
	char text[MAX + 1];
	(void)state;

	memcpy(b.p, long_form, sizeof(long_form));
	expect(&b, "bad=1002;");
	memcpy(b.p, longer, sizeof(longer));
	b.len = sizeof(longer);
	expect(&b, "bad=1002;");
	memcpy(b.p, huge, sizeof(huge));
	b.len = sizeof(huge);
	expect(&b, "bad=1002;");

	memset(text, 'a', sizeof(text));
	b.len = 0;
	put(&b, 0x89, text, 126, true);
	expect(&b, "bad=1002;"); /* a control frame that is too long */
	b.len = 0;
	put(&b, 0x81, text, MAX + 1, true);
	expect(&b, "bad=1009;");
	b.len = 0;
	put(&b, 0x01, text, MAX - 1, true);
	put(&b, 0x80, text, 2, true);
	expect(&b, "bad=1009;");
}

/* Pieces of nothing are work without end. */
static void test_fragments(void **state)
{
	static const uint8_t piece[] = {0x00, 0x80, 1, 2, 3, 4};
	static const uint8_t first[] = {0x01, 0x80, 1, 2, 3, 4};
	struct ws_in in = {.max_bytes = MAX};
	const uint8_t *p = first, *msg;
	size_t len = sizeof(first), n, i;
	(void)state;

	assert_int_equal(ws_in_take(&in, &p, &len, &msg, &n), WS_IN_MORE);
	for (i = 0; i < 2 * WS_FRAGMENTS_MAX; i++) {
		p = piece;
		len = sizeof(piece);
		if (ws_in_take(&in, &p, &len, &msg, &n) != WS_IN_MORE)
			break;
	}
	assert_int_equal(i, WS_FRAGMENTS_MAX - 1);
	assert_int_equal(in.code, WS_CODE_DENIED);
	ws_in_close(&in);
}

static void test_utf8(void **state)
{
	static const struct {
		const char *text;
		bool good;
	} v[] = {
		{"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\x7f", true},
		{"\xef\xbf\xbf\xf4\x8f\xbf\xbf\xed\x9f\xbf", true},
		{"\x80", false},             /* nothing to continue */
		{"\xc0\xaf", false},         /* longer than needed  */
		{"\xe0\x80\xaf", false},
		{"\xf0\x80\x80\xaf", false},
		{"\xed\xa0\x80", false},     /* a surrogate         */
		{"\xf4\x90\x80\x80", false}, /* too large           */
		{"\xf8\x88\x80\x80\x80", false},
		{"\xe2\x82", false},         /* cut off             */
		{"\xe2\x28\xa1", false},
		{"\xff", false},
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(v); i++) {
		const size_t n = strlen(v[i].text);
		char wanted[64];

		(void)snprintf(wanted, sizeof(wanted), "text=%s;", v[i].text);
		/* Whole, and cut in two by frames at each place. */
		for (size_t k = 0; k <= n; k++) {
			struct bytes b = {.len = 0};

			put(&b, 0x01, v[i].text, k, true);
			put(&b, 0x80, v[i].text + k, n - k, true);
			expect(&b, v[i].good ? wanted : "bad=1007;");
		}
	}
}

/* Nothing is held between messages. */
static void test_memory(void **state)
{
	struct bytes b = {.len = 0};
	struct ws_in in = {.max_bytes = MAX};
	const uint8_t *p = b.p, *msg;
	size_t len, n;
	(void)state;

	put(&b, 0x81, "hello", 5, true);
	put(&b, 0x89, "", 0, true);
	len = b.len;
	assert_int_equal(ws_in_take(&in, &p, &len, &msg, &n), WS_IN_TEXT);
	assert_int_equal(ws_in_take(&in, &p, &len, &msg, &n), WS_IN_PING);
	assert_null(in.msg);
	ws_in_close(&in);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_messages),
		cmocka_unit_test(test_close),
		cmocka_unit_test(test_broken),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_fragments),
		cmocka_unit_test(test_utf8),
		cmocka_unit_test(test_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
