/* SPDX-License-Identifier: MIT */
/*
 * SRTP's keys and transforms on libcrypto.  On the tick only what allocates
 * nothing: a cipher's context that gets a new IV, and SHA-1 by its state.
 * EVP's HMAC copies a context for each packet, on the heap; SHA1_Update() is
 * old but does the same arithmetic (with SHA-NI where there is some), and the
 * states after the padded key are simply kept.
 */

#include <errno.h>
#include <string.h>

#include "node/media/srtp_impl.h"

#include <openssl/crypto.h>

enum {
	GCM_TAG = 16,
	HMAC_KEY = 20,
	HMAC_BLOCK = 64,
};

/* RFC 3711 4.3.1 with a key derivation rate of 0; RFC 7714 11: the salt of
 * GCM is 12 bytes, the rest is zero. */
int srtp_xform_derive(uint8_t *out, size_t n, const struct srtp_suite_info *si,
		      const struct media_srtp *keys, uint8_t label)
{
	EVP_CIPHER_CTX *evp = EVP_CIPHER_CTX_new();
	uint8_t iv[SRTP_IV_BYTES] = {0};
	int len = 0, ok;

	if (!evp)
		return ENOMEM;

	memcpy(iv, keys->salt, si->salt_len);
	iv[7] ^= label;
	memset(out, 0, n);

	ok = EVP_EncryptInit_ex(
		 evp, si->key_len == 32 ? EVP_aes_256_ctr() : EVP_aes_128_ctr(),
		 NULL, keys->key, iv) &&
	     EVP_EncryptUpdate(evp, out, &len, out, (int)n);

	EVP_CIPHER_CTX_free(evp);

	return ok ? 0 : ENOMEM;
}

static void hmac_pad(SHA_CTX *sha, const uint8_t key[HMAC_KEY], uint8_t pad)
{
	uint8_t block[HMAC_BLOCK];
	size_t i;

	memset(block, pad, sizeof(block));
	for (i = 0; i < HMAC_KEY; i++)
		block[i] ^= key[i];

	(void)SHA1_Init(sha);
	(void)SHA1_Update(sha, block, sizeof(block));
	OPENSSL_cleanse(block, sizeof(block));
}

static const EVP_CIPHER *cipher_of(const struct srtp_suite_info *si)
{
	if (!si->aead)
		return EVP_aes_128_ctr();

	return si->key_len == 32 ? EVP_aes_256_gcm() : EVP_aes_128_gcm();
}

int srtp_xform_keys(struct srtp_xform *x, const struct srtp_suite_info *si,
		    const uint8_t *key, const uint8_t *auth, bool tx)
{
	x->aead = si->aead;
	x->evp = EVP_CIPHER_CTX_new();
	if (!x->evp)
		return ENOMEM;

	if (!si->aead) {
		hmac_pad(&x->inner, auth, 0x36);
		hmac_pad(&x->outer, auth, 0x5c);
	}

	/* Counter mode is its own inverse; the IV comes with each packet. */
	return EVP_CipherInit_ex(x->evp, cipher_of(si), NULL, key, NULL,
				 tx || !si->aead)
		   ? 0
		   : ENOMEM;
}

int srtp_xform_init(struct srtp_xform *x, const struct srtp_suite_info *si,
		    const struct media_srtp *keys, uint8_t label, bool tx)
{
	uint8_t key[MEDIA_SRTP_KEY_MAX], auth[HMAC_KEY];
	int err;

	err = srtp_xform_derive(key, si->key_len, si, keys, label);
	if (!err)
		err = srtp_xform_derive(auth, sizeof(auth), si, keys,
					(uint8_t)(label + 1));
	if (!err)
		err = srtp_xform_derive(x->salt, si->salt_len, si, keys,
					(uint8_t)(label + 2));
	if (!err)
		err = srtp_xform_keys(x, si, key, auth, tx);

	OPENSSL_cleanse(key, sizeof(key));
	OPENSSL_cleanse(auth, sizeof(auth));

	return err;
}

void srtp_xform_close(struct srtp_xform *x)
{
	EVP_CIPHER_CTX_free(x->evp); /* wipes */
	OPENSSL_cleanse(x, sizeof(*x));
}

