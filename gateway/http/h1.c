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
 * A head handler that takes an upgrade (web_upgrade()) makes it RX_RAW: bytes
 * go through as they are until either side ends.
 *
 * An answer may be out before the body is in (401, 413 ...): then the rest
 * of the body is read and thrown away.  After an error of the peer nothing
 * is parsed any more; the answer says "connection: close".
 */

#include <errno.h>
#include <string.h>
#include <re.h>

#include "gateway/http/h1_impl.h"
#include "gateway/http/problem.h"

enum { IN_MAX = 32 * 1024 }; /* bytes that may wait behind a request */

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
		req->version = H1_VERSION_11;

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

/* Another protocol's bytes.  What comes after our end is nobody's. */
static void pass(struct h1 *h)
{
	struct web_req *req = h->req;
	const uint8_t *p = h->in->buf + h->in->pos;
	size_t len = h->in->end - h->in->pos;

	h->in->pos = h->in->end = 0;
	if (len && req && req->datah && !req->res.ended)
		req->datah(req, p, len, req->arg);
}

/* Parse what waits, up to the end of one request. */
static void run(struct h1 *h)
{
	while (!h->e.failed && h->rx < RX_DONE && h->in->pos < h->in->end) {
		const char *p = (char *)h->in->buf + h->in->pos;
		llhttp_errno_t e;

		h->piece = p;
		e = llhttp_execute(&h->parser, p, h->in->end - h->in->pos);
		if (e == HPE_OK) {
			h->after_lf = h1_follows_lf(
				h, (char *)h->in->buf + h->in->end);
			h->in->pos = h->in->end;
		}
		else if (e == HPE_PAUSED || e == HPE_PAUSED_UPGRADE) {
			const char *pos = llhttp_get_error_pos(&h->parser);

			h->in->pos += (size_t)(pos - p);
		}
		else {
			fail_parser(h, e);
		}

		if (h->rx == RX_DONE && h->tx.done)
			finish(h);
	}

	if (h->rx == RX_RAW)
		pass(h);
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

	if (e->failed || h->rx >= RX_DONE)
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

	/* A connection in use: its next request is on its way, and an end
	 * without a word would leave the peer in doubt about it. */
	h->leaving = true;
	h->tx.keep = false;
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
		return h->since_ms + (h->leaving ? lim->leave_ms :
				      h->used ? lim->idle_ms : lim->head_ms);
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
	llhttp_init(&h->parser, HTTP_REQUEST, &h1_settings);
	h->parser.data = h;
	*ep = &h->e;

	return 0;
}
