/* libs: sy_gateway_http */
/* SPDX-License-Identifier: MIT */
/*
 * HTTP/1.1 by text, with a clock of our own: each exchange is fed whole, and
 * one byte at a time, and must give the same answers.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include <re.h>

#include "gateway/http/engine.h"
#include "gateway/http/request.h"

#define HOST "Host: a\r\n"

struct fixture {
	struct engine *e;
	struct mbuf *out;
	struct web_req *held;     /* /later: answered by the test         */
	unsigned requests, heads, wakes, closes;
	char log[512];            /* "GET /a;POST /b=body;"               */
};

static void on_close(struct web_req *req, void *arg)
{
	struct fixture *f = arg;
	(void)req;

	f->closes++;
}

static void on_head(struct web_req *req, void *arg)
{
	struct fixture *f = arg;

	f->heads++;
	if (!strcmp(req->path, "/early"))
		assert_int_equal(web_reply(req, 401, "text/plain", "no", 2),
				 0);
}

static void on_request(struct web_req *req, void *arg)
{
	struct fixture *f = arg;
	size_t len, at = strlen(f->log);
	const uint8_t *body = web_body(req, &len);

	f->requests++;
	(void)snprintf(f->log + at, sizeof(f->log) - at, "%s %s%s%s=%.*s;",
		       req->method, req->path, *req->query ? "?" : "",
		       req->query, (int)len, (const char *)body);

	if (!strcmp(req->path, "/later")) {
		f->held = mem_ref(req);
		req->closeh = on_close;
		req->arg = f;
	}
	else if (!strcmp(req->path, "/stream")) {
		assert_int_equal(web_start(req, 200, "text/plain"), 0);
		assert_int_equal(web_write(req, "ab", 2), 0);
		assert_int_equal(web_write(req, "c", 1), 0);
		assert_int_equal(web_end(req, NULL), 0);
		assert_int_equal(web_write(req, "d", 1), EPIPE);
	}
	else if (!strcmp(req->path, "/empty")) {
		(void)web_reply(req, 204, NULL, NULL, 0);
	}
	else {
		assert_int_equal(web_reply(req, 200, "text/plain", "hello",
					   5), 0);
		assert_int_equal(web_reply(req, 200, NULL, NULL, 0),
				 EALREADY);
	}
}

static void on_wake(void *arg)
{
	struct fixture *f = arg;

	f->wakes++;
}

static void start(struct fixture *f)
{
	const struct engine_conf conf = {
		.lim = &web_limits_default,
		.peer = "192.0.2.1:5",
		.headh = on_head,
		.requesth = on_request,
		.arg = f,
		.wakeh = on_wake,
		.wake_arg = f,
	};

	memset(f, 0, sizeof(*f));
	assert_int_equal(h1_alloc(&f->e, &conf, 1000), 0);
	f->out = mbuf_alloc(64);
}

static void end(struct fixture *f)
{
	mem_deref(f->e);
	mem_deref(f->held);
	mem_deref(f->out);
}

static void pull(struct fixture *f)
{
	for (;;) {
		size_t before = f->out->end;

		assert_int_equal(engine_pull(f->e, f->out, 100, 1000), 0);
		if (f->out->end == before)
			break;
	}
}

static void feed(struct fixture *f, const char *text, size_t step)
{
	size_t len = strlen(text);

	for (size_t i = 0; i < len; i += step) {
		size_t n = len - i < step ? len - i : step;

		assert_int_equal(engine_feed(f->e, (const uint8_t *)text + i,
					     n, 1000), 0);
		pull(f);
	}
	pull(f);

	/* The output is read as a string. */
	f->out->pos = f->out->end;
	(void)mbuf_write_u8(f->out, 0);
	f->out->end--;
	f->out->pos = 0;
}

static const char *text(const struct fixture *f)
{
	return (const char *)f->out->buf;
}

static unsigned count(const char *text, const char *what)
{
	unsigned n = 0;

	for (; (text = strstr(text, what)); text++)
		n++;

	return n;
}

/* What goes in, what the handlers see, how many answers of which status. */
struct exchange {
	const char *in;
	const char *log;
	const char *status; /* of the first answer      */
	unsigned answers;
	bool done;          /* the connection is over   */
	const char *has;    /* in the output, or NULL   */
};

