/* libs: sy_gateway_http uv ssl crypto */
/* SPDX-License-Identifier: MIT */
/*
 * The server on real sockets of 127.0.0.1: which version, TLS, limits, and
 * its end.  Clients are non-blocking sockets in the same thread; waiting is
 * turning the loop until something has happened.
 */

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <re.h>

#include "gateway/http/server.h"

#define GET "GET /a HTTP/1.1\r\nHost: a\r\n\r\n"

enum { PATIENCE_MS = 15000, BIG = 900 * 1024 };

struct fixture {
	uv_loop_t loop;
	uv_timer_t tick;          /* so that a turn never blocks for long */
	struct web_server *srv;
	struct web_tls *tls;
	struct sa plain, secure;
	struct web_req *held;
	unsigned requests;
	bool stopped;
};

static void on_request(struct web_req *req, void *arg)
{
	struct fixture *f = arg;
	static char big[BIG];

	f->requests++;
	if (!strcmp(req->path, "/later"))
		f->held = mem_ref(req);
	else if (!strcmp(req->path, "/big"))
		(void)web_reply(req, 200, "a/b", big, sizeof(big));
	else
		(void)web_reply(req, 200, "text/plain", req->tls ? "tls" :
				"plain", req->tls ? 3 : 5);
}

static void on_tick(uv_timer_t *t)
{
	(void)t;
}

static void start(struct fixture *f, const struct web_limits *lim)
{
	struct web_server_conf conf = {
		.loop = &f->loop,
		.lim = *lim,
		.requesth = on_request,
		.arg = f,
	};
	char addr[64], errbuf[256];

	memset(f, 0, sizeof(*f));
	assert_int_equal(uv_loop_init(&f->loop), 0);
	(void)uv_timer_init(&f->loop, &f->tick);
	(void)uv_timer_start(&f->tick, on_tick, 2, 2);
	assert_int_equal(web_server_alloc(&f->srv, &conf), 0);
	assert_int_equal(web_tls_alloc(&f->tls, NULL, NULL, errbuf,
				       sizeof(errbuf)), 0);
	assert_int_equal(web_server_listen(f->srv, "127.0.0.1:0", NULL, addr,
					   sizeof(addr)), 0);
	assert_int_equal(sa_decode(&f->plain, addr, strlen(addr)), 0);
	assert_int_equal(web_server_listen(f->srv, "127.0.0.1:0", f->tls,
					   addr, sizeof(addr)), 0);
	assert_int_equal(sa_decode(&f->secure, addr, strlen(addr)), 0);
}

static void on_stopped(void *arg)
{
	struct fixture *f = arg;

	f->stopped = true;
}

static uint64_t deadline(void)
{
	return tmr_jiffies() + PATIENCE_MS;
}

static void turn(struct fixture *f, uint64_t until)
{
	(void)uv_run(&f->loop, UV_RUN_ONCE);
	if (tmr_jiffies() > until)
		fail_msg("waited in vain");
}

static void end(struct fixture *f)
{
	uint64_t until = deadline();

	if (!f->stopped)
		web_server_stop(f->srv, 0, on_stopped, f);
	while (!f->stopped)
		turn(f, until);
	uv_close((uv_handle_t *)&f->tick, NULL);
	(void)uv_run(&f->loop, UV_RUN_DEFAULT);
	/* Handles left open fail here. */
	assert_int_equal(uv_loop_close(&f->loop), 0);
	mem_deref(f->held);
	mem_deref(f->srv);
	mem_deref(f->tls);
}

/* ---------------------------------------------------------------- clients */

static int dial(const struct sa *addr)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_true(fd >= 0);
	assert_int_equal(connect(fd, &addr->u.sa, addr->len), 0);
	assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);

	return fd;
}

static void say(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL),
			 strlen(text));
}

/* Until the text is there; NULL: until the server has closed. @return
 * number of bytes read. */
static size_t hear(struct fixture *f, int fd, const char *what, char *buf,
		   size_t size)
{
	uint64_t until = deadline();
	size_t len = 0, total = 0;

	for (;;) {
		ssize_t n = recv(fd, buf + len, size - 1 - len, 0);

		if (n > 0) {
			total += (size_t)n;
			len += (size_t)n;
			buf[len] = '\0';
			if (what && strstr(buf, what))
				return total;
			if (len == size - 1)
				len = 0;
			continue;
		}
		if (n == 0 || (errno != EAGAIN && errno != EWOULDBLOCK)) {
			buf[len] = '\0';
			if (what)
				fail_msg("closed before '%s'", what);
			return total;
		}
		turn(f, until);
	}
}

