/* SPDX-License-Identifier: MIT */
/*
 * HTTP/2 without I/O, on nghttp2 (RFC 9113).  A request is the stream's user
 * data from its HEADERS frame until the stream is closed; nghttp2 asks for
 * the bodies of responses when the peer's windows have room.
 */

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <nghttp2/nghttp2.h>
#include <re.h>

#include "gateway/http/engine.h"
#include "gateway/http/problem.h"
#include "gateway/http/request_impl.h"

enum {
	VERSION_2 = 20,
	FIELD_OVERHEAD = 32, /* RFC 9113 6.5.2 */
	ACK_MAX = 200,       /* PING and SETTINGS acks that may wait */
	IGNORED = 4,         /* body limits that are read after an answer */
};

struct h2 {
	struct engine e;
	nghttp2_session *session;
	uint64_t idle_ms;     /* since when there is no request         */
	bool used;
	bool head_open;       /* a header block is incomplete           */
	uint64_t head_ms;     /* since when                             */
};

static struct web_req *find(struct h2 *h, int32_t stream)
{
	return nghttp2_session_get_stream_user_data(h->session, stream);
}

/* ----------------------------------------------------------- responses */

static ssize_t read_body(nghttp2_session *s, int32_t stream, uint8_t *buf,
			 size_t size, uint32_t *flags,
			 nghttp2_data_source *src, void *arg)
{
	struct web_req *req = src->ptr;
	size_t n = web_res_pull(req, buf, size);
	(void)arg;

	if (!web_res_waiting(req) && !req->res.ended && req->drainh) {
		req->drainh(req, req->arg);
		n += web_res_pull(req, buf + n, size - n);
	}

	if (!web_res_is_done(req))
		return n ? (ssize_t)n : NGHTTP2_ERR_DEFERRED;

	*flags |= NGHTTP2_DATA_FLAG_EOF;
	if (req->res.trailers.count) {
		const struct fields *f = &req->res.trailers;
		nghttp2_nv *nv = calloc(f->count, sizeof(*nv));

		if (!nv)
			return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;

		for (size_t i = 0; i < f->count; i++) {
			nv[i].name = (uint8_t *)fields_name(f, i);
			nv[i].namelen = strlen(fields_name(f, i));
			nv[i].value = (uint8_t *)fields_value(f, i);
			nv[i].valuelen = strlen(fields_value(f, i));
		}
		*flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
		(void)nghttp2_submit_trailer(s, stream, nv, f->count);
		free(nv);
	}

	return (ssize_t)n;
}

static nghttp2_nv make_nv(const char *name, const char *value)
{
	return (nghttp2_nv){
		.name = (uint8_t *)name,
		.namelen = strlen(name),
		.value = (uint8_t *)value,
		.valuelen = strlen(value),
	};
}

static bool has_no_body(const struct web_req *req)
{
	unsigned status = req->res.status;

	return status == 204 || status == 304 ||
	       (req->method && !strcmp(req->method, "HEAD"));
}

static int submit(struct h2 *h, struct web_req *req)
{
	const struct fields *f = &req->res.head;
	nghttp2_data_provider prd = {
		.source.ptr = req,
		.read_callback = read_body,
	};
	nghttp2_nv *nv = calloc(f->count + 2, sizeof(*nv));
	char status[16], length[32];
	bool empty;
	size_t n = 0;
	int rv;

	if (!nv)
		return ENOMEM;

	(void)snprintf(status, sizeof(status), "%u", req->res.status);
	nv[n++] = make_nv(":status", status);
	for (size_t i = 0; i < f->count; i++)
		nv[n++] = make_nv(fields_name(f, i), fields_value(f, i));
	if (req->res.ended && req->res.status != 204 &&
	    req->res.status != 304 && !fields_get(f, "content-length")) {
		(void)snprintf(length, sizeof(length), "%zu",
			       web_res_waiting(req));
		nv[n++] = make_nv("content-length", length);
	}

	empty = has_no_body(req) ||
		(web_res_is_done(req) && !req->res.trailers.count);
	rv = nghttp2_submit_response(h->session, req->stream, nv, n,
				     empty ? NULL : &prd);
	free(nv);
	req->submitted = true;

	return rv ? EPROTO : 0;
}

static void ready(struct engine *e, struct web_req *req)
{
	struct h2 *h = (struct h2 *)e;

	if (!req->submitted) {
		if (submit(h, req))
			(void)nghttp2_submit_rst_stream(
				h->session, NGHTTP2_FLAG_NONE, req->stream,
				NGHTTP2_INTERNAL_ERROR);
		return;
	}

	(void)nghttp2_session_resume_data(h->session, req->stream);
}

/* ------------------------------------------------------------ requests */

