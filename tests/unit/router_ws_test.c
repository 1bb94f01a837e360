/* libs: sy_router_core sy_proto */
/* SPDX-License-Identifier: MIT */
/* Frames of WebSocket in pieces of every size, and how one is opened. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "router/ws.h"

enum { FIN = 0x80, OUT = 128 * 1024 };

static struct stream st;
static struct ws ws;

static int reset(void **state)
{
	(void)state;
	stream_close(&st);
	memset(&ws, 0, sizeof(ws));

	return 0;
}

static void feed(const char *p, size_t len)
{
	while (len) {
		size_t n;
		char *room = stream_room(&st, &n);

		assert_non_null(room);
		n = n < len ? n : len;
		memcpy(room, p, n);
		stream_put(&st, n);
		p += n;
		len -= n;
	}
}

/* A frame as a client sends it. @return its bytes */
static size_t frame(char *to, uint8_t first, const char *p, size_t len)
{
	static const uint8_t mask[] = {0x12, 0x00, 0xff, 0x7a};
	char head[WS_HEAD_MAX];
	size_t n = ws_head(head, WS_TEXT, len);

	memcpy(to, head, n);
	to[0] = (char)first;
	to[1] = (char)(to[1] | 0x80);
	memcpy(to + n, mask, 4);
	n += 4;
	for (size_t i = 0; i < len; i++)
		to[n + i] = (char)(p[i] ^ mask[i % 4]);

	return n + len;
}

static size_t text_frame(char *to, uint8_t first, const char *text)
{
	return frame(to, first, text, strlen(text));
}

/* Append what comes out: messages in <>, control frames by a letter. */
static enum ws_out take(char *out)
{
	for (;;) {
		const char *p;
		size_t len;
		enum ws_out o = ws_next(&ws, &st, &p, &len);

		if (o == WS_MORE || o == WS_BAD)
			return o;
		strcat(out, o == WS_MESSAGE ? "<"
			    : o == WS_PING  ? "i("
			    : o == WS_PONG  ? "o("
					    : "c(");
		strncat(out, p, len);
		strcat(out, o == WS_MESSAGE ? ">" : ")");
		ws_done(&ws, &st);
	}
}

/* Whole messages, fragments, and control frames between them. */
static void test_pieces(void **state)
{
	static char in[4096], out[OUT], large[300];
	char want[1024];
	size_t n = 0;

	(void)state;
	memset(large, 'x', sizeof(large) - 1);
	n += text_frame(in + n, FIN | WS_TEXT, "one");
	n += text_frame(in + n, FIN | WS_OP_PING, "p");
	n += text_frame(in + n, WS_BINARY, "t");
	n += text_frame(in + n, 0, "");
	n += text_frame(in + n, FIN | WS_OP_PONG, "");
	n += text_frame(in + n, 0, "w");
	n += text_frame(in + n, FIN | WS_OP_PING, "between");
	n += text_frame(in + n, FIN | WS_OP_PING, "two");
	n += text_frame(in + n, FIN | 0, "o");
	n += text_frame(in + n, FIN | WS_TEXT, large);
	n += text_frame(in + n, FIN | WS_TEXT, "");
	n += text_frame(in + n, FIN | WS_OP_CLOSE, "\x03\xe8");
	(void)snprintf(want, sizeof(want),
		       "<one>i(p)o()i(between)i(two)<two><%s><>c(\x03\xe8)",
		       large);

	for (size_t step = 1; step <= n; step++) {
		out[0] = 0;
		for (size_t at = 0; at < n; at += step) {
			feed(in + at, n - at < step ? n - at : step);
			assert_int_equal(take(out), WS_MORE);
		}
		assert_string_equal(out, want);
		assert_int_equal(st.start, st.len);
		(void)reset(NULL);
	}
}

