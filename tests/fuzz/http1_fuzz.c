/* sources: gateway/http/h1.c gateway/http/h1_parse.c gateway/http/h1_write.c gateway/http/engine.c gateway/http/request.c gateway/http/response.c gateway/http/coding.c gateway/http/compressor.c gateway/http/fields.c /usr/share/llhttp/llhttp.c /usr/share/llhttp/api.c /usr/share/llhttp/http.c */
/* SPDX-License-Identifier: MIT */
/*
 * libFuzzer target: any bytes as an HTTP/1.1 connection, fed whole and in
 * pieces.  Handlers must see the same requests either way.
 */

#include <stdlib.h>
#include <string.h>
#include <re.h>

#include "gateway/http/engine.h"
#include "gateway/http/problem.h"
#include "gateway/http/request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
	uint64_t hash;      /* FNV-1a of all that handlers saw */
	unsigned requests;
	unsigned problems;
	unsigned status;    /* of the last problem             */
};

static struct seen *now;

static void mix(struct seen *s, const void *p, size_t len)
{
	const uint8_t *b = p;

	for (size_t i = 0; i < len; i++)
		s->hash = (s->hash ^ b[i]) * 1099511628211u;
}

/* In place of the documents: no JSON here. */
int problem(struct web_req *req, unsigned status, const char *slug,
	    const char *detail, ...)
{
	(void)slug;
	(void)detail;
	now->problems++;
	now->status = status;

	return web_reply(req, status, "text/plain", "x", 1);
}

static void on_head(struct web_req *req, void *arg)
{
	(void)arg;

	if (req->path[0] == '/' && req->path[1] == 'e')
		(void)web_reply(req, 401, NULL, NULL, 0);
}

static void on_request(struct web_req *req, void *arg)
{
	struct seen *s = arg;
	const uint8_t *body;
	size_t len;

	body = web_body(req, &len);
	mix(s, req->method, strlen(req->method) + 1);
	mix(s, req->path, strlen(req->path) + 1);
	mix(s, req->query, strlen(req->query) + 1);
	for (size_t i = 0; i < req->head.count; i++) {
		mix(s, fields_name(&req->head, i),
		    strlen(fields_name(&req->head, i)) + 1);
		mix(s, fields_value(&req->head, i),
		    strlen(fields_value(&req->head, i)) + 1);
	}
	mix(s, body, len);
	s->requests++;
	(void)web_reply(req, 200, "text/plain", "hello", 5);
}

static void play(struct seen *s, const uint8_t *p, size_t size, size_t step)
{
	const struct engine_conf conf = {
		.lim = &web_limits_default,
		.peer = "peer",
		.headh = on_head,
		.requesth = on_request,
		.arg = s,
	};
	struct mbuf *mb = mbuf_alloc(4096);
	struct engine *e;

	memset(s, 0, sizeof(*s));
	now = s;
	if (!mb || h1_alloc(&e, &conf, 0))
		abort();

	for (size_t i = 0; i < size && !engine_is_done(e); i += step) {
		size_t n = size - i < step ? size - i : step;

		if (engine_feed(e, p + i, n, 0))
			abort();
		do {
			mb->pos = mb->end = 0;
			if (engine_pull(e, mb, 4096, 0))
				abort();
		} while (mb->end);
		(void)engine_deadline_ms(e);
	}
	engine_eof(e);
	mem_deref(e);
	mem_deref(mb);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct seen whole, pieces;

	if (!size)
		return 0;

	play(&whole, data + 1, size - 1, size);
	play(&pieces, data + 1, size - 1, 1 + data[0] % 16);
	if (whole.hash != pieces.hash || whole.requests != pieces.requests)
		abort();

	return 0;
}
