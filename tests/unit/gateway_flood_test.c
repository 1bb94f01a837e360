/* libs: sy_gateway_http nghttp2 */
/* SPDX-License-Identifier: MIT */
/* Peers of HTTP/2 that only cost: raw frames into the engine, which must cut
 * them off soon, and must not cut off who is merely busy. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include <re.h>

#include "gateway/http/engine.h"
#include "gateway/http/h2_guard.h"
#include "gateway/http/request.h"

enum {
	DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING,
	GOAWAY, WINDOW_UPDATE, CONTINUATION, UNKNOWN = 0xfa,
};

enum { END_STREAM = 1, END_HEADERS = 4, ACK = 1 };
enum { CANCEL = 8, CALM = 0xb };

#define PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

/* GET http://a/ in HPACK. */
#define GET "\x82\x86\x84\x41\x01" "a"

struct fixture {
	struct engine *e;
	struct web_limits lim;
	uint64_t now_ms, floods;
	unsigned requests;
	int32_t next;            /* stream                               */
	bool goaway;
	uint32_t code;           /* of GOAWAY                             */
	unsigned resets;         /* RST_STREAM of the engine              */
	uint32_t reset_code;
	size_t body;             /* bytes of an answer                    */
	struct mbuf *out;        /* what was not read yet                 */
};

static void on_request(struct web_req *req, void *arg)
{
	struct fixture *f = arg;
	char *body = mem_zalloc(f->body + 1, NULL);

	f->requests++;
	assert_int_equal(web_reply(req, 200, "text/plain", body, f->body), 0);
	mem_deref(body);
}

/* ------------------------------------------------------------------ frames */

static uint32_t number(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	       (uint32_t)p[2] << 8 | p[3];
}

/* Whole frames of what the engine has written. */
static void read_frames(struct fixture *f)
{
	struct mbuf *mb = f->out;

	while (mb->end - mb->pos >= 9) {
		const uint8_t *p = mb->buf + mb->pos;
		size_t len = number(p) >> 8;

		if (mb->end - mb->pos < 9 + len)
			break;
		if (p[3] == GOAWAY && !f->goaway) {
			f->goaway = true;
			f->code = number(p + 13);
		}
		if (p[3] == RST_STREAM) {
			f->resets++;
			f->reset_code = number(p + 9);
		}
		mb->pos += 9 + len;
	}
	memmove(mb->buf, mb->buf + mb->pos, mb->end - mb->pos);
	mb->end -= mb->pos;
	mb->pos = 0;
}

static void feed(struct fixture *f, const void *p, size_t len)
{
	size_t end;

	assert_int_equal(engine_feed(f->e, p, len, f->now_ms), 0);
	do {
		end = f->out->end;
		f->out->pos = end;
		assert_int_equal(engine_pull(f->e, f->out, 16384, f->now_ms),
				 0);
		f->out->pos = 0;
	} while (f->out->end > end);
	read_frames(f);
}

static void put(struct fixture *f, uint8_t type, uint8_t flags,
		 int32_t stream, const void *p, size_t len)
{
	uint8_t buf[512] = {0, (uint8_t)(len >> 8), (uint8_t)len, type, flags};

	assert_true(len < sizeof(buf) - 9);
	buf[5] = (uint8_t)(stream >> 24);
	buf[6] = (uint8_t)(stream >> 16);
	buf[7] = (uint8_t)(stream >> 8);
	buf[8] = (uint8_t)stream;
	if (len)
		memcpy(buf + 9, p, len);
	feed(f, buf, 9 + len);
}

static int32_t get(struct fixture *f, uint8_t flags)
{
	int32_t stream = f->next;

	f->next += 2;
	put(f, HEADERS, END_HEADERS | flags, stream, GET, sizeof(GET) - 1);

	return stream;
}

