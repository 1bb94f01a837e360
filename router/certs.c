/* SPDX-License-Identifier: MIT */
/* Certificates and contexts; see certs.h. */

#include <pthread.h>
#include <string.h>
#include <sys/stat.h>
#include <re.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include "proto/log.h"
#include "router/certs.h"

/* TLS 1.2: forward secrecy and AEAD; CBC with SHA-2 for phones that stopped
 * short of it. */
#define CIPHERS "ECDHE+AESGCM:ECDHE+CHACHA20:ECDHE+AES+SHA256:ECDHE+AES+SHA384"

enum { PATH_SIZE = 1024, FILES_MAX = 2 * CERTS_MAX + 1 };

/* What was made of the files.  RO once it is in use. */
struct chains {
	SSL_CTX *serverv[CERTS_MAX];
	size_t n;
	SSL_CTX *client;
};

/* A file as it was when it was last read. */
struct mark {
	struct timespec mtime;
	off_t size;
	ino_t inode;
};

struct certs {
	struct certs_conf conf;	      /* RO after start                  */
	struct mark markv[FILES_MAX]; /* thread that checks              */
	uint64_t next_ms;	      /* thread that checks              */
	pthread_mutex_t lock;
	struct chains *chains; /* under the lock                  */
};

/* ------------------------------------------------------------ reading */

static void chains_destructor(void *arg)
{
	struct chains *c = arg;

	for (size_t i = 0; i < c->n; i++)
		SSL_CTX_free(c->serverv[i]);
	SSL_CTX_free(c->client);
}

/* The first error is the cause; what follows tells where it was met. */
static const char *reason(void)
{
	const unsigned long e = ERR_peek_error();
	const char *str;

	if (ERR_SYSTEM_ERROR(e))
		return strerror(ERR_GET_REASON(e));
	str = ERR_reason_error_string(e);

	return str ? str : "not readable";
}

/* The i-th of a list; false: there is none. */
static bool item(char path[PATH_SIZE], const char *list, size_t i)
{
	struct pl pl;

	while (list && *list) {
		pl.p = list;
		pl.l = strcspn(list, ",");
		list += pl.l + (list[pl.l] == ',');
		if (!i--)
			return pl.l && !pl_strcpy(&pl, path, PATH_SIZE);
	}

	return false;
}

/* A client names the host that it wants: its certificate, else the first. */
static int on_name(SSL *ssl, int *alert, void *arg)
{
	const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
	struct certs *t = arg;
	(void)alert;

	if (!name)
		return SSL_TLSEXT_ERR_NOACK;
	(void)pthread_mutex_lock(&t->lock);
	for (size_t i = 0; i < t->chains->n; i++) {
		SSL_CTX *ctx = t->chains->serverv[i];

		if (X509_check_host(SSL_CTX_get0_certificate(ctx), name, 0, 0,
				    NULL) != 1)
			continue;
		(void)SSL_set_SSL_CTX(ssl, ctx);
		break;
	}
	(void)pthread_mutex_unlock(&t->lock);

	return SSL_TLSEXT_ERR_OK;
}

static int use_files(SSL_CTX *ctx, const char *cert, const char *key,
		     char *errbuf, size_t errsize)
{
	if (SSL_CTX_use_certificate_chain_file(ctx, cert) != 1) {
		(void)re_snprintf(errbuf, errsize, "--tls-cert: %s: %s", cert,
				  reason());
		return EBADMSG;
	}
	if (SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1 ||
	    SSL_CTX_check_private_key(ctx) != 1) {
		(void)re_snprintf(errbuf, errsize, "--tls-key: %s: %s", key,
				  reason());
		return EBADMSG;
	}

	return 0;
}

static int use_ca(SSL_CTX *ctx, const char *ca, char *errbuf, size_t errsize)
{
	STACK_OF(X509_NAME) * names;

	names = SSL_load_client_CA_file(ca);
	if (!names || SSL_CTX_load_verify_locations(ctx, ca, NULL) != 1) {
		(void)re_snprintf(errbuf, errsize, "--tls-ca: %s: %s", ca,
				  reason());
		sk_X509_NAME_pop_free(names, X509_NAME_free);
		return EBADMSG;
	}
	SSL_CTX_set_client_CA_list(ctx, names);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);

	return 0;
}

