/* libs: sy_router_core sy_proto PkgConfig::OPENSSL */
/* SPDX-License-Identifier: MIT */
/*
 * TLS on the router's connections: the wire on one side, OpenSSL in memory on
 * the other, whose bytes the test carries in pieces of the size it likes.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <signal.h>
#include <unistd.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <cmocka.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include "router/certs.h"
#include "router/wire_impl.h"

enum {
	CONNS = 64, /* of the wire                          */
	SHAKES = CONNS / 16,
	TURNS = 5000, /* of 1 ms, until a test gives up       */
	BUF = 128 * 1024,
};

#define MESSAGE "OPTIONS sip:a SIP/2.0\r\nContent-Length: 4\r\n\r\nabcd"

/* The far side of a connection. */
struct far {
	SSL *ssl;
	BIO *in, *out; /* owned by ssl                       */
	int fd;
	size_t step;   /* bytes of one segment; 0: all       */
	bool closed;   /* by the wire                        */
	char buf[BUF]; /* what came                          */
	size_t len;
};

static struct {
	char dir[64], cwd[256];
	struct certs *certs;
	struct wire_set set;
	struct wire *w;
	struct stats stats;
	SSL_CTX *ctx;	  /* of clients                      */
	struct flow from; /* of the last message             */
	unsigned messages;
	size_t len; /* of all of them                  */
} t;

/* ------------------------------------------------------------ the wire */

/* Every message goes back as it came. */
static void echo(const struct flow *from, enum wire_flaw flaw, const char *p,
		 size_t len, void *arg)
{
	struct iovec *iov = wire_iov(t.w);
	(void)arg;

	assert_int_equal(flaw, WIRE_WHOLE);
	assert_non_null(iov);
	t.from = *from;
	++t.messages;
	t.len += len;
	iov[0].iov_base = (char *)(uintptr_t)p;
	iov[0].iov_len = 1;
	iov[1].iov_base = (char *)(uintptr_t)p + 1;
	iov[1].iov_len = len - 1;
	assert_int_equal(wire_send(t.w, from, iov, 2), 0);
}

static void end_turn(void *arg)
{
	(void)arg;
	re_cancel();
}

static void turn(void)
{
	struct tmr tmr;

	tmr_init(&tmr);
	tmr_start(&tmr, 1, end_turn, NULL);
	(void)re_main(NULL);
	tmr_cancel(&tmr);
}

static void start(const char *certs, const char *keys, const char *ca)
{
	const struct certs_conf files = {certs, keys, ca};
	struct wire_listen at = {.udp = "127.0.0.1:0", .tls = "127.0.0.1:0"};
	struct wire_conf conf = {.set = &t.set,
				 .tcp_max = CONNS,
				 .tcp_idle_s = 60,
				 .stats = &t.stats,
				 .recvh = echo};
	char errbuf[256] = "";

	if (certs_alloc(&t.certs, &files, errbuf, sizeof(errbuf)))
		fail_msg("%s", errbuf);
	at.certs = t.certs;
	if (wire_open(&t.set, &at, 1, errbuf, sizeof(errbuf)))
		fail_msg("%s", errbuf);
	assert_int_equal(wire_alloc(&t.w, &conf), 0);
}

static int stop(void **state)
{
	(void)state;
	t.w = mem_deref(t.w);
	wire_close(&t.set);
	t.certs = mem_deref(t.certs);
	memset(&t.stats, 0, sizeof(t.stats));
	t.messages = 0;
	t.len = 0;

	return 0;
}

/* -------------------------------------------------------- the far side */

static void far_init(struct far *f, int fd, SSL_CTX *ctx, bool client)
{
	const int one = 1;

	f->fd = fd;
	(void)fcntl(fd, F_SETFL, O_NONBLOCK);
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (!ctx)
		return;
	f->ssl = SSL_new(ctx);
	f->in = BIO_new(BIO_s_mem());
	f->out = BIO_new(BIO_s_mem());
	assert_non_null(f->ssl);
	SSL_set_bio(f->ssl, f->in, f->out);
	if (client)
		SSL_set_connect_state(f->ssl);
	else
		SSL_set_accept_state(f->ssl);
}

