/* SPDX-License-Identifier: MIT */
/*
 * The parser's events, in the order of a message: a request is built, its
 * limits are checked, handlers hear of its header and of its end.  The same
 * for bytes that come whole or one at a time.
 */

#include <string.h>
#include <re.h>

#include "gateway/http/h1_impl.h"

enum {
	EXTENSION_MAX = 4096, /* of chunks and trailers, a request [bytes] */
	LEAVE_HTTP = 2,       /* on_headers_complete: the rest is none     */
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

bool h1_follows_lf(const struct h1 *h, const char *at)
{
	while (at > h->piece && (at[-1] == ' ' || at[-1] == '\t'))
		at--;

	return at > h->piece ? at[-1] == '\n' : h->after_lf;
}

/* A line that goes on in the next one (RFC 9112 5.2): parsers do not agree on
 * what it is, so it is nothing. */
static int on_value(llhttp_t *p, const char *at, size_t len)
{
	struct h1 *h = self(p);

	if (len && h1_follows_lf(h, at))
		return stop(h, 400, "bad-request",
			    "a header field goes on in the next line");

	return on_field(p, at, len);
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
	req->version = h->parser.http_minor ? H1_VERSION_11 : H1_VERSION_10;

	if (hosts > 1 || (!hosts && req->version == H1_VERSION_11))
		return stop(h, 400, "bad-request",
			    "there must be exactly one Host header");

	if (expect && strcasecmp(expect, "100-continue"))
		return stop(h, 417, "expectation",
			    "only 100-continue can be expected");

	return 0;
}

/* One of a comma-separated list, in any field of that name. */
static bool lists(const struct fields *f, const char *name, const char *word)
{
	const size_t n = strlen(word);

	for (size_t i = 0; i < f->count; i++) {
		const char *p = fields_value(f, i);

		if (strcmp(fields_name(f, i), name))
			continue;
		while (*p) {
			size_t len;

			p += strspn(p, ", \t");
			len = strcspn(p, ", \t");
			if (len == n && !strncasecmp(p, word, n))
				return true;
			p += len;
		}
	}

	return false;
}

/* RFC 6455 4.2.1: what a client must send to be heard.  One with a body is
 * not: who knows where it ends? */
static int note_upgrade(struct h1 *h)
{
	struct web_req *req = h->req;

	if (req->version != H1_VERSION_11 || strcmp(req->method, "GET") ||
	    !lists(&req->head, "connection", "upgrade") ||
	    !lists(&req->head, "upgrade", "websocket") ||
	    (h->parser.flags & (F_CONTENT_LENGTH | F_CHUNKED)) ||
	    web_header(req, "transfer-encoding"))
		return 0;

	return str_dup(&req->upgrade, "websocket");
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

	/* An offer to upgrade may be ignored (RFC 9110 7.8), and is, unless
	 * the handler takes it. */
	p->upgrade = 0;
	if (note_upgrade(h))
		return HPE_INTERNAL;
	h->tx.keep = llhttp_should_keep_alive(p) && !h->leaving;
	h->rx = RX_BODY;
	h->since_ms = h->e.now_ms;
	expect = web_header(req, "expect") && req->version == H1_VERSION_11;

	if (h->e.conf.headh)
		h->e.conf.headh(req, h->e.conf.arg);

	if (req->upgraded) {
		h->rx = RX_RAW;
		h->tx.keep = false;
		return LEAVE_HTTP;
	}
	if (!req->res.status && !req->datah &&
	    (h->parser.flags & F_CONTENT_LENGTH) &&
	    h->parser.content_length > web_body_max(req, h->e.conf.lim))
		return stop(h, 413, "body-too-large", web_body_refusal(req));
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
	size_t max = web_body_max(req, h->e.conf.lim);
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
		return stop(h, 413, "body-too-large", web_body_refusal(req));

	return err ? HPE_INTERNAL : 0;
}

static int on_extension(llhttp_t *p, const char *at, size_t len)
{
	struct h1 *h = self(p);
	(void)at;

	h->extra += len;

	return h->extra > web_body_max(h->req, h->e.conf.lim) + EXTENSION_MAX
		? stop(h, 400, "bad-request", "too many chunk extensions")
		: 0;
}

static int on_message_complete(llhttp_t *p)
{
	struct h1 *h = self(p);
	struct web_req *req = h->req;

	if (h->rx == RX_RAW)
		return 0;

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

const llhttp_settings_t h1_settings = {
	.on_message_begin = on_message_begin,
	.on_url = on_url,
	.on_url_complete = on_url_complete,
	.on_header_field = on_field,
	.on_header_field_complete = on_field_complete,
	.on_header_value = on_value,
	.on_header_value_complete = on_value_complete,
	.on_headers_complete = on_headers_complete,
	.on_body = on_body,
	.on_chunk_extension_name = on_extension,
	.on_chunk_extension_value = on_extension,
	.on_message_complete = on_message_complete,
};
