/* SPDX-License-Identifier: MIT */
/*
 * Bytes on a connection (wire_conn.c): what is sent, queued and received, and
 * the messages that it is cut into.
 */

#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <netinet/tcp.h>
#include "router/wire_impl.h"
#include "router/ws.h"

enum { OUT_MAX = 256 * 1024 }; /* bytes queued for a slow peer */

/* No more is sent. */
static void finish(struct wire_conn *c)
{
	if (c->ssl)
		wire_tls_shut(c);
	(void)shutdown(c->fd, SHUT_WR);
}

/* Shut down for writing: the peer gets our answer, then the end. */
void wire_conn_shut(struct wire_conn *c)
{
	wire_flush(c->w);
	if (c->web)
		wire_ws_bye(c, WS_GOING);
	if (!c->outlen) /* else when that is out: writable() */
		finish(c);
	c->closing = true;
	c->last_ms = wire_now_ms();
}

/* --------------------------------------------------------------- sending */

static int queue(struct wire_conn *c, const struct iovec *iov, size_t n,
		 size_t skip)
{
	size_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += iov[i].iov_len;
	sum -= skip;
	if (c->outlen + sum > OUT_MAX)
		return ENOBUFS;
	if (c->outlen + sum > c->outsize) {
		char *p = realloc(c->out, c->outlen + sum);

		if (!p)
			return ENOBUFS;
		c->out = p;
		c->outsize = c->outlen + sum;
	}
	for (size_t i = 0; i < n; i++) {
		const size_t cut =
		    skip < iov[i].iov_len ? skip : iov[i].iov_len;

		skip -= cut;
		memcpy(c->out + c->outlen, (char *)iov[i].iov_base + cut,
		       iov[i].iov_len - cut);
		c->outlen += iov[i].iov_len - cut;
	}

	return wire_conn_listen(c);
}

static ssize_t put(struct wire_conn *c, const struct iovec *iov, size_t n)
{
	struct msghdr h = {.msg_iov = (struct iovec *)(uintptr_t)iov,
			   .msg_iovlen = n};

	return c->ssl ? wire_tls_writev(c, iov, n)
		      : sendmsg(c->fd, &h, MSG_DONTWAIT | MSG_NOSIGNAL);
}

int wire_conn_send(struct wire_conn *c, const struct iovec *iov, size_t n)
{
	ssize_t sent = 0;

	if (!c->connecting && !c->handshake && !c->outlen) {
		sent = put(c, iov, n);
		if (sent < 0 && errno != EAGAIN && errno != EINTR)
			return ENOTCONN; /* the read side will find out */
		if (sent < 0)
			sent = 0;
	}
	for (size_t i = 0; i < n; i++) {
		if ((size_t)sent < iov[i].iov_len)
			return queue(c, iov + i, n - i, (size_t)sent);
		sent -= (ssize_t)iov[i].iov_len;
	}

	return 0;
}

/* A message, or what stands for one. */
static int say(struct wire_conn *c, const struct iovec *iov, size_t n)
{
	return c->web ? wire_ws_send(c, iov, n) : wire_conn_send(c, iov, n);
}

int wire_tcp_send(struct wire *w, const struct flow *to,
		  const struct iovec *iov, size_t n)
{
	struct wire_conn *c = wire_conn_find(w, to);
	int err;

	if (!c)
		return ENOTCONN;
	err = say(c, iov, n);
	if (!err) {
		stat_inc(w->conf.stats,
			 STAT_TX_UDP + w->set->portv[c->port].kind);
		c->proven = true;
		/* who is being talked to is not idle */
		if (!c->connecting && !wire_conn_is_shaking(c))
			c->last_ms = wire_now_ms();
	}

	return err;
}

/* @return false: the connection was closed */
static bool connected(struct wire_conn *c)
{
	int err = 0;
	socklen_t len = sizeof(err);

	if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &err, &len) || err ||
	    wire_is_itself(c->fd)) {
		wire_conn_fail(c);
		return false;
	}
	c->connecting = false;
	c->last_ms = wire_now_ms();
	if (!c->ssl)
		wire_tell(c->w, WIRE_TCP, &c->peer, true);
	stat_inc(c->w->conf.stats, STAT_TCP_CONNECTED);

	return true;
}