static int on_begin_headers(nghttp2_session *s, const nghttp2_frame *f,
			    void *arg)
{
	struct h2 *h = arg;
	struct web_req *req;

	h->head_open = true;
	h->head_ms = h->e.now_ms;
	if (f->hd.type != NGHTTP2_HEADERS ||
	    f->headers.cat != NGHTTP2_HCAT_REQUEST)
		return 0;

	if (web_req_alloc(&req, &h->e))
		return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;

	req->version = VERSION_2;
	req->stream = f->hd.stream_id;
	req->since_ms = h->e.now_ms;
	list_append(&h->e.reql, req_le(req), req);
	(void)nghttp2_session_set_stream_user_data(s, req->stream, req);

	return 0;
}

/* Method and target wait in their own fields until the block is complete. */
static int put_pseudo(struct web_req *req, const char *name, size_t namelen,
		      const char *value, size_t valuelen)
{
	static const struct {
		const char *name;
		size_t off;
	} v[] = {
		{":method", offsetof(struct web_req, method)},
		{":path", offsetof(struct web_req, path)},
	};

	if (namelen == 10 && !memcmp(name, ":authority", 10))
		return fields_add(&req->head, "host", 4, value, valuelen);

	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		char **strp = (char **)((uint8_t *)req + v[i].off);
		char *str;

		if (namelen != strlen(v[i].name) ||
		    memcmp(name, v[i].name, namelen))
			continue;

		str = mem_alloc(valuelen + 1, NULL);
		if (!str)
			return ENOMEM;
		memcpy(str, value, valuelen);
		str[valuelen] = '\0';
		mem_deref(*strp);
		*strp = str;
	}

	return 0;
}

static int on_header(nghttp2_session *s, const nghttp2_frame *f,
		     const uint8_t *name, size_t namelen,
		     const uint8_t *value, size_t valuelen, uint8_t flags,
		     void *arg)
{
	struct h2 *h = arg;
	struct web_req *req = find(h, f->hd.stream_id);
	const struct web_limits *lim = h->e.conf.lim;
	const char *n = (const char *)name, *v = (const char *)value;
	int err;
	(void)s;
	(void)flags;

	/* Trailers of a request are read and forgotten. */
	if (!req || f->headers.cat != NGHTTP2_HCAT_REQUEST)
		return 0;

	req->head_bytes += namelen + valuelen + FIELD_OVERHEAD;
	if (req->head_bytes > lim->head_bytes ||
	    req->head.count >= lim->fields)
		return 0; /* answered when the block is complete */

	if (namelen && *n == ':')
		err = put_pseudo(req, n, namelen, v, valuelen);
	else
		err = fields_add(&req->head, n, namelen, v, valuelen);

	return err == ENOMEM ? NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE : 0;
}

/* True if it was answered with an error. */
static bool refuse_head(struct h2 *h, struct web_req *req)
{
	const struct web_limits *lim = h->e.conf.lim;
	char *method = req->method, *target = req->path;
	const char *length = web_header(req, "content-length");
	int err = EINVAL;

	req->method = req->path = NULL;
	if (method && target)
		err = web_req_target(req, method, strlen(method), target,
				     strlen(target));

	if (req->head_bytes > lim->head_bytes ||
	    req->head.count >= lim->fields)
		(void)problem(req, 431, "header-too-large", "the header is "
			      "larger than 16 KB, or has more than 100 "
			      "fields");
	else if (err)
		(void)problem(req, 400, "bad-request", "there must be a "
			      "method and a path that begins with /");
	else if (length && strtoull(length, NULL, 10) > lim->body_bytes)
		(void)problem(req, 413, "body-too-large",
			      "the body is larger than 1 MB");

	mem_deref(method);
	mem_deref(target);

	return req->res.status != 0;
}

static void on_head(struct h2 *h, struct web_req *req)
{
	nghttp2_nv go_on = make_nv(":status", "100");
	const char *expect;

	if (refuse_head(h, req))
		return;

	if (h->e.conf.headh)
		h->e.conf.headh(req, h->e.conf.arg);

	expect = web_header(req, "expect");
	if (!req->res.status && expect && !strcasecmp(expect, "100-continue"))
		(void)nghttp2_submit_headers(h->session, NGHTTP2_FLAG_NONE,
					     req->stream, NULL, &go_on, 1,
					     NULL);
}

static void on_complete(struct h2 *h, struct web_req *req)
{
	req->complete = true;
	if (req->datah && !req->res.ended) {
		req->datah(req, NULL, 0, req->arg);
	}
	else if (!req->res.status) {
		req->dispatched = true;
		h->e.conf.requesth(req, h->e.conf.arg);
	}
}