/* @param ctx  NULL: without TLS. */
static struct far *far_open(SSL_CTX *ctx, const char *sni)
{
	const int port = wire_port_find(&t.set, WIRE_TLS, AF_INET);
	const struct sa *sa = &t.set.portv[port].sa;
	struct far *f = calloc(1, sizeof(*f));
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_non_null(f);
	assert_int_equal(connect(fd, &sa->u.sa, sa->len), 0);
	far_init(f, fd, ctx, true);
	if (sni)
		assert_int_equal(SSL_set_tlsext_host_name(f->ssl, sni), 1);

	return f;
}

static void far_close(struct far *f)
{
	SSL_free(f->ssl);
	(void)close(f->fd);
	free(f);
}

static void far_flush(struct far *f)
{
	char *p;
	const size_t n = (size_t)BIO_get_mem_data(f->out, &p);
	const size_t step = f->step ? f->step : n;

	for (size_t at = 0; at < n; at += step) {
		const size_t k = n - at < step ? n - at : step;

		if (send(f->fd, p + at, k, MSG_NOSIGNAL) != (ssize_t)k)
			break;
		if (f->step)
			turn();
	}
	(void)BIO_reset(f->out);
}

/* Carry what there is, both ways. */
static void far_io(struct far *f)
{
	char buf[16384];
	ssize_t n;

	if (f->ssl)
		far_flush(f);
	turn();
	n = recv(f->fd, buf, sizeof(buf), 0);
	if (!n || (n < 0 && errno != EAGAIN))
		f->closed = true;
	if (n > 0 && f->ssl)
		(void)BIO_write(f->in, buf, (int)n);
}

/* @return whether it was done */
static bool far_handshake(struct far *f)
{
	for (int i = 0; i < TURNS && !f->closed; i++) {
		ERR_clear_error();
		if (SSL_do_handshake(f->ssl) == 1) {
			far_flush(f);
			return true;
		}
		if (!SSL_want_read(f->ssl))
			return false;
		far_io(f);
	}

	return false;
}

static void far_send(struct far *f, const char *p, size_t len)
{
	assert_int_equal(SSL_write(f->ssl, p, (int)len), len);
	far_io(f);
}

/* @return whether so many bytes came, in all */
static bool far_receive(struct far *f, size_t len)
{
	for (int i = 0; i < TURNS && f->len < len && !f->closed; i++) {
		int n;

		ERR_clear_error();
		n = SSL_read(f->ssl, f->buf + f->len, (int)(BUF - f->len));
		if (n > 0)
			f->len += (size_t)n;
		else
			far_io(f);
	}

	return f->len >= len;
}

static bool far_echo(struct far *f)
{
	f->len = 0;
	far_send(f, MESSAGE, strlen(MESSAGE));

	return far_receive(f, strlen(MESSAGE)) &&
	       !memcmp(f->buf, MESSAGE, strlen(MESSAGE));
}

static bool far_gone(struct far *f)
{
	for (int i = 0; i < TURNS && !f->closed; i++)
		far_io(f);

	return f->closed;
}

static void assert_shows(struct far *f, const char *name)
{
	char cn[64] = "";

	assert_true(far_handshake(f));
	(void)X509_NAME_get_text_by_NID(
	    X509_get_subject_name(SSL_get0_peer_certificate(f->ssl)),
	    NID_commonName, cn, sizeof(cn));
	assert_string_equal(cn, name);
}

/* --------------------------------------------------------------- tests */

