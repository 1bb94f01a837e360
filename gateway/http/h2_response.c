/* SPDX-License-Identifier: MIT */
/* Responses in HTTP/2: header, body as the peer's windows allow, trailers. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <re.h>

#include "gateway/http/h2_impl.h"

static ssize_t read_body(nghttp2_session *s, int32_t stream, uint8_t *buf,
			 size_t size, uint32_t *flags,
			 nghttp2_data_source *src, void *arg)
{
	struct web_req *req = src->ptr;
	size_t n = web_res_pull(req, buf, size);
	const struct h2 *h = arg;

	req->taken_bytes += n;

	if (!web_res_waiting(req) && !req->res.ended && req->drainh) {
		req->drainh(req, req->arg);
		n += web_res_pull(req, buf + n, size - n);
	}

	if (req->upgraded && req->res.ended)
		req->since_ms = h->e.now_ms;
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

nghttp2_nv h2_nv(const char *name, const char *value)
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
	nv[n++] = h2_nv(":status", status);
	for (size_t i = 0; i < f->count; i++)
		nv[n++] = h2_nv(fields_name(f, i), fields_value(f, i));
	if (req->res.ended && req->res.status != 204 &&
	    req->res.status != 304 && !fields_get(f, "content-length")) {
		(void)snprintf(length, sizeof(length), "%zu",
			       web_res_waiting(req));
		nv[n++] = h2_nv("content-length", length);
	}

	empty = has_no_body(req) ||
		(web_res_is_done(req) && !req->res.trailers.count);
	rv = nghttp2_submit_response(h->session, req->stream, nv, n,
				     empty ? NULL : &prd);
	free(nv);
	req->submitted = true;

	return rv ? EPROTO : 0;
}

void h2_ready(struct engine *e, struct web_req *req)
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
