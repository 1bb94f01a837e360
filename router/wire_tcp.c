/* SPDX-License-Identifier: MIT */
/*
 * TCP of one thread: a table of connections, found by place and generation
 * (flow tokens) or by peer address (requests to a target).
 *
 *   accepted --+-------------+
 *              +-> handshake +--> open --> closing (shut down) --> closed
 *   connecting-+-------------+      \--------------------------------^
 *
 * Only what is for TLS has a handshake; see wire_tls.c.
 */

#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <netinet/tcp.h>
#include "router/wire_impl.h"

enum {
	OUT_MAX = 256 * 1024,  /* bytes queued for a slow peer            */
	UNPROVEN_S = 30,       /* for a first message                     */
	HANDSHAKE_S = 5,
	HANDSHAKES_MIN = 2,    /* of one address, at the same time        */
	CLOSING_S = 2,
	BACKLOG_TURN = 32,     /* connections accepted in one turn        */
};

static void conn_destructor(void *arg)
{
	struct wire_conn *c = arg;

	hash_unlink(&c->le);
	wire_tls_free(c);
	if (c->fd >= 0) {
		fd_close(c->fd);
		(void)close(c->fd);
	}
	stream_close(&c->in);
	free(c->out);
}

static void conn_close(struct wire_conn *c)
{
	struct wire *w = c->w;

	/* what was received by it may still wait to be sent */
	wire_flush(w);
	w->connv[c->slot] = NULL;
	w->freev[w->freec++] = c->slot;
	--w->conns;
	w->handshakes -= c->handshake;
	stat_inc(w->conf.stats, STAT_TCP_CLOSED);
	mem_deref(c);
}

static void conn_flow(const struct wire_conn *c, struct flow *f)
{
	memset(f, 0, sizeof(*f));
	f->peer = c->peer;
	f->router = c->w->set->instance;
	f->tcp = true;
	f->listener = c->port;
	f->thread = (uint8_t)c->w->conf.thread;
	f->slot = c->slot;
	f->gen = c->gen;
}

struct wire_conn *wire_conn_find(const struct wire *w, const struct flow *f)
{
	struct wire_conn *c;

	if (f->slot >= w->conf.tcp_max)
		return NULL;
	c = w->connv[f->slot];
	if (!c || c->gen != f->gen || c->closing ||
	    !sa_cmp(&c->peer, &f->peer, SA_ALL))
		return NULL;

	return c;
}

bool wire_is_open(const struct wire *w, const struct flow *f)
{
	return f->thread != w->conf.thread || wire_conn_find(w, f);
}

uint32_t wire_connections(const struct wire *w)
{
	return w->conns;
}

/* No more is sent. */
static void finish(struct wire_conn *c)
{
	if (c->ssl)
		wire_tls_shut(c);
	(void)shutdown(c->fd, SHUT_WR);
}

/* Shut down for writing: the peer gets our answer, then the end. */
static void conn_shut(struct wire_conn *c)
{
	wire_flush(c->w);
	if (!c->outlen) /* else when that is out: writable() */
		finish(c);
	c->closing = true;
	c->last_ms = wire_now_ms();
}

/* --------------------------------------------------------------- sending */

static int conn_listen(struct wire_conn *c);

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
		const size_t cut = skip < iov[i].iov_len ? skip
							 : iov[i].iov_len;

		skip -= cut;
		memcpy(c->out + c->outlen, (char *)iov[i].iov_base + cut,
		       iov[i].iov_len - cut);
		c->outlen += iov[i].iov_len - cut;
	}

	return conn_listen(c);
}

static ssize_t put(struct wire_conn *c, const struct iovec *iov, size_t n)
{
	struct msghdr h = {.msg_iov = (struct iovec *)(uintptr_t)iov,
			   .msg_iovlen = n};

	return c->ssl ? wire_tls_writev(c, iov, n)
		      : sendmsg(c->fd, &h, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static int conn_send(struct wire_conn *c, const struct iovec *iov, size_t n)
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

int wire_tcp_send(struct wire *w, const struct flow *to,
		  const struct iovec *iov, size_t n)
{
	struct wire_conn *c = wire_conn_find(w, to);
	int err;

	if (!c)
		return ENOTCONN;
	err = conn_send(c, iov, n);
	if (!err) {
		stat_inc(w->conf.stats, c->ssl ? STAT_TX_TLS : STAT_TX_TCP);
		c->proven = true;
	}

	return err;
}

/* @return false: the connection was closed */
static bool connected(struct wire_conn *c)
{
	int err = 0;
	socklen_t len = sizeof(err);

	if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &err, &len) || err) {
		conn_close(c);
		return false;
	}
	c->connecting = false;
	c->last_ms = wire_now_ms();
	stat_inc(c->w->conf.stats, STAT_TCP_CONNECTED);

	return true;
}

