/* SPDX-License-Identifier: MIT */
/*
 * The connections of one thread: a table, found by place and generation
 * (flow tokens) or by peer address (requests to a target).
 *
 *   accepted --+-------------+
 *              +-> handshake +--> open --> closing (shut down) --> closed
 *   connecting-+-------------+      \--------------------------------^
 *
 * A handshake has what is for TLS (wire_tls.c), and then what is for
 * WebSocket (wire_ws.c).  How many there may be, and how long: wire_limit.c.
 */

#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <netinet/tcp.h>
#include "router/wire_impl.h"
#include "router/ws.h"

enum { BACKLOG_TURN = 32 }; /* connections accepted in one turn */

static enum wire_kind kind_of(const struct wire_conn *c)
{
	return c->w->set->portv[c->port].kind;
}

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
	mem_deref(c->name);
	free(c->out);
}

void wire_conn_close(struct wire_conn *c)
{
	struct wire *w = c->w;

	/* what was received by it may still wait to be sent */
	wire_flush(w);
	w->connv[c->slot] = NULL;
	w->freev[w->freec++] = c->slot;
	--w->conns;
	w->handshakes -= wire_conn_is_shaking(c);
	stat_inc(w->conf.stats, STAT_TCP_CLOSED);
	mem_deref(c);
}

/** It did not come about. */
void wire_conn_fail(struct wire_conn *c)
{
	if (c->client)
		wire_tell(c->w, kind_of(c), &c->peer, false);
	wire_conn_close(c);
}

void wire_conn_flow(const struct wire_conn *c, struct flow *f)
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

bool wire_is_through(const struct wire *w, const struct flow *f)
{
	const struct wire_conn *c = wire_conn_find(w, f);

	return c && !c->connecting && !wire_conn_is_shaking(c);
}

bool wire_is_open(const struct wire *w, const struct flow *f)
{
	return f->thread != w->conf.thread || wire_conn_find(w, f);
}

uint32_t wire_connections(const struct wire *w)
{
	return w->conns;
}

/* ------------------------------------------------------------ connections */

/* @param fd    Taken.
 * @param name  Whom we connect to; NULL: it connected to us. */
static int conn_alloc(struct wire_conn **cp, struct wire *w, int fd,
		      const struct sa *peer, uint8_t port,
		      const struct pl *name)
{
	struct wire_conn *c;
	enum wire_room room;
	const int one = 1;

	room = wire_room(w, name ? NULL : peer);
	if (room != WIRE_ROOM) {
		stat_inc(w->conf.stats, STAT_TCP_REFUSED);
		stat_inc(w->conf.stats, STAT_TCP_NO_ROOM + room - 1);
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
	c->connecting = c->client = name != NULL;
	c->last_ms = wire_now_ms();
	c->slot = w->freev[w->freec - 1];
	c->gen = ++w->gen;
	c->web = wire_kind_is_web(kind_of(c));
	c->hello = c->web;
	if ((name && name->l && pl_strdup(&c->name, name)) ||
	    (wire_kind_is_tls(kind_of(c)) && wire_tls_alloc(c, c->client)) ||
	    wire_conn_listen(c)) {
		mem_deref(c);
		return ENOMEM;
	}
	--w->freec;
	++w->conns;
	w->handshakes += wire_conn_is_shaking(c);
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
		if (!conn_alloc(NULL, w, s, &peer, (uint8_t)sock->port, NULL))
			stat_inc(w->conf.stats, STAT_TCP_ACCEPTED);
	}
}

struct same {
	const struct sa *peer;
	enum wire_kind kind;
	const struct pl *name;
};

/* Who was verified as one name is not therefore another. */
static bool same_name(const struct wire_conn *c, const struct pl *name)
{
	if (!c->ssl || !c->client)
		return true;

	return c->name ? !pl_strcasecmp(name, c->name) : !name->l;
}

static bool same_peer(struct le *le, void *arg)
{
	const struct wire_conn *c = le->data;
	const struct same *same = arg;

	return !c->closing && kind_of(c) == same->kind &&
	       sa_cmp(&c->peer, same->peer, SA_ALL) &&
	       same_name(c, same->name);
}

bool wire_is_itself(int fd)
{
	struct sa here, there;

	sa_init(&here, AF_UNSPEC);
	sa_init(&there, AF_UNSPEC);
	here.len = there.len = sizeof(here.u);

	return !getsockname(fd, &here.u.sa, &here.len) &&
	       !getpeername(fd, &there.u.sa, &there.len) &&
	       sa_cmp(&here, &there, SA_ALL);
}

static int open_conn(struct wire *w, struct flow *f, enum wire_kind kind,
		     const struct sa *peer, const struct pl *name)
{
	const int port = wire_port_find(w->set, kind, sa_af(peer));
	struct same same = {peer, kind, name};
	struct wire_conn *c;
	struct le *le;
	int fd, err;

	le = hash_lookup(w->hash, sa_hash(peer, SA_ALL), same_peer, &same);
	if (le) {
		wire_conn_flow(le->data, f);
		return 0;
	}
	if (port < 0)
		return EAFNOSUPPORT;
	fd = socket(sa_af(peer), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return errno;
	if (connect(fd, &peer->u.sa, peer->len) && errno != EINPROGRESS) {
		err = errno;
		(void)close(fd);
		return err;
	}
	err = conn_alloc(&c, w, fd, peer, (uint8_t)port, name);
	if (!err)
		wire_conn_flow(c, f);

	return err;
}

int wire_connect(struct wire *w, struct flow *f, enum wire_kind kind,
		 const struct sa *peer)
{
	const struct pl none = PL("");

	return open_conn(w, f, kind, peer, &none);
}

int wire_connect_name(struct wire *w, struct flow *f, enum wire_kind kind,
		      const struct sa *peer, const struct pl *name)
{
	struct sa sa;

	/* an address is verified as one, with brackets or without */
	if (name->l && name->p[0] != '[' && sa_set(&sa, name, 0))
		return open_conn(w, f, kind, peer, name);

	return wire_connect(w, f, kind, peer);
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
			err = fd_listen(w->set->fdv[w->conf.thread][i], FD_READ,
					acceptable, &w->sockv[i]);
	}

	return err;
}

void wire_tcp_leave(struct wire *w)
{
	for (size_t i = 0; i < w->set->portc; i++) {
		const int fd = w->set->fdv[w->conf.thread][i];

		if (w->set->portv[i].kind == WIRE_UDP)
			continue;
		fd_close(fd);		     /* no more of its events ... */
		(void)shutdown(fd, SHUT_RD); /* ... nor of its connections */
	}
	for (uint32_t i = 0; i < w->conf.tcp_max && w->conns; i++) {
		struct wire_conn *c = w->connv[i];

		if (c && !c->closing)
			wire_conn_shut(c);
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
