/* SPDX-License-Identifier: MIT */
/*
 * HTTP/1.1 and 1.0 without I/O, on llhttp.
 *
 * One request at a time: while one is being answered the parser rests and
 * what the peer pipelined behind it waits in `in`; so answers leave in the
 * order of the questions by construction.
 *
 *   RX_IDLE --first byte--> RX_HEAD --header--> RX_BODY --body--> RX_DONE
 *      ^                                                             |
 *      +------------------- answer is out ---------------------------+
 *
 * An answer may be out before the body is in (401, 413 ...): then the rest
 * of the body is read and thrown away.  After an error of the peer nothing
 * is parsed any more; the answer says "connection: close".
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <re.h>
#include <llhttp.h>

#include "gateway/http/engine.h"
#include "gateway/http/h1_write.h"
#include "gateway/http/problem.h"
#include "gateway/http/request_impl.h"

enum {
	IN_MAX = 32 * 1024,    /* bytes that may wait behind a request */
	EXTENSION_MAX = 4096,  /* of chunks and trailers, a request    */
	VERSION_10 = 10,
	VERSION_11 = 11,
};

enum rx { RX_IDLE, RX_HEAD, RX_BODY, RX_DONE };

struct h1 {
	struct engine e;
	llhttp_t parser;
	enum rx rx;
	struct mbuf *in;       /* pos..end not yet parsed               */
	struct mbuf *out;      /* interim answers                       */
	struct mbuf *line;     /* target, or a field: name, then value  */
	size_t name_len;       /* of the field in line                  */
	size_t extra;          /* bytes of chunk extensions, trailers   */
	struct web_req *req;   /* being received or answered            */
	struct h1_write tx;
	uint64_t since_ms;     /* in this rx state                      */
	bool used;             /* had a request before                  */
	bool eof;
	unsigned fail_status;  /* set by a callback that stops parsing  */
	const char *fail_slug, *fail_detail;
};

static struct h1 *self(llhttp_t *p)
{
	return p->data;
}

static int stop(struct h1 *h, unsigned status, const char *slug,
		const char *detail)
{
	h->fail_status = status;
	h->fail_slug = slug;
	h->fail_detail = detail;

	return HPE_USER;
}

static int collect(struct h1 *h, const char *at, size_t len)
{
	h->req->head_bytes += len;
	if (h->req->head_bytes > h->e.conf.lim->head_bytes)
		return stop(h, 431, "header-too-large",
			    "the header is larger than 16 KB");

	return mbuf_write_mem(h->line, (const uint8_t *)at, len)
		? HPE_INTERNAL : 0;
}

/* ------------------------------------------------------ parser's events */

static int on_message_begin(llhttp_t *p)
{
	struct h1 *h = self(p);

	if (web_req_alloc(&h->req, &h->e))
		return HPE_INTERNAL;

	list_append(&h->e.reql, req_le(h->req), h->req);
	h->req->since_ms = h->since_ms = h->e.now_ms;
	h->rx = RX_HEAD;
	h->extra = 0;
	h1_write_init(&h->tx);
	mbuf_rewind(h->line);

	return 0;
}

static int on_url(llhttp_t *p, const char *at, size_t len)
{
	struct h1 *h = self(p);

	if (h->line->end + len > h->e.conf.lim->target_bytes)
		return stop(h, 414, "target-too-long",
			    "the request target is longer than 8 KB");

	return collect(h, at, len);
}

static int on_url_complete(llhttp_t *p)
{
	struct h1 *h = self(p);
	const char *method = llhttp_method_name(p->method);
	const char *target = (const char *)h->line->buf;
	int err;

	if (h->line->end && *target != '/' && *target != '*' &&
	    !memchr(target, ':', h->line->end))
		return stop(h, 400, "bad-request",
			    "the request target must begin with /");

	err = web_req_target(h->req, method, strlen(method), target,
			     h->line->end);
	mbuf_rewind(h->line);
	if (err == EINVAL)
		return stop(h, 400, "bad-request",
			    "the request target has a blank or control "
			    "character");

	return err ? HPE_INTERNAL : 0;
}

static int on_field(llhttp_t *p, const char *at, size_t len)
{
	struct h1 *h = self(p);

	if (h->rx == RX_HEAD)
		return collect(h, at, len);

	h->extra += len;
	return h->extra > EXTENSION_MAX
		? stop(h, 431, "header-too-large", "the trailers are too long")
		: 0;
}

