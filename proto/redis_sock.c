/* SPDX-License-Identifier: MIT */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <re.h>
#include "proto/loop.h"
#include "proto/redis_sock.h"
#include "proto/redis_url.h"

enum {
	BACKLOG_MAX = 64 << 20,
	READ_BYTES = 64 << 10,
	READS_A_TURN = 16, /* then others have their turn */
};

enum sock_state { CONNECTING, HANDSHAKE, OPEN, CLOSED };

struct redis_sock {
	struct loop *loop;             /* borrowed */
	struct loop_io *io;
	struct loop_timer *kick;       /* flushes at the end of a turn */
	const struct redis_sock_handlers *h;
	void *arg;
	SSL_CTX *ctx;
	SSL *ssl;
	char *out;                     /* what is still to be written */
	size_t outlen, outsize, outpos;
	enum sock_state state;
	int events;
	int fd;
};

static void sock_destructor(void *arg)
{
	struct redis_sock *s = arg;

	mem_deref(s->kick);
	mem_deref(s->io);
	SSL_free(s->ssl);
	SSL_CTX_free(s->ctx);
	if (s->fd >= 0)
		(void)close(s->fd);
	free(s->out);
}

static void watch(struct redis_sock *s, int events)
{
	if (s->io && events != s->events && !loop_io_set(s->io, events))
		s->events = events;
}

static void lost(struct redis_sock *s, int err)
{
	if (s->state == CLOSED)
		return;

	s->state = CLOSED;
	s->io = mem_deref(s->io);
	s->kick = mem_deref(s->kick);
	s->h->close(err ? err : ECONNRESET, s->arg);
}

/* Result of an OpenSSL call as of read() or write(); the wish for writing
 * while reading is rare (renegotiation): watch both. */
static ssize_t tls_result(struct redis_sock *s, int n)
{
	switch (SSL_get_error(s->ssl, n)) {
	case SSL_ERROR_NONE:
		return n;
	case SSL_ERROR_WANT_READ:
	case SSL_ERROR_WANT_WRITE:
		errno = EAGAIN;
		return -1;
	case SSL_ERROR_ZERO_RETURN:
		return 0;
	default:
		ERR_clear_error();
		errno = errno && errno != EAGAIN ? errno : EPROTO;
		return -1;
	}
}

static ssize_t sock_write(struct redis_sock *s, const char *p, size_t len)
{
	if (!s->ssl)
		return send(s->fd, p, len, MSG_NOSIGNAL);

	errno = 0;
	return tls_result(s, SSL_write(s->ssl, p,
				       (int)(len < (1 << 20) ? len
							     : 1 << 20)));
}

static ssize_t sock_read(struct redis_sock *s, char *p, size_t len)
{
	if (!s->ssl)
		return recv(s->fd, p, len, 0);

	errno = 0;
	return tls_result(s, SSL_read(s->ssl, p, (int)len));
}

/* Write what is queued. @return 0, or the errno that ended the stream. */
static int flush(struct redis_sock *s)
{
	while (s->outpos < s->outlen) {
		ssize_t n = sock_write(s, s->out + s->outpos,
				       s->outlen - s->outpos);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			watch(s, LOOP_READ | LOOP_WRITE);
			return 0;
		}
		if (n <= 0)
			return n ? errno : ECONNRESET;
		s->outpos += (size_t)n;
	}

	s->outpos = s->outlen = 0;
	watch(s, LOOP_READ);

	return 0;
}

static void kick_handler(void *arg)
{
	struct redis_sock *s = arg;
	int err;

	s->kick = mem_deref(s->kick);
	err = flush(s);
	if (err)
		lost(s, err);
}

static void opened(struct redis_sock *s)
{
	s->state = OPEN;
	watch(s, LOOP_READ);
	s->h->open(s->arg);
}

static void handshake(struct redis_sock *s)
{
	int n, want;

	errno = 0;
	n = SSL_connect(s->ssl);
	if (n == 1) {
		opened(s);
		return;
	}

	want = SSL_get_error(s->ssl, n);
	if (want == SSL_ERROR_WANT_READ) {
		watch(s, LOOP_READ);
	}
	else if (want == SSL_ERROR_WANT_WRITE) {
		watch(s, LOOP_WRITE);
	}
	else {
		ERR_clear_error();
		lost(s, SSL_get_verify_result(s->ssl) != X509_V_OK
				? EKEYREJECTED : errno ? errno : EPROTO);
	}
}

static void connected(struct redis_sock *s)
{
	int err = 0;
	socklen_t len = sizeof(err);

	if (getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &err, &len))
		err = errno;

	if (err) {
		lost(s, err);
	}
	else if (s->ssl) {
		s->state = HANDSHAKE;
		handshake(s);
	}
	else {
		opened(s);
	}
}

/* The caller holds a reference: a handler may let go of us. */
static void readable(struct redis_sock *s)
{
	char buf[READ_BYTES];

	for (int i = 0; i < READS_A_TURN && s->state == OPEN; i++) {
		ssize_t n = sock_read(s, buf, sizeof(buf));

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n <= 0) {
			lost(s, n ? errno : ECONNRESET);
			return;
		}
		s->h->recv(buf, (size_t)n, s->arg);
		if (mem_nrefs(s) <= 1) /* the owner has let go */
			return;
		if (!s->ssl && (size_t)n < sizeof(buf))
			return;
	}
}