/* A context with the i-th certificate. */
static int context(SSL_CTX **ctxp, struct certs *t, const SSL_METHOD *method,
		   size_t i, char *errbuf, size_t errsize)
{
	static const unsigned char sid[] = "switchyard-router";
	char cert[PATH_SIZE], key[PATH_SIZE];
	SSL_CTX *ctx = SSL_CTX_new(method);
	int err;

	if (!ctx)
		return ENOMEM;
	(void)SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
	(void)SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION |
					   SSL_OP_NO_COMPRESSION |
					   SSL_OP_CIPHER_SERVER_PREFERENCE);
	(void)SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS |
					SSL_MODE_ENABLE_PARTIAL_WRITE |
					SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	(void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	(void)SSL_CTX_set_session_id_context(ctx, sid, sizeof(sid) - 1);
	(void)SSL_CTX_set_tlsext_servername_callback(ctx, on_name);
	(void)SSL_CTX_set_tlsext_servername_arg(ctx, t);
	err = SSL_CTX_set_cipher_list(ctx, CIPHERS) == 1 ? 0 : ENOMEM;

	ERR_clear_error();
	(void)item(cert, t->conf.cert, i);
	(void)item(key, t->conf.key, i);
	if (!err)
		err = use_files(ctx, cert, key, errbuf, errsize);
	if (!err && str_isset(t->conf.ca))
		err = use_ca(ctx, t->conf.ca, errbuf, errsize);
	ERR_clear_error();
	if (err)
		SSL_CTX_free(ctx);
	else
		*ctxp = ctx;

	return err;
}

static int read_all(struct chains **cp, struct certs *t, char *errbuf,
		    size_t errsize)
{
	struct chains *c = mem_zalloc(sizeof(*c), chains_destructor);
	char path[PATH_SIZE];
	int err = 0;

	if (!c)
		return ENOMEM;
	while (!err && item(path, t->conf.cert, c->n)) {
		err = context(&c->serverv[c->n], t, TLS_server_method(), c->n,
			      errbuf, errsize);
		if (!err)
			++c->n;
	}
	if (!err)
		err = context(&c->client, t, TLS_client_method(), 0, errbuf,
			      errsize);
	if (err)
		mem_deref(c);
	else
		*cp = c;

	return err;
}

/* ----------------------------------------------------------- the files */

/* Note how the files are. @return true: other than before */
static bool mark(struct certs *t)
{
	const char *const lists[] = {t->conf.cert, t->conf.key, t->conf.ca};
	struct mark now[FILES_MAX];
	char path[PATH_SIZE];
	size_t n = 0;
	bool other;

	memset(now, 0, sizeof(now));
	for (size_t k = 0; k < 3; k++) {
		for (size_t i = 0; item(path, lists[k], i); i++, n++) {
			struct stat st;

			if (stat(path, &st))
				continue;
			now[n].mtime = st.st_mtim;
			now[n].size = st.st_size;
			now[n].inode = st.st_ino;
		}
	}
	other = memcmp(now, t->markv, sizeof(now)) != 0;
	memcpy(t->markv, now, sizeof(now));

	return other;
}

void certs_check(struct certs *t, uint64_t now_ms, bool force)
{
	struct chains *fresh, *old;
	char errbuf[256] = "";
	int err;

	if (!force && now_ms < t->next_ms)
		return;
	t->next_ms = now_ms + CERTS_CHECK_MS;
	if (!mark(t) && !force)
		return;
	err = read_all(&fresh, t, errbuf, sizeof(errbuf));
	if (err) {
		log_error("new certificates are wrong: the old ones stay",
			  LOG_S("why", *errbuf ? errbuf : strerror(err)));
		return;
	}
	(void)pthread_mutex_lock(&t->lock);
	old = t->chains;
	t->chains = fresh;
	(void)pthread_mutex_unlock(&t->lock);
	mem_deref(old);
	log_info("new certificates", LOG_U("n", (unsigned)fresh->n));
}

static size_t count(const char *list)
{
	char path[PATH_SIZE];
	size_t n = 0;

	while (item(path, list, n))
		++n;

	return n;
}

static void destructor(void *arg)
{
	struct certs *t = arg;

	mem_deref(t->chains);
	(void)pthread_mutex_destroy(&t->lock);
}

int certs_alloc(struct certs **tp, const struct certs_conf *conf, char *errbuf,
		size_t errsize)
{
	const size_t certc = count(conf->cert), keyc = count(conf->key);
	struct certs *t;
	int err;

	if (!certc || certc > CERTS_MAX || certc != keyc) {
		(void)re_snprintf(
		    errbuf, errsize,
		    "--tls-cert and --tls-key: 1 to %d files, and "
		    "a key for each certificate, are wanted; here "
		    "are %zu and %zu",
		    CERTS_MAX, certc, keyc);
		return EINVAL;
	}
	t = mem_zalloc(sizeof(*t), destructor);
	if (!t)
		return ENOMEM;
	(void)pthread_mutex_init(&t->lock, NULL);
	t->conf = *conf;
	(void)mark(t);
	err = read_all(&t->chains, t, errbuf, errsize);
	if (err)
		mem_deref(t);
	else
		*tp = t;

	return err;
}

/* --------------------------------------------------------- connections */