static int on_field_complete(llhttp_t *p)
{
	struct h1 *h = self(p);

	h->name_len = h->line->end;

	return 0;
}

static int on_value_complete(llhttp_t *p)
{
	struct h1 *h = self(p);
	const char *str = (const char *)h->line->buf;
	size_t len = h->line->end;
	int err;

	if (h->rx != RX_HEAD)
		return 0;

	if (h->req->head.count >= h->e.conf.lim->fields)
		return stop(h, 431, "header-too-large",
			    "more than 100 header fields");

	while (len > h->name_len && strchr(" \t", str[len - 1]))
		len--;
	err = fields_add(&h->req->head, str, h->name_len, str + h->name_len,
			 len - h->name_len);
	mbuf_rewind(h->line);
	if (err == EINVAL)
		return stop(h, 400, "bad-request",
			    "a header field has a control character");

	return err ? HPE_INTERNAL : 0;
}

static int check_head(struct h1 *h)
{
	struct web_req *req = h->req;
	const char *expect = web_header(req, "expect");
	size_t hosts = fields_count(&req->head, "host");

	if (h->parser.http_major != 1 || h->parser.http_minor > 1)
		return stop(h, 505, "version",
			    "this port speaks HTTP/1.0, 1.1 and 2");
	req->version = h->parser.http_minor ? VERSION_11 : VERSION_10;

	if (hosts > 1 || (!hosts && req->version == VERSION_11))
		return stop(h, 400, "bad-request",
			    "there must be exactly one Host header");

	if ((h->parser.flags & F_CONTENT_LENGTH) &&
	    h->parser.content_length > h->e.conf.lim->body_bytes)
		return stop(h, 413, "body-too-large",
			    "the body is larger than 1 MB");

	if (expect && strcasecmp(expect, "100-continue"))
		return stop(h, 417, "expectation",
			    "only 100-continue can be expected");

	return 0;
}

static int on_headers_complete(llhttp_t *p)
{
	struct h1 *h = self(p);
	struct web_req *req = h->req;
	bool expect;
	int err;

	err = check_head(h);
	if (err)
		return err;

	/* An offer to upgrade may be ignored (RFC 9110 7.8), and is. */
	p->upgrade = 0;
	h->tx.keep = llhttp_should_keep_alive(p);
	h->rx = RX_BODY;
	h->since_ms = h->e.now_ms;
	expect = web_header(req, "expect") && req->version == VERSION_11;

	if (h->e.conf.headh)
		h->e.conf.headh(req, h->e.conf.arg);

	if (!expect)
		return 0;

	/* Answered, and nobody told the peer to go on: whether a body
	 * follows is its choice. */
	if (req->res.status)
		h->tx.keep = false;
	else if (mbuf_write_str(h->out, "HTTP/1.1 100 Continue\r\n\r\n"))
		return HPE_INTERNAL;

	return 0;
}

static int on_body(llhttp_t *p, const char *at, size_t len)
{
	struct h1 *h = self(p);
	struct web_req *req = h->req;
	size_t max = h->e.conf.lim->body_bytes;
	int err;

	if (req->datah && !req->res.ended) {
		req->datah(req, (const uint8_t *)at, len, req->arg);
		return 0;
	}
	if (req->res.status) {
		h->extra += len;
		return h->extra > max ? stop(h, 413, "body-too-large", "")
				      : 0;
	}

	err = web_req_body(req, (const uint8_t *)at, len, max);
	if (err == EMSGSIZE)
		return stop(h, 413, "body-too-large",
			    "the body is larger than 1 MB");

	return err ? HPE_INTERNAL : 0;
}

static int on_extension(llhttp_t *p, const char *at, size_t len)
{
	struct h1 *h = self(p);
	(void)at;

	h->extra += len;

	return h->extra > h->e.conf.lim->body_bytes + EXTENSION_MAX
		? stop(h, 400, "bad-request", "too many chunk extensions")
		: 0;
}

static int on_message_complete(llhttp_t *p)
{
	struct h1 *h = self(p);
	struct web_req *req = h->req;

	h->rx = RX_DONE;
	h->since_ms = h->e.now_ms;
	req->complete = true;

	if (req->datah && !req->res.ended)
		req->datah(req, NULL, 0, req->arg);
	else if (!req->res.status) {
		req->dispatched = true;
		h->e.conf.requesth(req, h->e.conf.arg);
	}

	return HPE_PAUSED;
}