static void start(struct fixture *f)
{
	struct engine_conf conf = {
		.peer = "192.0.2.1:5",
		.requesth = on_request,
		.arg = f,
		.floods = &f->floods,
	};

	memset(f, 0, sizeof(*f));
	f->lim = web_limits_default;
	f->now_ms = 1000;
	f->next = 1;
	f->body = 5;
	f->out = mbuf_alloc(65536);
	conf.lim = &f->lim;
	assert_int_equal(h2_alloc(&f->e, &conf, f->now_ms), 0);
	feed(f, PREFACE, sizeof(PREFACE) - 1);
	put(f, SETTINGS, 0, 0, NULL, 0);
}

static void end(struct fixture *f)
{
	mem_deref(f->e);
	mem_deref(f->out);
}

/* ------------------------------------------------------------------ floods */

static void ping(struct fixture *f)
{
	put(f, PING, 0, 0, "12345678", 8);
}

static void ping_ack(struct fixture *f)
{
	put(f, PING, ACK, 0, "12345678", 8);
}

static void settings(struct fixture *f)
{
	put(f, SETTINGS, 0, 0, "\0\3\0\0\0\1", 6);
}

static void priority(struct fixture *f)
{
	put(f, PRIORITY, 0, 2001, "\0\0\0\0\1", 5);
}

static void window(struct fixture *f)
{
	put(f, WINDOW_UPDATE, 0, 0, "\0\0\0\1", 4);
}

static void unknown(struct fixture *f)
{
	put(f, UNKNOWN, 0, 0, "abc", 3);
}

static void rapid_reset(struct fixture *f)
{
	put(f, RST_STREAM, 0, get(f, END_STREAM), "\0\0\0\x8", 4);
}

/* A request whose body never comes, and which is reset. */
static void reset_open(struct fixture *f)
{
	put(f, RST_STREAM, 0, get(f, 0), "\0\0\0\x8", 4);
}

/* The engine is made to reset: a window that is too large is an error of the
 * stream. */
static void made_reset(struct fixture *f)
{
	put(f, WINDOW_UPDATE, 0, get(f, 0), "\x7f\xff\xff\xff", 4);
}

static void empty_data(struct fixture *f)
{
	if (f->next == 1)
		(void)get(f, 0);
	put(f, DATA, 0, 1, NULL, 0);
}

static void data_of_one(struct fixture *f)
{
	if (f->next == 1)
		(void)get(f, 0);
	put(f, DATA, 0, 1, "x", 1);
}

static void continuation(struct fixture *f)
{
	if (f->next == 1) {
		f->next = 3;
		put(f, HEADERS, 0, 1, GET, sizeof(GET) - 1);
	}
	put(f, CONTINUATION, 0, 1, NULL, 0);
}

static void test_floods(void **state)
{
	static const struct {
		const char *name;
		void (*once)(struct fixture *f);
		unsigned within;
		bool calm;       /* else it is an error that cuts it off   */
	} v[] = {
		{"ping", ping, GUARD_BURST + 50, true},
		{"ping ack", ping_ack, GUARD_BURST + 50, true},
		{"settings", settings, GUARD_BURST + 50, true},
		{"priority", priority, GUARD_BURST + 50, true},
		{"window", window, GUARD_BURST + 50, true},
		{"unknown", unknown, GUARD_BURST + 50, true},
		{"rapid reset", rapid_reset, GUARD_BURST / 2, true},
		{"reset open", reset_open, GUARD_BURST / GUARD_RESET + 5, true},
		{"made reset", made_reset, GUARD_BURST / GUARD_RESET + 5, true},
		{"empty data", empty_data, GUARD_BURST + 50, true},
		{"data of one", data_of_one, GUARD_BURST + 50, true},
		{"continuation", continuation, 20, false},
	};
	(void)state;

	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		struct fixture f;
		unsigned n = 0;

		start(&f);
		while (!engine_is_done(f.e) && n < 100000) {
			v[i].once(&f);
			n++;
		}
		if (n > v[i].within || !f.goaway ||
		    (v[i].calm && f.code != CALM))
			fail_msg("%s: cut off after %u, allowed %u; GOAWAY %u",
				 v[i].name, n, v[i].within, f.code);
		if (v[i].calm)
			assert_int_equal(f.floods, 1);
		assert_true(f.out->size < 1 << 20);
		end(&f);
	}
}

