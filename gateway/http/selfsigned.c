/* SPDX-License-Identifier: MIT */
/* Self-signed certificates: see selfsigned.h. */

#include <errno.h>
#include <stdbool.h>
#include <openssl/bn.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include "gateway/http/selfsigned.h"

enum {
	DAY_S = 24 * 3600,
	YEAR_S = 365 * DAY_S,
	SERIAL_BYTES = 16,
};

static bool add_extension(X509 *cert, int nid, const char *value)
{
	X509_EXTENSION *ext;
	X509V3_CTX ctx;
	bool ok;

	X509V3_set_ctx_nodb(&ctx);
	X509V3_set_ctx(&ctx, cert, cert, NULL, NULL, 0);
	ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	ok = ext && X509_add_ext(cert, ext, -1) == 1;
	X509_EXTENSION_free(ext);

	return ok;
}

/* Random: two gateways, or two starts, must not share issuer and serial. */
static bool set_serial(X509 *cert)
{
	unsigned char bytes[SERIAL_BYTES];
	BIGNUM *bn = NULL;
	bool ok;

	if (RAND_bytes(bytes, sizeof(bytes)) != 1)
		return false;
	bytes[0] = (bytes[0] & 0x7f) | 0x01;
	bn = BN_bin2bn(bytes, sizeof(bytes), NULL);
	ok = bn && BN_to_ASN1_INTEGER(bn, X509_get_serialNumber(cert));
	BN_free(bn);

	return ok;
}

static bool set_names(X509 *cert)
{
	X509_NAME *name = X509_get_subject_name(cert);

	return X509_NAME_add_entry_by_txt(
		       name, "CN", MBSTRING_ASC,
		       (const unsigned char *)"localhost", -1, -1, 0) == 1 &&
	       X509_set_issuer_name(cert, name) == 1;
}

int selfsigned_make(X509 **certp, EVP_PKEY **keyp)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = X509_new();
	bool ok;

	ok = key && cert && X509_set_version(cert, 2) == 1 &&
	     set_serial(cert) && set_names(cert) &&
	     X509_gmtime_adj(X509_getm_notBefore(cert), -DAY_S) &&
	     X509_gmtime_adj(X509_getm_notAfter(cert), YEAR_S) &&
	     X509_set_pubkey(cert, key) == 1 &&
	     add_extension(cert, NID_basic_constraints,
			   "critical,CA:FALSE") &&
	     add_extension(cert, NID_key_usage,
			   "critical,digitalSignature") &&
	     add_extension(cert, NID_ext_key_usage, "serverAuth") &&
	     add_extension(cert, NID_subject_alt_name,
			   "DNS:localhost,IP:127.0.0.1,IP:::1") &&
	     X509_sign(cert, key, EVP_sha256()) > 0;
	if (!ok) {
		X509_free(cert);
		EVP_PKEY_free(key);
		return ENOMEM;
	}

	*certp = cert;
	*keyp = key;

	return 0;
}
