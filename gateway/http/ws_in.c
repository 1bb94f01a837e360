/* SPDX-License-Identifier: MIT */
/*
 * Reading WebSocket frames: see ws_in.h.
 *
 *   head (2 to 14 bytes) --> payload, unmasked as it comes --> whole frame?
 *     ^                                                          |
 *     +----- fragment, control frame, message -------------------+
 *
 * Text is checked byte by byte, so that what is wrong is found where it is,
 * whatever the frames.
 */

#include <errno.h>
#include <string.h>
#include <re.h>

#include "gateway/http/ws_deflate.h"
#include "gateway/http/ws_in.h"

enum {
	OP_CONTINUATION = 0,
	OP_TEXT = 1,
	OP_BINARY = 2,
	OP_CLOSE = 8,
	OP_PING = 9,
	OP_PONG = 10,
	FIN = 0x80,
	RESERVED = 0x70,
	PACKED = 0x40,     /* RSV1: RFC 7692 6                            */
	OPCODE = 0x0f,
	MASKED = 0x80,
	MASK_BYTES = 4,
	KEEP_BYTES = 1024, /* room for a message that stays             */
};

static enum ws_in_out bad(struct ws_in *in, uint16_t code)
{
	in->code = code;

	return WS_IN_BAD;
}

static bool is_control(uint8_t op)
{
	return op >= OP_CLOSE;
}

static uint8_t opcode(const struct ws_in *in)
{
	return in->head[0] & OPCODE;
}

static bool is_last(const struct ws_in *in)
{
	return in->head[0] & FIN;
}

/* ------------------------------------------------------------------ UTF-8 */

/* RFC 3629 4: no longer than needed, no surrogates, up to U+10FFFF. */
static bool utf8_step(struct ws_in *in, uint8_t c)
{
	if (in->utf8.left) {
		if (c < in->utf8.low || c > in->utf8.high)
			return false;
		in->utf8.left--;
		in->utf8.low = 0x80;
		in->utf8.high = 0xbf;
		return true;
	}
	if (c < 0x80)
		return true;
	if (c < 0xc2 || c > 0xf4)
		return false;
	in->utf8.left = c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;
	in->utf8.low = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : 0x80;
	in->utf8.high = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : 0xbf;

	return true;
}

static bool utf8_check(struct ws_in *in, const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (!utf8_step(in, p[i]))
			return false;
	}

	return true;
}

/* ------------------------------------------------------------------- head */

/* What is reserved may only say that a message is compressed, where that was
 * agreed on, in its first frame. */
static bool is_reserved(const struct ws_in *in)
{
	const uint8_t bits = in->head[0] & RESERVED;

	return bits && (bits != PACKED || !in->deflate ||
			is_control(opcode(in)) ||
			opcode(in) == OP_CONTINUATION);
}

/* The first two bytes tell how long the head is, and most of what is wrong.
 * @return 0, or a code. */
static uint16_t read_start(struct ws_in *in)
{
	const uint8_t op = in->head[0] & OPCODE, len = in->head[1] & 0x7f;

	if (is_reserved(in) || !(in->head[1] & MASKED))
		return WS_CODE_PROTOCOL;
	if (op > OP_BINARY && (op < OP_CLOSE || op > OP_PONG))
		return WS_CODE_PROTOCOL;
	if (is_control(op) && (!is_last(in) || len > WS_CONTROL_MAX))
		return WS_CODE_PROTOCOL;
	if (op == OP_BINARY)
		return WS_CODE_TYPE;
	if (!is_control(op) && (op == OP_CONTINUATION) != in->open)
		return WS_CODE_PROTOCOL;

	if (op == OP_TEXT)
		in->packed = in->head[0] & PACKED;
	in->need = (uint8_t)(2 + MASK_BYTES + (len == 127 ? 8 :
					       len == 126 ? 2 : 0));

	return 0;
}

/* @return 0, or a code. */
static uint16_t read_length(struct ws_in *in)
{
	const size_t ext = (size_t)in->need - 2 - MASK_BYTES;
	uint64_t len = 0;

	for (size_t i = 0; i < ext; i++)
		len = len << 8 | in->head[2 + i];
	if (!ext)
		len = in->head[1] & 0x7f;
	else if (len < (ext == 2 ? 126u : 65536u) || len >> 63)
		return WS_CODE_PROTOCOL; /* not the shortest form */

	if (opcode(in) == OP_CLOSE && len == 1)
		return WS_CODE_PROTOCOL;
	if (!is_control(opcode(in))) {
		if (len > in->max_bytes || in->len + len > in->max_bytes)
			return WS_CODE_SIZE;
		if (++in->fragments > WS_FRAGMENTS_MAX)
			return WS_CODE_DENIED;
		in->open = true;
	}
	else {
		in->controllen = 0;
	}
	in->left = len;
	in->turn = 0;
	in->body = true;

	return 0;
}

/* @return 0, or a code. */
static uint16_t take_head(struct ws_in *in, const uint8_t **pp, size_t *lenp)
{
	while (*lenp && !in->body) {
		uint16_t code = 0;

		in->head[in->headlen++] = *(*pp)++;
		--*lenp;
		if (in->headlen == 2)
			code = read_start(in);
		else if (in->headlen > 2 && in->headlen == in->need)
			code = read_length(in);
		if (code)
			return code;
	}

	return 0;
}