/* @return false: the connection was closed */
static bool shake(struct wire_conn *c)
{
	const int err = wire_tls_handshake(c);

	if (err && err != EAGAIN) {
		stat_inc(c->w->conf.stats, STAT_TLS_FAILED);
		wire_conn_fail(c);
		return false;
	}
	if (!err) {
		if (c->client)
			wire_tell(c->w, WIRE_TLS, &c->peer, true);
		c->w->handshakes -= !c->hello;
		c->last_ms = wire_now_ms();
		stat_inc(c->w->conf.stats, STAT_TLS_DONE);
	}

	return true;
}

static void writable(struct wire_conn *c)
{
	ssize_t n = c->ssl ? wire_tls_write(c, c->out, c->outlen)
			   : send(c->fd, c->out, c->outlen,
				  MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n > 0) {
		memmove(c->out, c->out + n, c->outlen - (size_t)n);
		c->outlen -= (size_t)n;
	}
	if (c->closing && !c->outlen)
		finish(c);
}

/* -------------------------------------------------------------- receiving */

void wire_conn_deliver(struct wire_conn *c, enum wire_flaw flaw, const char *p,
		       size_t len)
{
	struct wire *w = c->w;
	struct flow from;

	wire_conn_flow(c, &from);
	c->last_ms = wire_now_ms();
	c->proven = true;
	stat_inc(w->conf.stats, STAT_RX_UDP + w->set->portv[c->port].kind);
	wire_begin(w);
	w->conf.recvh(&from, flaw, p, len, w->conf.arg);
}

void wire_conn_pong(struct wire_conn *c)
{
	const struct iovec iov = {(char *)(uintptr_t) "\r\n", 2};

	c->last_ms = wire_now_ms();
	stat_inc(c->w->conf.stats, STAT_KEEPALIVE);
	(void)say(c, &iov, 1);
}

/* Deal with what is whole. @return false: the connection was closed */
static bool drain(struct wire_conn *c)
{
	const char *p;
	size_t len;

	for (;;) {
		switch (stream_next(&c->in, &p, &len)) {
		case STREAM_MORE:
			wire_flush(c->w); /* before the buffer moves */
			return true;
		case STREAM_MESSAGE:
			wire_conn_deliver(c, WIRE_WHOLE, p, len);
			break;
		case STREAM_PING:
			wire_conn_pong(c);
			break;
		case STREAM_NO_LENGTH:
			wire_conn_deliver(c, WIRE_NO_LENGTH, p, len);
			wire_conn_shut(c);
			return true;
		case STREAM_TOO_LARGE:
			wire_conn_deliver(c, WIRE_TOO_LARGE, p, len);
			wire_conn_shut(c);
			return true;
		case STREAM_JUNK:
			stat_inc(c->w->conf.stats, STAT_DROP_JUNK);
			wire_conn_close(c);
			return false;
		}
		stream_done(&c->in);
	}
}

/* @return false: the connection was closed */
static bool receive(struct wire_conn *c)
{
	char dry[4096], *p = dry;
	size_t room = sizeof(dry);
	ssize_t n;

	if (!c->closing)
		p = stream_room(&c->in, &room);
	if (!p) {
		wire_conn_close(c);
		return false;
	}
	n = c->ssl && !c->closing ? wire_tls_read(c, p, room)
				  : recv(c->fd, p, room, MSG_DONTWAIT);
	if (!n || (n < 0 && errno != EAGAIN && errno != EINTR)) {
		wire_conn_close(c);
		return false;
	}
	if (n < 0 || c->closing)
		return true;
	stream_put(&c->in, (size_t)n);
	if (c->web) {
		wire_ws_drain(c);
		return true;
	}

	return drain(c);
}

/* The loop does not know of what OpenSSL has read of the socket already. */
static bool readable(struct wire_conn *c)
{
	do {
		if (!receive(c))
			return false;
	} while (c->ssl && !c->closing && SSL_pending(c->ssl));

	return true;
}

static void conn_event(int flags, void *arg)
{
	struct wire_conn *c = arg;

	if (c->connecting && !connected(c))
		return;
	if (c->handshake && !c->closing && !shake(c))
		return;
	if ((!c->handshake || c->closing) && flags & (FD_READ | FD_EXCEPT) &&
	    !readable(c))
		return;
	if (c->outlen && !c->handshake)
		writable(c);
	(void)wire_conn_listen(c);
}

int wire_conn_listen(struct wire_conn *c)
{
	const bool out =
	    c->connecting || c->blocked || (c->outlen && !c->handshake);

	return fd_listen(c->fd, FD_READ | (out ? FD_WRITE : 0), conn_event, c);
}
