/* sources: gateway/http/h2.c gateway/http/h2_request.c gateway/http/h2_response.c gateway/http/h2_guard.c gateway/http/h2_watch.c gateway/http/engine.c gateway/http/request.c gateway/http/response.c gateway/http/coding.c gateway/http/compressor.c gateway/http/fields.c */
/* SPDX-License-Identifier: MIT */
/*
 * libFuzzer target: an HTTP/2 connection after its preface.  The first byte
 * says how: as raw bytes, or as frames of which the input gives type, flags,
 * stream and payload, so that lengths are right; and in pieces of which size.
 * Handlers answer in every way that there is, some later.
 */

#include <stdlib.h>
#include <string.h>
#include <re.h>

#include "gateway/http/engine.h"
#include "gateway/http/problem.h"
#include "gateway/http/request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" "\0\0\0\4\0\0\0\0\0"

enum { HELD = 8, LARGE = 100000 };

struct world {
	struct engine *e;
	struct mbuf *out;
	struct web_req *heldv[HELD];
	unsigned held;
	uint64_t now_ms, floods;
	size_t answered;     /* bytes of answers, and what was given back */
};

/* In place of the documents: no JSON here. */
int problem(struct web_req *req, unsigned status, const char *slug,
	    const char *detail, ...)
{
	(void)slug;
	(void)detail;

	return web_reply(req, status, "text/plain", "x", 1);
}

static void on_data(struct web_req *req, const uint8_t *p, size_t len,
		    void *arg)
{
	(void)p;
	(void)arg;
	if (!len && !req->res.ended)
		(void)web_end(req, NULL);
	else
		(void)web_write(req, p, len);
}

static void on_drain(struct web_req *req, void *arg)
{
	(void)arg;
	if (web_write(req, "more", 4) || !req->path[2])
		(void)web_end(req, NULL);
}

/* By the first letter of the path. */
static void on_head(struct web_req *req, void *arg)
{
	(void)arg;
	switch (req->path[1]) {
	case 'e':
		(void)web_reply(req, 401, NULL, NULL, 0);
		break;
	case 'd':
		req->datah = on_data;
		(void)web_start(req, 200, "application/grpc");
		break;
	default:
		break;
	}
}

static void on_request(struct web_req *req, void *arg)
{
	static const char large[LARGE];
	struct fields trailers = {0};
	struct world *w = arg;

	switch (req->path[1]) {
	case 'l':
		(void)web_reply(req, 200, "text/plain", large, LARGE);
		break;
	case 't':
		(void)fields_addf(&trailers, "grpc-status", "0");
		(void)web_start(req, 200, NULL);
		(void)web_write(req, "abc", 3);
		(void)web_end(req, &trailers);
		fields_reset(&trailers);
		break;
	case 's':
		req->drainh = on_drain;
		(void)web_start(req, 200, NULL);
		break;
	case 'h':
		if (w->held < HELD)
			w->heldv[w->held++] = mem_ref(req);
		break;
	default:
		(void)web_reply(req, 200, "text/plain", "hello", 5);
		break;
	}
}

static void answer_held(struct world *w)
{
	while (w->held) {
		struct web_req *req = w->heldv[--w->held];

		(void)web_reply(req, 201, "text/plain", "later", 5);
		mem_deref(req);
	}
}

static void pull(struct world *w)
{
	do {
		w->out->pos = w->out->end = 0;
		if (engine_pull(w->e, w->out, 16384, w->now_ms))
			abort();
	} while (w->out->end);
}

static void feed(struct world *w, const uint8_t *p, size_t len, size_t step)
{
	for (size_t i = 0; i < len && !engine_is_done(w->e); i += step) {
		size_t n = len - i < step ? len - i : step;

		w->now_ms += 7;
		if (engine_feed(w->e, p + i, n, w->now_ms))
			abort();
		pull(w);
		if (engine_deadline_ms(w->e) <= w->now_ms)
			engine_expire(w->e, w->now_ms);
	}
}

/* Type, flags, stream, length: a byte each. */
static void feed_frames(struct world *w, const uint8_t *p, size_t len,
			size_t step)
{
	while (len >= 4) {
		size_t n = len - 4 < p[3] ? len - 4 : p[3];
		uint8_t buf[9 + 255] = {0, 0, (uint8_t)n, p[0], p[1],
					0, 0, 0, p[2]};

		memcpy(buf + 9, p + 4, n);
		feed(w, buf, 9 + n, step);
		if (p[3] == 0xff)
			answer_held(w);
		p += 4 + n;
		len -= 4 + n;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct world w = {.now_ms = 1000};
	const struct engine_conf conf = {
		.lim = &web_limits_default,
		.peer = "peer",
		.headh = on_head,
		.requesth = on_request,
		.arg = &w,
		.floods = &w.floods,
	};
	size_t step;

	if (!size)
		return 0;

	w.out = mbuf_alloc(16384);
	if (!w.out || h2_alloc(&w.e, &conf, w.now_ms))
		abort();

	step = data[0] & 0x7f ? data[0] & 0x7f : 4096;
	feed(&w, (const uint8_t *)PREFACE, sizeof(PREFACE) - 1, 4096);
	if (data[0] & 0x80)
		feed(&w, data + 1, size - 1, step);
	else
		feed_frames(&w, data + 1, size - 1, step);
	answer_held(&w);
	pull(&w);
	w.now_ms += 100000;
	engine_expire(w.e, w.now_ms);
	engine_shutdown(w.e);
	pull(&w);
	engine_eof(w.e);
	mem_deref(w.e);
	mem_deref(w.out);

	return 0;
}