static const struct exchange exchanges[] = {
	{"GET /a HTTP/1.1\r\n" HOST "\r\n", "GET /a=;", "200", 1, false,
	 "content-length: 5\r\n"},
	{"GET /a?x=1&y HTTP/1.1\r\n" HOST "\r\n", "GET /a?x=1&y=;", "200", 1,
	 false, "\r\n\r\nhello"},
	{"GET http://h:1/p?q HTTP/1.1\r\n" HOST "\r\n", "GET /p?q=;", "200",
	 1, false, NULL},
	{"\r\n\r\nGET /a HTTP/1.1\r\n" HOST "\r\n", "GET /a=;", "200", 1,
	 false, NULL},
	/* Pipelined: in order, all. */
	{"GET /a HTTP/1.1\r\n" HOST "\r\nPOST /b HTTP/1.1\r\n" HOST
	 "Content-Length: 3\r\n\r\nxyzGET /c HTTP/1.1\r\n" HOST "\r\n",
	 "GET /a=;POST /b=xyz;GET /c=;", "200", 3, false, NULL},
	{"POST /b HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
	 "3\r\nabc\r\n2;ext=1\r\nde\r\n0\r\nTrailer: x\r\n\r\n"
	 "GET /c HTTP/1.1\r\n" HOST "\r\n", "POST /b=abcde;GET /c=;", "200",
	 2, false, NULL},
	{"GET /a HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n"
	 "GET /b HTTP/1.1\r\n" HOST "\r\n", "GET /a=;", "200", 1, true,
	 "connection: close\r\n"},
	{"GET /a HTTP/1.0\r\n\r\n", "GET /a=;", "200", 1, true,
	 "connection: close\r\n"},
	{"GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "GET /a=;",
	 "200", 1, false, "connection: keep-alive\r\n"},
	{"HEAD /a HTTP/1.1\r\n" HOST "\r\n", "HEAD /a=;", "200", 1, false,
	 "content-length: 5\r\n\r\n"},
	{"GET /empty HTTP/1.1\r\n" HOST "\r\n", "GET /empty=;", "204", 1,
	 false, NULL},
	{"GET /stream HTTP/1.0\r\n\r\n", "GET /stream=;", "200", 1, true,
	 "abc"},
	/* An offer of h2c is ignored. */
	{"GET /a HTTP/1.1\r\n" HOST "Connection: Upgrade, HTTP2-Settings\r\n"
	 "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n"
	 "GET /b HTTP/1.1\r\n" HOST "\r\n", "GET /a=;GET /b=;", "200", 2,
	 false, NULL},
	{"POST /b HTTP/1.1\r\n" HOST "Expect: 100-continue\r\n"
	 "Content-Length: 2\r\n\r\nhi", "POST /b=hi;", "100", 2, false,
	 "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n"},
	/* Answered before the body: read and thrown away. */
	{"POST /early HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\n12345"
	 "GET /a HTTP/1.1\r\n" HOST "\r\n", "GET /a=;", "401", 2, false,
	 NULL},
	{"POST /early HTTP/1.1\r\n" HOST "Expect: 100-continue\r\n"
	 "Content-Length: 5\r\n\r\n", "", "401", 1, true,
	 "connection: close\r\n"},
	/* Refused. */
	/* A line that goes on in the next one. */
	{"GET /a HTTP/1.1\r\n" HOST "x: y\r\n z\r\n\r\n", "", "400", 1, true,
	 "goes on"},
	{"GET /a HTTP/1.1\r\n" HOST "x: y\r\n \t z\r\n\r\n", "", "400", 1,
	 true, "goes on"},
	{"GET /a HTTP/1.1\r\n" HOST "x:\r\n z\r\n\r\n", "", "400", 1, true,
	 "goes on"},
	{"GET /a HTTP/1.1\r\n" HOST "x:  y  z  \r\ny:\r\n\r\n", "GET /a=;",
	 "200", 1, false, NULL},
	{"GET /a HTTP/1.1\r\n\r\n", "", "400", 1, true, "Host"},
	{"GET /a HTTP/1.1\r\n" HOST HOST "\r\n", "", "400", 1, true, NULL},
	{"GET /a HTTP/2.0\r\n" HOST "\r\n", "", "505", 1, true, NULL},
	{"GET /a HTTP/0.9\r\n" HOST "\r\n", "", "505", 1, true, NULL},
	{"BREW /pot HTTP/1.1\r\n" HOST "\r\n", "", "501", 1, true, NULL},
	{"\x16\x03\x01\x02", "", "501", 1, true, NULL},
	{"POST /b HTTP/1.1\r\n" HOST "Content-Length: 1048577\r\n\r\n", "",
	 "413", 1, true, "problem+json"},
	{"POST /b HTTP/1.1\r\n" HOST "Content-Length: -1\r\n\r\n", "", "400",
	 1, true, NULL},
	{"POST /b HTTP/1.1\r\n" HOST "Content-Length: 3\r\n"
	 "Content-Length: 4\r\n\r\nabcd", "", "400", 1, true, NULL},
	{"POST /b HTTP/1.1\r\n" HOST "Content-Length: 3\r\n"
	 "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "", "400", 1, true,
	 NULL},
	{"POST /b HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip\r\n\r\n", "",
	 "400", 1, true, NULL},
	{"POST /b HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
	 "g\r\n", "", "400", 1, true, NULL},
	{"GET /a HTTP/1.1\r\n" HOST "Expect: magic\r\n\r\n", "", "417", 1,
	 true, NULL},
	{"GET /a HTTP/1.1\r\nHost : a\r\n\r\n", "", "400", 1, true, NULL},
	{"GET a HTTP/1.1\r\n" HOST "\r\n", "", "400", 1, true, NULL},
};