static int on_frame(nghttp2_session *s, const nghttp2_frame *f, void *arg)
{
	struct h2 *h = arg;
	struct web_req *req;
	(void)s;

	if (f->hd.type != NGHTTP2_HEADERS && f->hd.type != NGHTTP2_DATA)
		return 0;

	h->head_open = false;
	req = find(h, f->hd.stream_id);
	if (!req)
		return 0;

	/* A handler may answer, but never frees: the list has a reference. */
	if (f->hd.type == NGHTTP2_HEADERS &&
	    f->headers.cat == NGHTTP2_HCAT_REQUEST)
		on_head(h, req);
	if (f->hd.flags & NGHTTP2_FLAG_END_STREAM)
		on_complete(h, req);

	return 0;
}

static int on_data(nghttp2_session *s, uint8_t flags, int32_t stream,
		   const uint8_t *p, size_t len, void *arg)
{
	struct h2 *h = arg;
	struct web_req *req = find(h, stream);
	int err;
	(void)flags;

	if (!req)
		return 0;

	if (req->datah && !req->res.ended) {
		req->datah(req, p, len, req->arg);
		return 0;
	}
	if (req->res.status) {
		/* Answered: the rest is of no use.  But a reset at once
		 * makes some clients (curl 7.88) miss the answer. */
		req->head_bytes += len;
		if (req->head_bytes > IGNORED * h->e.conf.lim->body_bytes)
			(void)nghttp2_submit_rst_stream(
				s, NGHTTP2_FLAG_NONE, stream,
				NGHTTP2_NO_ERROR);
		return 0;
	}

	err = web_req_body(req, p, len, h->e.conf.lim->body_bytes);
	if (err == EMSGSIZE)
		(void)problem(req, 413, "body-too-large",
			      "the body is larger than 1 MB");

	return err == ENOMEM ? NGHTTP2_ERR_CALLBACK_FAILURE : 0;
}

static int on_close(nghttp2_session *s, int32_t stream, uint32_t code,
		    void *arg)
{
	struct h2 *h = arg;
	struct web_req *req = find(h, stream);

	if (!req)
		return 0;

	(void)nghttp2_session_set_stream_user_data(s, stream, NULL);
	if (code == NGHTTP2_NO_ERROR && web_res_is_done(req))
		req->closeh = NULL;
	web_req_detach(req);
	mem_deref(req);

	h->used = true;
	h->idle_ms = h->e.now_ms;

	return 0;
}

/* ------------------------------------------------------------ the engine */

static int feed(struct engine *e, const uint8_t *p, size_t len,
		uint64_t now_ms)
{
	struct h2 *h = (struct h2 *)e;
	ssize_t n;
	(void)now_ms;

	if (e->failed)
		return 0;

	/* nghttp2 answers errors of the peer by GOAWAY itself; what it
	 * returns here is a bad preface, a flood, or no memory. */
	n = nghttp2_session_mem_recv(h->session, p, len);
	if (n == NGHTTP2_ERR_NOMEM)
		return ENOMEM;
	if (n < 0) {
		(void)nghttp2_session_terminate_session(
			h->session, n == NGHTTP2_ERR_FLOODED
			? NGHTTP2_ENHANCE_YOUR_CALM
			: NGHTTP2_PROTOCOL_ERROR);
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
	(void)now_ms;

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

	return err;
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

		if (req->complete ||
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

		if (!req->complete && t < due)
			due = t;
	}

	return due;
}

static const struct engine_ops ops = {
	.feed = feed,
	.pull = pull,
	.ready = ready,
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

	nghttp2_session_callbacks_set_on_begin_headers_callback(
		cb, on_begin_headers);
	nghttp2_session_callbacks_set_on_header_callback(cb, on_header);
	nghttp2_session_callbacks_set_on_frame_recv_callback(cb, on_frame);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(cb,
								  on_data);
	nghttp2_session_callbacks_set_on_stream_close_callback(cb, on_close);
	nghttp2_option_set_max_outbound_ack(opt, ACK_MAX);

	rv = nghttp2_session_server_new2(&h->session, cb, h, opt);
	nghttp2_option_del(opt);
	nghttp2_session_callbacks_del(cb);

	return rv ? ENOMEM : 0;
}

int h2_alloc(struct engine **ep, const struct engine_conf *conf,
	     uint64_t now_ms)
{
	nghttp2_settings_entry iv[2];
	struct h2 *h;
	int err;

	if (!ep || !conf || !conf->lim || !conf->requesth)
		return EINVAL;

	h = mem_zalloc(sizeof(*h), destructor);
	if (!h)
		return ENOMEM;

	engine_init(&h->e, &ops, conf, now_ms);
	h->idle_ms = now_ms;
	err = make_session(h);
	if (err)
		goto out;

	iv[0].settings_id = NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS;
	iv[0].value = conf->lim->streams;
	iv[1].settings_id = NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE;
	iv[1].value = (uint32_t)conf->lim->head_bytes;
	if (nghttp2_submit_settings(h->session, NGHTTP2_FLAG_NONE, iv, 2))
		err = ENOMEM;

out:
	if (err)
		mem_deref(h);
	else
		*ep = &h->e;

	return err;
}