static void test_versions(void **state)
{
	static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
	static const char settings[] = "\0\0\0\4\0\0\0\0\0";
	char buf[4096];
	struct fixture f;
	int fd;
	(void)state;

	start(&f, &web_limits_default);
	fd = dial(&f.plain);
	say(fd, GET GET);
	(void)hear(&f, fd, "plainHTTP/1.1 200", buf, sizeof(buf));
	close(fd);

	/* A method that begins as the preface does; byte by byte. */
	fd = dial(&f.plain);
	for (const char *p = "PROPFIND /a HTTP/1.1\r\nHost: a\r\n\r\n"; *p;
	     p++) {
		char one[2] = {*p, '\0'};

		say(fd, one);
		(void)uv_run(&f.loop, UV_RUN_NOWAIT);
	}
	(void)hear(&f, fd, "plain", buf, sizeof(buf));
	close(fd);

	/* HTTP/2: its first frame is SETTINGS with our three values. */
	fd = dial(&f.plain);
	for (size_t i = 0; i < sizeof(preface) - 1; i++) {
		assert_int_equal(send(fd, preface + i, 1, MSG_NOSIGNAL), 1);
		(void)uv_run(&f.loop, UV_RUN_NOWAIT);
	}
	assert_int_equal(send(fd, settings, 9, MSG_NOSIGNAL), 9);
	for (ssize_t n = -1; n < 9;) {
		turn(&f, deadline());
		n = recv(fd, buf, sizeof(buf), MSG_PEEK);
	}
	assert_memory_equal(buf, "\0\0\22\4", 4);
	close(fd);
	end(&f);
}

static SSL *handshake(struct fixture *f, SSL_CTX *ctx, int fd, int *errp)
{
	uint64_t until = deadline();
	SSL *ssl = SSL_new(ctx);
	int r;

	assert_non_null(ssl);
	SSL_set_fd(ssl, fd);
	while ((r = SSL_connect(ssl)) != 1) {
		int e = SSL_get_error(ssl, r);

		if (e != SSL_ERROR_WANT_READ && e != SSL_ERROR_WANT_WRITE) {
			*errp = ERR_GET_REASON(ERR_peek_error());
			ERR_clear_error();
			SSL_free(ssl);
			return NULL;
		}
		turn(f, until);
	}
	*errp = 0;

	return ssl;
}

static void check_fingerprint(const struct fixture *f, const SSL *ssl)
{
	X509 *cert = SSL_get1_peer_certificate(ssl);
	unsigned char md[32];
	char hex[4];

	assert_non_null(cert);
	assert_int_equal(X509_digest(cert, EVP_sha256(), md, NULL), 1);
	for (int i = 0; i < 32; i++) {
		(void)snprintf(hex, sizeof(hex), "%02X", md[i]);
		assert_memory_equal(web_tls_fingerprint(f->tls) + 3 * i, hex,
				    2);
	}
	X509_free(cert);
}

static void test_tls(void **state)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	const unsigned char *proto;
	char buf[512] = "";
	struct fixture f;
	unsigned len;
	SSL *ssl;
	int fd, err;
	(void)state;

	start(&f, &web_limits_default);
	fd = dial(&f.secure);
	ssl = handshake(&f, ctx, fd, &err);
	assert_non_null(ssl);
	check_fingerprint(&f, ssl);
	assert_int_equal(SSL_write(ssl, GET, strlen(GET)), strlen(GET));
	while (SSL_read(ssl, buf, sizeof(buf) - 1) <= 0)
		turn(&f, deadline());
	assert_non_null(strstr(buf, "\r\n\r\ntls"));
	SSL_free(ssl);
	close(fd);

	/* HTTP/2 by ALPN. */
	assert_int_equal(SSL_CTX_set_alpn_protos(
				 ctx, (const uint8_t *)"\2h2\10http/1.1", 12),
			 0);
	fd = dial(&f.secure);
	ssl = handshake(&f, ctx, fd, &err);
	assert_non_null(ssl);
	SSL_get0_alpn_selected(ssl, &proto, &len);
	assert_int_equal(len, 2);
	assert_memory_equal(proto, "h2", 2);
	SSL_free(ssl);
	close(fd);

	/* No protocol in common; no TLS at all. */
	assert_int_equal(SSL_CTX_set_alpn_protos(
				 ctx, (const uint8_t *)"\4spdy", 5), 0);
	fd = dial(&f.secure);
	assert_null(handshake(&f, ctx, fd, &err));
	assert_int_equal(err, SSL_R_TLSV1_ALERT_NO_APPLICATION_PROTOCOL);
	close(fd);

	fd = dial(&f.secure);
	say(fd, GET);
	(void)hear(&f, fd, NULL, buf, sizeof(buf));
	close(fd);
	SSL_CTX_free(ctx);
	end(&f);
}