static void check_exchange(const struct exchange *x, size_t step)
{
	char first[32];
	struct fixture f;

	start(&f);
	feed(&f, x->in, step);
	(void)snprintf(first, sizeof(first), "HTTP/1.1 %s ", x->status);
	if (strcmp(f.log, x->log) || strncmp(text(&f), first, 13) ||
	    count(text(&f), "HTTP/1.1 ") != x->answers ||
	    engine_is_done(f.e) != x->done ||
	    (x->has && !strstr(text(&f), x->has)))
		fail_msg("step %zu of\n%s\nlog %s, done %d, gave\n%s", step,
			 x->in, f.log, engine_is_done(f.e), text(&f));
	end(&f);
}

static void test_exchanges(void **state)
{
	(void)state;

	for (size_t i = 0; i < sizeof(exchanges) / sizeof(exchanges[0]); i++) {
		check_exchange(&exchanges[i], 4096);
		check_exchange(&exchanges[i], 7);
		check_exchange(&exchanges[i], 1);
	}
}

static void test_chunked_answer(void **state)
{
	struct fixture f;
	(void)state;

	start(&f);
	feed(&f, "GET /stream HTTP/1.1\r\n" HOST "\r\n", 4096);
	assert_non_null(strstr(text(&f), "content-length: 3\r\n\r\nabc"));
	end(&f);

	/* Not ended when the header goes: chunks. */
	start(&f);
	feed(&f, "GET /later HTTP/1.1\r\n" HOST "\r\n", 4096);
	assert_int_equal(web_start(f.held, 200, NULL), 0);
	assert_int_equal(f.wakes, 1);
	pull(&f);
	assert_int_equal(web_write(f.held, "0123456789abcdef!", 17), 0);
	pull(&f);
	assert_int_equal(web_end(f.held, NULL), 0);
	feed(&f, "GET /a HTTP/1.1\r\n" HOST "\r\n", 1);
	assert_non_null(strstr(text(&f), "transfer-encoding: chunked\r\n\r\n"
			       "11\r\n0123456789abcdef!\r\n0\r\n\r\n"
			       "HTTP/1.1 200 OK\r\n"));
	assert_int_equal(f.closes, 0);
	end(&f);
}

