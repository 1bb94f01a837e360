/* SPDX-License-Identifier: MIT */
/*
 * HTTP/2 without I/O, on nghttp2 (RFC 9113).  A request is the stream's user
 * data from its HEADERS frame until the stream is closed; nghttp2 asks for
 * the bodies of responses when the peer's windows have room.
 */

#include <errno.h>
#include <re.h>

#include "gateway/http/h2_impl.h"
#include "gateway/http/problem.h"

enum { ACK_MAX = 200 }; /* PING and SETTINGS acks that may wait */

/* It only costs. */
static void cut_off(struct h2 *h)
{
	(void)nghttp2_session_terminate_session(h->session,
						NGHTTP2_ENHANCE_YOUR_CALM);
	h->e.failed = true;
	if (h->e.conf.floods)
		++*h->e.conf.floods;
}

static int feed(struct engine *e, const uint8_t *p, size_t len,
		uint64_t now_ms)
{
	struct h2 *h = (struct h2 *)e;
	ssize_t n;
	(void)now_ms;

	if (e->failed)
		return 0;
	if (h->guard.broken) {
		cut_off(h);
		return 0;
	}

	/* nghttp2 answers errors of the peer by GOAWAY itself; what it
	 * returns here is a bad preface, a flood, or no memory. */
	n = nghttp2_session_mem_recv(h->session, p, len);
	if (n == NGHTTP2_ERR_NOMEM)
		return ENOMEM;
	if (n == NGHTTP2_ERR_FLOODED || (n < 0 && h->guard.broken)) {
		cut_off(h);
	}
	else if (n < 0) {
		(void)nghttp2_session_terminate_session(
			h->session, NGHTTP2_PROTOCOL_ERROR);
		e->failed = true;
	}

	return 0;
}

static int pull(struct engine *e, struct mbuf *mb, size_t max,
		uint64_t now_ms)
{
	struct h2 *h = (struct h2 *)e;
	size_t start = mb->end;
	int err = 0;

	mb->pos = mb->end;
	while (!err && mb->end - start < max) {
		const uint8_t *p;
		ssize_t n = nghttp2_session_mem_send(h->session, &p);

		if (n == NGHTTP2_ERR_NOMEM)
			err = ENOMEM;
		if (n <= 0) {
			e->failed |= n < 0;
			break;
		}
		err = mbuf_write_mem(mb, p, (size_t)n);
	}
	mb->pos = start;
	h2_note_stalls(h, now_ms);

	return err;
}

/* Its body must be there some time.  What was upgraded has none; but once it
 * is over the peer has to end its side, too. */
static bool is_timed(const struct web_req *req)
{
	return !req->complete && (!req->upgraded || req->res.ended);
}

static void expire(struct engine *e, uint64_t now_ms)
{
	struct h2 *h = (struct h2 *)e;
	struct le *le;

	if (!e->reql.head || h->head_open) {
		(void)nghttp2_session_terminate_session(h->session,
							NGHTTP2_NO_ERROR);
		return;
	}

	LIST_FOREACH(&e->reql, le) {
		struct web_req *req = le->data;

		if (req->stall_ms &&
		    now_ms >= req->stall_ms + e->conf.lim->write_ms)
			(void)nghttp2_submit_rst_stream(
				h->session, NGHTTP2_FLAG_NONE, req->stream,
				NGHTTP2_CANCEL);
		if (!is_timed(req) ||
		    now_ms < req->since_ms + e->conf.lim->body_ms)
			continue;
		/* Once only. */
		req->since_ms = UINT64_MAX - e->conf.lim->body_ms;
		if (!req->res.status && !req->datah)
			(void)problem(req, 408, "timeout",
				      "the body took too long");
		else
			(void)nghttp2_submit_rst_stream(
				h->session, NGHTTP2_FLAG_NONE, req->stream,
				req->res.ended ? NGHTTP2_NO_ERROR
					       : NGHTTP2_CANCEL);
	}
}

