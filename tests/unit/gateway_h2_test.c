/* libs: sy_gateway_http nghttp2 */
/* SPDX-License-Identifier: MIT */
/* The HTTP/2 engine against nghttp2's own client, in memory. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <nghttp2/nghttp2.h>
#include <re.h>

#include "gateway/http/engine.h"
#include "gateway/http/request.h"

enum { STREAMS = 256 };

/* What the client saw of a stream. */
struct seen {
	unsigned status;
	char body[2048];
	size_t len;          /* may be larger than body                  */
	char trailer[64];
	bool closed;
	uint32_t code;
};

struct fixture {
	struct engine *e;
	nghttp2_session *client;
	struct seen seenv[STREAMS];
	struct web_req *held;
	unsigned requests, closes, wakes, drains;
	bool goaway;
	size_t left;          /* body that the client has yet to send    */
	struct web_limits lim;
};

/* -------------------------------------------------------------- handlers */

static void on_close(struct web_req *req, void *arg)
{
	struct fixture *f = arg;
	(void)req;

	f->closes++;
}

static void on_drain(struct web_req *req, void *arg)
{
	static char piece[8192];
	struct fixture *f = arg;

	if (f->drains++ < 100)
		assert_int_equal(web_write(req, piece, sizeof(piece)), 0);
	else if (!req->res.ended)
		assert_int_equal(web_end(req, NULL), 0);
}

static void on_head(struct web_req *req, void *arg)
{
	(void)arg;

	if (!strcmp(req->path, "/early"))
		(void)web_reply(req, 401, "text/plain", "no", 2);
}

static void on_request(struct web_req *req, void *arg)
{
	struct fixture *f = arg;
	struct fields trailers = {0};
	size_t len;

	f->requests++;
	(void)web_body(req, &len);
	if (!strcmp(req->path, "/later")) {
		f->held = mem_ref(req);
		req->closeh = on_close;
		req->arg = f;
	}
	else if (!strcmp(req->path, "/trailers")) {
		assert_int_equal(fields_addf(&trailers, "grpc-status", "0"),
				 0);
		assert_int_equal(web_start(req, 200, NULL), 0);
		assert_int_equal(web_write(req, "abc", 3), 0);
		assert_int_equal(web_end(req, &trailers), 0);
		fields_reset(&trailers);
	}
	else if (!strcmp(req->path, "/long")) {
		req->drainh = on_drain;
		req->arg = f;
		assert_int_equal(web_start(req, 200, NULL), 0);
	}
	else if (!strcmp(req->path, "/size")) {
		char text[32];
		int n = snprintf(text, sizeof(text), "%zu", len);

		(void)web_reply(req, 200, "text/plain", text, (size_t)n);
	}
	else {
		assert_string_equal(web_header(req, "host"), "a");
		(void)web_reply(req, 200, "text/plain", "hello", 5);
	}
}

static void on_wake(void *arg)
{
	struct fixture *f = arg;

	f->wakes++;
}

/* ---------------------------------------------------------------- client */

static struct seen *seen(struct fixture *f, int32_t stream)
{
	assert_true(stream / 2 < STREAMS);
	return &f->seenv[stream / 2];
}

static int c_header(nghttp2_session *s, const nghttp2_frame *fr,
		    const uint8_t *name, size_t nlen, const uint8_t *value,
		    size_t vlen, uint8_t flags, void *arg)
{
	struct seen *sn = seen(arg, fr->hd.stream_id);
	(void)s;
	(void)flags;

	if (nlen == 7 && !memcmp(name, ":status", 7))
		sn->status = (unsigned)atoi((const char *)value);
	else if (fr->headers.cat != NGHTTP2_HCAT_RESPONSE)
		(void)snprintf(sn->trailer, sizeof(sn->trailer), "%s=%.*s",
			       name, (int)vlen, value);

	return 0;
}

static int c_data(nghttp2_session *s, uint8_t flags, int32_t stream,
		  const uint8_t *p, size_t len, void *arg)
{
	struct seen *sn = seen(arg, stream);
	(void)s;
	(void)flags;

	for (size_t i = 0; i < len; i++, sn->len++) {
		if (sn->len + 1 < sizeof(sn->body))
			sn->body[sn->len] = (char)p[i];
	}

	return 0;
}

static int c_close(nghttp2_session *s, int32_t stream, uint32_t code,
		   void *arg)
{
	struct seen *sn = seen(arg, stream);
	(void)s;

	sn->closed = true;
	sn->code = code;

	return 0;
}

static int c_frame(nghttp2_session *s, const nghttp2_frame *fr, void *arg)
{
	struct fixture *f = arg;
	(void)s;

	f->goaway |= fr->hd.type == NGHTTP2_GOAWAY;

	return 0;
}