/* ---------------------------------------------------------------- payload */

static int make_room(struct ws_in *in, size_t more)
{
	size_t size = in->size ? in->size : KEEP_BYTES;
	uint8_t *p;

	if (in->len + more <= in->size)
		return 0;

	while (size < in->len + more)
		size *= 2;
	p = mem_realloc(in->msg, size);
	if (!p)
		return 1;
	in->msg = p;
	in->size = size;

	return 0;
}

/* @return 0, or a code. */
static uint16_t take_payload(struct ws_in *in, const uint8_t **pp,
			     size_t *lenp)
{
	const uint8_t *mask = in->head + in->need - MASK_BYTES;
	const bool control = is_control(opcode(in));
	size_t n = *lenp < in->left ? *lenp : (size_t)in->left;
	uint8_t *to;

	if (!n)
		return 0;
	if (!control && !in->msg) {
		in->msg = mem_alloc(KEEP_BYTES, NULL);
		in->size = in->msg ? KEEP_BYTES : 0;
	}
	if (!control && (!in->msg || make_room(in, n)))
		return WS_CODE_SIZE;

	to = control ? in->control + in->controllen : in->msg + in->len;
	for (size_t i = 0; i < n; i++)
		to[i] = (*pp)[i] ^ mask[in->turn++ % MASK_BYTES];
	in->left -= n;
	*pp += n;
	*lenp -= n;
	if (control)
		in->controllen = (uint8_t)(in->controllen + n);
	else
		in->len += n;

	return control || in->packed || utf8_check(in, to, n) ? 0
							      : WS_CODE_UTF8;
}

/* RFC 6455 7.4.2: which codes may be sent. */
static bool is_code(uint16_t code)
{
	return (code >= 1000 && code <= 1014 && code != 1004 &&
		code != WS_CODE_NONE && code != WS_CODE_LOST) ||
	       (code >= 3000 && code <= 4999);
}

static enum ws_in_out closed(struct ws_in *in)
{
	in->code = WS_CODE_NONE;
	if (!in->controllen)
		return WS_IN_CLOSE;

	in->code = (uint16_t)(in->control[0] << 8 | in->control[1]);
	if (!is_code(in->code))
		return bad(in, WS_CODE_PROTOCOL);
	in->utf8.left = 0;
	if (!utf8_check(in, in->control + 2, in->controllen - 2u) ||
	    in->utf8.left)
		return bad(in, WS_CODE_UTF8);

	return WS_IN_CLOSE;
}

/* The message as it was before it was compressed.  @return 0, or a code. */
static uint16_t unpack(struct ws_in *in)
{
	uint8_t *p = mem_alloc(in->max_bytes, NULL);
	size_t n = in->max_bytes;
	int err = ENOMEM;

	if (p)
		err = ws_inflate(p, &n, in->len ? in->msg : p, in->len);
	if (err) {
		mem_deref(p);
		return err == EBADMSG ? WS_CODE_UTF8 : WS_CODE_SIZE;
	}
	mem_deref(in->msg);
	in->msg = p;
	in->size = in->max_bytes;
	in->len = n;

	return utf8_check(in, p, n) ? 0 : WS_CODE_UTF8;
}

/* A frame is whole. */
static enum ws_in_out complete(struct ws_in *in, const uint8_t **msgp,
			       size_t *nump)
{
	const uint8_t op = opcode(in);
	uint16_t code = 0;

	in->headlen = in->need = 0;
	in->body = false;
	if (is_control(op)) {
		*msgp = in->control;
		*nump = in->controllen;
		return op == OP_CLOSE ? closed(in) :
		       op == OP_PING ? WS_IN_PING : WS_IN_PONG;
	}
	if (!is_last(in))
		return WS_IN_MORE;
	if (in->packed)
		code = unpack(in);
	if (!code && in->utf8.left)
		code = WS_CODE_UTF8;
	if (code)
		return bad(in, code);

	*msgp = in->msg ? in->msg : (const uint8_t *)"";
	*nump = in->len;
	in->open = false;
	in->given = true;

	return WS_IN_TEXT;
}

/* The message that was handed out is over. */
static void forget(struct ws_in *in)
{
	in->given = false;
	in->len = 0;
	in->fragments = 0;
	in->packed = false;
	in->msg = mem_deref(in->msg);
	in->size = 0;
}

enum ws_in_out ws_in_take(struct ws_in *in, const uint8_t **pp, size_t *lenp,
			  const uint8_t **msgp, size_t *nump)
{
	enum ws_in_out out;

	if (in->given)
		forget(in);
	do {
		uint16_t code = take_head(in, pp, lenp);

		if (!code && in->body)
			code = take_payload(in, pp, lenp);
		if (code)
			return bad(in, code);
		if (!in->body || in->left)
			return WS_IN_MORE;
		out = complete(in, msgp, nump);
	} while (out == WS_IN_MORE);

	return out;
}

void ws_in_close(struct ws_in *in)
{
	in->msg = mem_deref(in->msg);
	in->size = in->len = 0;
}
