/* SPDX-License-Identifier: MIT */
/*
 * A router checks thousands of these a second: the digests are fetched once
 * (a fetch by name costs more than an MD5), and each thread keeps a context
 * of each.
 *
 * Values are used as they stand between their quotes, quoted pairs and all:
 * that is the "unq(X)" of RFC 2617 3.2.2, what clients compute with.
 */

#include <ctype.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "proto/digest.h"

static const struct {
	const char *name;      /* in SIP, RFC 8760 2.1 */
	const char *evp;       /* in OpenSSL           */
	unsigned size;         /* [bytes]              */
} algs[DIGEST_ALG_COUNT] = {
	[DIGEST_MD5] = {"MD5", "MD5", 16},
	[DIGEST_SHA256] = {"SHA-256", "SHA2-256", 32},
	[DIGEST_SHA512_256] = {"SHA-512-256", "SHA2-512/256", 32},
};

const char *digest_alg_name(enum digest_alg alg)
{
	return (unsigned)alg < DIGEST_ALG_COUNT ? algs[alg].name : "?";
}

/* ---------------------------------------------------------------- hashing */

struct thread_ctx {
	EVP_MD_CTX *ctxv[DIGEST_ALG_COUNT];
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static EVP_MD *mdv[DIGEST_ALG_COUNT];   /* RO after start */
static pthread_key_t ctx_key;
static bool ctx_key_ok;                 /* RO after start */

static void free_thread_ctx(void *arg)
{
	struct thread_ctx *t = arg;
	size_t i;

	for (i = 0; i < DIGEST_ALG_COUNT; i++)
		EVP_MD_CTX_free(t->ctxv[i]);
	free(t);
}

static void start(void)
{
	size_t i;

	for (i = 0; i < DIGEST_ALG_COUNT; i++)
		mdv[i] = EVP_MD_fetch(NULL, algs[i].evp, NULL);
	ctx_key_ok = !pthread_key_create(&ctx_key, free_thread_ctx);
}

static struct thread_ctx *thread_ctx(void)
{
	struct thread_ctx *t;

	(void)pthread_once(&once, start);
	if (!ctx_key_ok)
		return NULL;

	t = pthread_getspecific(ctx_key);
	if (t)
		return t;

	t = calloc(1, sizeof(*t));
	if (t && pthread_setspecific(ctx_key, t)) {
		free(t);
		t = NULL;
	}

	return t;
}

/* @return this thread's context, ready to take bytes, or NULL. */
static EVP_MD_CTX *begin(enum digest_alg alg)
{
	struct thread_ctx *t = thread_ctx();

	if (!t || !mdv[alg])
		return NULL;

	if (!t->ctxv[alg])
		t->ctxv[alg] = EVP_MD_CTX_new();
	if (!t->ctxv[alg] || !EVP_DigestInit_ex2(t->ctxv[alg], mdv[alg], NULL))
		return NULL;

	return t->ctxv[alg];
}

/* Hex of the hash over parts, joined by colons. */
static int hash(char *hex, enum digest_alg alg, const struct pl *partv,
		size_t partc)
{
	static const char digits[] = "0123456789abcdef";
	unsigned char md[EVP_MAX_MD_SIZE];
	EVP_MD_CTX *ctx = begin(alg);
	unsigned len = 0, i;
	size_t p;

	if (!ctx)
		return ENOMEM;

	for (p = 0; p < partc; p++) {
		if (p && !EVP_DigestUpdate(ctx, ":", 1))
			return EINVAL;
		if (partv[p].l &&
		    !EVP_DigestUpdate(ctx, partv[p].p, partv[p].l))
			return EINVAL;
	}
	if (!EVP_DigestFinal_ex(ctx, md, &len) || len != algs[alg].size)
		return EINVAL;

	for (i = 0; i < len; i++) {
		hex[2 * i] = digits[md[i] >> 4];
		hex[2 * i + 1] = digits[md[i] & 15];
	}
	hex[2 * len] = '\0';

	return 0;
}

static struct pl pl_of(const char *s)
{
	return (struct pl){s, s ? strlen(s) : 0};
}

int digest_ha1(char *hex, enum digest_alg alg, const char *user,
	       const char *realm, const char *password)
{
	const struct pl partv[] = {pl_of(user), pl_of(realm),
				   pl_of(password)};

	if (!hex || (unsigned)alg >= DIGEST_ALG_COUNT || !user || !realm ||
	    !password)
		return EINVAL;

	return hash(hex, alg, partv, 3);
}

/* HA2: RFC 7616 3.4.3. */
static int compute_ha2(char *hex, const struct digest_response *r,
		       const struct pl *method, const struct pl *body,
		       bool integrity)
{
	char bodyhex[DIGEST_HEX_MAX + 1];
	struct pl partv[3] = {*method, r->uri, {bodyhex, 0}};
	int err;

	if (!integrity)
		return hash(hex, r->alg, partv, 2);

	err = hash(bodyhex, r->alg, body, body ? 1 : 0);
	if (err)
		return err;
	partv[2].l = strlen(bodyhex);

	return hash(hex, r->alg, partv, 3);
}

int digest_compute(char *hex, const struct digest_response *r,
		   const char *ha1, const struct pl *method,
		   const struct pl *body)
{
	char ha2[DIGEST_HEX_MAX + 1];
	bool integrity;
	int err;

	if (!hex || !r || !ha1 || !method || !pl_isset(method) ||
	    (unsigned)r->alg >= DIGEST_ALG_COUNT)
		return EINVAL;
	if (!r->alg_known)
		return ENOTSUP;
	if (strlen(ha1) != 2 * algs[r->alg].size)
		return EINVAL;

	integrity = !pl_strcasecmp(&r->qop, "auth-int");
	if (r->qop.l && !integrity && pl_strcasecmp(&r->qop, "auth"))
		return ENOTSUP;

	err = compute_ha2(ha2, r, method, body, integrity);
	if (err)
		return err;

	if (r->qop.l) {
		const struct pl partv[] = {pl_of(ha1), r->nonce, r->nc,
					   r->cnonce, r->qop, pl_of(ha2)};

		return hash(hex, r->alg, partv, 6);
	} else {
		/* RFC 2069, kept by RFC 2617 3.2.2.1 */
		const struct pl partv[] = {pl_of(ha1), r->nonce, pl_of(ha2)};

		return hash(hex, r->alg, partv, 3);
	}
}

bool digest_check(const struct digest_response *r, const char *ha1,
		  const struct pl *method, const struct pl *body)
{
	char want[DIGEST_HEX_MAX + 1], got[DIGEST_HEX_MAX + 1];
	size_t len, i;

	if (!r || digest_compute(want, r, ha1, method, body))
		return false;

	len = strlen(want);
	if (r->response.l != len)
		return false;

	/* Some clients write their hex in capitals. */
	for (i = 0; i < len; i++)
		got[i] = (char)tolower((unsigned char)r->response.p[i]);

	return !CRYPTO_memcmp(want, got, len);
}