static void test_too_many(void **state)
{
	struct web_limits lim = web_limits_default;
	struct web_server_stat st;
	struct fixture f;
	char buf[1024];
	int a, b, c;
	(void)state;

	lim.conns = 2;
	start(&f, &lim);
	a = dial(&f.plain);
	b = dial(&f.plain);
	say(a, GET);
	(void)hear(&f, a, "plain", buf, sizeof(buf));
	say(b, GET);
	(void)hear(&f, b, "plain", buf, sizeof(buf));

	c = dial(&f.plain);
	assert_int_equal(hear(&f, c, NULL, buf, sizeof(buf)), 0);
	web_server_stat(f.srv, &st);
	assert_int_equal(st.conns, 2);
	assert_int_equal(st.refused, 1);
	close(c);

	/* One goes, another may come. */
	close(a);
	do {
		turn(&f, deadline());
		web_server_stat(f.srv, &st);
	} while (st.conns > 1);
	c = dial(&f.plain);
	say(c, GET);
	(void)hear(&f, c, "plain", buf, sizeof(buf));
	close(b);
	close(c);
	end(&f);
}

/* One address does not get all that there are. */
static void test_too_many_of_one(void **state)
{
	struct web_limits lim = web_limits_default;
	struct web_server_stat st;
	struct fixture f;
	char buf[1024];
	int a, b;
	(void)state;

	lim.source_conns = 1;
	start(&f, &lim);
	a = dial(&f.plain);
	say(a, GET);
	(void)hear(&f, a, "plain", buf, sizeof(buf));
	b = dial(&f.plain);
	assert_int_equal(hear(&f, b, NULL, buf, sizeof(buf)), 0);
	web_server_stat(f.srv, &st);
	assert_int_equal(st.conns, 1);
	assert_int_equal(st.crowded, 1);
	close(a);
	close(b);

	do {
		turn(&f, deadline());
		web_server_stat(f.srv, &st);
	} while (st.conns);
	a = dial(&f.plain);
	say(a, GET);
	(void)hear(&f, a, "plain", buf, sizeof(buf));
	close(a);
	end(&f);
}

static void test_time_limits(void **state)
{
	struct web_limits lim = web_limits_default;
	struct web_server_stat st;
	struct fixture f;
	char buf[1024];
	int fd[4];
	(void)state;

	lim.head_ms = 60;
	lim.idle_ms = 60;
	lim.write_ms = 60;
	start(&f, &lim);
	fd[0] = dial(&f.plain); /* says nothing            */
	fd[1] = dial(&f.plain); /* half a header           */
	say(fd[1], "GET /a HT");
	fd[2] = dial(&f.secure); /* no handshake           */
	fd[3] = dial(&f.plain); /* idle after a request    */
	say(fd[3], GET);
	assert_int_equal(hear(&f, fd[0], NULL, buf, sizeof(buf)), 0);
	assert_true(hear(&f, fd[1], NULL, buf, sizeof(buf)) > 0);
	assert_memory_equal(buf, "HTTP/1.1 408 ", 13);
	assert_int_equal(hear(&f, fd[2], NULL, buf, sizeof(buf)), 0);
	(void)hear(&f, fd[3], NULL, buf, sizeof(buf));
	assert_memory_equal(buf, "HTTP/1.1 200 ", 13);
	for (int i = 0; i < 4; i++)
		close(fd[i]);

	/* Asks for much and takes nothing. */
	web_server_stat(f.srv, &st);
	assert_int_equal(st.expired, 4);
	fd[0] = dial(&f.plain);
	for (int i = 0; i < 20; i++)
		say(fd[0], "GET /big HTTP/1.1\r\nHost: a\r\n\r\n");
	do {
		turn(&f, deadline());
		web_server_stat(f.srv, &st);
	} while (st.expired < 5);
	assert_true(f.requests < 20);
	close(fd[0]);
	end(&f);
}