static const llhttp_settings_t settings = {
	.on_message_begin = on_message_begin,
	.on_url = on_url,
	.on_url_complete = on_url_complete,
	.on_header_field = on_field,
	.on_header_field_complete = on_field_complete,
	.on_header_value = on_field,
	.on_header_value_complete = on_value_complete,
	.on_headers_complete = on_headers_complete,
	.on_body = on_body,
	.on_chunk_extension_name = on_extension,
	.on_chunk_extension_value = on_extension,
	.on_message_complete = on_message_complete,
};

/* ------------------------------------------------------------ the engine */

/* The peer broke the rules: answer if nothing was said yet, then end. */
static void fail(struct h1 *h, unsigned status, const char *slug,
		 const char *detail)
{
	struct web_req *req;

	h->e.failed = true;
	h->tx.keep = false;
	h->in->pos = h->in->end = 0;

	if (!h->req) {
		if (web_req_alloc(&h->req, &h->e))
			return;
		list_append(&h->e.reql, req_le(h->req), h->req);
		h1_write_init(&h->tx);
	}
	req = h->req;
	if (!req->version)
		req->version = VERSION_11;

	if (req->datah) {
		/* Its handler waits for a body that will never be whole. */
		h->req = NULL;
		web_req_detach(req);
		mem_deref(req);
	}
	else if (!req->res.status) {
		(void)problem(req, status, slug, "%s", detail);
	}
}

static void fail_parser(struct h1 *h, llhttp_errno_t e)
{
	const char *why = llhttp_get_error_reason(&h->parser);

	/* llhttp has a code of its own for each callback that stops it. */
	if (h->fail_status) {
		fail(h, h->fail_status, h->fail_slug, h->fail_detail);
		return;
	}

	switch (e) {
	case HPE_INVALID_METHOD:
		fail(h, 501, "method",
		     "this is no method of HTTP that is known here");
		break;
	case HPE_INVALID_VERSION:
		fail(h, 505, "version",
		     "this port speaks HTTP/1.0, 1.1 and 2");
		break;
	case HPE_INTERNAL:
		fail(h, 500, "internal", "out of memory");
		break;
	default:
		fail(h, 400, "bad-request", why && *why ? why : "not HTTP");
		break;
	}
}

/* The answer is out and the request is in: on to the next. */
static void finish(struct h1 *h)
{
	struct web_req *req = h->req;

	h->req = NULL;
	req->closeh = NULL;
	web_req_detach(req);
	mem_deref(req);

	if (!h->tx.keep)
		h->e.failed = true;
	if (h->e.failed)
		return;

	h->used = true;
	h->rx = RX_IDLE;
	h->since_ms = h->e.now_ms;
	llhttp_resume(&h->parser);
}

static void drop(struct h1 *h)
{
	struct web_req *req = h->req;

	h->e.failed = true;
	h->req = NULL;
	web_req_detach(req);
	mem_deref(req);
}

static void check_eof(struct h1 *h)
{
	if (!h->eof || h->rx == RX_DONE || h->in->pos < h->in->end)
		return;

	h->e.failed = true;
	if (h->req && !h->req->res.ended)
		drop(h);
}

/* Parse what waits, up to the end of one request. */
static void run(struct h1 *h)
{
	while (!h->e.failed && h->rx != RX_DONE && h->in->pos < h->in->end) {
		const char *p = (char *)h->in->buf + h->in->pos;
		llhttp_errno_t e;

		e = llhttp_execute(&h->parser, p, h->in->end - h->in->pos);
		if (e == HPE_OK) {
			h->in->pos = h->in->end;
		}
		else if (e == HPE_PAUSED) {
			const char *pos = llhttp_get_error_pos(&h->parser);

			h->in->pos += (size_t)(pos - p);
		}
		else {
			fail_parser(h, e);
		}

		if (h->rx == RX_DONE && h->tx.done)
			finish(h);
	}

	if (h->in->pos == h->in->end)
		h->in->pos = h->in->end = 0;
	check_eof(h);
}

static int feed(struct engine *e, const uint8_t *p, size_t len,
		uint64_t now_ms)
{
	struct h1 *h = (struct h1 *)e;
	size_t pos = h->in->pos;
	int err;
	(void)now_ms;

	if (e->failed)
		return 0;

	if (pos && pos < h->in->end) {
		memmove(h->in->buf, h->in->buf + pos, h->in->end - pos);
		h->in->end -= pos;
	}
	pos = 0;
	h->in->pos = h->in->end;
	err = mbuf_write_mem(h->in, p, len);
	h->in->pos = pos;
	if (err)
		return err;

	run(h);

	return 0;
}