/* Both versions, in pieces of several sizes. */
static void test_messages(void **state)
{
	static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
	static const size_t steps[] = {0, 1, 7, 1000};
	static const char three[] = MESSAGE MESSAGE "\r\n\r\n" MESSAGE;
	struct far *f;

	(void)state;
	start("a.crt", "a.key", NULL);
	for (size_t i = 0; i < 8; i++) {
		f = far_open(t.ctx, NULL);
		f->step = steps[i / 2];
		SSL_set_min_proto_version(f->ssl, versions[i % 2]);
		SSL_set_max_proto_version(f->ssl, versions[i % 2]);
		assert_true(far_handshake(f));
		far_send(f, three, sizeof(three) - 1);
		assert_true(far_receive(f, 3 * strlen(MESSAGE) + 2));
		assert_int_equal(f->len, 3 * strlen(MESSAGE) + 2);
		assert_true(t.from.tcp);
		far_close(f);
	}
	assert_int_equal(t.messages, 24);
	assert_int_equal(t.stats.n[STAT_TLS_DONE], 8);
	assert_int_equal(t.stats.n[STAT_RX_TLS], 24);
	assert_int_equal(t.stats.n[STAT_TX_TLS], 24);
	assert_int_equal(t.w->handshakes, 0);
}

/* More than one record, and more than the socket takes at once. */
static void test_large(void **state)
{
	static char msg[STREAM_MESSAGE_MAX];
	const int n = snprintf(msg, sizeof(msg),
			       "OPTIONS sip:a SIP/2.0\r\nl: 32000\r\n\r\n");
	const size_t len = (size_t)n + 32000;
	struct far *f;

	(void)state;
	start("a.crt", "a.key", NULL);
	memset(msg + n, 'x', 32000);
	f = far_open(t.ctx, NULL);
	assert_true(far_handshake(f));
	for (int i = 0; i < 3; i++)
		far_send(f, msg, len);
	assert_true(far_receive(f, 3 * len));
	for (int i = 0; i < 3; i++)
		assert_memory_equal(f->buf + (size_t)i * len, msg, len);
	far_close(f);
}

static void test_names(void **state)
{
	static const char *const asked[][2] = {
	    {NULL, "a.example"},
	    {"b.example", "b.example"},
	    {"B.EXAMPLE", "b.example"},
	    {"a.example", "a.example"},
	    {"nobody.example", "a.example"},
	};

	(void)state;
	start("a.crt,b.crt", "a.key,b.key", NULL);
	for (size_t i = 0; i < 5; i++) {
		struct far *f = far_open(t.ctx, asked[i][0]);

		assert_shows(f, asked[i][1]);
		far_close(f);
	}
}

static void test_renegotiation(void **state)
{
	struct far *f;

	(void)state;
	start("a.crt", "a.key", NULL);
	f = far_open(t.ctx, NULL);
	SSL_set_max_proto_version(f->ssl, TLS1_2_VERSION);
	assert_true(far_handshake(f));
	assert_true(far_echo(f));
	assert_int_equal(SSL_renegotiate(f->ssl), 1);
	assert_false(far_handshake(f));
	far_close(f);
}

static void test_old_version(void **state)
{
	struct far *f;

	(void)state;
	start("a.crt", "a.key", NULL);
	f = far_open(t.ctx, NULL);
	SSL_set_min_proto_version(f->ssl, TLS1_VERSION);
	SSL_set_max_proto_version(f->ssl, TLS1_1_VERSION);
	SSL_set_security_level(f->ssl, 0);
	assert_false(far_handshake(f));
	assert_int_equal(t.stats.n[STAT_TLS_FAILED], 1);
	far_close(f);
}

/* Plain SIP, and worse, on the port for TLS. */
static void test_plain_text(void **state)
{
	struct far *f;

	(void)state;
	start("a.crt", "a.key", NULL);
	for (int i = 0; i < 2; i++) {
		f = far_open(NULL, NULL);
		assert_int_equal(send(f->fd,
				      i ? "\x16\x03\x01\xff\xff\x00" : MESSAGE,
				      i ? 6 : strlen(MESSAGE), 0),
				 i ? 6 : strlen(MESSAGE));
		assert_true(far_gone(f));
		far_close(f);
	}
	assert_int_equal(t.messages, 0);
	assert_int_equal(t.stats.n[STAT_TLS_FAILED], 2);
	assert_int_equal(wire_connections(t.w), 0);
}

/* Junk after a good handshake: a broken record. */
static void test_broken_record(void **state)
{
	struct far *f;

	(void)state;
	start("a.crt", "a.key", NULL);
	f = far_open(t.ctx, NULL);
	assert_true(far_handshake(f));
	assert_true(far_echo(f));
	assert_int_equal(send(f->fd,
			      "\x17\x03\x03\x00\x20"
			      "01234567890123456789012345678901",
			      37, 0),
			 37);
	assert_true(far_gone(f));
	assert_int_equal(t.messages, 1);
	far_close(f);
}