/* All in one read, as a flood comes: nothing after the cut is looked at. */
static void test_flood_in_one_read(void **state)
{
	enum { N = 5000, LEN = 17 };
	uint8_t *buf = mem_zalloc(N * LEN, NULL);
	struct fixture f;
	(void)state;

	for (size_t i = 0; i < N; i++)
		memcpy(buf + i * LEN, "\0\0\x8\x6\0\0\0\0\0" "12345678", LEN);
	start(&f);
	feed(&f, buf, N * LEN);
	assert_true(engine_is_done(f.e));
	assert_int_equal(f.code, CALM);
	/* Fewer answers than acks that may wait, and no more. */
	assert_true(f.goaway);
	mem_deref(buf);
	end(&f);
}

/* The same at a pace that people have. */
static void test_busy_is_no_flood(void **state)
{
	struct fixture f;
	(void)state;

	start(&f);
	for (unsigned i = 0; i < 3000; i++) {
		f.now_ms += 30;
		reset_open(&f);
		ping(&f);
		window(&f);
	}
	assert_false(engine_is_done(f.e));

	/* Answers as fast as they are asked for, each with an update of the
	 * window, as clients send them. */
	for (unsigned i = 0; i < 20000; i++) {
		(void)get(&f, END_STREAM);
		put(&f, WINDOW_UPDATE, 0, 0, "\0\0\0\5", 4);
	}
	assert_false(engine_is_done(f.e));
	assert_int_equal(f.requests, 20000);
	end(&f);
}

/* ---------------------------------------------------- who does not take it */

static void test_stalled(void **state)
{
	struct fixture f;
	int32_t stream;
	(void)state;

	start(&f);
	put(&f, SETTINGS, 0, 0, "\0\4\0\0\0\0", 6); /* windows of 0 */
	stream = get(&f, END_STREAM);
	assert_int_equal(f.requests, 1);
	assert_true(engine_deadline_ms(f.e) == f.now_ms + f.lim.write_ms);

	/* A byte now and then is no progress. */
	f.now_ms += f.lim.write_ms - 1;
	put(&f, WINDOW_UPDATE, 0, stream, "\0\0\0\1", 4);
	assert_true(engine_deadline_ms(f.e) == f.now_ms + 1);
	f.now_ms++;
	engine_expire(f.e, f.now_ms);
	feed(&f, "", 0);
	assert_int_equal(f.resets, 1);
	assert_int_equal(f.reset_code, CANCEL);
	assert_null(f.e->reql.head);
	end(&f);
}

static void test_moving(void **state)
{
	struct fixture f;
	int32_t stream;
	(void)state;

	start(&f);
	f.body = 100000;
	put(&f, SETTINGS, 0, 0, "\0\4\0\0\0\0", 6);
	stream = get(&f, END_STREAM);
	for (unsigned i = 0; i < 10; i++) {
		f.now_ms += f.lim.write_ms - 1;
		put(&f, WINDOW_UPDATE, 0, stream, "\0\0\x13\x88", 4);
		assert_true(engine_deadline_ms(f.e) ==
			    f.now_ms + f.lim.write_ms);
	}
	assert_int_equal(f.resets, 0);
	end(&f);
}

/* Answers that wait are bounded, all together. */
static void test_full(void **state)
{
	struct fixture f;
	(void)state;

	start(&f);
	f.body = 1 << 20;
	put(&f, SETTINGS, 0, 0, "\0\4\0\0\0\0", 6);
	for (unsigned i = 0; i < 50; i++)
		(void)get(&f, END_STREAM);
	assert_true(f.requests <= f.lim.waiting_bytes / f.body + 1);
	assert_false(engine_is_done(f.e));
	end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_floods),
		cmocka_unit_test(test_flood_in_one_read),
		cmocka_unit_test(test_busy_is_no_flood),
		cmocka_unit_test(test_stalled),
		cmocka_unit_test(test_moving),
		cmocka_unit_test(test_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