static void test_bad(void **state)
{
	static const struct {
		const char *what;
		size_t len;
		const char *bytes;
		uint16_t status;
	} v[] = {
	    {"not masked", 3, "\x81\x01x", WS_PROTOCOL},
	    {"a reserved bit", 7, "\xc1\x81\0\0\0\0x", WS_PROTOCOL},
	    {"opcode 3", 7, "\x83\x81\0\0\0\0x", WS_PROTOCOL},
	    {"opcode 11", 7, "\x8b\x81\0\0\0\0x", WS_PROTOCOL},
	    {"a ping in fragments", 7, "\x09\x81\0\0\0\0x", WS_PROTOCOL},
	    {"a ping of 126 bytes", 8, "\x89\xfe\0\x7e\0\0\0\0", WS_PROTOCOL},
	    {"a close of one byte", 7, "\x88\x81\0\0\0\0x", WS_PROTOCOL},
	    {"nothing goes on", 7, "\x80\x81\0\0\0\0x", WS_PROTOCOL},
	    {"a message within another", 14,
	     "\x01\x81\0\0\0\0x\x81\x81\0\0\0\0x", WS_PROTOCOL},
	    {"no UTF-8", 7, "\x81\x81\0\0\0\0\xff", WS_NO_UTF8},
	    {"half a character", 7, "\x81\x81\0\0\0\0\xc3", WS_NO_UTF8},
	    {"4 GB and more", 14, "\x82\xff\0\0\0\x01\0\0\0\0\0\0\0\0",
	     WS_TOO_LARGE},
	    {"all bits of a length", 14,
	     "\x82\xff\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\0", WS_TOO_LARGE},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		char out[64] = "";

		feed(v[i].bytes, v[i].len);
		if (take(out) != WS_BAD || ws.status != v[i].status || *out)
			fail_msg("%s: %s, %u", v[i].what, out, ws.status);
		(void)reset(NULL);
	}
}

/* Text may be cut within a character. */
static void test_cut_character(void **state)
{
	char in[64], out[64] = "";
	size_t n;

	(void)state;
	n = text_frame(in, WS_TEXT, "\xe2\x82");
	n += text_frame(in + n, FIN, "\xac");
	feed(in, n);
	assert_int_equal(take(out), WS_MORE);
	assert_string_equal(out, "<\xe2\x82\xac>");
}

/* Fragments do not add up to more than a message may have. */
static void test_too_large(void **state)
{
	static char in[20000], part[16000], out[OUT];
	size_t n;

	(void)state;
	memset(part, 'a', sizeof(part));
	n = frame(in, WS_TEXT, part, sizeof(part));
	feed(in, n);
	assert_int_equal(take(out), WS_MORE);
	in[0] = 0;
	feed(in, n);
	assert_int_equal(take(out), WS_MORE);
	feed(in, n);
	assert_int_equal(take(out), WS_BAD);
	assert_int_equal(ws.status, WS_TOO_LARGE);
	assert_true(st.size <= 4 * STREAM_MESSAGE_MAX);
}

static void test_head(void **state)
{
	static const struct {
		size_t len, head;
		const char *bytes;
	} v[] = {
	    {0, 2, "\x81\0"},
	    {125, 2, "\x81\x7d"},
	    {126, 4, "\x81\x7e\0\x7e"},
	    {65535, 4, "\x81\x7e\xff\xff"},
	    {65536, 10, "\x81\x7f\0\0\0\0\0\x01\0\0"},
	};
	char head[WS_HEAD_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		assert_int_equal(ws_head(head, WS_TEXT, v[i].len), v[i].head);
		assert_memory_equal(head, v[i].bytes, v[i].head);
	}
}

static void test_utf8(void **state)
{
	static const char *const good[] = {
	    "",
	    "a",
	    "\xc2\x80",
	    "\xdf\xbf",
	    "\xe0\xa0\x80",
	    "\xed\x9f\xbf",
	    "\xee\x80\x80",
	    "\xf0\x90\x80\x80",
	    "\xf4\x8f\xbf\xbf",
	};
	static const char *const bad[] = {
	    "\x80",
	    "\xc0\x80",
	    "\xc1\xbf",
	    "\xc2",
	    "\xc2"
	    "a",
	    "\xe0\x9f\xbf",
	    "\xed\xa0\x80",
	    "\xf0\x8f\xbf\xbf",
	    "\xf4\x90\x80\x80",
	    "\xf5\x80\x80\x80",
	    "\xe2\x82",
	    "\xff",
	};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		const size_t n = i ? sizeof(bad) / sizeof(bad[0])
				   : sizeof(good) / sizeof(good[0]);

		for (size_t k = 0; k < n; k++) {
			char *p = (char *)(uintptr_t)(i ? bad[k] : good[k]);
			const size_t len = strlen(p);
			/* in two pieces, wherever they meet */
			for (size_t at = 0; at <= len; at++) {
				const struct iovec iov[] = {{p, at},
							    {p + at, len - at}};

				assert_int_equal(ws_is_utf8(iov, 2), !i);
			}
		}
	}
}