static ssize_t c_read(nghttp2_session *s, int32_t stream, uint8_t *buf,
		      size_t size, uint32_t *flags, nghttp2_data_source *src,
		      void *arg)
{
	struct fixture *f = arg;
	size_t n = f->left < size ? f->left : size;
	(void)s;
	(void)stream;

	if (src->ptr)
		return NGHTTP2_ERR_DEFERRED; /* a body that never comes */

	memset(buf, 'x', n);
	f->left -= n;
	if (!f->left)
		*flags |= NGHTTP2_DATA_FLAG_EOF;

	return (ssize_t)n;
}

static void start(struct fixture *f)
{
	struct engine_conf conf = {
		.peer = "192.0.2.1:5",
		.headh = on_head,
		.requesth = on_request,
		.arg = f,
		.wakeh = on_wake,
		.wake_arg = f,
	};
	nghttp2_session_callbacks *cb;

	memset(f, 0, sizeof(*f));
	f->lim = web_limits_default;
	conf.lim = &f->lim;
	assert_int_equal(h2_alloc(&f->e, &conf, 1000), 0);

	assert_int_equal(nghttp2_session_callbacks_new(&cb), 0);
	nghttp2_session_callbacks_set_on_header_callback(cb, c_header);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(cb, c_data);
	nghttp2_session_callbacks_set_on_stream_close_callback(cb, c_close);
	nghttp2_session_callbacks_set_on_frame_recv_callback(cb, c_frame);
	assert_int_equal(nghttp2_session_client_new(&f->client, cb, f), 0);
	nghttp2_session_callbacks_del(cb);
	assert_int_equal(nghttp2_submit_settings(f->client, 0, NULL, 0), 0);
}

static void end(struct fixture *f)
{
	mem_deref(f->e);
	mem_deref(f->held);
	nghttp2_session_del(f->client);
}

/* Until neither has anything to say. */
static void talk(struct fixture *f)
{
	struct mbuf *mb = mbuf_alloc(1024);
	const uint8_t *p;
	bool moved;
	ssize_t n;

	do {
		moved = false;
		while ((n = nghttp2_session_mem_send(f->client, &p)) > 0) {
			assert_int_equal(engine_feed(f->e, p, (size_t)n,
						     1000), 0);
			moved = true;
		}
		mb->pos = mb->end = 0;
		assert_int_equal(engine_pull(f->e, mb, 4096, 1000), 0);
		if (mb->end) {
			n = nghttp2_session_mem_recv(f->client, mb->buf,
						     mb->end);
			assert_int_equal(n, mb->end);
			moved = true;
		}
	} while (moved);
	mem_deref(mb);
}

#define NV(n, v)                                                              \
	(nghttp2_nv)                                                          \
	{                                                                     \
		(uint8_t *)(n), (uint8_t *)(v), strlen(n), strlen(v), 0       \
	}

static int32_t ask(struct fixture *f, const char *method, const char *path,
		   size_t body, bool endless)
{
	const nghttp2_nv nv[] = {NV(":method", method), NV(":scheme", "http"),
				 NV(":authority", "a"), NV(":path", path)};
	nghttp2_data_provider prd = {.source.ptr = endless ? f : NULL,
				     .read_callback = c_read};
	int32_t id;

	f->left = body;
	id = nghttp2_submit_request(f->client, NULL, nv, 4,
				    body || endless ? &prd : NULL, NULL);
	assert_true(id > 0);
	talk(f);

	return id;
}

/* ----------------------------------------------------------------- tests */

static void test_answers(void **state)
{
	struct fixture f;
	int32_t id;
	(void)state;

	start(&f);
	id = ask(&f, "GET", "/a", 0, false);
	assert_int_equal(seen(&f, id)->status, 200);
	assert_string_equal(seen(&f, id)->body, "hello");
	assert_true(seen(&f, id)->closed);

	id = ask(&f, "HEAD", "/a", 0, false);
	assert_int_equal(seen(&f, id)->status, 200);
	assert_int_equal(seen(&f, id)->len, 0);
	assert_true(seen(&f, id)->closed);

	id = ask(&f, "GET", "/trailers", 0, false);
	assert_string_equal(seen(&f, id)->body, "abc");
	assert_string_equal(seen(&f, id)->trailer, "grpc-status=0");

	/* Through flow control, a piece at a time as it drains. */
	id = ask(&f, "GET", "/long", 0, false);
	assert_int_equal(seen(&f, id)->len, 100 * 8192);
	assert_true(seen(&f, id)->closed);
	end(&f);
}

static void test_bodies(void **state)
{
	struct fixture f;
	int32_t id;
	(void)state;

	start(&f);
	id = ask(&f, "POST", "/size", 1 << 20, false);
	assert_string_equal(seen(&f, id)->body, "1048576");

	id = ask(&f, "POST", "/size", (1 << 20) + 1, false);
	assert_int_equal(seen(&f, id)->status, 413);
	assert_true(seen(&f, id)->closed);
	assert_int_equal(f.requests, 1);

	/* Answered by its header; what follows is thrown away ... */
	id = ask(&f, "POST", "/early", 100000, false);
	assert_int_equal(seen(&f, id)->status, 401);
	assert_true(seen(&f, id)->closed);
	assert_int_equal(f.requests, 1);

	/* ... but not without end. */
	id = ask(&f, "POST", "/early", 100 << 20, false);
	assert_int_equal(seen(&f, id)->status, 401);
	assert_true(seen(&f, id)->closed);
	assert_true(f.left > 90 << 20);
	end(&f);
}