/* The end waits for what runs, and for nothing else. */
static void test_stop(void **state)
{
	uint64_t until = deadline();
	struct fixture f;
	char buf[1024];
	struct web_server_stat st;
	int idle, busy, used, fresh;
	(void)state;

	start(&f, &web_limits_default);
	idle = dial(&f.plain);
	say(idle, GET);
	(void)hear(&f, idle, "plain", buf, sizeof(buf));
	busy = dial(&f.plain);
	say(busy, "GET /later HTTP/1.1\r\nHost: a\r\n\r\n");
	while (!f.held)
		turn(&f, until);
	used = dial(&f.plain);
	say(used, GET);
	(void)hear(&f, used, "plain", buf, sizeof(buf));
	fresh = dial(&f.plain);
	do {
		turn(&f, until);
		web_server_stat(f.srv, &st);
	} while (st.accepted < 4);

	/* Who has just asked or connected may be asking at this moment. */
	web_server_stop(f.srv, PATIENCE_MS, on_stopped, &f);
	say(used, GET);
	(void)hear(&f, used, "connection: close", buf, sizeof(buf));
	say(fresh, GET);
	(void)hear(&f, fresh, "connection: close", buf, sizeof(buf));
	close(used);
	close(fresh);
	(void)hear(&f, idle, NULL, buf, sizeof(buf));
	close(idle);
	assert_false(f.stopped);
	assert_int_equal(web_reply(f.held, 200, "a/b", "done", 4), 0);
	(void)hear(&f, busy, "connection: close", buf, sizeof(buf));
	assert_non_null(strstr(buf, "done"));
	close(busy);
	while (!f.stopped)
		turn(&f, until);
	end(&f);
}

/* A big answer through TLS to a reader of small bites. */
static void test_big_tls(void **state)
{
	static const char get[] = "GET /big HTTP/1.1\r\nHost: a\r\n"
				  "Connection: close\r\n\r\n";
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	uint64_t until = deadline();
	struct fixture f;
	size_t total = 0;
	char buf[5000];
	SSL *ssl;
	int fd, err;
	(void)state;

	start(&f, &web_limits_default);
	fd = dial(&f.secure);
	ssl = handshake(&f, ctx, fd, &err);
	assert_non_null(ssl);
	assert_int_equal(SSL_write(ssl, get, strlen(get)), strlen(get));
	for (;;) {
		int n = SSL_read(ssl, buf, sizeof(buf));

		if (n > 0) {
			total += (size_t)n;
			continue;
		}
		if (SSL_get_error(ssl, n) == SSL_ERROR_ZERO_RETURN)
			break; /* close_notify: not cut */
		assert_int_equal(SSL_get_error(ssl, n), SSL_ERROR_WANT_READ);
		turn(&f, until);
	}
	assert_true(total > BIG && total < BIG + 500);
	SSL_free(ssl);
	close(fd);
	SSL_CTX_free(ctx);
	end(&f);
}

static void test_addresses(void **state)
{
	static const char *const goodv[] = {"127.0.0.1:0", "[::1]:8443",
					    "0.0.0.0:65535"};
	static const char *const badv[] = {
		"", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:65536",
		"127.0.0.1:8080x", "localhost:1", ":80", "[::1]", "::1:80x"};
	char addr[64];
	struct fixture f;
	(void)state;

	for (size_t i = 0; i < sizeof(goodv) / sizeof(goodv[0]); i++)
		assert_true(web_address_is_valid(goodv[i]));
	for (size_t i = 0; i < sizeof(badv) / sizeof(badv[0]); i++) {
		if (web_address_is_valid(badv[i]))
			fail_msg("'%s' is no address", badv[i]);
	}

	start(&f, &web_limits_default);
	(void)re_snprintf(addr, sizeof(addr), "%J", &f.plain);
	assert_int_equal(web_server_listen(f.srv, addr, NULL, NULL, 0),
			 EADDRINUSE);
	end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_versions),
		cmocka_unit_test(test_tls),
		cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_too_many_of_one),
		cmocka_unit_test(test_time_limits),
		cmocka_unit_test(test_stop),
		cmocka_unit_test(test_big_tls),
		cmocka_unit_test(test_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
