/* SPDX-License-Identifier: MIT */
/* The response of a request: written by handlers, pulled by engines. */

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <re.h>

#include "gateway/http/coding.h"
#include "gateway/http/engine.h"
#include "gateway/http/request.h"

enum {
	KEEP_BYTES = 64 * 1024, /* pulled bytes that may stay in front */
	VERSION_2 = 20,
};

static void notify(struct web_req *req)
{
	if (req->engine)
		engine_ready(req->engine, req);
}

bool web_is_open(const struct web_req *req)
{
	return req && req->engine && !req->res.ended;
}

int web_head(struct web_req *req, const char *name, const char *fmt, ...)
{
	char value[1024];
	va_list ap;
	int n;

	if (!req || !fmt || req->res.status)
		return EINVAL;

	va_start(ap, fmt);
	n = vsnprintf(value, sizeof(value), fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof(value))
		return EINVAL;

	return fields_add(&req->res.head, name, strlen(name), value,
			  (size_t)n);
}

/* Formatted once a second: RFC 9110 6.6.1. */
static const char *date_text(void)
{
	static __thread time_t last;
	static __thread char text[40];
	time_t now = time(NULL);
	struct tm tm;

	if (now != last && gmtime_r(&now, &tm)) {
		(void)strftime(text, sizeof(text),
			       "%a, %d %b %Y %H:%M:%S GMT", &tm);
		last = now;
	}

	return text;
}

static int begin(struct web_req *req, unsigned status, const char *type)
{
	int err = 0;

	if (!req || status < 200 || status > 599)
		return EINVAL;
	if (req->res.status)
		return EALREADY;

	if (type)
		err |= fields_addf(&req->res.head, "content-type", "%s", type);
	err |= fields_addf(&req->res.head, "date", "%s", date_text());
	if (err)
		return ENOMEM;

	req->res.status = status;

	return 0;
}

/* Make room by moving what waits to the front. */
static void compact(struct mbuf *mb)
{
	if (mb->pos < KEEP_BYTES && mb->pos != mb->end)
		return;

	memmove(mb->buf, mb->buf + mb->pos, mb->end - mb->pos);
	mb->end -= mb->pos;
	mb->pos = 0;
}

static int append(struct web_req *req, const void *p, size_t len)
{
	struct mbuf *mb = req->res.out;
	size_t pos;
	int err;

	if (!len)
		return 0;

	if (!mb) {
		mb = req->res.out = mbuf_alloc(len);
		if (!mb)
			return ENOMEM;
	}
	compact(mb);
	pos = mb->pos;
	mb->pos = mb->end;
	err = mbuf_write_mem(mb, p, len);
	mb->pos = pos;

	return err;
}

/* A strong entity tag is of these very bytes: what has one goes out as it is. */
static bool may_compress(const struct web_req *req, const char *type,
			 size_t len)
{
	const struct fields *head = &req->res.head;
	const char *tag = fields_get(head, "etag");

	return !req->res.plain && web_is_compressible(type, len) &&
	       (!tag || !strncmp(tag, "W/", 2)) &&
	       !fields_get(head, "content-encoding");
}

/* @return true: done */
static bool compress(struct web_req *req, const void *p, size_t len)
{
	struct fields *head = &req->res.head;
	struct mbuf *mb;

	(void)fields_addf(head, "vary", "accept-encoding");
	if (!web_accepts(req, "gzip"))
		return false;

	mb = mbuf_alloc(len);
	if (!mb || web_gzip(mb->buf, &mb->end, p, len) ||
	    fields_addf(head, "content-encoding", "gzip")) {
		mem_deref(mb);
		return false;
	}
	(void)mbuf_trim(mb);
	req->res.out = mb;

	return true;
}

int web_reply(struct web_req *req, unsigned status, const char *type,
	      const void *p, size_t len)
{
	int err;

	err = begin(req, status, type);
	if (err)
		return err;

	/* Half an answer is worse than none. */
	if (may_compress(req, type, len) && compress(req, p, len))
		;
	else if (type && append(req, p, len)) {
		req->res.status = 500;
		fields_reset(&req->res.head);
		req->res.out = mem_deref(req->res.out);
		err = ENOMEM;
	}
	req->res.ended = true;
	notify(req);

	return err;
}