SSL *certs_server(struct certs *t)
{
	SSL *ssl;

	(void)pthread_mutex_lock(&t->lock);
	ssl = SSL_new(t->chains->serverv[0]);
	(void)pthread_mutex_unlock(&t->lock);
	if (ssl)
		SSL_set_accept_state(ssl);

	return ssl;
}

/* Whom the certificate must be for.  @return false: no memory */
static bool expect(SSL *ssl, const struct sa *peer, const char *name)
{
	char ip[64];

	if (name) {
		X509_VERIFY_PARAM_set_hostflags(
		    SSL_get0_param(ssl), X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
		return SSL_set1_host(ssl, name) == 1 &&
		       SSL_set_tlsext_host_name(ssl, name) == 1;
	}
	(void)re_snprintf(ip, sizeof(ip), "%j", peer);

	return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), ip) == 1;
}

SSL *certs_client(struct certs *t, const struct sa *peer, const char *name)
{
	SSL *ssl;

	(void)pthread_mutex_lock(&t->lock);
	ssl = SSL_new(t->chains->client);
	(void)pthread_mutex_unlock(&t->lock);
	if (!ssl)
		return NULL;
	SSL_set_connect_state(ssl);
	if (!expect(ssl, peer, name)) {
		SSL_free(ssl);
		return NULL;
	}

	return ssl;
}

static bool copy(char *name, size_t size, const ASN1_STRING *str)
{
	struct pl pl = {(const char *)ASN1_STRING_get0_data(str),
			(size_t)ASN1_STRING_length(str)};

	/* it may hold anything, yet not pass for something else */
	for (size_t i = 0; i < pl.l; i++) {
		if (pl.p[i] < ' ' || pl.p[i] == 0x7f)
			return false;
	}

	return pl.l && !pl_strcpy(&pl, name, size);
}

static bool alt_name(char *name, size_t size, X509 *cert, int type)
{
	GENERAL_NAMES *names =
	    X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
	bool found = false;

	for (int i = 0; i < sk_GENERAL_NAME_num(names) && !found; i++) {
		const GENERAL_NAME *gn = sk_GENERAL_NAME_value(names, i);

		found = gn->type == type && copy(name, size, gn->d.ia5) &&
			(type != GEN_URI || !strncasecmp(name, "sip:", 4));
	}
	GENERAL_NAMES_free(names);

	return found;
}

enum { PEER_NAME_SIZE = 256 };

/* @param anyp  Set to whether there was a name. @return as the handler */
static bool each_alt_name(X509 *cert, bool *anyp, certs_name_h *h, void *arg)
{
	GENERAL_NAMES *names =
	    X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
	char name[PEER_NAME_SIZE];
	bool found = false;

	for (int i = 0; i < sk_GENERAL_NAME_num(names) && !found; i++) {
		const GENERAL_NAME *gn = sk_GENERAL_NAME_value(names, i);

		if ((gn->type != GEN_URI && gn->type != GEN_DNS) ||
		    !copy(name, sizeof(name), gn->d.ia5) ||
		    (gn->type == GEN_URI && strncasecmp(name, "sip:", 4)))
			continue;
		*anyp = true;
		found = h(name, arg);
	}
	GENERAL_NAMES_free(names);

	return found;
}

static bool common_name(X509 *cert, certs_name_h *h, void *arg)
{
	const X509_NAME *subject = X509_get_subject_name(cert);
	const int i = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
	char name[PEER_NAME_SIZE];

	return i >= 0 &&
	       copy(name, sizeof(name),
		    X509_NAME_ENTRY_get_data(
			    X509_NAME_get_entry(subject, i))) &&
	       h(name, arg);
}

bool certs_peer_names(const SSL *ssl, certs_name_h *h, void *arg)
{
	X509 *cert = SSL_get1_peer_certificate(ssl);
	bool any = false, found = false;

	if (cert && SSL_get_verify_mode(ssl) & SSL_VERIFY_PEER &&
	    SSL_get_verify_result(ssl) == X509_V_OK) {
		found = each_alt_name(cert, &any, h, arg);
		if (!any)
			found = common_name(cert, h, arg);
	}
	X509_free(cert);

	return found;
}

void certs_peer_name(const SSL *ssl, char *name, size_t size)
{
	X509 *cert = SSL_get1_peer_certificate(ssl);
	int i;

	*name = '\0';
	if (!cert)
		return;
	if (SSL_get_verify_mode(ssl) & SSL_VERIFY_PEER &&
	    SSL_get_verify_result(ssl) == X509_V_OK &&
	    !alt_name(name, size, cert, GEN_URI) &&
	    !alt_name(name, size, cert, GEN_DNS)) {
		const X509_NAME *subject = X509_get_subject_name(cert);

		*name = '\0';
		i = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
		if (i >= 0)
			(void)copy(name, size,
				   X509_NAME_ENTRY_get_data(
				       X509_NAME_get_entry(subject, i)));
	}
	X509_free(cert);
}