static void eof(struct engine *e)
{
	struct h2 *h = (struct h2 *)e;

	/* No WINDOW_UPDATE, no ack can come any more. */
	(void)h;
	e->failed = true;
}

static void shutdown_h2(struct engine *e)
{
	struct h2 *h = (struct h2 *)e;
	int32_t last = nghttp2_session_get_last_proc_stream_id(h->session);

	(void)nghttp2_submit_goaway(h->session, NGHTTP2_FLAG_NONE, last,
				    NGHTTP2_NO_ERROR, NULL, 0);
}

static bool wants_input(const struct engine *e)
{
	(void)e;
	return true;
}

static bool is_done(const struct engine *e)
{
	const struct h2 *h = (const struct h2 *)e;

	return e->failed || (!nghttp2_session_want_read(h->session) &&
			     !nghttp2_session_want_write(h->session));
}

static uint64_t deadline_ms(const struct engine *e)
{
	const struct h2 *h = (const struct h2 *)e;
	const struct web_limits *lim = e->conf.lim;
	uint64_t due = UINT64_MAX;
	struct le *le;

	if (e->failed)
		return due;
	if (h->head_open)
		return h->head_ms + lim->head_ms;
	if (!e->reql.head)
		return h->idle_ms + (h->used ? lim->idle_ms : lim->head_ms);

	LIST_FOREACH(&e->reql, le) {
		const struct web_req *req = le->data;
		uint64_t t = req->since_ms + lim->body_ms;
		uint64_t stalled = req->stall_ms;

		if (is_timed(req) && t < due)
			due = t;
		if (stalled && stalled + lim->write_ms < due)
			due = stalled + lim->write_ms;
	}

	return due;
}

static const struct engine_ops ops = {
	.feed = feed,
	.pull = pull,
	.ready = h2_ready,
	.expire = expire,
	.eof = eof,
	.shutdown = shutdown_h2,
	.wants_input = wants_input,
	.is_done = is_done,
	.deadline_ms = deadline_ms,
};

static void destructor(void *arg)
{
	struct h2 *h = arg;

	/* Without callbacks: the requests are ours to release. */
	engine_flush(&h->e);
	nghttp2_session_del(h->session);
}

static int make_session(struct h2 *h)
{
	nghttp2_session_callbacks *cb = NULL;
	nghttp2_option *opt = NULL;
	int rv;

	if (nghttp2_session_callbacks_new(&cb))
		return ENOMEM;
	if (nghttp2_option_new(&opt)) {
		nghttp2_session_callbacks_del(cb);
		return ENOMEM;
	}

	h2_listen(cb);
	h2_watch(cb);
	nghttp2_option_set_max_outbound_ack(opt, ACK_MAX);
	h2_watch_options(opt);

	rv = nghttp2_session_server_new2(&h->session, cb, h, opt);
	nghttp2_option_del(opt);
	nghttp2_session_callbacks_del(cb);

	return rv ? ENOMEM : 0;
}

int h2_alloc(struct engine **ep, const struct engine_conf *conf,
	     uint64_t now_ms)
{
	nghttp2_settings_entry iv[3];
	struct h2 *h;
	int err;

	if (!ep || !conf || !conf->lim || !conf->requesth)
		return EINVAL;

	h = mem_zalloc(sizeof(*h), destructor);
	if (!h)
		return ENOMEM;

	engine_init(&h->e, &ops, conf, now_ms);
	h->idle_ms = now_ms;
	h2_guard_init(&h->guard, now_ms);
	err = make_session(h);
	if (err)
		goto out;

	iv[0].settings_id = NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS;
	iv[0].value = conf->lim->streams;
	iv[1].settings_id = NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE;
	iv[1].value = (uint32_t)conf->lim->head_bytes;
	iv[2].settings_id = NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL;
	iv[2].value = 1;
	if (nghttp2_submit_settings(h->session, NGHTTP2_FLAG_NONE, iv, 3))
		err = ENOMEM;

out:
	if (err)
		mem_deref(h);
	else
		*ep = &h->e;

	return err;
}