static void test_answer_later_keeps_order(void **state)
{
	struct fixture f;
	(void)state;

	start(&f);
	feed(&f, "GET /later HTTP/1.1\r\n" HOST "\r\n"
	     "GET /a HTTP/1.1\r\n" HOST "\r\n", 4096);
	assert_int_equal(f.out->end, 0);
	assert_int_equal(f.requests, 1);
	assert_true(engine_deadline_ms(f.e) == UINT64_MAX);

	assert_int_equal(web_reply(f.held, 201, NULL, NULL, 0), 0);
	feed(&f, "", 1);
	assert_int_equal(f.requests, 2);
	assert_memory_equal(text(&f), "HTTP/1.1 201 ", 13);
	assert_non_null(strstr(text(&f), "HTTP/1.1 200 "));
	end(&f);
}

static void test_peer_goes(void **state)
{
	struct fixture f;
	(void)state;

	start(&f);
	feed(&f, "GET /later HTTP/1.1\r\n" HOST "\r\n", 4096);
	f.e = mem_deref(f.e);
	assert_int_equal(f.closes, 1);
	assert_false(web_is_open(f.held));
	assert_int_equal(web_reply(f.held, 200, "a/b", "x", 1), 0);
	assert_int_equal(f.wakes, 0);
	assert_string_equal(f.held->peer, "192.0.2.1:5");
	end(&f);
}

static void test_half_close(void **state)
{
	struct fixture f;
	(void)state;

	start(&f);
	feed(&f, "GET /later HTTP/1.1\r\n" HOST "\r\n", 4096);
	engine_eof(f.e);
	assert_false(engine_is_done(f.e));
	assert_int_equal(web_reply(f.held, 200, "a/b", "x", 1), 0);
	pull(&f);
	assert_true(engine_is_done(f.e));
	assert_int_equal(f.closes, 0);
	end(&f);

	/* An endless answer does not outlive its reader. */
	start(&f);
	feed(&f, "GET /later HTTP/1.1\r\n" HOST "\r\n", 4096);
	assert_int_equal(web_start(f.held, 200, NULL), 0);
	pull(&f);
	engine_eof(f.e);
	assert_int_equal(f.closes, 1);
	assert_true(engine_is_done(f.e));
	end(&f);
}

static void test_deadlines(void **state)
{
	const struct web_limits *lim = &web_limits_default;
	struct fixture f;
	(void)state;

	/* Nothing came at all. */
	start(&f);
	assert_true(engine_deadline_ms(f.e) == 1000 + lim->head_ms);
	engine_expire(f.e, 1000 + lim->head_ms);
	assert_true(engine_is_done(f.e));
	end(&f);

	/* A header that drips. */
	start(&f);
	feed(&f, "GET /a HTT", 1);
	assert_int_equal(engine_feed(f.e, (const uint8_t *)"P", 1, 9000), 0);
	assert_true(engine_deadline_ms(f.e) == 1000 + lim->head_ms);
	engine_expire(f.e, 1000 + lim->head_ms);
	feed(&f, "", 1);
	assert_memory_equal(text(&f), "HTTP/1.1 408 ", 13);
	assert_true(engine_is_done(f.e));
	end(&f);

	/* A body that never ends. */
	start(&f);
	feed(&f, "POST /b HTTP/1.1\r\n" HOST "Content-Length: 9\r\n\r\nab",
	     4096);
	assert_true(engine_deadline_ms(f.e) == 1000 + lim->body_ms);
	engine_expire(f.e, 1000 + lim->body_ms);
	feed(&f, "", 1);
	assert_memory_equal(text(&f), "HTTP/1.1 408 ", 13);
	end(&f);

	/* Between requests. */
	start(&f);
	feed(&f, "GET /a HTTP/1.1\r\n" HOST "\r\n", 4096);
	assert_true(engine_deadline_ms(f.e) == 1000 + lim->idle_ms);
	engine_expire(f.e, 1000 + lim->idle_ms);
	assert_true(engine_is_done(f.e));
	end(&f);
}

