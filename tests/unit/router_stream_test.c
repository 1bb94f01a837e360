/* libs: sy_router_core */
/* SPDX-License-Identifier: MIT */
/* Messages out of a byte stream, in pieces of every size. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "router/stream.h"

#define A "OPTIONS sip:a SIP/2.0\r\nContent-Length: 4\r\n\r\nabcd"
#define B "BYE sip:b SIP/2.0\r\nl : 0\r\nX: content-length: 9\r\n\r\n"
#define C "INFO sip:c SIP/2.0\r\nCONTENT-LENGTH:\r\n 2\r\nV: x\r\n\r\nhi"

static struct stream st;

static int reset(void **state)
{
	(void)state;
	stream_close(&st);

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

/* Append what comes out: messages in <>, pings as !. */
static enum stream_out take(char *out)
{
	for (;;) {
		const char *p;
		size_t len;
		enum stream_out o = stream_next(&st, &p, &len);

		if (o == STREAM_PING)
			strcat(out, "!");
		else if (o == STREAM_MESSAGE)
			strncat(strcat(out, "<"), p, len);
		else
			return o;
		if (o == STREAM_MESSAGE)
			strcat(out, ">");
		stream_done(&st);
	}
}

static void test_pieces(void **state)
{
	static const char in[] = A "\r\n\r\n" B "\r\n" C A;

	(void)state;
	for (size_t step = 1; step < sizeof(in); step++) {
		char out[1024] = "";

		for (size_t at = 0; at < sizeof(in) - 1; at += step) {
			size_t n = sizeof(in) - 1 - at;

			feed(in + at, n < step ? n : step);
			assert_int_equal(take(out), STREAM_MORE);
		}
		assert_string_equal(out, "<" A ">!<" B "><" C "><" A ">");
		stream_close(&st);
	}
}

static enum stream_out one(const char *msg, const char **p, size_t *len)
{
	feed(msg, strlen(msg));

	return stream_next(&st, p, len);
}

static void test_no_length(void **state)
{
	static const char *const bad[] = {
		"BYE sip:a SIP/2.0\r\nX: 1\r\n\r\nbody",
		"BYE sip:a SIP/2.0\r\nl: x\r\n\r\n",
		"BYE sip:a SIP/2.0\r\nl: 1x\r\n\r\n",
		"BYE sip:a SIP/2.0\r\nl: -1\r\n\r\n",
		"BYE sip:a SIP/2.0\r\nl:\r\n\r\n",
		"BYE sip:a SIP/2.0\r\nl: 1\r\nContent-Length: 2\r\n\r\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const char *p;
		size_t len;

		assert_int_equal(one(bad[i], &p, &len), STREAM_NO_LENGTH);
		assert_int_equal(len, strstr(bad[i], "\r\n\r\n") + 4 - bad[i]);
		stream_close(&st);
	}
}

static void test_too_large(void **state)
{
	const char *p;
	size_t len;

	(void)state;
	assert_int_equal(one("BYE sip:a SIP/2.0\r\nl: 99999\r\n\r\n", &p,
			     &len),
			 STREAM_TOO_LARGE);
	stream_close(&st);
	assert_int_equal(one("BYE sip:a SIP/2.0\r\nl: 99999999999999999999\r\n"
			     "\r\n",
			     &p, &len),
			 STREAM_TOO_LARGE);
}

static void test_endless_headers(void **state)
{
	static const char line[] = "X: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n";
	enum stream_out o = STREAM_MORE;
	size_t fed = 0, len;
	const char *p;

	(void)state;
	while (o == STREAM_MORE && fed < 4 * STREAM_MESSAGE_MAX) {
		feed(line, sizeof(line) - 1);
		fed += sizeof(line) - 1;
		o = stream_next(&st, &p, &len);
	}
	assert_int_equal(o, STREAM_JUNK);
	assert_true(fed < STREAM_MESSAGE_MAX + sizeof(line));
}

/* A long life does not make the buffer grow. */
static void test_bounded(void **state)
{
	(void)state;
	for (int i = 0; i < 20000; i++) {
		char out[256] = "";

		feed(A, sizeof(A) - 1);
		assert_int_equal(take(out), STREAM_MORE);
		assert_string_equal(out, "<" A ">");
	}
	assert_true(st.size <= 4096);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_pieces, reset),
		cmocka_unit_test_teardown(test_no_length, reset),
		cmocka_unit_test_teardown(test_too_large, reset),
		cmocka_unit_test_teardown(test_endless_headers, reset),
		cmocka_unit_test_teardown(test_bounded, reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
