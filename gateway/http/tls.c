/* SPDX-License-Identifier: MIT */
/* TLS contexts and memory pipes: see tls.h. */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <re.h>

#include "gateway/http/selfsigned.h"
#include "gateway/http/tls.h"

enum { PRINT_SIZE = 32 * 3 + 1 };

/* TLS 1.2: only what RFC 9113 9.2.2 allows for HTTP/2. */
#define CIPHERS "ECDHE+AESGCM:ECDHE+CHACHA20"

/* A file as it was when it was last looked at. */
struct mark {
	struct timespec mtime;
	off_t size;
	ino_t inode;
};

struct web_tls {
	SSL_CTX *ctx;         /* connections that began with it hold it   */
	char fingerprint[PRINT_SIZE];
	char *cert, *key;     /* files; NULL: self-signed                 */
	struct mark markv[2]; /* of these                                 */
};

struct web_tls_pipe {
	SSL *ssl;
	BIO *in, *out; /* owned by ssl */
};

/* ------------------------------------------------------------- context */

static void tls_destructor(void *arg)
{
	struct web_tls *t = arg;

	SSL_CTX_free(t->ctx);
	mem_deref(t->cert);
	mem_deref(t->key);
}

/* The first error is the cause; what follows tells where it was met. */
static const char *reason(void)
{
	unsigned long e = ERR_peek_error();
	const char *str;

	if (ERR_SYSTEM_ERROR(e))
		return strerror(ERR_GET_REASON(e));
	str = ERR_reason_error_string(e);

	return str ? str : "not readable";
}

static int on_alpn(SSL *ssl, const unsigned char **out, unsigned char *outlen,
		   const unsigned char *in, unsigned inlen, void *arg)
{
	static const unsigned char ours[] = "\x02h2\x08http/1.1";
	unsigned char *sel;
	(void)ssl;
	(void)arg;

	/* RFC 7301 3.2: no protocol in common is an alert, not a guess. */
	if (SSL_select_next_proto(&sel, outlen, ours, sizeof(ours) - 1, in,
				  inlen) != OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	*out = sel;

	return SSL_TLSEXT_ERR_OK;
}

static int use_files(SSL_CTX *ctx, const char *cert, const char *key,
		     char *errbuf, size_t errsize)
{
	ERR_clear_error();
	if (SSL_CTX_use_certificate_chain_file(ctx, cert) != 1) {
		(void)snprintf(errbuf, errsize, "TLS certificate %s: %s",
			       cert, reason());
		return EBADMSG;
	}
	if (SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1 ||
	    SSL_CTX_check_private_key(ctx) != 1) {
		(void)snprintf(errbuf, errsize, "TLS key %s: %s", key,
			       reason());
		return EBADMSG;
	}

	return 0;
}

static int use_selfsigned(SSL_CTX *ctx, char *errbuf, size_t errsize)
{
	EVP_PKEY *key = NULL;
	X509 *cert = NULL;
	int err;

	err = selfsigned_make(&cert, &key);
	if (!err && (SSL_CTX_use_certificate(ctx, cert) != 1 ||
		     SSL_CTX_use_PrivateKey(ctx, key) != 1))
		err = ENOMEM;
	if (err)
		(void)snprintf(errbuf, errsize, "cannot make a self-signed "
			       "certificate: %s", reason());
	X509_free(cert);
	EVP_PKEY_free(key);

	return err;
}

static int print_fingerprint(char print[PRINT_SIZE], SSL_CTX *ctx)
{
	X509 *cert = SSL_CTX_get0_certificate(ctx);
	unsigned char md[EVP_MAX_MD_SIZE];
	unsigned len;
	char *p = print;

	if (!cert || X509_digest(cert, EVP_sha256(), md, &len) != 1)
		return ENOMEM;

	for (unsigned i = 0; i < len && i < 32; i++)
		p += snprintf(p, 4, "%s%02X", i ? ":" : "", md[i]);

	return 0;
}

/* Read the files into a new context; t is changed on success only. */
static int make_context(struct web_tls *t, char *errbuf, size_t errsize)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	char print[PRINT_SIZE] = "";
	int err = ENOMEM;

	errbuf[0] = '\0';
	if (!ctx)
		goto out;

	SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
	SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION |
			    SSL_OP_NO_COMPRESSION |
			    SSL_OP_CIPHER_SERVER_PREFERENCE |
			    SSL_OP_PRIORITIZE_CHACHA);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_alpn_select_cb(ctx, on_alpn, NULL);
	if (SSL_CTX_set_cipher_list(ctx, CIPHERS) != 1)
		goto out;

	err = t->cert ? use_files(ctx, t->cert, t->key, errbuf, errsize)
		      : use_selfsigned(ctx, errbuf, errsize);
	if (!err)
		err = print_fingerprint(print, ctx);

out:
	ERR_clear_error();
	if (err && !errbuf[0])
		(void)snprintf(errbuf, errsize, "TLS: %s", strerror(err));
	if (err) {
		SSL_CTX_free(ctx);
		return err;
	}
	SSL_CTX_free(t->ctx);
	t->ctx = ctx;
	memcpy(t->fingerprint, print, sizeof(print));

	return 0;
}

bool web_tls_has_changed(struct web_tls *t)
{
	const char *pathv[2];
	struct mark now[2];
	bool other;

	if (!t || !t->cert)
		return false;

	pathv[0] = t->cert;
	pathv[1] = t->key;
	memset(now, 0, sizeof(now));
	for (size_t i = 0; i < 2; i++) {
		struct stat st;

		if (stat(pathv[i], &st))
			continue;
		now[i].mtime = st.st_mtim;
		now[i].size = st.st_size;
		now[i].inode = st.st_ino;
	}
	other = memcmp(now, t->markv, sizeof(now)) != 0;
	memcpy(t->markv, now, sizeof(now));

	return other;
}