static void test_interleaved(void **state)
{
	struct fixture f;
	int32_t later, id;
	(void)state;

	start(&f);
	later = ask(&f, "GET", "/later", 0, false);
	id = ask(&f, "GET", "/a", 0, false);
	assert_int_equal(seen(&f, id)->status, 200);
	assert_int_equal(seen(&f, later)->status, 0);
	assert_int_equal(f.wakes, 0);

	assert_int_equal(web_reply(f.held, 201, NULL, NULL, 0), 0);
	assert_int_equal(f.wakes, 1);
	talk(&f);
	assert_int_equal(seen(&f, later)->status, 201);
	assert_int_equal(f.closes, 0);
	end(&f);
}

static void test_peer_resets(void **state)
{
	struct fixture f;
	int32_t id;
	(void)state;

	start(&f);
	id = ask(&f, "GET", "/later", 0, false);
	assert_int_equal(nghttp2_submit_rst_stream(f.client, 0, id,
						   NGHTTP2_CANCEL), 0);
	talk(&f);
	assert_int_equal(f.closes, 1);
	assert_false(web_is_open(f.held));
	assert_int_equal(web_reply(f.held, 200, NULL, NULL, 0), 0);
	talk(&f);
	assert_false(engine_is_done(f.e));
	end(&f);
}

static void test_limits(void **state)
{
	char big[9000];
	struct fixture f;
	int32_t id;
	(void)state;

	start(&f);
	memset(big, 'x', sizeof(big) - 1);
	big[0] = '/';
	big[sizeof(big) - 1] = '\0';
	const nghttp2_nv nv[] = {NV(":method", "GET"), NV(":scheme", "http"),
				 NV(":authority", "a"), NV(":path", big),
				 NV("x", big)};

	talk(&f);
	id = nghttp2_submit_request(f.client, NULL, nv, 5, NULL, NULL);
	talk(&f);
	assert_int_equal(seen(&f, id)->status, 431);

	/* One more stream than allowed waits in the client. */
	for (unsigned i = 0; i <= f.lim.streams; i++) {
		(void)ask(&f, "POST", "/size", 0, true);
		f.held = mem_deref(f.held);
	}
	assert_int_equal(list_count(&f.e->reql), f.lim.streams);
	end(&f);
}

static void test_deadlines(void **state)
{
	struct fixture f;
	int32_t id;
	(void)state;

	start(&f);
	assert_true(engine_deadline_ms(f.e) == 1000 + f.lim.head_ms);
	id = ask(&f, "POST", "/size", 0, true);
	assert_true(engine_deadline_ms(f.e) == 1000 + f.lim.body_ms);
	engine_expire(f.e, 1000 + f.lim.body_ms);
	talk(&f);
	assert_int_equal(seen(&f, id)->status, 408);
	assert_int_equal(f.requests, 0);
	assert_false(engine_is_done(f.e));
	end(&f);

	/* Idle: GOAWAY. */
	start(&f);
	(void)ask(&f, "GET", "/a", 0, false);
	assert_true(engine_deadline_ms(f.e) == 1000 + f.lim.idle_ms);
	engine_expire(f.e, 1000 + f.lim.idle_ms);
	talk(&f);
	assert_true(f.goaway);
	assert_true(engine_is_done(f.e));
	end(&f);
}

static void test_shutdown(void **state)
{
	struct fixture f;
	int32_t id;
	(void)state;

	start(&f);
	id = ask(&f, "GET", "/later", 0, false);
	engine_shutdown(f.e);
	talk(&f);
	assert_true(f.goaway);
	assert_false(engine_is_done(f.e));
	assert_int_equal(web_reply(f.held, 204, NULL, NULL, 0), 0);
	talk(&f);
	assert_int_equal(seen(&f, id)->status, 204);
	assert_true(engine_is_done(f.e));
	end(&f);
}

static void test_garbage(void **state)
{
	static const char text[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
				   "this is no frame at all, is it?";
	struct mbuf *mb = mbuf_alloc(64);
	struct fixture f;
	(void)state;

	start(&f);
	assert_int_equal(engine_feed(f.e, (const uint8_t *)text,
				     sizeof(text) - 1, 1000), 0);
	assert_int_equal(engine_pull(f.e, mb, 4096, 1000), 0);
	assert_true(mb->end > 0);
	assert_true(engine_is_done(f.e));
	mem_deref(mb);
	end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_bodies),
		cmocka_unit_test(test_interleaved),
		cmocka_unit_test(test_peer_resets),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_deadlines),
		cmocka_unit_test(test_shutdown),
		cmocka_unit_test(test_garbage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
