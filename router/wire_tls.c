/* SPDX-License-Identifier: MIT */
/*
 * TLS on the connections of wire_tcp.c: OpenSSL reads and writes the socket,
 * which never blocks.  What a connection waits for is in its `blocked` (to
 * write) and `handshake`.
 */

#include <errno.h>
#include <string.h>
#include <openssl/err.h>
#include "router/certs.h"
#include "router/wire_impl.h"

enum { PLAIN = 2 * WIRE_DATAGRAM }; /* a message with what is put on top */

int wire_tls_start(struct wire *w)
{
	w->plain = malloc(PLAIN);

	return w->plain ? 0 : ENOMEM;
}

int wire_tls_alloc(struct wire_conn *c, bool client)
{
	struct certs *t = c->w->set->certs;

	c->ssl = client ? certs_client(t, &c->peer, c->name) : certs_server(t);
	if (!c->ssl || SSL_set_fd(c->ssl, c->fd) != 1)
		return ENOMEM;
	c->handshake = true;

	return 0;
}

void wire_tls_free(struct wire_conn *c)
{
	SSL_free(c->ssl);
	c->ssl = NULL;
}

/* As errno says it: EAGAIN, or EPROTO when the connection is no more. */
static int failure(struct wire_conn *c, int n)
{
	const int why = SSL_get_error(c->ssl, n);

	ERR_clear_error();
	c->blocked = why == SSL_ERROR_WANT_WRITE;

	return c->blocked || why == SSL_ERROR_WANT_READ ? EAGAIN : EPROTO;
}

/** @return 0: done; EAGAIN: not yet; EPROTO: it failed. */
int wire_tls_handshake(struct wire_conn *c)
{
	int n;

	/* the error queue is the thread's: others may have left theirs */
	ERR_clear_error();
	n = SSL_do_handshake(c->ssl);
	if (n != 1)
		return failure(c, n);
	c->blocked = false;
	c->handshake = false;

	return 0;
}

/** As recv(). */
ssize_t wire_tls_read(struct wire_conn *c, char *p, size_t size)
{
	int n;

	ERR_clear_error();
	n = SSL_read(c->ssl, p, (int)size);
	if (n > 0)
		return n;
	if (SSL_get_error(c->ssl, n) == SSL_ERROR_ZERO_RETURN)
		return 0;
	errno = failure(c, n);

	return -1;
}

/** As send(). */
ssize_t wire_tls_write(struct wire_conn *c, const char *p, size_t len)
{
	size_t sent = 0;
	int n;

	while (sent < len) {
		ERR_clear_error();
		n = SSL_write(c->ssl, p + sent, (int)(len - sent));
		if (n > 0) {
			sent += (size_t)n;
			continue;
		}
		errno = failure(c, n);
		if (errno != EAGAIN)
			return -1;
		break;
	}
	if (sent)
		return (ssize_t)sent;

	return -1;
}

/** As sendmsg().  In one piece: each piece alone would be a record. */
ssize_t wire_tls_writev(struct wire_conn *c, const struct iovec *iov, size_t n)
{
	char *plain = c->w->plain;
	size_t len = 0;

	for (size_t i = 0; i < n; i++) {
		if (len + iov[i].iov_len > PLAIN) {
			errno = EMSGSIZE;
			return -1;
		}
		memcpy(plain + len, iov[i].iov_base, iov[i].iov_len);
		len += iov[i].iov_len;
	}

	return wire_tls_write(c, plain, len);
}

/** The last word of our side. */
void wire_tls_shut(struct wire_conn *c)
{
	if (c->handshake)
		return;
	ERR_clear_error();
	(void)SSL_shutdown(c->ssl);
	ERR_clear_error();
}

void wire_peer_name(const struct wire *w, const struct flow *f, char *name,
		    size_t size)
{
	const struct wire_conn *c = wire_conn_find(w, f);

	*name = '\0';
	if (c && c->ssl)
		certs_peer_name(c->ssl, name, size);
}

bool wire_peer_names(const struct wire *w, const struct flow *f,
		     bool (*h)(const char *name, void *arg), void *arg)
{
	const struct wire_conn *c =
		f->tcp && f->thread == w->conf.thread ? wire_conn_find(w, f)
						      : NULL;

	return c && c->ssl && certs_peer_names(c->ssl, h, arg);
}
