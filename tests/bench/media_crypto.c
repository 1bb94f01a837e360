/* SPDX-License-Identifier: MIT */
/*
 * The floor of SRTP: libcrypto's primitives over one packet, with the key
 * schedule made before, and nothing around them.  See media_bench.h.
 */

#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <string.h>

#include "node/media/rtp.h"
#include "tests/bench/media_bench.h"

enum { GCM_TAG = 16, SHA_BLOCK = 64 };

struct crypto {
	bool gcm;
	EVP_CIPHER_CTX *evp;
	SHA_CTX inner, outer;
	uint8_t iv[16];
	uint8_t buf[RTP_HDR_BYTES + SCRIPT_BYTES + 1024];
};

static void destructor(void *arg)
{
	struct crypto *c = arg;

	EVP_CIPHER_CTX_free(c->evp);
}

struct crypto *crypto_alloc(enum media_srtp_suite suite)
{
	static const uint8_t key[32], pad[SHA_BLOCK];
	struct crypto *c = mem_zalloc(sizeof(*c), destructor);

	if (!c)
		die("memory", ENOMEM);

	c->gcm = suite == MEDIA_SRTP_AEAD_AES_128_GCM;
	c->evp = EVP_CIPHER_CTX_new();
	if (!c->evp ||
	    !EVP_EncryptInit_ex(c->evp, c->gcm ? EVP_aes_128_gcm()
					       : EVP_aes_128_ctr(),
				NULL, key, c->iv))
		die("libcrypto", EINVAL);

	(void)SHA1_Init(&c->inner);
	(void)SHA1_Update(&c->inner, pad, sizeof(pad));
	c->outer = c->inner;

	return c;
}

static void authenticate(struct crypto *c, size_t len)
{
	uint8_t digest[SHA_DIGEST_LENGTH];
	SHA_CTX sha = c->inner;

	(void)SHA1_Update(&sha, c->buf, len);
	(void)SHA1_Final(digest, &sha);
	sha = c->outer;
	(void)SHA1_Update(&sha, digest, sizeof(digest));
	(void)SHA1_Final(digest, &sha);
	c->iv[0] ^= digest[0];
}

void crypto_packet(struct crypto *c, const uint8_t *pkt, size_t len)
{
	const size_t n = len - RTP_HDR_BYTES;
	uint8_t *p = c->buf + RTP_HDR_BYTES;
	int got = 0;

	memcpy(c->buf, pkt, len);
	++c->iv[8];
	(void)EVP_EncryptInit_ex(c->evp, NULL, NULL, NULL, c->iv);

	if (c->gcm)
		(void)EVP_EncryptUpdate(c->evp, NULL, &got, c->buf,
					RTP_HDR_BYTES);
	if (n)
		(void)EVP_EncryptUpdate(c->evp, p, &got, p, (int)n);

	if (!c->gcm) {
		authenticate(c, len);
		return;
	}

	(void)EVP_EncryptFinal_ex(c->evp, p + n, &got);
	(void)EVP_CIPHER_CTX_ctrl(c->evp, EVP_CTRL_AEAD_GET_TAG, GCM_TAG,
				  p + n);
}
