/* libs: sy_gateway_http */
/* SPDX-License-Identifier: MIT */
/* permessage-deflate (RFC 7692): which offers are taken, the examples of the
 * RFC, and what compressed messages of a client may be. */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "gateway/http/ws_deflate.h"
#include "gateway/http/ws_in.h"

enum { MAX = 4096, FIN = 0x80, RSV1 = 0x40, TEXT = 1, PING = 9 };

static void test_offers(void **state)
{
	static const struct {
		const char *offers;
		bool taken;
	} v[] = {
		{"permessage-deflate", true},
		{"permessage-deflate; client_max_window_bits", true},
		{"Permessage-Deflate;client_no_context_takeover;"
		 "server_no_context_takeover", true},
		{"permessage-deflate; client_max_window_bits=\"10\"", true},
		{"permessage-deflate; server_max_window_bits=15", true},
		{"permessage-deflate; server_max_window_bits=10", false},
		{"permessage-deflate; server_max_window_bits=10, "
		 "permessage-deflate", true},
		{"x-webkit-deflate-frame, permessage-deflate", true},
		{"bbf-usp-protocol; eid=\"a,b;c\", permessage-deflate", true},
		{"permessage-deflate; client_max_window_bits=7", false},
		{"permessage-deflate; client_max_window_bits=16", false},
		{"permessage-deflate; client_max_window_bits=08", false},
		{"permessage-deflate; client_max_window_bits=", false},
		{"permessage-deflate; server_max_window_bits", false},
		{"permessage-deflate; server_no_context_takeover=1", false},
		{"permessage-deflate; client_max_window_bits; "
		 "client_max_window_bits", false},
		{"permessage-deflate; what", false},
		{"permessage-deflate=1", false},
		{"permessage-deflates", false},
		{"permessage-deflate;", false},
		{"permessage-deflate; client_max_window_bits=\"10", false},
		{"permessage-deflate x", false},
		{";, permessage-deflate", false},
		{"", false},
		{",,", false},
	};
	(void)state;

	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		if (ws_deflate_is_offered(v[i].offers) != v[i].taken)
			fail_msg("'%s'", v[i].offers);
	}
	assert_false(ws_deflate_is_offered(NULL));
}

/* RFC 7692 7.2.3: the same text in several forms. */
static void test_examples(void **state)
{
	static const struct {
		const char *p;
		size_t len;
	} v[] = {
#define BYTES(s) {s, sizeof(s) - 1}
		BYTES("\xf2\x48\xcd\xc9\xc9\x07\x00"),
		BYTES("\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00"),
		BYTES("\xf3\x48\xcd\xc9\xc9\x07\x00\x00"),
		BYTES("\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00"),
	};
	(void)state;

	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		uint8_t out[64];
		size_t n = sizeof(out);

		assert_int_equal(ws_inflate(out, &n, (const uint8_t *)v[i].p,
					    v[i].len), 0);
		assert_int_equal(n, 5);
		assert_memory_equal(out, "Hello", 5);
		n = 4;
		assert_int_equal(ws_inflate(out, &n, (const uint8_t *)v[i].p,
					    v[i].len), EMSGSIZE);
		n = 5;
		assert_int_equal(ws_inflate(out, &n, (const uint8_t *)v[i].p,
					    v[i].len), 0);
	}
}

static void test_there_and_back(void **state)
{
	static char text[60000];
	static uint8_t packed[sizeof(text)], out[sizeof(text)];
	(void)state;

	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (char)('a' + (i * i / 7) % 20);
	for (size_t len = 200; len <= sizeof(text); len = len * 3 / 2) {
		size_t n = 0, back = len;

		assert_int_equal(ws_deflate(packed, &n, text, len), 0);
		assert_true(n < len);
		assert_int_equal(ws_inflate(out, &back, packed, n), 0);
		assert_int_equal(back, len);
		assert_memory_equal(out, text, len);
	}
	/* What does not become shorter is said to be so. */
	srand(1);
	for (size_t i = 0; i < 300; i++)
		text[i] = (char)rand();
	for (size_t len = 0; len < 300; len++) {
		size_t n = 0;

		assert_int_equal(ws_deflate(packed, &n, text, len), EMSGSIZE);
	}
}

/* ------------------------------------------------------- a client's messages */