static void test_half_open(void **state)
{
	struct far *silent[SHAKES], *f;

	(void)state;
	start("a.crt", "a.key", NULL);
	for (int i = 0; i < SHAKES; i++) {
		silent[i] = far_open(NULL, NULL);
		far_io(silent[i]);
		assert_false(silent[i]->closed);
	}
	f = far_open(t.ctx, NULL);
	assert_false(far_handshake(f));
	assert_int_equal(t.stats.n[STAT_TCP_REFUSED], 1);
	far_close(f);

	/* one of them leaves: there is room again */
	far_close(silent[0]);
	for (int i = 0; i < TURNS && t.w->handshakes == SHAKES; i++)
		turn();
	f = far_open(t.ctx, NULL);
	assert_true(far_handshake(f));
	assert_true(far_echo(f));
	far_close(f);
	for (int i = 1; i < SHAKES; i++)
		far_close(silent[i]);
}

/* Who has not done its handshake after 5 s goes; who has, stays. */
static void test_slow(void **state)
{
	struct far *f, *silent;

	(void)state;
	start("a.crt", "a.key", NULL);
	f = far_open(t.ctx, NULL);
	assert_true(far_handshake(f));
	silent = far_open(NULL, NULL);
	far_io(silent);
	assert_int_equal(wire_connections(t.w), 2);
	for (unsigned ms = 4900; ms <= 5100; ms += 200) {
		for (unsigned i = 0; i < CONNS; i++) {
			if (t.w->connv[i])
				t.w->connv[i]->last_ms = wire_now_ms() - ms;
		}
		wire_tick(t.w);
		assert_int_equal(wire_connections(t.w), ms < 5000 ? 2 : 1);
	}
	assert_true(far_gone(silent));
	assert_int_equal(t.stats.n[STAT_TLS_FAILED], 1);
	assert_int_equal(t.w->handshakes, 0);
	assert_true(far_echo(f));
	far_close(f);
	far_close(silent);
}

static void copy_file(const char *from, const char *to)
{
	char cmd[128];

	(void)snprintf(cmd, sizeof(cmd), "cp %s %s", from, to);
	assert_int_equal(system(cmd), 0);
}

static void shows_now(const char *name)
{
	struct far *f = far_open(t.ctx, NULL);

	assert_shows(f, name);
	assert_true(far_echo(f));
	far_close(f);
}

static void test_reload(void **state)
{
	uint64_t now_ms = 1;
	struct far *f;

	(void)state;
	copy_file("a.crt", "x.crt");
	copy_file("a.key", "x.key");
	start("x.crt", "x.key", NULL);
	f = far_open(t.ctx, NULL);
	assert_shows(f, "a.example");
	certs_check(t.certs, now_ms, false);
	copy_file("b.crt", "x.crt");
	copy_file("b.key", "x.key");

	/* not looked at before its time */
	certs_check(t.certs, now_ms + CERTS_CHECK_MS - 1, false);
	shows_now("a.example");
	certs_check(t.certs, now_ms += CERTS_CHECK_MS, false);
	shows_now("b.example");
	assert_true(far_echo(f));

	/* a wrong one changes nothing */
	copy_file("a.key", "x.crt");
	certs_check(t.certs, now_ms += CERTS_CHECK_MS, false);
	shows_now("b.example");
	assert_int_equal(unlink("x.crt"), 0);
	certs_check(t.certs, now_ms, true);
	shows_now("b.example");
	assert_true(far_echo(f));

	copy_file("a.crt", "x.crt");
	copy_file("a.key", "x.key");
	certs_check(t.certs, now_ms, true);
	shows_now("a.example");
	assert_true(far_echo(f));
	far_close(f);
}