/*
 * AES-CM (RFC 3711 4.1.1): salt * 2^16 ^ SSRC * 2^64 ^ index * 2^16.
 * GCM (RFC 7714 8.1, 9.1): two zeros, SSRC, index of 48 bits, ^ salt.
 * SRTCP's index has 31 bits, the bits above are zero.
 */
void srtp_xform_iv(const struct srtp_xform *x, uint8_t iv[SRTP_IV_BYTES],
		   uint32_t ssrc, uint64_t index)
{
	const size_t at = x->aead ? 2 : 4;
	size_t i;

	memset(iv, 0, SRTP_IV_BYTES);
	memcpy(iv, x->salt, x->aead ? 12 : 14);

	for (i = 0; i < 4; i++)
		iv[at + i] ^= (uint8_t)(ssrc >> (24 - 8 * i));
	for (i = 0; i < 6; i++)
		iv[at + 4 + i] ^= (uint8_t)(index >> (40 - 8 * i));
}

int srtp_xform_ctr(struct srtp_xform *x, const uint8_t *iv, uint8_t *p,
		   size_t len)
{
	int n = 0;

	if (!len)
		return 0;

	return EVP_EncryptInit_ex(x->evp, NULL, NULL, NULL, iv) &&
		       EVP_EncryptUpdate(x->evp, p, &n, p, (int)len)
		   ? 0
		   : EIO;
}

void srtp_xform_tag(const struct srtp_xform *x, const uint8_t *p, size_t len,
		    const uint8_t more[4], uint8_t *tag, size_t n)
{
	uint8_t digest[SHA_DIGEST_LENGTH];
	SHA_CTX sha = x->inner;

	(void)SHA1_Update(&sha, p, len);
	(void)SHA1_Update(&sha, more, 4);
	(void)SHA1_Final(digest, &sha);

	sha = x->outer;
	(void)SHA1_Update(&sha, digest, sizeof(digest));
	(void)SHA1_Final(digest, &sha);

	memcpy(tag, digest, n);
}

bool srtp_xform_check(const struct srtp_xform *x, const uint8_t *p, size_t len,
		      const uint8_t more[4], const uint8_t *tag, size_t n)
{
	uint8_t digest[SHA_DIGEST_LENGTH];

	srtp_xform_tag(x, p, len, more, digest, n);

	return !CRYPTO_memcmp(digest, tag, n);
}

static bool begin(struct srtp_xform *x, const uint8_t *iv, const uint8_t *aad,
		  size_t aadc, const uint8_t *more)
{
	int n;

	return EVP_CipherInit_ex(x->evp, NULL, NULL, NULL, iv, -1) &&
	       EVP_CipherUpdate(x->evp, NULL, &n, aad, (int)aadc) &&
	       (!more || EVP_CipherUpdate(x->evp, NULL, &n, more, 4));
}

int srtp_xform_seal(struct srtp_xform *x, const uint8_t *iv, const uint8_t *aad,
		    size_t aadc, const uint8_t *more, uint8_t *p, size_t len)
{
	int n = 0;

	if (!begin(x, iv, aad, aadc, more) ||
	    (len && !EVP_CipherUpdate(x->evp, p, &n, p, (int)len)) ||
	    !EVP_CipherFinal_ex(x->evp, p + len, &n) ||
	    !EVP_CIPHER_CTX_ctrl(x->evp, EVP_CTRL_AEAD_GET_TAG, GCM_TAG,
				 p + len))
		return EIO;

	return 0;
}

int srtp_xform_open(struct srtp_xform *x, const uint8_t *iv, const uint8_t *aad,
		    size_t aadc, const uint8_t *more, uint8_t *p, size_t len)
{
	int n = 0;

	if (!begin(x, iv, aad, aadc, more) ||
	    (len && !EVP_CipherUpdate(x->evp, p, &n, p, (int)len)) ||
	    !EVP_CIPHER_CTX_ctrl(x->evp, EVP_CTRL_AEAD_SET_TAG, GCM_TAG,
				 p + len))
		return EIO;

	return EVP_CipherFinal_ex(x->evp, p + len, &n) > 0 ? 0 : EACCES;
}
