/* SPDX-License-Identifier: MIT */
/*
 * SIP over WebSocket (RFC 7118) on the connections of wire_tcp.c: what comes
 * goes through ws.c, what is sent gets a frame's head put before it.
 */

#include <string.h>
#include "router/wire_impl.h"
#include "router/ws.h"

/* The peer asks to speak WebSocket. @return whether it may go on */
static bool hello(struct wire_conn *c)
{
	char answer[WS_ANSWER_MAX];
	struct iovec iov = {answer, 0};
	enum ws_hello h;

	h = ws_hello(c->in.buf + c->in.start, c->in.len - c->in.start,
		     &c->in.total, answer, &iov.iov_len);
	if (h == WS_HELLO_MORE)
		return false;
	(void)wire_conn_send(c, &iov, 1);
	stream_done(&c->in);
	if (h == WS_HELLO_REFUSED) {
		stat_inc(c->w->conf.stats, STAT_WS_REFUSED);
		wire_conn_shut(c);
		return false;
	}
	c->hello = false;
	--c->w->handshakes;
	c->last_ms = wire_now_ms();
	stat_inc(c->w->conf.stats, STAT_WS_OPENED);

	return true;
}

static int frame(struct wire_conn *c, enum ws_opcode op,
		 const struct iovec *iov, size_t n)
{
	struct iovec all[EDIT_IOV_MAX + 1];
	char head[WS_HEAD_MAX];
	size_t len = 0;

	if (n > EDIT_IOV_MAX)
		return EMSGSIZE;
	for (size_t i = 0; i < n; i++)
		len += iov[i].iov_len;
	all[0].iov_base = head;
	all[0].iov_len = ws_head(head, op, len);
	memcpy(all + 1, iov, n * sizeof(*iov));

	return wire_conn_send(c, all, n + 1);
}

int wire_ws_send(struct wire_conn *c, const struct iovec *iov, size_t n)
{
	if (c->hello)
		return ENOTCONN;

	/* a body may be anything; text that is none would end the connection */
	return frame(c, ws_is_utf8(iov, n) ? WS_TEXT : WS_BINARY, iov, n);
}

void wire_ws_bye(struct wire_conn *c, uint16_t status)
{
	char text[2] = {(char)(status >> 8), (char)status};
	const struct iovec iov = {text, sizeof(text)};

	if (c->hello || c->bye)
		return;
	c->bye = true;
	(void)frame(c, WS_OP_CLOSE, &iov, 1);
}

static void pong(struct wire_conn *c, const char *p, size_t len)
{
	const struct iovec iov = {(char *)(uintptr_t)p, len};

	c->last_ms = wire_now_ms();
	stat_inc(c->w->conf.stats, STAT_KEEPALIVE);
	(void)frame(c, WS_OP_PONG, &iov, 1);
}

static void message(struct wire_conn *c, const char *p, size_t len)
{
	if (len == 4 && !memcmp(p, "\r\n\r\n", 4))
		wire_conn_pong(c);
	else if (len)
		wire_conn_deliver(c, WIRE_WHOLE, p, len);
}

void wire_ws_drain(struct wire_conn *c)
{
	const char *p;
	size_t len;

	if (c->hello && !hello(c))
		return;
	for (;;) {
		switch (ws_next(&c->ws, &c->in, &p, &len)) {
		case WS_MORE:
			wire_flush(c->w); /* before the buffer moves */
			return;
		case WS_MESSAGE:
			message(c, p, len);
			break;
		case WS_PING:
			pong(c, p, len);
			break;
		case WS_PONG:
			c->last_ms = wire_now_ms();
			break;
		case WS_CLOSED:
			wire_ws_bye(c, WS_NORMAL);
			wire_conn_shut(c);
			return;
		case WS_BAD:
			stat_inc(c->w->conf.stats, STAT_DROP_JUNK);
			wire_ws_bye(c, c->ws.status);
			wire_conn_shut(c);
			return;
		}
		wire_flush(c->w); /* what is done may move what is behind */
		ws_done(&c->ws, &c->in);
	}
}