static void test_wrong_files(void **state)
{
	static const struct {
		struct certs_conf conf;
		int err;
		const char *why;
	} v[] = {
	    {{"none.crt", "a.key", NULL},
	     EBADMSG,
	     "--tls-cert: none.crt: No such file or directory"},
	    {{"a.key", "a.key", NULL},
	     EBADMSG,
	     "--tls-cert: a.key: no start line"},
	    {{"a.crt", "b.key", NULL},
	     EBADMSG,
	     "--tls-key: b.key: key values mismatch"},
	    {{"a.crt", "a.key", "a.key"}, EBADMSG, "--tls-ca: a.key: "},
	    {{"a.crt,b.crt", "a.key", NULL},
	     EINVAL,
	     "--tls-cert and --tls-key: 1 to 16 files, and a key for each "
	     "certificate, are wanted; here are 2 and 1"},
	    {{"", "", NULL},
	     EINVAL,
	     "--tls-cert and --tls-key: 1 to 16 files, and a key for each "
	     "certificate, are wanted; here are 0 and 0"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		struct certs *c = NULL;
		char errbuf[256] = "";

		assert_int_equal(
		    certs_alloc(&c, &v[i].conf, errbuf, sizeof(errbuf)),
		    v[i].err);
		assert_null(c);
		if (strncmp(errbuf, v[i].why, strlen(v[i].why)))
			fail_msg("%s", errbuf);
	}
}

static SSL_CTX *context(const SSL_METHOD *method, const char *name)
{
	SSL_CTX *ctx = SSL_CTX_new(method);
	char path[64];

	assert_non_null(ctx);
	(void)snprintf(path, sizeof(path), "%s.crt", name);
	assert_int_equal(SSL_CTX_use_certificate_chain_file(ctx, path), 1);
	(void)snprintf(path, sizeof(path), "%s.key", name);
	assert_int_equal(
	    SSL_CTX_use_PrivateKey_file(ctx, path, SSL_FILETYPE_PEM), 1);

	return ctx;
}

/* A certificate may be shown; a good one names its owner, a bad one ends it. */
static void test_client_certificate(void **state)
{
	static const struct {
		const char *file, *name;
	} v[] = {{NULL, ""},
		 {"uri", "sip:carrier.example"},
		 {"ip", "127.0.0.1 host"},
		 {"a", NULL}};

	(void)state;
	start("a.crt", "a.key", "ca.crt");
	for (size_t i = 0; i < 4; i++) {
		SSL_CTX *ctx =
		    v[i].file ? context(TLS_client_method(), v[i].file) : NULL;
		struct far *f = far_open(ctx ? ctx : t.ctx, NULL);
		char name[64] = "?";

		assert_true(far_handshake(f)); /* 1.3: refused only later */
		assert_int_equal(far_echo(f), v[i].name != NULL);
		if (v[i].name) {
			wire_peer_name(t.w, &t.from, name, sizeof(name));
			assert_string_equal(name, v[i].name);
		} else {
			assert_true(far_gone(f));
		}
		far_close(f);
		SSL_CTX_free(ctx);
	}
	assert_int_equal(t.messages, 3);
}

/* The wire connects; @return whether its message came. */
static bool far_is_reached(const char *cert)
{
	SSL_CTX *ctx = context(TLS_server_method(), cert);
	struct sockaddr_in in = {.sin_family = AF_INET};
	socklen_t len = sizeof(in);
	struct far *f = calloc(1, sizeof(*f));
	int ls = socket(AF_INET, SOCK_STREAM, 0), fd;
	struct iovec *iov = wire_iov(t.w);
	struct flow flow, again;
	struct sa sa;
	bool reached;

	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(ls, (struct sockaddr *)&in, sizeof(in)), 0);
	assert_int_equal(listen(ls, 1), 0);
	assert_int_equal(getsockname(ls, (struct sockaddr *)&in, &len), 0);
	assert_int_equal(sa_set_sa(&sa, (struct sockaddr *)&in), 0);
	assert_int_equal(wire_connect(t.w, &flow, WIRE_TLS, &sa), 0);
	iov->iov_base = (char *)(uintptr_t)MESSAGE;
	iov->iov_len = strlen(MESSAGE);
	assert_int_equal(wire_send(t.w, &flow, iov, 1), 0);
	fd = accept(ls, NULL, NULL);
	assert_true(fd >= 0);
	far_init(f, fd, ctx, false);
	reached = far_handshake(f) && far_receive(f, strlen(MESSAGE));
	if (reached) {
		/* and the same connection serves the next one */
		assert_int_equal(wire_connect(t.w, &again, WIRE_TLS, &sa), 0);
		assert_int_equal(again.gen, flow.gen);
		assert_true(far_echo(f));
	} else {
		assert_true(far_gone(f));
	}
	far_close(f);
	(void)close(ls);
	SSL_CTX_free(ctx);

	return reached;
}