static size_t put(uint8_t *to, uint8_t first, const char *p, size_t len)
{
	assert_true(len < 126);
	to[0] = first;
	to[1] = (uint8_t)(0x80 | len);
	memset(to + 2, 0, 4); /* a mask that leaves it as it is */
	if (len)
		memcpy(to + 6, p, len);

	return 6 + len;
}

/* What comes of it, fed in steps. */
static void expect(bool deflate, const uint8_t *p, size_t len,
		   const char *wanted)
{
	for (size_t step = 1; step <= len; step++) {
		struct ws_in in = {.max_bytes = MAX, .deflate = deflate};
		char out[MAX + 64] = "";
		enum ws_in_out o = WS_IN_MORE;

		for (size_t at = 0; at < len && o == WS_IN_MORE; at += step) {
			size_t n = len - at < step ? len - at : step, got = 0;
			const uint8_t *next = p + at, *msg = NULL;

			o = ws_in_take(&in, &next, &n, &msg, &got);
			if (o == WS_IN_TEXT)
				(void)snprintf(out, sizeof(out), "%.*s",
					       (int)got, (const char *)msg);
			else if (o == WS_IN_BAD)
				(void)snprintf(out, sizeof(out), "bad=%u",
					       in.code);
		}
		assert_string_equal(out, wanted);
		ws_in_close(&in);
	}
}

static const char hello[] = "\xf2\x48\xcd\xc9\xc9\x07\x00";

static void test_messages(void **state)
{
	uint8_t b[256];
	size_t n;
	(void)state;

	n = put(b, FIN | RSV1 | TEXT, hello, 7);
	expect(true, b, n, "Hello");
	expect(false, b, n, "bad=1002");
	/* In fragments, with a ping between; only the first has the bit. */
	n = put(b, RSV1 | TEXT, hello, 3);
	n += put(b + n, FIN, hello + 3, 4);
	expect(true, b, n, "Hello");
	n = put(b, RSV1 | TEXT, hello, 3);
	n += put(b + n, FIN | RSV1, hello + 3, 4);
	expect(true, b, n, "bad=1002");
	/* Not compressed, although it might be. */
	n = put(b, FIN | TEXT, "Hello", 5);
	expect(true, b, n, "Hello");
	/* Empty. */
	n = put(b, FIN | RSV1 | TEXT, "\0", 1);
	expect(true, b, n, "");
	n = put(b, FIN | RSV1 | TEXT, "", 0);
	expect(true, b, n, "");
	/* Bits that mean nothing, or not here. */
	n = put(b, FIN | RSV1 | PING, "", 0);
	expect(true, b, n, "bad=1002");
	n = put(b, FIN | 0x20 | TEXT, "x", 1);
	expect(true, b, n, "bad=1002");
	n = put(b, FIN | RSV1 | 0x10 | TEXT, "x", 1);
	expect(true, b, n, "bad=1002");
}

static void test_bad_messages(void **state)
{
	static char much[MAX + 1];
	uint8_t b[256], packed[MAX];
	size_t n, len = 0;
	(void)state;

	n = put(b, FIN | RSV1 | TEXT, "Hello", 5);
	expect(true, b, n, "bad=1007");
	/* A few bytes that become more than may be. */
	memset(much, 'a', sizeof(much));
	assert_int_equal(ws_deflate(packed, &len, much, MAX), 0);
	n = put(b, FIN | RSV1 | TEXT, (char *)packed, len);
	much[MAX] = '\0';
	expect(true, b, n, much);
	much[MAX] = 'a';
	assert_int_equal(ws_deflate(packed, &len, much, MAX + 1), 0);
	n = put(b, FIN | RSV1 | TEXT, (char *)packed, len);
	expect(true, b, n, "bad=1009");

	/* UTF-8 is looked at once it is unpacked. */
	memcpy(much + 100, "\xed\xa0\x80", 3);
	assert_int_equal(ws_deflate(packed, &len, much, 300), 0);
	n = put(b, FIN | RSV1 | TEXT, (char *)packed, len);
	expect(true, b, n, "bad=1007");
	memset(much + 100, 'a', 3);
	much[299] = (char)0xc3;
	assert_int_equal(ws_deflate(packed, &len, much, 300), 0);
	n = put(b, FIN | RSV1 | TEXT, (char *)packed, len);
	expect(true, b, n, "bad=1007");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_offers),
		cmocka_unit_test(test_examples),
		cmocka_unit_test(test_there_and_back),
		cmocka_unit_test(test_messages),
		cmocka_unit_test(test_bad_messages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
