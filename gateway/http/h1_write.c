/* SPDX-License-Identifier: MIT */
/* Writing HTTP/1.1 responses: see h1_write.h, RFC 9112 6. */

#include <errno.h>
#include <string.h>
#include <re.h>

#include "gateway/http/h1_write.h"
#include "gateway/http/request.h"

enum { PIECE = 16 * 1024, VERSION_11 = 11 };

void h1_write_init(struct h1_write *w)
{
	*w = (struct h1_write){.keep = true};
}

static int put(struct mbuf *mb, const char *str)
{
	return mbuf_write_mem(mb, (const uint8_t *)str, strlen(str));
}

static int put_fields(struct mbuf *mb, const struct fields *f)
{
	int err = 0;

	for (size_t i = 0; i < f->count && !err; i++) {
		err = put(mb, fields_name(f, i));
		err |= put(mb, ": ");
		err |= put(mb, fields_value(f, i));
		err |= put(mb, "\r\n");
	}

	return err;
}

/* How the peer finds the end of the body. */
static int put_framing(struct h1_write *w, struct web_req *req,
		       struct mbuf *mb)
{
	unsigned status = req->res.status;

	if (req->upgraded || status == 204 || status == 304 ||
	    fields_get(&req->res.head, "content-length"))
		return 0;

	if (req->res.ended && !req->res.trailers.count)
		return mbuf_printf(mb, "content-length: %zu\r\n",
				   web_res_waiting(req));

	if (req->version == VERSION_11) {
		w->chunked = !w->no_body;
		return put(mb, "transfer-encoding: chunked\r\n");
	}

	w->keep = false;
	return 0;
}

static int put_head(struct h1_write *w, struct web_req *req, struct mbuf *mb)
{
	unsigned status = req->res.status;
	int err;

	w->no_body = status == 204 || status == 304 ||
		     (req->method && !strcmp(req->method, "HEAD"));

	err = mbuf_printf(mb, "HTTP/1.1 %u %s\r\n", status,
			  web_status_text(status));
	err |= put_fields(mb, &req->res.head);
	err |= put_framing(w, req, mb);
	if (req->upgraded)
		err |= mbuf_printf(mb, "connection: upgrade\r\n"
				   "upgrade: %s\r\n", req->upgrade);
	else if (!w->keep)
		err |= put(mb, "connection: close\r\n");
	else if (req->version != VERSION_11)
		err |= put(mb, "connection: keep-alive\r\n");
	err |= put(mb, "\r\n");
	w->started = true;

	return err;
}

static int put_piece(struct h1_write *w, struct web_req *req,
		     struct mbuf *mb, size_t max)
{
	uint8_t piece[PIECE];
	size_t n = web_res_pull(req, piece, max < PIECE ? max : PIECE);
	int err = 0;

	if (!n)
		return EAGAIN;
	w->more = req->sourceh != NULL;

	if (w->chunked)
		err |= mbuf_printf(mb, "%zx\r\n", n);
	err |= mbuf_write_mem(mb, piece, n);
	if (w->chunked)
		err |= put(mb, "\r\n");

	return err;
}

static int put_end(struct h1_write *w, struct web_req *req, struct mbuf *mb)
{
	int err = 0;

	w->done = true;
	if (w->chunked) {
		err |= put(mb, "0\r\n");
		err |= put_fields(mb, &req->res.trailers);
		err |= put(mb, "\r\n");
	}

	return err;
}

int h1_write(struct h1_write *w, struct web_req *req, struct mbuf *mb,
	     size_t max)
{
	int err = 0;

	mb->pos = mb->end;
	if (!w->started)
		err = put_head(w, req, mb);
	if (err)
		return err;

	if (w->no_body) {
		w->done = true;
		return 0;
	}

	w->more = false;
	err = put_piece(w, req, mb, max);
	if (err && err != EAGAIN)
		return err;

	if (web_res_is_done(req))
		return put_end(w, req, mb);

	if (!web_res_waiting(req) && req->drainh)
		req->drainh(req, req->arg);

	return web_res_waiting(req) || req->res.ended || w->more ? 0 : EAGAIN;
}