static void test_limits(void **state)
{
	char big[20000];
	struct fixture f;
	(void)state;

	memset(big, 'x', sizeof(big));
	big[sizeof(big) - 1] = '\0';

	start(&f);
	feed(&f, "GET /", 4096);
	feed(&f, big, 1000);
	assert_memory_equal(text(&f), "HTTP/1.1 414 ", 13);
	end(&f);

	start(&f);
	feed(&f, "GET / HTTP/1.1\r\n" HOST "X: ", 4096);
	feed(&f, big, 1000);
	assert_memory_equal(text(&f), "HTTP/1.1 431 ", 13);
	end(&f);

	start(&f);
	feed(&f, "GET / HTTP/1.1\r\n" HOST, 4096);
	for (int i = 0; i < 101; i++)
		feed(&f, "a: b\r\n", 4096);
	assert_memory_equal(text(&f), "HTTP/1.1 431 ", 13);
	end(&f);

	/* Chunk by chunk over a megabyte. */
	start(&f);
	feed(&f, "POST /b HTTP/1.1\r\n" HOST
	     "Transfer-Encoding: chunked\r\n\r\n", 4096);
	for (int i = 0; i < 60; i++) {
		feed(&f, "4e1f\r\n", 4096);
		feed(&f, big, 4096);
		feed(&f, "\r\n", 4096);
	}
	assert_memory_equal(text(&f), "HTTP/1.1 413 ", 13);
	assert_int_equal(f.requests, 0);
	end(&f);
}

/* A peer that pipelines without end must wait. */
static void test_backpressure(void **state)
{
	static const char get[] = "GET /later HTTP/1.1\r\n" HOST "\r\n";
	struct fixture f;
	size_t fed = 0;
	(void)state;

	start(&f);
	while (engine_wants_input(f.e)) {
		assert_int_equal(engine_feed(f.e, (const uint8_t *)get,
					     strlen(get), 1000), 0);
		fed += strlen(get);
		assert_true(fed < 100000);
	}
	assert_int_equal(f.requests, 1);
	end(&f);
}

static void test_shutdown(void **state)
{
	struct fixture f;
	(void)state;

	start(&f);
	feed(&f, "GET /a HTTP/1.1\r\n" HOST "\r\n", 4096);
	engine_shutdown(f.e);
	assert_false(engine_is_done(f.e));
	assert_true(engine_deadline_ms(f.e) <=
		    1000 + web_limits_default.leave_ms);
	engine_expire(f.e, 1000 + web_limits_default.leave_ms);
	assert_true(engine_is_done(f.e));
	end(&f);

	/* A request that was on its way is answered; it is the last. */
	start(&f);
	feed(&f, "GET /a HTTP/1.1\r\n" HOST "\r\n", 4096);
	engine_shutdown(f.e);
	feed(&f, "GET /b HTTP/1.1\r\n" HOST "\r\n", 4096);
	assert_int_equal(f.requests, 2);
	assert_non_null(strstr(text(&f), "connection: close\r\n"));
	assert_true(engine_is_done(f.e));
	end(&f);

	start(&f);
	feed(&f, "GET /later HTTP/1.1\r\n" HOST "\r\n", 4096);
	engine_shutdown(f.e);
	assert_false(engine_is_done(f.e));
	assert_int_equal(web_reply(f.held, 204, NULL, NULL, 0), 0);
	feed(&f, "", 1);
	assert_non_null(strstr(text(&f), "connection: close\r\n"));
	assert_true(engine_is_done(f.e));
	end(&f);
}

static void test_write_limit(void **state)
{
	static const char piece[4096];
	struct fixture f;
	int err = 0;
	(void)state;

	start(&f);
	feed(&f, "GET /later HTTP/1.1\r\n" HOST "\r\n", 4096);
	assert_int_equal(web_start(f.held, 200, NULL), 0);
	for (int i = 0; i < 1000 && !err; i++)
		err = web_write(f.held, piece, sizeof(piece));
	assert_int_equal(err, ENOBUFS);
	assert_true(web_res_waiting(f.held) <= WEB_WRITE_MAX);
	end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exchanges),
		cmocka_unit_test(test_chunked_answer),
		cmocka_unit_test(test_answer_later_keeps_order),
		cmocka_unit_test(test_peer_goes),
		cmocka_unit_test(test_half_close),
		cmocka_unit_test(test_deadlines),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_backpressure),
		cmocka_unit_test(test_shutdown),
		cmocka_unit_test(test_write_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
