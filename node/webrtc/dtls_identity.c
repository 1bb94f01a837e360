/* SPDX-License-Identifier: MIT */
/* Certificates and their fingerprints. */

#include <ctype.h>
#include <string.h>
#include <re.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "node/webrtc/dtls_impl.h"

enum {
	YEAR_S = 365 * 24 * 3600,
	DAY_S = 24 * 3600, /* a peer's clock may be slow */
};

static const struct {
	const char *name;
	const EVP_MD *(*md)(void);
	size_t len;
} hashes[] = {
    [DTLS_SHA_1] = {"sha-1", EVP_sha1, 20},
    [DTLS_SHA_256] = {"sha-256", EVP_sha256, 32},
    [DTLS_SHA_384] = {"sha-384", EVP_sha384, 48},
    [DTLS_SHA_512] = {"sha-512", EVP_sha512, 64},
};

static void destructor(void *arg)
{
	struct dtls_identity *id = arg;

	SSL_CTX_free(id->ctx);
}

/* Its name says nothing: it is known by its fingerprint. */
static bool fill(X509 *cert, EVP_PKEY *key)
{
	static const uint8_t name[] = "WebRTC";
	X509_NAME *subject = X509_get_subject_name(cert);

	return X509_set_version(cert, 2) &&
	       ASN1_INTEGER_set(X509_get_serialNumber(cert),
				(long)(rand_u32() >> 1)) &&
	       X509_gmtime_adj(X509_getm_notBefore(cert), -DAY_S) &&
	       X509_gmtime_adj(X509_getm_notAfter(cert), YEAR_S) &&
	       X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, name, -1,
					  -1, 0) &&
	       X509_set_issuer_name(cert, subject) &&
	       X509_set_pubkey(cert, key) && X509_sign(cert, key, EVP_sha256());
}

static int print(char *text, size_t size, X509 *cert)
{
	uint8_t md[EVP_MAX_MD_SIZE];
	unsigned len = 0;
	int n;

	if (!X509_digest(cert, EVP_sha256(), md, &len))
		return EIO;

	n = re_snprintf(text, size, "sha-256");
	for (unsigned i = 0; i < len && n > 0; i++) {
		const int more = re_snprintf(text + n, size - (size_t)n,
					     "%c%02X", i ? ':' : ' ', md[i]);

		n = more < 0 ? -1 : n + more;
	}

	return n < 0 ? EOVERFLOW : 0;
}

/* The peer's certificate is its own, too: no chain is asked about. */
static int verify_handler(int ok, X509_STORE_CTX *store)
{
	(void)ok;
	(void)store;

	return 1;
}

static bool context(SSL_CTX *ctx, X509 *cert, EVP_PKEY *key)
{
	SSL_CTX_set_verify(ctx,
			   SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
			   verify_handler);
	(void)SSL_CTX_set_options(ctx, SSL_OP_NO_QUERY_MTU | SSL_OP_NO_TICKET |
					   SSL_OP_NO_RENEGOTIATION);
	(void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);

	/* The last one returns 0 for success. */
	return SSL_CTX_set_min_proto_version(ctx, DTLS1_2_VERSION) &&
	       SSL_CTX_set_cipher_list(ctx, "ECDHE+AESGCM:ECDHE+CHACHA20:"
					    "ECDHE+AES:!SHA256:!SHA384") &&
	       SSL_CTX_use_certificate(ctx, cert) &&
	       SSL_CTX_use_PrivateKey(ctx, key) &&
	       !SSL_CTX_set_tlsext_use_srtp(
		   ctx, "SRTP_AEAD_AES_128_GCM:SRTP_AES128_CM_SHA1_80");
}

int dtls_identity_alloc(struct dtls_identity **ip)
{
	struct dtls_identity *id;
	EVP_PKEY *key = NULL;
	X509 *cert = NULL;
	int err = EIO;

	if (!ip)
		return EINVAL;

	id = mem_zalloc(sizeof(*id), destructor);
	if (!id)
		return ENOMEM;

	id->ctx = SSL_CTX_new(DTLS_method());
	key = EVP_EC_gen("P-256");
	cert = X509_new();
	if (id->ctx && key && cert && fill(cert, key) &&
	    context(id->ctx, cert, key))
		err = print(id->fingerprint, sizeof(id->fingerprint), cert);

	X509_free(cert);
	EVP_PKEY_free(key);
	if (err)
		mem_deref(id);
	else
		*ip = id;

	return err;
}

const char *dtls_identity_fingerprint(const struct dtls_identity *id)
{
	return id ? id->fingerprint : "";
}

/* --- the peer's */

static int hex_bytes(struct dtls_fingerprint *fp, const struct pl *hex)
{
	const size_t len = hashes[fp->hash].len;

	if (hex->l != 3 * len - 1)
		return EBADMSG;

	for (size_t i = 0; i < len; i++) {
		const char *p = hex->p + 3 * i;
		const struct pl two = {p, 2};

		if (!isxdigit((uint8_t)p[0]) || !isxdigit((uint8_t)p[1]) ||
		    (i + 1 < len && p[2] != ':'))
			return EBADMSG;
		fp->md[i] = (uint8_t)pl_x32(&two);
	}
	fp->len = len;

	return 0;
}

int dtls_fingerprint_read(struct dtls_fingerprint *fp, const struct pl *val)
{
	struct pl name, hex;
	size_t i;

	memset(fp, 0, sizeof(*fp));
	if (re_regex(val->p, val->l, "[^ ]+[ ]+[0-9A-Fa-f:]+", &name, NULL,
		     &hex) ||
	    name.p != val->p || hex.p + hex.l != val->p + val->l)
		return EBADMSG;

	for (i = 0; i < ARRAY_SIZE(hashes); i++) {
		if (!pl_strcasecmp(&name, hashes[i].name))
			break;
	}
	if (i == ARRAY_SIZE(hashes))
		return ENOTSUP;

	fp->hash = (enum dtls_hash)i;

	return hex_bytes(fp, &hex);
}

bool dtls_fingerprint_same(const struct dtls_fingerprint *a,
			   const struct dtls_fingerprint *b)
{
	return a->len == b->len && a->hash == b->hash &&
	       !memcmp(a->md, b->md, a->len);
}

bool dtls_fingerprint_fits(const struct dtls_fingerprint *fp, X509 *cert)
{
	uint8_t md[EVP_MAX_MD_SIZE];
	unsigned len = 0;

	return cert && X509_digest(cert, hashes[fp->hash].md(), md, &len) &&
	       len == fp->len && !memcmp(md, fp->md, len);
}
