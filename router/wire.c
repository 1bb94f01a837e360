/* SPDX-License-Identifier: MIT */
/* Opening the sockets, and what UDP and TCP have in common; see wire.h. */

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "router/public.h"
#include "router/wire_impl.h"

enum { SOCKET_BUFFER = 4 << 20, BACKLOG = 512 };

uint64_t wire_now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC_COARSE, &ts);

	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* ------------------------------------------------------------- opening */

static void buffers(int fd)
{
	const int size = SOCKET_BUFFER;

	/* the first needs a right that we may not have; never an error */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)))
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size,
				 sizeof(size));
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)))
		(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size,
				 sizeof(size));
}

/* Of datagrams that nobody takes we hear; see wire_udp.c. */
static void hear_errors(int fd, int af)
{
	const int one = 1;

	if (af == AF_INET6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_RECVERR, &one,
				 sizeof(one));
	else
		(void)setsockopt(fd, IPPROTO_IP, IP_RECVERR, &one,
				 sizeof(one));
}

/* @param shared  With SO_REUSEPORT; without it a port in use shows. */
static int bind_port(int *fdp, const struct wire_port *p, bool shared)
{
	const bool stream = p->kind != WIRE_UDP;
	const int af = sa_af(&p->sa), one = 1;
	int fd, err;

	fd = socket(af,
		    (stream ? SOCK_STREAM : SOCK_DGRAM) | SOCK_NONBLOCK |
			    SOCK_CLOEXEC,
		    0);
	if (fd < 0)
		return errno;
	if (stream)
		(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one,
				 sizeof(one));
	if (shared)
		(void)setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one,
				 sizeof(one));
	if (af == AF_INET6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one,
				 sizeof(one));
	if (bind(fd, &p->sa.u.sa, p->sa.len) ||
	    (stream && listen(fd, BACKLOG))) {
		err = errno;
		(void)close(fd);
		return err;
	}
	if (!stream) {
		buffers(fd);
		hear_errors(fd, af);
	}
	*fdp = fd;

	return 0;
}

static int learn_port(struct wire_port *p, int fd)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);

	if (getsockname(fd, (struct sockaddr *)&ss, &len))
		return errno;

	return sa_set_sa(&p->sa, (struct sockaddr *)&ss);
}

static int open_port(struct wire_set *set, size_t i)
{
	struct wire_port *p = &set->portv[i];
	int fd = -1, err;

	/* SO_REUSEPORT would let us share a stranger's port in silence */
	if (sa_port(&p->sa)) {
		err = bind_port(&fd, p, false);
		if (err)
			return err;
		(void)close(fd);
	}
	for (unsigned t = 0; t < set->threads; t++) {
		err = bind_port(&set->fdv[t][i], p, true);
		if (!err && !t)
			err = learn_port(p, set->fdv[t][i]);
		if (err)
			return err;
	}

	return 0;
}

/* What others are told: the given address of its family, else its own, else
 * for a wildcard the one that packets to others leave from. */
static void advertise_port(struct wire_port *p, const char *host)
{
	struct sa sa = p->sa, told;

	if (host && !sa_set_str(&told, host, sa_port(&sa)) &&
	    sa_af(&told) == sa_af(&sa)) {
		sa = told;
	} else if (sa_is_any(&sa)) {
		if (net_default_source_addr_get(sa_af(&sa), &sa))
			(void)sa_set_str(&sa,
					 sa_af(&p->sa) == AF_INET6
						 ? "::1"
						 : "127.0.0.1",
					 0);
		sa_set_port(&sa, sa_port(&p->sa));
	}
	(void)re_snprintf(p->adv, sizeof(p->adv), "%J", &sa);
	p->advlen = strlen(p->adv);
}

static int publish(struct wire_set *set, const char *text, char *errbuf,
		   size_t errsize)
{
	struct public_name v[PUBLIC_MAX];
	const char *allowed;
	size_t n;

	if (public_read(v, &n, text, &allowed)) {
		(void)re_snprintf(errbuf, errsize, "--public: %s", allowed);
		return EINVAL;
	}
	for (size_t i = 0; i < set->portc; i++) {
		struct wire_port *p = &set->portv[i];
		const struct public_name *pn =
			public_of(v, n, p->kind, sa_af(&p->sa));
		int len;

		if (!pn)
			continue;
		len = re_snprintf(p->pub, sizeof(p->pub),
				  pn->af == AF_INET6 ? "[%r]:%u" : "%r:%u",
				  &pn->host,
				  pn->port ? pn->port : sa_port(&p->sa));
		p->publen = len < 0 ? 0 : (size_t)len;
		if (len < 0) {
			(void)re_snprintf(errbuf, errsize,
					  "--public: %r is too long",
					  &pn->host);
			return EINVAL;
		}
	}

	return 0;
}

