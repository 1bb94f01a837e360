/* SPDX-License-Identifier: MIT */
/* Frames of WebSocket; see ws.h. */

#include <string.h>
#include "router/ws.h"

enum { MASK_BYTES = 4 };

/* A frame, as its head says. */
struct frame {
	uint8_t op;
	bool fin;
	size_t head; /* bytes, with the mask */
	uint64_t len;
};

static uint64_t number(const uint8_t *p, size_t n)
{
	uint64_t v = 0;

	while (n--)
		v = v << 8 | *p++;

	return v;
}

/* @return whether the head is whole; what is wrong shows in *status */
static bool read_head(struct frame *f, const uint8_t *p, size_t len,
		      uint16_t *status)
{
	size_t ext;

	if (len < 2)
		return false;
	f->fin = p[0] & 0x80;
	f->op = p[0] & 0x0f;
	f->len = p[1] & 0x7f;
	ext = f->len == 127 ? 8 : f->len == 126 ? 2 : 0;

	/* no extension was agreed on, and clients mask: 5.1, 5.2, 5.5 */
	if (p[0] & 0x70 || !(p[1] & 0x80) ||
	    (f->op > WS_BINARY && f->op < WS_OP_CLOSE) || f->op > WS_OP_PONG ||
	    (f->op >= WS_OP_CLOSE && (!f->fin || ext))) {
		*status = WS_PROTOCOL;
		return false;
	}
	f->head = 2 + ext + MASK_BYTES;
	if (len < f->head)
		return false;
	if (ext)
		f->len = number(p + 2, ext);

	return true;
}

/* Is it in its place among the frames of a message? */
static uint16_t judge(const struct ws *ws, const struct frame *f)
{
	if (f->op >= WS_OP_CLOSE)
		return f->len == 1 && f->op == WS_OP_CLOSE ? WS_PROTOCOL : 0;
	if (!f->op != !!ws->opcode)
		return WS_PROTOCOL;
	if (f->len > STREAM_MESSAGE_MAX ||
	    ws->have + f->len > STREAM_MESSAGE_MAX)
		return WS_TOO_LARGE;

	return 0;
}

static void unmask(uint8_t *p, size_t len, const uint8_t mask[MASK_BYTES])
{
	for (size_t i = 0; i < len; i++)
		p[i] ^= mask[i % MASK_BYTES];
}

static enum ws_out bad(struct ws *ws, uint16_t status)
{
	ws->status = status;

	return WS_BAD;
}

static enum ws_out message(struct ws *ws, struct stream *st, uint8_t op,
			   const char *p, size_t len)
{
	const struct iovec iov = {(char *)(uintptr_t)p, len};

	st->total = (size_t)(p + len - (st->buf + st->start));
	ws->have = 0;
	ws->opcode = 0;

	return op == WS_TEXT && !ws_is_utf8(&iov, 1) ? bad(ws, WS_NO_UTF8)
						     : WS_MESSAGE;
}

static enum ws_out control(struct ws *ws, const struct frame *f)
{
	ws->cut = f->head + (size_t)f->len;

	return f->op == WS_OP_CLOSE  ? WS_CLOSED
	       : f->op == WS_OP_PING ? WS_PING
				     : WS_PONG;
}

/* Put a fragment behind those before it. @return whether it was the last */
static bool append(struct ws *ws, struct stream *st, const struct frame *f)
{
	char *at = st->buf + st->start + ws->have;

	memmove(at, at + f->head, st->buf + st->len - (at + f->head));
	st->len -= f->head;
	ws->have += (size_t)f->len;
	if (f->op)
		ws->opcode = f->op;

	return f->fin;
}

enum ws_out ws_next(struct ws *ws, struct stream *st, const char **p,
		    size_t *len)
{
	struct frame f;
	uint8_t *at;
	size_t n;

	for (;;) {
		uint16_t status = 0;

		if (!st->buf)
			return WS_MORE;
		at = (uint8_t *)st->buf + st->start + ws->have;
		n = st->len - st->start - ws->have;
		if (!read_head(&f, at, n, &status))
			return status ? bad(ws, status) : WS_MORE;
		status = judge(ws, &f);
		if (status)
			return bad(ws, status);
		if (n < f.head + f.len)
			return WS_MORE;
		unmask(at + f.head, (size_t)f.len, at + f.head - MASK_BYTES);
		*p = (char *)at + f.head;
		*len = (size_t)f.len;
		if (f.op >= WS_OP_CLOSE)
			return control(ws, &f);
		if (f.op && f.fin)
			return message(ws, st, f.op, *p, *len);
		if (append(ws, st, &f)) {
			*p = st->buf + st->start;
			*len = ws->have;
			return message(ws, st, ws->opcode, *p, *len);
		}
	}
}

void ws_done(struct ws *ws, struct stream *st)
{
	char *at = st->buf + st->start + ws->have;

	if (!ws->cut) {
		stream_done(st);
		return;
	}
	memmove(at, at + ws->cut, st->buf + st->len - (at + ws->cut));
	st->len -= ws->cut;
	ws->cut = 0;
}

size_t ws_head(char head[WS_HEAD_MAX], enum ws_opcode op, size_t len)
{
	uint8_t *p = (uint8_t *)head;

	p[0] = (uint8_t)(0x80 | op);
	if (len < 126) {
		p[1] = (uint8_t)len;
		return 2;
	}
	if (len < 65536) {
		p[1] = 126;
		p[2] = (uint8_t)(len >> 8);
		p[3] = (uint8_t)len;
		return 4;
	}
	p[1] = 127;
	for (int i = 0; i < 8; i++)
		p[2 + i] = (uint8_t)((uint64_t)len >> (56 - 8 * i));

	return WS_HEAD_MAX;
}

/* ---------------------------------------------------------------- UTF-8 */

/* How far into a character we are. */
struct utf8 {
	unsigned left;	   /* bytes that must follow          */
	uint8_t low, high; /* bounds of the next one of them  */
};

static bool step(struct utf8 *u, uint8_t c)
{
	if (u->left) {
		if (c < u->low || c > u->high)
			return false;
		--u->left;
		u->low = 0x80;
		u->high = 0xbf;
		return true;
	}
	if (c < 0x80)
		return true;
	if (c < 0xc2 || c > 0xf4)
		return false;
	u->left = c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;
	/* no longer than needed, no surrogates, no more than U+10FFFF */
	u->low = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : 0x80;
	u->high = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : 0xbf;

	return true;
}

bool ws_is_utf8(const struct iovec *iov, size_t n)
{
	struct utf8 u = {0, 0x80, 0xbf};

	for (size_t i = 0; i < n; i++) {
		const uint8_t *p = iov[i].iov_base;

		for (size_t k = 0; k < iov[i].iov_len; k++) {
			if (!step(&u, p[k]))
				return false;
		}
	}

	return !u.left;
}
