/* SPDX-License-Identifier: MIT */
/* See trial_conn.h. */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include "router/certs.h"
#include "router/trial_conn.h"
#include "router/wire.h"

struct trial_conn {
	int fd;
	SSL *ssl;              /* NULL: TCP                               */
	bool connected;
	struct tmr tmr;
	enum trial_connected out;
	char detail[200];
	trial_conn_h *h;
	void *arg;
};

static void destructor(void *arg)
{
	struct trial_conn *c = arg;

	tmr_cancel(&c->tmr);
	SSL_free(c->ssl);
	if (c->fd < 0)
		return;
	fd_close(c->fd);
	(void)close(c->fd);
}

static void tell(void *arg)
{
	struct trial_conn *c = arg;

	c->h(c->out, c->detail, c->arg);
}

/* In a turn of its own: whoever opened us has not returned yet, perhaps. */
static void finish(struct trial_conn *c, enum trial_connected out,
		   const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)re_vsnprintf(c->detail, sizeof(c->detail), fmt, ap);
	va_end(ap);
	c->out = out;
	fd_close(c->fd);
	tmr_start(&c->tmr, 0, tell, c);
}

static void silent(void *arg)
{
	struct trial_conn *c = arg;

	finish(c, TRIAL_CONN_SILENT,
	       c->connected ? "it is connected, but does not answer TLS "
			      "within %d s"
			    : "no answer within %d s",
	       TRIAL_CONN_MS / 1000);
}

/* ---------------------------------------------------------------------- TLS */

static void secured(struct trial_conn *c)
{
	const long why = SSL_get_verify_result(c->ssl);
	char name[128];

	certs_peer_name(c->ssl, name, sizeof(name));
	if (why == X509_V_OK)
		finish(c, TRIAL_CONN_OK, "%s, its certificate is for %s",
		       SSL_get_version(c->ssl), name);
	else
		finish(c, TRIAL_CONN_OK, "%s; its certificate was not "
		       "checked (%s): this router has no --tls-ca",
		       SSL_get_version(c->ssl),
		       X509_verify_cert_error_string(why));
}

static void insecure(struct trial_conn *c)
{
	const long why = SSL_get_verify_result(c->ssl);
	const char *reason = ERR_reason_error_string(ERR_peek_error());

	if (why != X509_V_OK)
		finish(c, TRIAL_CONN_CERTIFICATE, "its certificate: %s",
		       X509_verify_cert_error_string(why));
	else
		finish(c, TRIAL_CONN_TLS, "TLS failed: %s",
		       reason ? reason : "it closed the connection");
}

static void on_ready(int flags, void *arg);

static void shake(struct trial_conn *c)
{
	int n, why;

	ERR_clear_error();
	n = SSL_do_handshake(c->ssl);
	if (n == 1) {
		secured(c);
	} else {
		why = SSL_get_error(c->ssl, n);
		if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE)
			(void)fd_listen(c->fd,
					why == SSL_ERROR_WANT_READ ? FD_READ
								   : FD_WRITE,
					on_ready, c);
		else
			insecure(c);
	}
	ERR_clear_error();
}

/* ---------------------------------------------------------------------- TCP */

static void failed(struct trial_conn *c, int err)
{
	if (err == ECONNREFUSED)
		finish(c, TRIAL_CONN_REFUSED, "it refuses the connection");
	else if (err == ETIMEDOUT)
		finish(c, TRIAL_CONN_SILENT, "no answer");
	else
		finish(c, TRIAL_CONN_UNREACHABLE, "%m", err);
}

static void on_ready(int flags, void *arg)
{
	struct trial_conn *c = arg;
	socklen_t len = sizeof(int);
	int err = 0;
	(void)flags;

	if (!c->connected) {
		(void)getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &err, &len);
		if (!err && wire_is_itself(c->fd))
			err = ECONNREFUSED;
		if (err) {
			failed(c, err);
			return;
		}
		c->connected = true;
		if (!c->ssl) {
			finish(c, TRIAL_CONN_OK, "connected by TCP");
			return;
		}
	}
	shake(c);
}

static int open_socket(struct trial_conn *c, const struct sa *peer)
{
	c->fd = socket(sa_af(peer), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
		       0);
	if (c->fd < 0)
		return errno;
	if (!connect(c->fd, &peer->u.sa, peer->len) || errno == EINPROGRESS)
		return fd_listen(c->fd, FD_WRITE, on_ready, c);
	failed(c, errno);

	return 0;
}

int trial_conn_open(struct trial_conn **cp, struct certs *certs,
		    const struct locate_target *target, const char *name,
		    trial_conn_h *h, void *arg)
{
	const bool tls = target->transport == LOCATE_TLS;
	struct trial_conn *c;
	int err;

	if (tls && !certs)
		return ENOTSUP;
	c = mem_zalloc(sizeof(*c), destructor);
	if (!c)
		return ENOMEM;
	tmr_init(&c->tmr);
	c->fd = -1;
	c->h = h;
	c->arg = arg;
	if (tls)
		c->ssl = certs_client(certs, &target->sa, name);
	tmr_start(&c->tmr, TRIAL_CONN_MS, silent, c);
	err = tls && !c->ssl ? ENOMEM : open_socket(c, &target->sa);
	if (!err && c->ssl && SSL_set_fd(c->ssl, c->fd) != 1)
		err = ENOMEM;
	if (err)
		mem_deref(c);
	else
		*cp = c;

	return err;
}