static int open_list(struct wire_set *set, const char *list,
		     enum wire_kind kind, const char *advertise, char *errbuf,
		     size_t errsize)
{
	const char *proto = wire_kind_name(kind);

	while (list && *list) {
		const size_t len = strcspn(list, ",");
		struct wire_port *p = &set->portv[set->portc];
		int err;

		if (set->portc == WIRE_PORTS_MAX) {
			(void)re_snprintf(errbuf, errsize,
					  "more than %d listening addresses",
					  WIRE_PORTS_MAX);
			return E2BIG;
		}
		p->kind = kind;
		err = len ? sa_decode(&p->sa, list, len) : EINVAL;
		if (err) {
			(void)re_snprintf(
				errbuf, errsize,
				"--%s: \"%b\" is not an address: ADDR:PORT or "
				"[ADDR6]:PORT is wanted",
				proto, list, len);
			return EINVAL;
		}
		++set->portc;
		err = open_port(set, set->portc - 1);
		if (err) {
			(void)re_snprintf(errbuf, errsize,
					  "cannot listen on %s %b: %m", proto,
					  list, len, err);
			return err;
		}
		advertise_port(p, advertise);
		list += len + (list[len] == ',');
	}

	return 0;
}

int wire_open(struct wire_set *set, const struct wire_listen *at,
	      unsigned threads, char *errbuf, size_t errsize)
{
	const char *const lists[] = {at->udp, at->tcp, at->tls, at->ws,
				     at->wss};
	const char *advertise = at->advertise;
	int err = 0;

	memset(set, 0, sizeof(*set));
	memset(set->fdv, 0xff, sizeof(set->fdv));
	set->threads = threads;
	set->certs = at->certs;
	if (advertise && !*advertise)
		advertise = NULL;

	for (int kind = WIRE_UDP; kind <= WIRE_WSS && !err; kind++)
		err = open_list(set, lists[kind], kind, advertise, errbuf,
				errsize);
	if (!err && at->public)
		err = publish(set, at->public, errbuf, errsize);
	if (!err && at->locals && local_nets_read(&set->locals, at->locals,
						  NULL)) {
		(void)re_snprintf(errbuf, errsize, "--local-net: not networks");
		err = EINVAL;
	}
	if (!err) {
		err = wire_ring_open(set);
		if (err)
			(void)re_snprintf(errbuf, errsize, "threads: %m",
					  err);
	}
	if (err)
		wire_close(set);

	return err;
}

void wire_close(struct wire_set *set)
{
	for (unsigned t = 0; t < set->threads; t++) {
		for (size_t i = 0; i < set->portc; i++) {
			if (set->fdv[t][i] >= 0)
				(void)close(set->fdv[t][i]);
			set->fdv[t][i] = -1;
		}
	}
	wire_ring_close(set);
}

int wire_port_find(const struct wire_set *set, enum wire_kind kind, int af)
{
	for (size_t i = 0; i < set->portc; i++) {
		if (set->portv[i].kind == kind &&
		    sa_af(&set->portv[i].sa) == af)
			return (int)i;
	}

	return -1;
}

struct pl wire_told(const struct wire_set *set, const struct wire_port *port,
		    const struct flow *peer)
{
	const struct pl adv = {port->adv, port->advlen};
	const struct pl pub = {port->pub, port->publen};

	if (!pub.l || peer->node || local_nets_have(&set->locals, &peer->peer))
		return adv;

	return pub;
}

static const struct {
	const char *name, *param;
	uint16_t port;
} kinds[] = {
	[WIRE_UDP] = {"udp", "", 5060},
	[WIRE_TCP] = {"tcp", ";transport=tcp", 5060},
	[WIRE_TLS] = {"tls", ";transport=tls", 5061},
	[WIRE_WS] = {"ws", ";transport=ws", 80},
	[WIRE_WSS] = {"wss", ";transport=ws", 443},
};

const char *wire_kind_name(enum wire_kind kind)
{
	return kinds[kind].name;
}

const char *wire_kind_param(enum wire_kind kind)
{
	return kinds[kind].param;
}

bool wire_kind_is_tls(enum wire_kind kind)
{
	return kind == WIRE_TLS || kind == WIRE_WSS;
}

bool wire_kind_is_web(enum wire_kind kind)
{
	return kind == WIRE_WS || kind == WIRE_WSS;
}

uint16_t wire_kind_port(enum wire_kind kind)
{
	return kinds[kind].port;
}

/* ---------------------------------------------------- one thread's wire */

static void destructor(void *arg)
{
	struct wire *w = arg;

	wire_udp_stop(w);
	wire_tcp_stop(w);
	wire_ring_stop(w);
	free(w->text);
	free(w->plain);
}