/* @return false: the connection was closed */
static bool shake(struct wire_conn *c)
{
	const int err = wire_tls_handshake(c);

	if (err && err != EAGAIN) {
		stat_inc(c->w->conf.stats, STAT_TLS_FAILED);
		conn_close(c);
		return false;
	}
	if (!err) {
		--c->w->handshakes;
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

static void deliver(struct wire_conn *c, enum wire_flaw flaw, const char *p,
		    size_t len)
{
	struct wire *w = c->w;
	struct flow from;

	conn_flow(c, &from);
	c->last_ms = wire_now_ms();
	c->proven = true;
	stat_inc(w->conf.stats, c->ssl ? STAT_RX_TLS : STAT_RX_TCP);
	wire_begin(w);
	w->conf.recvh(&from, flaw, p, len, w->conf.arg);
}

static void pong(struct wire_conn *c)
{
	const struct iovec iov = {(char *)(uintptr_t) "\r\n", 2};

	c->last_ms = wire_now_ms();
	stat_inc(c->w->conf.stats, STAT_KEEPALIVE);
	(void)conn_send(c, &iov, 1);
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
			deliver(c, WIRE_WHOLE, p, len);
			break;
		case STREAM_PING:
			pong(c);
			break;
		case STREAM_NO_LENGTH:
			deliver(c, WIRE_NO_LENGTH, p, len);
			conn_shut(c);
			return true;
		case STREAM_TOO_LARGE:
			deliver(c, WIRE_TOO_LARGE, p, len);
			conn_shut(c);
			return true;
		case STREAM_JUNK:
			stat_inc(c->w->conf.stats, STAT_DROP_JUNK);
			conn_close(c);
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
		conn_close(c);
		return false;
	}
	n = c->ssl && !c->closing ? wire_tls_read(c, p, room)
				  : recv(c->fd, p, room, MSG_DONTWAIT);
	if (!n || (n < 0 && errno != EAGAIN && errno != EINTR)) {
		conn_close(c);
		return false;
	}
	if (n < 0 || c->closing)
		return true;
	stream_put(&c->in, (size_t)n);

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
	if ((!c->handshake || c->closing) &&
	    flags & (FD_READ | FD_EXCEPT) && !readable(c))
		return;
	if (c->outlen && !c->handshake)
		writable(c);
	(void)conn_listen(c);
}

static int conn_listen(struct wire_conn *c)
{
	const bool out = c->connecting || c->blocked ||
			 (c->outlen && !c->handshake);

	return fd_listen(c->fd, FD_READ | (out ? FD_WRITE : 0), conn_event,
			 c);
}

/* ------------------------------------------------------------ connections */

/*
 * One address shall not lock all others out: when the table is half full, who
 * has a quarter of it gets no more; nor does who has a sixteenth of it in
 * handshakes that are not done.
 */
static bool has_enough(const struct wire *w, const struct sa *peer)
{
	const uint32_t max = w->conf.tcp_max;
	const uint32_t shakes = max / 16 > HANDSHAKES_MIN ? max / 16
							  : HANDSHAKES_MIN;
	const bool half = w->freec <= max / 2;
	uint32_t n = 0, shaking = 0;

	if (!half && w->handshakes < shakes)
		return false;
	for (uint32_t i = 0; i < max; i++) {
		const struct wire_conn *c = w->connv[i];

		if (!c || !sa_cmp(&c->peer, peer, SA_ADDR))
			continue;
		++n;
		shaking += c->handshake;
	}

	return (half && n >= max / 4) || shaking >= shakes;
}

/* @param fd  Taken. */
static int conn_alloc(struct wire_conn **cp, struct wire *w, int fd,
		      const struct sa *peer, uint8_t port, bool connecting)
{
	struct wire_conn *c;
	const int one = 1;

	if (!w->freec || (!connecting && has_enough(w, peer))) {
		stat_inc(w->conf.stats, STAT_TCP_REFUSED);
		(void)close(fd);
		return EMFILE;
	}
	c = mem_zalloc(sizeof(*c), conn_destructor);
	if (!c) {
		(void)close(fd);
		return ENOMEM;
	}
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	c->w = w;
	c->fd = fd;
	c->peer = *peer;
	c->port = port;
	c->connecting = connecting;
	c->last_ms = wire_now_ms();
	c->slot = w->freev[w->freec - 1];
	c->gen = ++w->gen;
	if ((w->set->portv[port].kind == WIRE_TLS &&
	     wire_tls_alloc(c, connecting)) ||
	    conn_listen(c)) {
		mem_deref(c);
		return ENOMEM;
	}
	--w->freec;
	++w->conns;
	w->handshakes += c->handshake;
	w->connv[c->slot] = c;
	hash_append(w->hash, sa_hash(peer, SA_ALL), &c->le, c);
	if (cp)
		*cp = c;

	return 0;
}

static void acceptable(int flags, void *arg)
{
	struct wire_sock *sock = arg;
	struct wire *w = sock->w;
	const int fd = w->set->fdv[w->conf.thread][sock->port];
	(void)flags;

	for (int i = 0; i < BACKLOG_TURN; i++) {
		struct sockaddr_storage ss;
		socklen_t len = sizeof(ss);
		struct sa peer;
		int s = accept4(fd, (struct sockaddr *)&ss, &len,
				SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (s < 0)
			break;
		if (sa_set_sa(&peer, (struct sockaddr *)&ss)) {
			(void)close(s);
			continue;
		}
		if (!conn_alloc(NULL, w, s, &peer, (uint8_t)sock->port,
				false))
			stat_inc(w->conf.stats, STAT_TCP_ACCEPTED);
	}
}

struct same {
	const struct sa *peer;
	bool tls;
};

static bool same_peer(struct le *le, void *arg)
{
	const struct wire_conn *c = le->data;
	const struct same *same = arg;

	return !c->closing && !c->ssl == !same->tls &&
	       sa_cmp(&c->peer, same->peer, SA_ALL);
}

int wire_connect(struct wire *w, struct flow *f, enum wire_kind kind,
		 const struct sa *peer)
{
	const int port = wire_port_find(w->set, kind, sa_af(peer));
	struct same same = {peer, kind == WIRE_TLS};
	struct wire_conn *c;
	struct le *le;
	int fd, err;

	le = hash_lookup(w->hash, sa_hash(peer, SA_ALL), same_peer, &same);
	if (le) {
		conn_flow(le->data, f);
		return 0;
	}
	if (port < 0)
		return EAFNOSUPPORT;
	fd = socket(sa_af(peer), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
		    0);
	if (fd < 0)
		return errno;
	if (connect(fd, &peer->u.sa, peer->len) && errno != EINPROGRESS) {
		err = errno;
		(void)close(fd);
		return err;
	}
	err = conn_alloc(&c, w, fd, peer, (uint8_t)port, true);
	if (!err)
		conn_flow(c, f);

	return err;
}

void wire_tick(struct wire *w)
{
	const uint64_t now_ms = wire_now_ms();

	for (uint32_t i = 0; i < w->conf.tcp_max && w->conns; i++) {
		struct wire_conn *c = w->connv[i];
		uint64_t limit_s;

		if (!c)
			continue;
		limit_s = c->closing  ? CLOSING_S
			  : c->proven ? w->conf.tcp_idle_s
				      : UNPROVEN_S;
		if (c->connecting)
			limit_s = UNPROVEN_S;
		else if (c->handshake)
			limit_s = HANDSHAKE_S;
		if (now_ms <= c->last_ms + limit_s * 1000)
			continue;
		if (c->handshake && !c->connecting)
			stat_inc(w->conf.stats, STAT_TLS_FAILED);
		if (c->ssl && !c->closing)
			wire_tls_shut(c);
		conn_close(c);
	}
}

int wire_tcp_start(struct wire *w)
{
	int err;

	w->connv = calloc(w->conf.tcp_max, sizeof(*w->connv));
	w->freev = calloc(w->conf.tcp_max, sizeof(*w->freev));
	if (!w->connv || !w->freev)
		return ENOMEM;
	for (uint32_t i = 0; i < w->conf.tcp_max; i++)
		w->freev[w->freec++] = w->conf.tcp_max - 1 - i;
	w->gen = rand_u32(); /* tokens of an earlier life name nobody */
	err = hash_alloc(&w->hash, 1024);

	for (size_t i = 0; i < w->set->portc && !err; i++) {
		if (w->set->portv[i].kind != WIRE_UDP)
			err = fd_listen(w->set->fdv[w->conf.thread][i],
					FD_READ, acceptable, &w->sockv[i]);
	}

	return err;
}

void wire_tcp_leave(struct wire *w)
{
	for (size_t i = 0; i < w->set->portc; i++) {
		const int fd = w->set->fdv[w->conf.thread][i];

		if (w->set->portv[i].kind == WIRE_UDP)
			continue;
		fd_close(fd); /* no more of its events ... */
		(void)shutdown(fd, SHUT_RD); /* ... nor of its connections */
	}
	for (uint32_t i = 0; i < w->conf.tcp_max && w->conns; i++) {
		struct wire_conn *c = w->connv[i];

		if (c && !c->closing)
			conn_shut(c);
	}
}

void wire_tcp_stop(struct wire *w)
{
	for (size_t i = 0; i < w->set->portc; i++) {
		if (w->set->portv[i].kind != WIRE_UDP)
			fd_close(w->set->fdv[w->conf.thread][i]);
	}
	for (uint32_t i = 0; w->connv && i < w->conf.tcp_max; i++)
		mem_deref(w->connv[i]);
	free(w->connv);
	free(w->freev);
	mem_deref(w->hash);
}
