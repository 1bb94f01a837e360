/* SPDX-License-Identifier: MIT */
/* SHA-256's states after the HMAC pads are computed once for each key, so a
 * token costs two blocks; OpenSSL 3 offers that only by its older calls. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <errno.h>
#include <string.h>
#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <re.h>
#include "proto/token.h"

enum { SECRET_MIN = 16, BODY = TOKEN_BYTES - TOKEN_MAC_BYTES };

struct token_key {
	SHA256_CTX inner, outer;
};

static void key_destructor(void *arg)
{
	struct token_key *k = arg;

	OPENSSL_cleanse(k, sizeof(*k));
}

int token_key_alloc(struct token_key **kp, const void *secret, size_t len)
{
	uint8_t pad[SHA256_CBLOCK], key[SHA256_DIGEST_LENGTH];
	struct token_key *k;

	if (!kp || !secret || len < SECRET_MIN)
		return EINVAL;

	k = mem_zalloc(sizeof(*k), key_destructor);
	if (!k)
		return ENOMEM;

	SHA256(secret, len, key);
	memset(pad, 0x36, sizeof(pad));
	for (size_t i = 0; i < sizeof(key); i++)
		pad[i] ^= key[i];
	SHA256_Init(&k->inner);
	SHA256_Update(&k->inner, pad, sizeof(pad));

	for (size_t i = 0; i < sizeof(pad); i++)
		pad[i] ^= 0x36 ^ 0x5c;
	SHA256_Init(&k->outer);
	SHA256_Update(&k->outer, pad, sizeof(pad));

	OPENSSL_cleanse(pad, sizeof(pad));
	OPENSSL_cleanse(key, sizeof(key));
	*kp = k;

	return 0;
}

/* HMAC over up to two pieces, after one byte that names the use. */
static void mac2(uint8_t mac[32], const struct token_key *key, uint8_t use,
		 const void *a, size_t alen, const void *b, size_t blen)
{
	SHA256_CTX c = key->inner;

	SHA256_Update(&c, &use, 1);
	SHA256_Update(&c, a, alen);
	if (blen)
		SHA256_Update(&c, b, blen);
	SHA256_Final(mac, &c);

	c = key->outer;
	SHA256_Update(&c, mac, SHA256_DIGEST_LENGTH);
	SHA256_Final(mac, &c);
}

void token_mac(uint8_t mac[32], const struct token_key *key, char use,
	       const void *p, size_t len)
{
	mac2(mac, key, (uint8_t)use, p, len, NULL, 0);
}

int token_memcmp(const void *a, const void *b, size_t len)
{
	return CRYPTO_memcmp(a, b, len);
}

static void put32(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)(v >> 16);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	       (uint32_t)p[2] << 8 | p[3];
}

void token_print(char str[TOKEN_LEN], const struct token_key *key,
		 const struct token *tok, const void *ctx, size_t ctxlen)
{
	uint8_t b[TOKEN_BYTES], mac[32];

	b[0] = (uint8_t)tok->kind;
	put32(b + 1, tok->instance);
	memcpy(b + 5, tok->hub, ULID_BYTES);
	put32(b + 21, tok->leg);
	put32(b + 25, tok->epoch);
	mac2(mac, key, 't', b, BODY, ctx, ctxlen);
	memcpy(b + BODY, mac, TOKEN_MAC_BYTES);
	base64url_print(str, b, sizeof(b));
}

int token_read(struct token *tok, const struct token_key *key,
	       enum token_kind kind, const char *str, size_t len,
	       const void *ctx, size_t ctxlen)
{
	uint8_t b[TOKEN_BYTES], mac[32];

	if (!tok || !key || !str || len < TOKEN_LEN)
		return EINVAL;
	if (base64url_read(b, sizeof(b), str, TOKEN_LEN) != TOKEN_BYTES ||
	    b[0] != (uint8_t)kind)
		return EINVAL;

	mac2(mac, key, 't', b, BODY, ctx, ctxlen);
	if (CRYPTO_memcmp(mac, b + BODY, TOKEN_MAC_BYTES))
		return EBADMSG;

	tok->kind = kind;
	tok->instance = get32(b + 1);
	memcpy(tok->hub, b + 5, ULID_BYTES);
	tok->leg = get32(b + 21);
	tok->epoch = get32(b + 25);

	return 0;
}

static const char alphabet[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

size_t base64url_print(char *str, const uint8_t *p, size_t len)
{
	unsigned acc = 0, bits = 0;
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		acc = (acc << 8) | p[i];
		bits += 8;
		while (bits >= 6) {
			bits -= 6;
			str[n++] = alphabet[(acc >> bits) & 63];
		}
	}
	if (bits)
		str[n++] = alphabet[(acc << (6 - bits)) & 63];

	return n;
}

static int value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;

	return c == '-' ? 62 : c == '_' ? 63 : -1;
}

long base64url_read(uint8_t *p, size_t size, const char *str, size_t len)
{
	unsigned acc = 0, bits = 0;
	size_t n = 0;

	if (len % 4 == 1)
		return -1;

	for (size_t i = 0; i < len; i++) {
		int v = value(str[i]);

		if (v < 0)
			return -1;
		acc = (acc << 6) | (unsigned)v;
		bits += 6;
		if (bits >= 8) {
			if (n == size)
				return -1;
			bits -= 8;
			p[n++] = (uint8_t)(acc >> bits);
		}
	}

	/* one value, one text: what does not fill a byte must be zero */
	return acc & ((1u << bits) - 1) ? -1 : (long)n;
}