int wire_alloc(struct wire **wp, const struct wire_conf *conf)
{
	struct wire *w;
	int err;

	w = mem_zalloc(sizeof(*w), destructor);
	if (!w)
		return ENOMEM;
	w->conf = *conf;
	w->set = conf->set;
	for (size_t i = 0; i < WIRE_PORTS_MAX; i++)
		w->sockv[i] = (struct wire_sock){w, i};
	w->text = malloc(WIRE_TEXTS);
	err = w->text ? 0 : ENOMEM;
	if (!err)
		err = wire_udp_start(w);
	if (!err)
		err = wire_tcp_start(w);
	if (!err && w->set->certs)
		err = wire_tls_start(w);
	if (!err)
		err = wire_ring_start(w);

	if (err)
		mem_deref(w);
	else
		*wp = w;

	return err;
}

void wire_begin(struct wire *w)
{
	if (w->txc + WIRE_TX_SLACK > WIRE_TX ||
	    w->iovc + 2 * EDIT_IOV_MAX > WIRE_IOVS ||
	    w->textlen + WIRE_TEXT_MAX > WIRE_TEXTS)
		wire_flush(w);
	w->textmark = w->textlen;
}

char *wire_text(struct wire *w, size_t size)
{
	char *p = w->text + w->textlen;

	if (w->textlen - w->textmark + size > WIRE_TEXT_MAX ||
	    w->textlen + size > WIRE_TEXTS)
		return NULL;
	w->textlen += size;

	return p;
}

struct iovec *wire_iov(struct wire *w)
{
	/* a second message of one handler may need more than was made sure */
	if (w->iovc + EDIT_IOV_MAX > WIRE_IOVS)
		return NULL;

	return &w->iovv[w->iovc];
}

void wire_flush(struct wire *w)
{
	if (w->txc)
		wire_udp_flush(w);
	w->iovc = 0;
	w->textlen = w->textmark = 0;
}

static int send_pieces(struct wire *w, const struct flow *to,
		       struct iovec *iov, size_t n)
{
	struct wire_udp_tx *tx;
	int port = to->listener;

	if (to->tcp && to->thread != w->conf.thread)
		return wire_ring_put(w, to->thread, WIRE_RING_SEND, to, iov,
				     n);
	if (to->tcp)
		return wire_tcp_send(w, to, iov, n);

	if (w->txc == WIRE_TX)
		return ENOBUFS;
	/* its listener may be of another router, with other ports */
	if ((size_t)port >= w->set->portc || w->set->portv[port].kind != WIRE_UDP ||
	    sa_af(&w->set->portv[port].sa) != sa_af(&to->peer))
		port = wire_port_find(w->set, WIRE_UDP, sa_af(&to->peer));
	if (port < 0)
		return EAFNOSUPPORT;
	tx = &w->txv[w->txc++];
	tx->fd = w->set->fdv[w->conf.thread][port];
	tx->to = to->peer;
	tx->iov = iov;
	tx->n = n;
	w->iovc = (size_t)(iov - w->iovv) + n;

	return 0;
}

int wire_send(struct wire *w, const struct flow *to, struct iovec *iov,
	      size_t n)
{
	const int err = send_pieces(w, to, iov, n);

	if (!err && w->conf.senth)
		w->conf.senth(to, iov, n, w->conf.sentarg);

	return err;
}

int wire_send_other(struct wire *w, const struct flow *to, struct iovec *iov,
		    size_t n)
{
	return send_pieces(w, to, iov, n);
}

int wire_udp(struct wire *w, struct flow *f, const struct sa *peer)
{
	const int port = wire_port_find(w->set, WIRE_UDP, sa_af(peer));

	if (port < 0)
		return EAFNOSUPPORT;
	memset(f, 0, sizeof(*f));
	f->peer = *peer;
	f->router = w->set->instance;
	f->listener = (uint8_t)port;

	return 0;
}

void wire_tell(struct wire *w, enum wire_kind kind, const struct sa *peer,
	       bool ok)
{
	const struct flow f = {.peer = *peer, .listener = (uint8_t)kind};

	if (!w->conf.reachh)
		return;
	for (unsigned i = 0; i < w->set->threads; i++) {
		if (i != w->conf.thread)
			(void)wire_ring_put(w, i,
					    ok ? WIRE_RING_REACHED
					       : WIRE_RING_LOST,
					    &f, NULL, 0);
	}
	w->conf.reachh(kind, peer, ok, w->conf.arg);
}

int wire_hand_over(struct wire *w, unsigned thread, const struct flow *from,
		   const char *p, size_t len)
{
	const struct iovec iov = {(char *)(uintptr_t)p, len};

	return wire_ring_put(w, thread, WIRE_RING_RECEIVED, from, &iov, 1);
}
