/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "proto/random.h"
#include "proto/seal.h"

enum {
	VERSION = 1,
	NONCE_BYTES = 12,
	TAG_BYTES = 16,
	KEY_BYTES = 32,
};

/* The key of the one use of token_mac() that nobody prints. */
static void derive(uint8_t k[KEY_BYTES], const struct token_key *key)
{
	static const char purpose[] = "seal AES-256-GCM 1";

	token_mac(k, key, 'S', purpose, sizeof(purpose) - 1);
}

static EVP_CIPHER_CTX *begin(const struct token_key *key, const uint8_t *nonce,
			     const char *context, int encrypt)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	uint8_t k[KEY_BYTES];
	bool ok;
	int n;

	if (!ctx)
		return NULL;

	derive(k, key);
	ok = EVP_CipherInit_ex(ctx, EVP_aes_256_gcm(), NULL, k, nonce,
			       encrypt) == 1 &&
	     EVP_CipherUpdate(ctx, NULL, &n, (const uint8_t *)context,
			      (int)strlen(context)) == 1;
	OPENSSL_cleanse(k, sizeof(k));
	if (!ok) {
		EVP_CIPHER_CTX_free(ctx);
		return NULL;
	}

	return ctx;
}

int seal_close(uint8_t *out, const struct token_key *key, const char *context,
	       const void *secret, size_t len)
{
	uint8_t *nonce = out + 1, *text = nonce + NONCE_BYTES;
	EVP_CIPHER_CTX *ctx;
	bool ok;
	int n, rest;

	if (!out || !key || !context || !secret || len > SEAL_MAX_BYTES)
		return EINVAL;

	out[0] = VERSION;
	random_bytes(nonce, NONCE_BYTES);
	ctx = begin(key, nonce, context, 1);
	if (!ctx)
		return ENOMEM;

	ok = EVP_CipherUpdate(ctx, text, &n, secret, (int)len) == 1 &&
	     EVP_CipherFinal_ex(ctx, text + n, &rest) == 1 &&
	     EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, TAG_BYTES,
				 text + len) == 1;
	EVP_CIPHER_CTX_free(ctx);

	return ok ? 0 : ENOMEM;
}

int seal_open(char *str, size_t size, const struct token_key *key,
	      const char *context, const void *sealed, size_t len)
{
	const uint8_t *in = sealed, *text;
	uint8_t tag[TAG_BYTES];
	EVP_CIPHER_CTX *ctx;
	size_t plain;
	bool ok;
	int n, rest;

	if (!str || !key || !context || !in || len < SEAL_EXTRA_BYTES ||
	    len > SEAL_MAX_BYTES + SEAL_EXTRA_BYTES || in[0] != VERSION)
		return EINVAL;
	plain = len - SEAL_EXTRA_BYTES;
	if (size <= plain)
		return EINVAL;

	text = in + 1 + NONCE_BYTES;
	memcpy(tag, text + plain, sizeof(tag));
	ctx = begin(key, in + 1, context, 0);
	if (!ctx)
		return ENOMEM;

	ok = EVP_CipherUpdate(ctx, (uint8_t *)str, &n, text, (int)plain) == 1 &&
	     EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, TAG_BYTES,
				 tag) == 1 &&
	     EVP_CipherFinal_ex(ctx, (uint8_t *)str + n, &rest) == 1;
	EVP_CIPHER_CTX_free(ctx);
	if (!ok) {
		OPENSSL_cleanse(str, size);
		return EBADMSG;
	}
	str[plain] = '\0';

	return 0;
}