int web_reply_shared(struct web_req *req, unsigned status, const char *type,
		     const void *p, size_t len, void *owner)
{
	int err = begin(req, status, type);

	if (err)
		return err;

	req->res.shared.p = p;
	req->res.shared.len = len;
	req->res.shared.owner = mem_ref(owner);
	req->res.ended = true;
	notify(req);

	return 0;
}

int web_start(struct web_req *req, unsigned status, const char *type)
{
	int err = begin(req, status, type);

	if (!err)
		notify(req);

	return err;
}

int web_write(struct web_req *req, const void *p, size_t len)
{
	int err;

	if (!req || !req->res.status || req->res.ended || !req->engine)
		return EPIPE;
	if (web_res_waiting(req) + len > WEB_WRITE_MAX)
		return ENOBUFS;

	err = append(req, p, len);
	if (!err)
		notify(req);

	return err;
}

int web_end(struct web_req *req, const struct fields *trailers)
{
	int err = 0;

	if (!req || !req->res.status || req->res.ended)
		return EPIPE;

	for (size_t i = 0; trailers && i < trailers->count; i++)
		err |= fields_addf(&req->res.trailers,
				   fields_name(trailers, i), "%s",
				   fields_value(trailers, i));
	req->res.ended = true;
	notify(req);

	return err ? ENOMEM : 0;
}

int web_upgrade(struct web_req *req)
{
	if (!req || !req->upgrade)
		return EPROTO;
	if (req->res.status)
		return EALREADY;

	/* RFC 9110 15.2.2; RFC 8441 5: over h2 it is a plain success. */
	req->res.status = req->version == VERSION_2 ? 200 : 101;
	req->upgraded = true;
	notify(req);

	return 0;
}

void web_wake(struct web_req *req)
{
	if (req && req->res.status)
		notify(req);
}

size_t web_res_waiting(const struct web_req *req)
{
	const struct mbuf *mb = req ? req->res.out : NULL;

	if (!req)
		return 0;

	return req->res.shared.len + (mb ? mb->end - mb->pos : 0);
}

size_t web_res_pull(struct web_req *req, uint8_t *p, size_t max)
{
	size_t n = web_res_waiting(req);

	if (n > max)
		n = max;
	if (req->res.shared.len) {
		memcpy(p, req->res.shared.p, n);
		req->res.shared.p += n;
		req->res.shared.len -= n;
	}
	else if (n) {
		memcpy(p, req->res.out->buf + req->res.out->pos, n);
		req->res.out->pos += n;
	}
	if (n < max && req->sourceh && !req->res.ended)
		n += req->sourceh(req, p + n, max - n, req->arg);

	return n;
}

const uint8_t *web_res_peek(const struct web_req *req, size_t *lenp)
{
	*lenp = web_res_waiting(req);

	return *lenp ? req->res.out->buf + req->res.out->pos
		     : (const uint8_t *)"";
}

bool web_res_is_done(const struct web_req *req)
{
	return req->res.ended && !web_res_waiting(req);
}

const char *web_status_text(unsigned status)
{
	static const struct {
		unsigned status;
		const char *text;
	} v[] = {
		{101, "Switching Protocols"},
		{200, "OK"},
		{201, "Created"},
		{202, "Accepted"},
		{204, "No Content"},
		{304, "Not Modified"},
		{400, "Bad Request"},
		{401, "Unauthorized"},
		{403, "Forbidden"},
		{404, "Not Found"},
		{405, "Method Not Allowed"},
		{406, "Not Acceptable"},
		{408, "Request Timeout"},
		{409, "Conflict"},
		{412, "Precondition Failed"},
		{411, "Length Required"},
		{413, "Content Too Large"},
		{414, "URI Too Long"},
		{415, "Unsupported Media Type"},
		{417, "Expectation Failed"},
		{426, "Upgrade Required"},
		{422, "Unprocessable Content"},
		{429, "Too Many Requests"},
		{431, "Request Header Fields Too Large"},
		{500, "Internal Server Error"},
		{501, "Not Implemented"},
		{502, "Bad Gateway"},
		{503, "Service Unavailable"},
		{504, "Gateway Timeout"},
		{505, "HTTP Version Not Supported"},
	};

	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		if (v[i].status == status)
			return v[i].text;
	}

	return "";
}