static void io_handler(int events, void *arg)
{
	struct redis_sock *s = mem_ref(arg);
	int err;

	switch (s->state) {
	case CONNECTING:
		connected(s);
		break;
	case HANDSHAKE:
		handshake(s);
		break;
	case OPEN:
		if (events & LOOP_WRITE) {
			err = flush(s);
			if (err)
				lost(s, err);
		}
		/* one reference left: the owner has let go meanwhile */
		if (events & LOOP_READ && mem_nrefs(s) > 1)
			readable(s);
		break;
	case CLOSED:
		break;
	}

	mem_deref(s);
}

static int tls_start(struct redis_sock *s, const struct redis_url *url)
{
	X509_VERIFY_PARAM *param;
	uint8_t ip[16];

	s->ctx = SSL_CTX_new(TLS_client_method());
	if (!s->ctx || !SSL_CTX_set_min_proto_version(s->ctx, TLS1_2_VERSION))
		return ENOMEM;

	SSL_CTX_set_mode(s->ctx, SSL_MODE_ENABLE_PARTIAL_WRITE |
				 SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	if (!url->insecure) {
		SSL_CTX_set_verify(s->ctx, SSL_VERIFY_PEER, NULL);
		if (url->cafile
			    ? !SSL_CTX_load_verify_locations(
				      s->ctx, url->cafile, NULL)
			    : !SSL_CTX_set_default_verify_paths(s->ctx)) {
			ERR_clear_error();
			return ENOENT;
		}
	}

	s->ssl = SSL_new(s->ctx);
	if (!s->ssl || !SSL_set_fd(s->ssl, s->fd))
		return ENOMEM;

	param = SSL_get0_param(s->ssl);
	if (inet_pton(AF_INET, url->host, ip) == 1 ||
	    inet_pton(AF_INET6, url->host, ip) == 1) {
		X509_VERIFY_PARAM_set1_ip_asc(param, url->host);
	}
	else {
		X509_VERIFY_PARAM_set1_host(param, url->host, 0);
		SSL_set_tlsext_host_name(s->ssl, url->host);
	}

	return 0;
}

static int open_socket(struct redis_sock *s, int family)
{
	int one = 1;

	s->fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (s->fd < 0)
		return errno;

	if (family != AF_UNIX) {
		(void)setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &one,
				 sizeof(one));
		(void)setsockopt(s->fd, SOL_SOCKET, SO_KEEPALIVE, &one,
				 sizeof(one));
	}

	return 0;
}

static int connect_unix(struct redis_sock *s, const char *path)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	int err = open_socket(s, AF_UNIX);

	if (err)
		return err;

	strncpy(sun.sun_path, path, sizeof(sun.sun_path) - 1);
	if (connect(s->fd, (void *)&sun, sizeof(sun)) && errno != EINPROGRESS)
		return errno;

	return 0;
}

/* A name that is no address is looked up here, which blocks: at start and on
 * reconnection only. */
static int connect_tcp(struct redis_sock *s, const struct redis_url *url,
		       unsigned attempt)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
				 .ai_flags = AI_ADDRCONFIG}, *list, *ai;
	unsigned n = 0;
	char port[8];
	int err;

	snprintf(port, sizeof(port), "%u", url->port);
	if (getaddrinfo(url->host, port, &hints, &list))
		return EHOSTUNREACH;

	for (ai = list; ai; ai = ai->ai_next)
		n++;
	for (ai = list, attempt %= n; attempt; attempt--)
		ai = ai->ai_next;
	err = open_socket(s, ai->ai_family);
	if (!err && connect(s->fd, ai->ai_addr, ai->ai_addrlen) &&
	    errno != EINPROGRESS)
		err = errno;
	freeaddrinfo(list);

	return err;
}

int redis_sock_connect(struct redis_sock **sp, struct loop *loop,
		       const struct redis_url *url, unsigned attempt,
		       const struct redis_sock_handlers *h, void *arg)
{
	struct redis_sock *s;
	int err;

	s = mem_zalloc(sizeof(*s), sock_destructor);
	if (!s)
		return ENOMEM;

	s->fd = -1;
	s->loop = loop;
	s->h = h;
	s->arg = arg;
	err = url->path ? connect_unix(s, url->path)
			: connect_tcp(s, url, attempt);
	if (!err && url->tls)
		err = tls_start(s, url);
	if (!err) {
		s->events = LOOP_WRITE;
		err = loop_io_start(&s->io, loop, s->fd, LOOP_WRITE,
				    io_handler, s);
	}

	if (err)
		mem_deref(s);
	else
		*sp = s;

	return err;
}

int redis_sock_send(struct redis_sock *s, const char *p, size_t len)
{
	if (s->outlen - s->outpos + len > BACKLOG_MAX)
		return ENOBUFS;

	if (s->outlen + len > s->outsize) {
		size_t size = s->outsize ? s->outsize : 4096;
		char *out;

		while (size < s->outlen + len)
			size *= 2;
		out = realloc(s->out, size);
		if (!out)
			return ENOMEM;
		s->out = out;
		s->outsize = size;
	}
	memcpy(s->out + s->outlen, p, len);
	s->outlen += len;

	if (s->state == OPEN && !s->kick)
		return loop_timer_start(&s->kick, s->loop, 0, kick_handler,
					s);

	return 0;
}