static int pull(struct engine *e, struct mbuf *mb, size_t max,
		uint64_t now_ms)
{
	struct h1 *h = (struct h1 *)e;
	size_t start = mb->end;
	int err = 0;
	(void)now_ms;

	while (!err && mb->end - start < max) {
		if (h->out->end) {
			mb->pos = mb->end;
			err = mbuf_write_mem(mb, h->out->buf, h->out->end);
			h->out->pos = h->out->end = 0;
			continue;
		}

		if (!h->req || !h->req->res.status || h->tx.done)
			break;

		err = h1_write(&h->tx, h->req, mb, max);
		if (err == EAGAIN) {
			err = 0;
			break;
		}
		if (h->tx.done && (h->rx == RX_DONE || h->e.failed ||
				   !h->tx.keep)) {
			finish(h);
			run(h);
		}
	}
	mb->pos = start;

	return err;
}

static void ready(struct engine *e, struct web_req *req)
{
	(void)e;
	(void)req; /* pull looks for itself */
}

static void expire(struct engine *e, uint64_t now_ms)
{
	struct h1 *h = (struct h1 *)e;
	(void)now_ms;

	if (e->failed || h->rx == RX_DONE)
		return;

	if (h->rx == RX_IDLE)
		e->failed = true;
	else
		fail(h, 408, "timeout", h->rx == RX_HEAD
		     ? "the header took too long" : "the body took too long");
}

static void eof(struct engine *e)
{
	struct h1 *h = (struct h1 *)e;

	h->eof = true;
	h->tx.keep = h->tx.keep && h->in->pos < h->in->end;

	/* A peer that only asked may close its side and still read; but an
	 * endless answer would never find out that nobody is there. */
	if (h->req && h->rx == RX_DONE && h->req->res.status &&
	    !h->req->res.ended)
		drop(h);
	check_eof(h);
}

static void shutdown_h1(struct engine *e)
{
	struct h1 *h = (struct h1 *)e;

	h->tx.keep = false;
	if (h->rx == RX_IDLE)
		e->failed = true;
}

static bool wants_input(const struct engine *e)
{
	const struct h1 *h = (const struct h1 *)e;

	return e->failed || h->in->end - h->in->pos < IN_MAX;
}

static bool is_done(const struct engine *e)
{
	const struct h1 *h = (const struct h1 *)e;

	return e->failed && !h->out->end && (!h->req || h->tx.done);
}

static uint64_t deadline_ms(const struct engine *e)
{
	const struct h1 *h = (const struct h1 *)e;
	const struct web_limits *lim = e->conf.lim;

	if (e->failed)
		return UINT64_MAX;

	switch (h->rx) {
	case RX_IDLE:
		return h->since_ms + (h->used ? lim->idle_ms : lim->head_ms);
	case RX_HEAD:
		return h->since_ms + lim->head_ms;
	case RX_BODY:
		return h->since_ms + lim->body_ms;
	default:
		return UINT64_MAX;
	}
}

static const struct engine_ops ops = {
	.feed = feed,
	.pull = pull,
	.ready = ready,
	.expire = expire,
	.eof = eof,
	.shutdown = shutdown_h1,
	.wants_input = wants_input,
	.is_done = is_done,
	.deadline_ms = deadline_ms,
};

static void destructor(void *arg)
{
	struct h1 *h = arg;

	engine_flush(&h->e);
	mem_deref(h->in);
	mem_deref(h->out);
	mem_deref(h->line);
}

int h1_alloc(struct engine **ep, const struct engine_conf *conf,
	     uint64_t now_ms)
{
	struct h1 *h;

	if (!ep || !conf || !conf->lim || !conf->requesth)
		return EINVAL;

	h = mem_zalloc(sizeof(*h), destructor);
	if (!h)
		return ENOMEM;

	engine_init(&h->e, &ops, conf, now_ms);
	h1_write_init(&h->tx);
	h->since_ms = now_ms;
	h->in = mbuf_alloc(4096);
	h->out = mbuf_alloc(64);
	h->line = mbuf_alloc(256);
	if (!h->in || !h->out || !h->line) {
		mem_deref(h);
		return ENOMEM;
	}
	llhttp_init(&h->parser, HTTP_REQUEST, &settings);
	h->parser.data = h;
	*ep = &h->e;

	return 0;
}