bool web_tls_is_selfsigned(const struct web_tls *t)
{
	return t && !t->cert;
}

int web_tls_reload(struct web_tls *t, char *errbuf, size_t errsize)
{
	if (!t || !errbuf)
		return EINVAL;

	return t->cert ? make_context(t, errbuf, errsize) : 0;
}

int web_tls_alloc(struct web_tls **tp, const char *cert, const char *key,
		  char *errbuf, size_t errsize)
{
	struct web_tls *t;
	int err = 0;

	if (!tp || !cert != !key || !errbuf)
		return EINVAL;

	errbuf[0] = '\0';
	t = mem_zalloc(sizeof(*t), tls_destructor);
	if (!t)
		return ENOMEM;

	if (cert)
		err = str_dup(&t->cert, cert) | str_dup(&t->key, key);
	(void)web_tls_has_changed(t);
	if (!err)
		err = make_context(t, errbuf, errsize);
	if (err)
		mem_deref(t);
	else
		*tp = t;

	return err;
}

const char *web_tls_fingerprint(const struct web_tls *t)
{
	return t ? t->fingerprint : "";
}

/* ---------------------------------------------------------------- pipe */

static void pipe_destructor(void *arg)
{
	struct web_tls_pipe *p = arg;

	SSL_free(p->ssl);
}

int web_tls_pipe_alloc(struct web_tls_pipe **pp, struct web_tls *t)
{
	struct web_tls_pipe *p;

	if (!pp || !t)
		return EINVAL;

	p = mem_zalloc(sizeof(*p), pipe_destructor);
	if (!p)
		return ENOMEM;

	p->ssl = SSL_new(t->ctx);
	p->in = BIO_new(BIO_s_mem());
	p->out = BIO_new(BIO_s_mem());
	if (!p->ssl || !p->in || !p->out) {
		BIO_free(p->in);
		BIO_free(p->out);
		mem_deref(p);
		return ENOMEM;
	}
	BIO_set_mem_eof_return(p->in, -1); /* empty: try again later */
	SSL_set_bio(p->ssl, p->in, p->out);
	SSL_set_accept_state(p->ssl);
	*pp = p;

	return 0;
}

int web_tls_feed(struct web_tls_pipe *p, const uint8_t *buf, size_t len)
{
	return BIO_write(p->in, buf, (int)len) == (int)len ? 0 : ENOMEM;
}

long web_tls_read(struct web_tls_pipe *p, uint8_t *buf, size_t size)
{
	int n;

	/* The error queue is the thread's: others may have left theirs. */
	ERR_clear_error();
	n = SSL_read(p->ssl, buf, (int)size);
	if (n > 0)
		return n;

	switch (SSL_get_error(p->ssl, n)) {
	case SSL_ERROR_WANT_READ:
	case SSL_ERROR_WANT_WRITE:
	case SSL_ERROR_ZERO_RETURN:
		return 0;
	default:
		ERR_clear_error();
		return -EPROTO;
	}
}

int web_tls_write(struct web_tls_pipe *p, const uint8_t *buf, size_t len)
{
	ERR_clear_error();

	return SSL_write(p->ssl, buf, (int)len) == (int)len ? 0 : EPROTO;
}

int web_tls_pull(struct web_tls_pipe *p, struct mbuf *mb)
{
	char *data;
	long n = BIO_get_mem_data(p->out, &data);
	int err = 0;

	if (n > 0) {
		mb->pos = mb->end;
		err = mbuf_write_mem(mb, (uint8_t *)data, (size_t)n);
		mb->pos = 0;
		(void)BIO_reset(p->out);
	}

	return err;
}

static void trim(BIO *bio, size_t bytes)
{
	BUF_MEM *had = NULL, *mem;

	BIO_get_mem_ptr(bio, &had);
	if (BIO_pending(bio) || !had || had->max <= bytes)
		return;
	mem = BUF_MEM_new();
	if (mem)
		BIO_set_mem_buf(bio, mem, BIO_CLOSE);
}

void web_tls_trim(struct web_tls_pipe *p, size_t bytes)
{
	trim(p->in, bytes);
	trim(p->out, bytes);
}

void web_tls_close(struct web_tls_pipe *p)
{
	ERR_clear_error();
	if (SSL_is_init_finished(p->ssl))
		(void)SSL_shutdown(p->ssl);
	ERR_clear_error();
}

bool web_tls_is_ready(const struct web_tls_pipe *p)
{
	return SSL_is_init_finished(p->ssl);
}

bool web_tls_is_closed(const struct web_tls_pipe *p)
{
	return SSL_get_shutdown(p->ssl) & SSL_RECEIVED_SHUTDOWN;
}

static bool alpn(const struct web_tls_pipe *p, const char **protop,
		 unsigned *lenp)
{
	SSL_get0_alpn_selected(p->ssl, (const unsigned char **)protop, lenp);

	return *lenp > 0;
}

bool web_tls_has_alpn(const struct web_tls_pipe *p)
{
	const char *proto;
	unsigned len;

	return alpn(p, &proto, &len);
}

bool web_tls_is_h2(const struct web_tls_pipe *p)
{
	const char *proto;
	unsigned len;

	return alpn(p, &proto, &len) && len == 2 && !memcmp(proto, "h2", 2);
}
