/* SPDX-License-Identifier: MIT */
/* Requests in HTTP/2: what the peer sends, made into requests. */

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <re.h>

#include "gateway/http/h2_impl.h"
#include "gateway/http/problem.h"

enum {
	VERSION_2 = 20,
	FIELD_OVERHEAD = 32, /* RFC 9113 6.5.2                            */
	HEADS_MAX = 4,       /* header limits that are read for an answer */
	IGNORED = 4,         /* body limits that are read after an answer */
};

static struct web_req *find(struct h2 *h, int32_t stream)
{
	return nghttp2_session_get_stream_user_data(h->session, stream);
}

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
		{":protocol", offsetof(struct web_req, upgrade)},
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
	    req->head.count >= lim->fields) {
		/* Answered when the block is complete. */
		if (!req->large)
			(void)h2_guard_pay(&h->guard, GUARD_HEADER,
					   h->e.now_ms);
		req->large = true;
		/* One that is far too large has no answer: what its fields
		 * are is not even looked at any more. */
		if (req->head_bytes <= HEADS_MAX * lim->head_bytes)
			return 0;
		(void)h2_guard_pay(&h->guard, GUARD_BOMB, h->e.now_ms);
		return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
	}

	if (namelen && *n == ':')
		err = put_pseudo(req, n, namelen, v, valuelen);
	else
		err = fields_add(&req->head, n, namelen, v, valuelen);

	return err == ENOMEM ? NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE : 0;
}

/* RFC 8441: CONNECT with a protocol opens what GET with Upgrade opens over
 * HTTP/1.1, so handlers see that. */
static void note_upgrade(struct web_req *req)
{
	char *get;

	if (!req->upgrade || !req->method || strcmp(req->method, "CONNECT") ||
	    strcmp(req->upgrade, "websocket") || str_dup(&get, "GET")) {
		req->upgrade = mem_deref(req->upgrade);
		return;
	}
	mem_deref(req->method);
	req->method = get;
}

/* True if it was answered with an error. */
static bool refuse_head(struct h2 *h, struct web_req *req)
{
	const struct web_limits *lim = h->e.conf.lim;
	char *method, *target;
	int err = EINVAL;

	note_upgrade(req);
	method = req->method;
	target = req->path;

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

	mem_deref(method);
	mem_deref(target);

	return req->res.status != 0;
}

static void refuse_length(struct h2 *h, struct web_req *req)
{
	const char *length = web_header(req, "content-length");

	if (length && strtoull(length, NULL, 10) >
			      web_body_max(req, h->e.conf.lim))
		(void)problem(req, 413, "body-too-large", "%s",
			      web_body_refusal(req));
}

static void on_head(struct h2 *h, struct web_req *req)
{
	nghttp2_nv go_on = h2_nv(":status", "100");
	const char *expect;

	if (refuse_head(h, req))
		return;
	if (h2_is_full(h)) {
		(void)web_head(req, "retry-after", "1");
		(void)problem(req, 503, "busy", "take the answers that wait "
			      "before you ask for more");
		return;
	}

	if (h->e.conf.headh)
		h->e.conf.headh(req, h->e.conf.arg);
	if (!req->res.status && !req->datah)
		refuse_length(h, req);

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

	err = web_req_body(req, p, len, web_body_max(req, h->e.conf.lim));
	if (err == EMSGSIZE)
		(void)problem(req, 413, "body-too-large", "%s",
			      web_body_refusal(req));

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

void h2_listen(nghttp2_session_callbacks *cb)
{
	nghttp2_session_callbacks_set_on_begin_headers_callback(
		cb, on_begin_headers);
	nghttp2_session_callbacks_set_on_header_callback(cb, on_header);
	nghttp2_session_callbacks_set_on_frame_recv_callback(cb, on_frame);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(cb,
								  on_data);
	nghttp2_session_callbacks_set_on_stream_close_callback(cb, on_close);
}