#define HELLO_START "GET / HTTP/1.1\r\nHost: a\r\n"
#define UPGRADE                                                                \
	"Upgrade: h2c, WebSocket\r\nConnection: keep-alive,  UPGRADE\r\n"
#define KEY "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define V13 "sec-websocket-version:13\r\n"
#define SIP "Sec-WebSocket-Protocol: chat , sip\r\n"

static void test_hello(void **state)
{
	static const char in[] = HELLO_START UPGRADE KEY V13 SIP "\r\n";
	char answer[WS_ANSWER_MAX] = "";
	size_t n, used;

	(void)state;
	for (size_t len = 0; len < sizeof(in) - 1; len++)
		assert_int_equal(ws_hello(in, len, &used, answer, &n),
				 WS_HELLO_MORE);
	assert_int_equal(ws_hello(in, sizeof(in) - 1, &used, answer, &n),
			 WS_HELLO_OK);
	assert_int_equal(used, sizeof(in) - 1);
	assert_int_equal(n, strlen(answer));
	assert_int_equal(strncmp(answer, "HTTP/1.1 101 ", 13), 0);
	/* RFC 6455 1.3 */
	assert_non_null(strstr(answer, "\r\nSec-WebSocket-Accept: "
				       "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));
	assert_non_null(strstr(answer, "\r\nSec-WebSocket-Protocol: sip\r\n"));
	assert_string_equal(answer + n - 4, "\r\n\r\n");
}

static void test_hello_refused(void **state)
{
	static const struct {
		const char *in, *status;
	} v[] = {
	    {HELLO_START "\r\n", "426"},
	    {HELLO_START KEY V13 SIP "Upgrade: websocket\r\n\r\n", "426"},
	    {"GET / HTTP/1.1\r\n" UPGRADE KEY V13 SIP "\r\n", "400"},
	    {"GET / HTTP/1.0\r\nHost: a\r\n" UPGRADE KEY V13 SIP "\r\n", "400"},
	    {"POST / HTTP/1.1\r\nHost: a\r\n" UPGRADE KEY V13 SIP "\r\n",
	     "400"},
	    {"REGISTER sip:a SIP/2.0\r\nVia: x\r\n\r\n", "400"},
	    {"\r\n\r\n", "400"},
	    {HELLO_START UPGRADE KEY SIP "\r\n", "400"},
	    {HELLO_START UPGRADE KEY SIP "Sec-WebSocket-Version: 8\r\n\r\n",
	     "426"},
	    {HELLO_START UPGRADE V13 SIP "\r\n", "400"},
	    {HELLO_START UPGRADE V13 SIP KEY KEY "\r\n", "400"},
	    {HELLO_START UPGRADE V13 SIP
	     "Sec-WebSocket-Key: dGhlIHNhbXBsZQ==\r\n\r\n",
	     "400"},
	    {HELLO_START UPGRADE KEY V13 "\r\n", "400"},
	    {HELLO_START UPGRADE KEY V13 "Sec-WebSocket-Protocol: sips\r\n\r\n",
	     "400"},
	};
	char answer[WS_ANSWER_MAX];
	size_t n, used;

	(void)state;
	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		memset(answer, 0, sizeof(answer));
		if (ws_hello(v[i].in, strlen(v[i].in), &used, answer, &n) !=
			WS_HELLO_REFUSED ||
		    strncmp(answer + 9, v[i].status, 3))
			fail_msg("%s: %s", v[i].in, answer);
		assert_int_equal(n, strlen(answer));
	}
}

static void test_hello_endless(void **state)
{
	static char in[WS_HELLO_MAX + 1];
	char answer[WS_ANSWER_MAX];
	size_t n, used;

	(void)state;
	memset(in, 'a', sizeof(in));
	assert_int_equal(ws_hello(in, WS_HELLO_MAX - 1, &used, answer, &n),
			 WS_HELLO_MORE);
	assert_int_equal(ws_hello(in, WS_HELLO_MAX, &used, answer, &n),
			 WS_HELLO_REFUSED);
	assert_int_equal(strncmp(answer + 9, "431", 3), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, reset)
	const struct CMUnitTest tests[] = {
	    TEST(test_pieces),	      TEST(test_bad),
	    TEST(test_cut_character), TEST(test_too_large),
	    TEST(test_head),	      TEST(test_utf8),
	    TEST(test_hello),	      TEST(test_hello_refused),
	    TEST(test_hello_endless),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