static void test_outbound(void **state)
{
	(void)state;
	start("a.crt", "a.key", NULL);
	assert_true(far_is_reached("b"));
	assert_true(far_is_reached("ip"));
	(void)stop(NULL);

	start("a.crt", "a.key", "ca.crt");
	assert_true(far_is_reached("ip"));
	assert_false(far_is_reached("uri")); /* good, but another's */
	assert_false(far_is_reached("b"));
}

/* What was answered is still read, then the end in order. */
static void test_leave(void **state)
{
	struct far *f;

	(void)state;
	start("a.crt", "a.key", NULL);
	f = far_open(t.ctx, NULL);
	assert_true(far_handshake(f));
	assert_true(far_echo(f));
	wire_leave(t.w);
	for (int i = 0; i < TURNS && !f->closed &&
			!(SSL_get_shutdown(f->ssl) & SSL_RECEIVED_SHUTDOWN);
	     i++) {
		char c;

		far_io(f);
		assert_true(SSL_read(f->ssl, &c, 1) <= 0);
	}
	assert_true(SSL_get_shutdown(f->ssl) & SSL_RECEIVED_SHUTDOWN);
	far_close(f);
}

/* -------------------------------------------------------------- set-up */

static const char make[] =
    "set -e; "
    "own() { openssl req -x509 -newkey ec -pkeyopt "
    "ec_paramgen_curve:P-256 -nodes -days 2 -subj \"/CN=$2\" -addext "
    "\"subjectAltName=DNS:$2\" -keyout $1.key -out $1.crt; }; "
    "signed() { openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 "
    "-nodes -subj \"/CN=$2\" -keyout $1.key -out $1.csr; "
    "echo \"subjectAltName=$3\" > $1.ext; "
    "openssl x509 -req -in $1.csr -CA ca.crt -CAkey ca.key "
    "-CAcreateserial -days 2 -extfile $1.ext -out $1.crt; }; "
    "{ own a a.example; own b b.example; own ca ca.example; "
    "signed uri carrier URI:sip:carrier.example,DNS:other.example; "
    "signed ip '127.0.0.1 host' IP:127.0.0.1; } > log 2>&1 || "
    "{ cat log; exit 1; }";

static int setup(void **state)
{
	(void)state;
	(void)signal(SIGPIPE, SIG_IGN);
	if (!getcwd(t.cwd, sizeof(t.cwd)))
		return errno;
	strcpy(t.dir, "/tmp/sy-tls-XXXXXX");
	if (!mkdtemp(t.dir) || chdir(t.dir) || system(make))
		return EINVAL;
	t.ctx = SSL_CTX_new(TLS_client_method());

	return !t.ctx || libre_init() || fd_setsize(1024);
}

static int teardown(void **state)
{
	char cmd[128];

	(void)state;
	SSL_CTX_free(t.ctx);
	(void)snprintf(cmd, sizeof(cmd), "rm -r %s", t.dir);
	libre_close();

	return chdir(t.cwd) || system(cmd);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, stop)
	const struct CMUnitTest tests[] = {
	    TEST(test_messages),
	    TEST(test_large),
	    TEST(test_names),
	    TEST(test_renegotiation),
	    TEST(test_old_version),
	    TEST(test_plain_text),
	    TEST(test_broken_record),
	    TEST(test_half_open),
	    TEST(test_slow),
	    TEST(test_reload),
	    cmocka_unit_test(test_wrong_files),
	    TEST(test_client_certificate),
	    TEST(test_outbound),
	    TEST(test_leave),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
