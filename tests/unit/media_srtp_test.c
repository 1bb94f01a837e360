/* libs: sy_media PkgConfig::SRTP2 */
/* SPDX-License-Identifier: MIT */
/* libsrtp2 is the witness; it and ours speak to each other. */
#include "media_test.h"

#include <errno.h>
#include <re.h>
#include <openssl/crypto.h>
#include <srtp2/srtp.h>

#include "node/media/srtp_impl.h"

enum { CAP = 2032, SSRC = 0x11223344 };

static const enum media_srtp_suite suitev[] = {
    MEDIA_SRTP_AES_CM_128_HMAC_SHA1_80,
    MEDIA_SRTP_AES_CM_128_HMAC_SHA1_32,
    MEDIA_SRTP_AEAD_AES_128_GCM,
    MEDIA_SRTP_AEAD_AES_256_GCM,
};

static void (*const policyv[])(srtp_crypto_policy_t *) = {
    srtp_crypto_policy_set_rtp_default, /* _80 */
    srtp_crypto_policy_set_aes_cm_128_hmac_sha1_32,
    srtp_crypto_policy_set_aes_gcm_128_16_auth,
    srtp_crypto_policy_set_aes_gcm_256_16_auth,
};

/* What OpenSSL took from the heap. */
static size_t allocations;

static void *count_malloc(size_t n, const char *file, int line)
{
	(void)file;
	(void)line;
	++allocations;

	return malloc(n);
}

static void *count_realloc(void *p, size_t n, const char *file, int line)
{
	(void)file;
	(void)line;
	++allocations;

	return realloc(p, n);
}

static void count_free(void *p, const char *file, int line)
{
	(void)file;
	(void)line;
	free(p);
}

static struct media_srtp keys(enum media_srtp_suite suite, uint8_t seed)
{
	struct media_srtp k = {.suite = suite};
	size_t i;

	for (i = 0; i < sizeof(k.key); i++)
		k.key[i] = (uint8_t)(seed + 7 * i);
	for (i = 0; i < sizeof(k.salt); i++)
		k.salt[i] = (uint8_t)(seed + 11 * i + 1);

	return k;
}

static struct srtp_ctx *ours(const struct media_srtp *k, bool tx)
{
	struct srtp_ctx *c;

	assert_int_equal(srtp_ctx_alloc(&c, k, tx), 0);

	return c;
}

static srtp_t theirs(size_t suite, const struct media_srtp *k, bool tx)
{
	uint8_t key[64];
	srtp_policy_t p;
	srtp_t s;

	memset(&p, 0, sizeof(p));
	policyv[suite](&p.rtp);
	policyv[suite](&p.rtcp);
	if (k->suite == MEDIA_SRTP_AES_CM_128_HMAC_SHA1_32)
		srtp_crypto_policy_set_rtp_default(&p.rtcp);

	memcpy(key, k->key, media_srtp_key_len(k->suite));
	memcpy(key + media_srtp_key_len(k->suite), k->salt,
	       media_srtp_salt_len(k->suite));
	p.key = key;
	p.ssrc.type = tx ? ssrc_any_outbound : ssrc_any_inbound;
	p.window_size = 128;
	assert_int_equal(srtp_create(&s, &p), srtp_err_status_ok);

	return s;
}

/* cc CSRCs, an extension of ext words (-1: none), n bytes of payload. */
static size_t rtp_make(uint8_t *p, uint16_t seq, uint32_t ssrc, unsigned cc,
		       int ext, size_t n)
{
	size_t i, len = 12 + 4 * cc;

	memset(p, 0xc5, len + (ext >= 0 ? 4 + 4 * (size_t)ext : 0));
	p[0] = (uint8_t)(0x80 | cc | (ext >= 0 ? 0x10 : 0));
	p[1] = 0;
	p[2] = (uint8_t)(seq >> 8);
	p[3] = (uint8_t)seq;
	for (i = 0; i < 4; i++)
		p[8 + i] = (uint8_t)(ssrc >> (24 - 8 * i));
	if (ext >= 0) {
		p[len + 2] = 0;
		p[len + 3] = (uint8_t)ext;
		len += 4 + 4 * (size_t)ext;
	}
	for (i = 0; i < n; i++)
		p[len + i] = (uint8_t)(i * 31 + seq);

	return len + n;
}

static size_t rtcp_make(uint8_t *p, size_t words)
{
	size_t i;

	for (i = 0; i < 4 * words; i++)
		p[i] = (uint8_t)(i * 13);
	p[0] = 0x80;
	p[1] = 200;
	p[2] = 0;
	p[3] = (uint8_t)(words - 1);

	return 4 * words;
}

static size_t unhex(uint8_t *p, const char *hex)
{
	size_t n = strlen(hex) / 2;

	assert_int_equal(str_hex(p, n, hex), 0);

	return n;
}

/* RFC 3711 B.3 */
static void test_derivation(void **state)
{
	const struct srtp_suite_info *si =
	    &srtp_suites[MEDIA_SRTP_AES_CM_128_HMAC_SHA1_80];
	struct media_srtp k = {.suite = MEDIA_SRTP_AES_CM_128_HMAC_SHA1_80};
	uint8_t got[32], want[32];
	size_t n;

	(void)state;

	(void)unhex(k.key, "e1f97a0d3e018be0d64fa32c06de4139");
	(void)unhex(k.salt, "0ec675ad498afeebb6960b3aabe6");

	n = unhex(want, "c61e7a93744f39ee10734afe3ff7a087");
	assert_int_equal(srtp_xform_derive(got, n, si, &k, 0), 0);
	assert_memory_equal(got, want, n);

	n = unhex(want, "cebe321f6ff7716b6fd4ab49af256a156d38baa4");
	assert_int_equal(srtp_xform_derive(got, n, si, &k, 1), 0);
	assert_memory_equal(got, want, n);

	n = unhex(want, "30cbbc08863d8c85d49db34a9ae1");
	assert_int_equal(srtp_xform_derive(got, n, si, &k, 2), 0);
	assert_memory_equal(got, want, n);
}

/* RFC 3711 B.2: the key stream, SSRC and index are 0. */
static void test_keystream(void **state)
{
	const struct srtp_suite_info *si =
	    &srtp_suites[MEDIA_SRTP_AES_CM_128_HMAC_SHA1_80];
	uint8_t key[16], want[48], got[48] = {0}, iv[16], auth[20] = {0};
	struct srtp_xform x = {0};

	(void)state;

	(void)unhex(key, "2b7e151628aed2a6abf7158809cf4f3c");
	(void)unhex(x.salt, "f0f1f2f3f4f5f6f7f8f9fafbfcfd");
	(void)unhex(want, "e03ead0935c95e80e166b16dd92b4eb4"
			  "d23513162b02d0f72a43a2fe4a5f97ab"
			  "41e95b3bb0a2e8dd477901e4fca894c0");

	assert_int_equal(srtp_xform_keys(&x, si, key, auth, true), 0);
	srtp_xform_iv(&x, iv, 0, 0);
	assert_int_equal(srtp_xform_ctr(&x, iv, got, sizeof(got)), 0);
	assert_memory_equal(got, want, sizeof(want));
	srtp_xform_close(&x);
}

/* RFC 7714 16.1.1: its keys are session keys. */
static void test_gcm_vector(void **state)
{
	const struct srtp_suite_info *si =
	    &srtp_suites[MEDIA_SRTP_AEAD_AES_128_GCM];
	uint8_t key[16], p[128], want[128], iv[16];
	struct srtp_xform tx = {0}, rx = {0};
	size_t n, len;

	(void)state;

	(void)unhex(key, "000102030405060708090a0b0c0d0e0f");
	(void)unhex(tx.salt, "517569642070726f2071756f");
	n = unhex(p, "8040f17b8041f8d35501a0b2"
		     "47616c6c696120657374206f6d6e697320646976697361"
		     "20696e207061727465732074726573");
	len = unhex(want,
		    "8040f17b8041f8d35501a0b2f24de3a3fb34de6cacba861c9d7e4bca"
		    "be633bd50d294e6f42a5f47a51c7d19b36de3adf8833899d7f27beb1"
		    "6a9152cf765ee4390cce");
	memcpy(rx.salt, tx.salt, sizeof(rx.salt));

	assert_int_equal(srtp_xform_keys(&tx, si, key, NULL, true), 0);
	assert_int_equal(srtp_xform_keys(&rx, si, key, NULL, false), 0);
	srtp_xform_iv(&tx, iv, 0x5501a0b2, 0xf17b);
	assert_int_equal(srtp_xform_seal(&tx, iv, p, 12, NULL, p + 12, n - 12),
			 0);
	assert_int_equal(len, n + 16);
	assert_memory_equal(p, want, len);
	assert_int_equal(srtp_xform_open(&rx, iv, p, 12, NULL, p + 12, n - 12),
			 0);
	assert_memory_equal(p + 12, "Gallia est omnis divisa in partes tres",
			    n - 12);
	srtp_xform_close(&tx);
	srtp_xform_close(&rx);
}

/* Ours to theirs and back: each suite, header, length; over two wraps. */
static void test_witness_rtp(void **state)
{
	static const size_t lenv[] = {0, 1, 15, 16, 17, 160, 1400};
	uint8_t plain[CAP], a[CAP + 64], b[CAP + 64];
	size_t i, k, len;
	uint32_t n;

	(void)state;

	for (i = 0; i < ARRAY_SIZE(suitev); i++) {
		const struct media_srtp key = keys(suitev[i], (uint8_t)i);
		struct srtp_ctx *tx = ours(&key, true);
		struct srtp_ctx *rx = ours(&key, false);
		srtp_t wtx = theirs(i, &key, true);
		srtp_t wrx = theirs(i, &key, false);

		for (n = 0, k = 0; n < 2 * 65536 + 100; k++, n += 1 + k % 97) {
			size_t alen, before;
			int blen;

			len = rtp_make(plain, (uint16_t)n, SSRC, k % 16,
				       (int)(k % 4) - 1,
				       lenv[k % ARRAY_SIZE(lenv)]);
			memcpy(a, plain, len);
			memcpy(b, plain, len);
			alen = len;
			blen = (int)len;

			before = allocations;
			assert_int_equal(
			    srtp_ctx_protect_rtp(tx, a, &alen, sizeof(a)), 0);
			if (k)
				assert_int_equal(allocations, before);
			assert_int_equal(srtp_protect(wtx, b, &blen), 0);
			assert_int_equal(alen, (size_t)blen);
			assert_memory_equal(a, b, alen);

			before = allocations;
			assert_int_equal(srtp_ctx_unprotect_rtp(rx, b, &alen),
					 0);
			if (k)
				assert_int_equal(allocations, before);
			assert_int_equal(alen, len);
			assert_memory_equal(b, plain, len);
			assert_int_equal(srtp_unprotect(wrx, a, &blen), 0);
			assert_int_equal((size_t)blen, len);
			assert_memory_equal(a, plain, len);
		}

		mem_deref(tx);
		mem_deref(rx);
		(void)srtp_dealloc(wtx);
		(void)srtp_dealloc(wrx);
	}
}

static void test_witness_rtcp(void **state)
{
	uint8_t plain[CAP], a[CAP + 64], b[CAP + 64], last[CAP + 64];
	size_t i, n, len, alen;
	int blen;

	(void)state;

	for (i = 0; i < ARRAY_SIZE(suitev); i++) {
		const struct media_srtp key = keys(suitev[i], (uint8_t)i);
		struct srtp_ctx *tx = ours(&key, true);
		struct srtp_ctx *rx = ours(&key, false);
		srtp_t wtx = theirs(i, &key, true);
		srtp_t wrx = theirs(i, &key, false);

		for (n = 2; n < 60; n++) {
			len = rtcp_make(plain, n);
			memcpy(a, plain, len);
			memcpy(b, plain, len);
			alen = len;
			blen = (int)len;

			assert_int_equal(
			    srtp_ctx_protect_rtcp(tx, a, &alen, sizeof(a)), 0);
			assert_int_equal(srtp_protect_rtcp(wtx, b, &blen), 0);
			assert_int_equal(alen, (size_t)blen);
			assert_memory_equal(a, b, alen);
			assert_true(alen <= len + SRTP_CTX_GROW);

			memcpy(last, b, alen);
			assert_int_equal(srtp_ctx_unprotect_rtcp(rx, b, &alen),
					 0);
			assert_int_equal(alen, len);
			assert_memory_equal(b, plain, len);
			assert_int_equal(srtp_unprotect_rtcp(wrx, a, &blen), 0);
			assert_memory_equal(a, plain, len);

			/* The same once more. */
			alen = len + (size_t)4 +
			       (suitev[i] >= MEDIA_SRTP_AEAD_AES_128_GCM ? 16
									 : 10);
			assert_int_equal(
			    srtp_ctx_unprotect_rtcp(rx, last, &alen), EALREADY);
		}

		mem_deref(tx);
		mem_deref(rx);
		(void)srtp_dealloc(wtx);
		(void)srtp_dealloc(wrx);
	}
}

typedef int(crypt_h)(struct srtp_ctx *c, uint8_t *p, size_t *lenp);

/* Every bit changed, every length cut, and a wrong key: not accepted. */
static void tamper(const struct media_srtp *key, const uint8_t *p, size_t len,
		   crypt_h *openh)
{
	const struct media_srtp other = keys(key->suite, 200);
	struct srtp_ctx *rx = ours(key, false), *wrong = ours(&other, false);
	uint8_t *copy; /* of the exact size, for AddressSanitizer */
	size_t i, n;

	for (i = 0; i < 8 * len; i++) {
		copy = malloc(len);
		memcpy(copy, p, len);
		copy[i / 8] ^= (uint8_t)(1 << i % 8);
		n = len;
		assert_int_not_equal(openh(rx, copy, &n), 0);
		free(copy);
	}

	for (i = 0; i < len; i++) {
		copy = malloc(i ? i : 1);
		memcpy(copy, p, i);
		n = i;
		assert_int_not_equal(openh(rx, copy, &n), 0);
		free(copy);
	}

	copy = malloc(len);
	memcpy(copy, p, len);
	n = len;
	assert_int_equal(openh(wrong, copy, &n), EACCES);
	memcpy(copy, p, len);
	n = len;
	assert_int_equal(openh(rx, copy, &n), 0);
	free(copy);
	mem_deref(rx);
	mem_deref(wrong);
}

static void test_tamper(void **state)
{
	uint8_t p[CAP];
	size_t i, len;

	(void)state;

	for (i = 0; i < ARRAY_SIZE(suitev); i++) {
		struct media_srtp key = keys(suitev[i], (uint8_t)i);
		struct srtp_ctx *tx = ours(&key, true);

		len = rtp_make(p, 5, SSRC, 1, 1, 20);
		assert_int_equal(srtp_ctx_protect_rtp(tx, p, &len, CAP), 0);
		tamper(&key, p, len, srtp_ctx_unprotect_rtp);

		len = rtcp_make(p, 7);
		assert_int_equal(srtp_ctx_protect_rtcp(tx, p, &len, CAP), 0);
		tamper(&key, p, len, srtp_ctx_unprotect_rtcp);
		mem_deref(tx);
	}
}

static int replay(struct srtp_ctx *rx, const uint8_t *p, size_t len)
{
	uint8_t copy[CAP];

	memcpy(copy, p, len);

	return srtp_ctx_unprotect_rtp(rx, copy, &len);
}

/* Beside a dull model: which index came, and which is too old. */
static void test_replay(void **state)
{
	enum { N = 3000, START = 65000 };
	const struct media_srtp key = keys(suitev[0], 3);
	struct srtp_ctx *tx = ours(&key, true), *rx = ours(&key, false);
	static uint8_t sent[N][64];
	static bool came[N];
	uint32_t rnd = test_seed() | 1;
	size_t i, len = 0, high = 0;

	(void)state;

	for (i = 0; i < N; i++) {
		len = rtp_make(sent[i], (uint16_t)(START + i), SSRC, 0, -1, 8);
		assert_int_equal(srtp_ctx_protect_rtp(tx, sent[i], &len, 64),
				 0);
	}

	assert_int_equal(replay(rx, sent[0], len), 0);
	came[0] = true;

	for (i = 0; i < 20000; i++) {
		const size_t d = test_rand(&rnd) % 200;
		size_t n = test_rand(&rnd) % 3 ? high + d % 4 : high - d;
		bool old;

		if (n >= N)
			continue;

		old = n < high && high - n >= 128;
		assert_int_equal(replay(rx, sent[n], len),
				 came[n] || old ? EALREADY : 0);
		if (!old)
			came[n] = true;
		high = n > high ? n : high;
		if (high == N - 1)
			break;
	}
	assert_int_equal(high, N - 1);

	/* A jump far over the window; then nothing of the past. */
	mem_deref(rx);
	rx = ours(&key, false);
	assert_int_equal(replay(rx, sent[0], len), 0);
	assert_int_equal(replay(rx, sent[N - 1], len), 0);
	assert_int_equal(replay(rx, sent[0], len), EALREADY);
	assert_int_equal(replay(rx, sent[N - 128], len), 0);
	assert_int_equal(replay(rx, sent[N - 128], len), EALREADY);
	assert_int_equal(replay(rx, sent[N - 129], len), EALREADY);

	mem_deref(tx);
	mem_deref(rx);
}

/* A number again would show the key stream twice. */
static void test_sender(void **state)
{
	size_t i, len;
	uint8_t p[CAP];

	(void)state;

	for (i = 0; i < ARRAY_SIZE(suitev); i++) {
		const struct media_srtp key = keys(suitev[i], 1);
		struct srtp_ctx *tx = ours(&key, true), *rx = ours(&key, false);

		len = rtp_make(p, 65535, SSRC, 0, -1, 10);
		assert_int_equal(srtp_ctx_protect_rtp(tx, p, &len, len + 3),
				 EOVERFLOW);
		assert_int_equal(srtp_ctx_protect_rtp(tx, p, &len, CAP), 0);
		len = rtp_make(p, 65535, SSRC, 0, -1, 10);
		assert_int_equal(srtp_ctx_protect_rtp(tx, p, &len, CAP),
				 EALREADY);
		len = rtp_make(p, 65534, SSRC, 0, -1, 10);
		assert_int_equal(srtp_ctx_protect_rtp(tx, p, &len, CAP),
				 EALREADY);
		len = rtp_make(p, 0, SSRC, 0, -1, 10); /* wrapped */
		assert_int_equal(srtp_ctx_protect_rtp(tx, p, &len, CAP), 0);

		/* Not the other one's work. */
		assert_int_equal(srtp_ctx_unprotect_rtp(tx, p, &len), EINVAL);
		assert_int_equal(srtp_ctx_protect_rtp(rx, p, &len, CAP),
				 EINVAL);
		mem_deref(tx);
		mem_deref(rx);
	}
}

/* Streams of one key: each has its own counter and window. */
static void test_streams(void **state)
{
	const struct media_srtp key = keys(suitev[2], 9);
	struct srtp_ctx *tx = ours(&key, true), *rx = ours(&key, false);
	static uint8_t p[2 * SRTP_STREAMS][2][64];
	size_t i, len = 0;

	(void)state;

	/* One after another: the sender keeps no more than a receiver. */
	for (i = 0; i < 2 * SRTP_STREAMS; i++) {
		len = rtp_make(p[i][0], 65535, (uint32_t)i, 0, -1, 8);
		assert_int_equal(srtp_ctx_protect_rtp(tx, p[i][0], &len, 64),
				 0);
		len = rtp_make(p[i][1], 0, (uint32_t)i, 0, -1, 8);
		assert_int_equal(srtp_ctx_protect_rtp(tx, p[i][1], &len, 64),
				 0);
	}

	for (i = 0; i < SRTP_STREAMS; i++)
		assert_int_equal(replay(rx, p[i][0], len), 0);
	for (i = 0; i < SRTP_STREAMS; i++)
		assert_int_equal(replay(rx, p[i][1], len), 0);
	for (i = 0; i < SRTP_STREAMS; i++)
		assert_int_equal(replay(rx, p[i][0], len), EALREADY);

	/* One more pushes out the one silent longest, no other. */
	assert_int_equal(replay(rx, p[SRTP_STREAMS][0], len), 0);
	for (i = 1; i < SRTP_STREAMS; i++)
		assert_int_equal(replay(rx, p[i][1], len), EALREADY);

	mem_deref(tx);
	mem_deref(rx);
}

/* The rollover counter after a change of keys: kept, or begun anew. */
static void test_follow(void **state)
{
	uint8_t p[CAP], q[CAP];
	size_t i, k, len;

	(void)state;

	for (i = 0; i < ARRAY_SIZE(suitev); i++) {
		const struct media_srtp a = keys(suitev[i], 1);
		const struct media_srtp b = keys(suitev[i], 2);
		struct srtp_ctx *atx = ours(&a, true), *arx = ours(&a, false);
		struct srtp_ctx *kept = ours(&b, true), *anew = ours(&b, true);
		struct srtp_ctx *rx = ours(&b, false), *alone = ours(&b, false);
		struct srtp_ctx *fresh = ours(&b, false);

		/* Both senders over a wrap; a receiver of the old key too. */
		for (k = 65534; k <= 65538; k++) {
			len = rtp_make(p, (uint16_t)k, SSRC, 0, -1, 40);
			assert_int_equal(
			    srtp_ctx_protect_rtp(kept, p, &len, CAP), 0);
			len = rtp_make(p, (uint16_t)k, SSRC, 0, -1, 40);
			assert_int_equal(
			    srtp_ctx_protect_rtp(atx, p, &len, CAP), 0);
			assert_int_equal(srtp_ctx_unprotect_rtp(arx, p, &len),
					 0);
		}

		srtp_ctx_follow(rx, arx);
		srtp_ctx_follow(fresh, arx);

		len = rtp_make(q, 3, SSRC, 0, -1, 40);
		memcpy(p, q, len);
		assert_int_equal(srtp_ctx_protect_rtp(kept, p, &len, CAP), 0);
		assert_int_equal(replay(alone, p, len), EACCES);
		assert_int_equal(replay(arx, p, len), EACCES);
		assert_int_equal(srtp_ctx_unprotect_rtp(rx, p, &len), 0);
		assert_memory_equal(p, q, len);

		/* From there on as any other. */
		len = rtp_make(p, 4, SSRC, 0, -1, 40);
		assert_int_equal(srtp_ctx_protect_rtp(kept, p, &len, CAP), 0);
		assert_int_equal(replay(rx, p, len), 0);
		assert_int_equal(replay(rx, p, len), EALREADY);

		len = rtp_make(p, 3, SSRC, 0, -1, 40);
		assert_int_equal(srtp_ctx_protect_rtp(anew, p, &len, CAP), 0);
		assert_int_equal(replay(fresh, p, len), 0);

		mem_deref(atx);
		mem_deref(arx);
		mem_deref(kept);
		mem_deref(anew);
		mem_deref(rx);
		mem_deref(alone);
		mem_deref(fresh);
	}
}

/* Send until the rollover counter is roc. */
static void roll(struct srtp_ctx *tx, uint32_t roc)
{
	uint8_t p[CAP];
	uint64_t i;

	for (i = 0; i <= (uint64_t)roc << 16; i += 0x4000) {
		size_t len = rtp_make(p, (uint16_t)i, SSRC, 0, -1, 40);

		assert_int_equal(srtp_ctx_protect_rtp(tx, p, &len, CAP), 0);
	}
}

/* A receiver that begins in the middle finds the counter, soon. */
static void test_seek(void **state)
{
	static const uint32_t rocv[] = {0, 1, 3, 16, 17, 70};
	uint8_t p[CAP], q[CAP];
	size_t i, k, len;

	(void)state;

	for (i = 0; i < ARRAY_SIZE(suitev); i++) {
		for (k = 0; k < ARRAY_SIZE(rocv); k++) {
			const struct media_srtp key = keys(suitev[i], 5);
			struct srtp_ctx *tx = ours(&key, true);
			struct srtp_ctx *rx = ours(&key, false);
			struct srtp_ctx *plain = ours(&key, false);
			const unsigned most = rocv[k] / 16 + 1;
			unsigned n = 0;
			int err;

			srtp_ctx_seek(rx);
			roll(tx, rocv[k]);
			do {
				len = rtp_make(q, (uint16_t)(n + 1), SSRC, 0,
					       -1, 40);
				memcpy(p, q, len);
				assert_int_equal(
				    srtp_ctx_protect_rtp(tx, p, &len, CAP), 0);
				assert_int_equal(replay(plain, p, len),
						 rocv[k] ? EACCES : 0);
				err = srtp_ctx_unprotect_rtp(rx, p, &len);
			} while (err && ++n <= most);

			assert_int_equal(err, 0);
			assert_memory_equal(p, q, len);

			/* From there on as any other. */
			len = rtp_make(p, 0x4000, SSRC, 0, -1, 40);
			assert_int_equal(srtp_ctx_protect_rtp(tx, p, &len, CAP),
					 0);
			assert_int_equal(replay(rx, p, len), 0);
			assert_int_equal(replay(rx, p, len), EALREADY);
			mem_deref(tx);
			mem_deref(rx);
			mem_deref(plain);
		}
	}
}

/* What is of another key is found to be so, and spoils nothing. */
static void test_seek_wrong(void **state)
{
	uint8_t p[CAP];
	size_t i, n, len;

	(void)state;

	for (i = 0; i < ARRAY_SIZE(suitev); i++) {
		const struct media_srtp key = keys(suitev[i], 5);
		const struct media_srtp other = keys(suitev[i], 6);
		struct srtp_ctx *tx = ours(&key, true);
		struct srtp_ctx *rx = ours(&other, false);
		struct srtp_ctx *good = ours(&other, true);

		srtp_ctx_seek(rx);
		for (n = 1; n < 100; n++) {
			len = rtp_make(p, (uint16_t)n, SSRC, 0, -1, 40);
			assert_int_equal(srtp_ctx_protect_rtp(tx, p, &len, CAP),
					 0);
			assert_int_equal(replay(rx, p, len), EACCES);
		}
		roll(good, 4);
		for (n = 1; n < 40; n++) {
			len = rtp_make(p, (uint16_t)n, SSRC, 0, -1, 40);
			assert_int_equal(
			    srtp_ctx_protect_rtp(good, p, &len, CAP), 0);
			if (!replay(rx, p, len))
				break;
		}
		assert_in_range(n, 1, 39);
		mem_deref(tx);
		mem_deref(rx);
		mem_deref(good);
	}
}

static void test_mki(void **state)
{
	uint8_t p[CAP], q[CAP];
	size_t i, len, n;

	(void)state;

	for (i = 0; i < ARRAY_SIZE(suitev); i++) {
		struct media_srtp key = keys(suitev[i], 5), other;
		struct srtp_ctx *tx, *rx, *bad;

		key.mki_len = 4;
		key.mki[3] = 1;
		other = key;
		other.mki[3] = 2;
		assert_false(media_srtp_same(&key, &other));
		tx = ours(&key, true);
		rx = ours(&key, false);
		bad = ours(&other, false);

		n = rtp_make(p, 7, SSRC, 0, -1, 33);
		memcpy(q, p, n);
		len = n;
		assert_int_equal(srtp_ctx_protect_rtp(tx, p, &len, CAP), 0);
		assert_int_equal(replay(bad, p, len), EACCES);
		assert_int_equal(srtp_ctx_unprotect_rtp(rx, p, &len), 0);
		assert_int_equal(len, n);
		assert_memory_equal(p, q, n);

		n = len = rtcp_make(p, 9);
		memcpy(q, p, n);
		assert_int_equal(srtp_ctx_protect_rtcp(tx, p, &len, CAP), 0);
		assert_int_equal(srtp_ctx_unprotect_rtcp(rx, p, &len), 0);
		assert_int_equal(len, n);
		assert_memory_equal(p, q, n);
		mem_deref(tx);
		mem_deref(rx);
		mem_deref(bad);
	}
}

static void test_arguments(void **state)
{
	struct media_srtp key = keys(suitev[0], 1), same = key;
	struct srtp_ctx *c = NULL;
	size_t i;

	(void)state;

	assert_int_equal(srtp_ctx_alloc(&c, NULL, true), EINVAL);
	key.suite = MEDIA_SRTP_NONE;
	assert_int_equal(srtp_ctx_alloc(&c, &key, true), EINVAL);
	key.suite = MEDIA_SRTP_COUNT;
	assert_int_equal(srtp_ctx_alloc(&c, &key, true), EINVAL);
	key.suite = suitev[0];
	key.mki_len = MEDIA_SRTP_MKI_MAX + 1;
	assert_int_equal(srtp_ctx_alloc(&c, &key, true), EINVAL);
	assert_null(c);
	key.mki_len = 0;

	assert_true(media_srtp_same(&key, &same));
	key.salt[13] ^= 1;
	assert_false(media_srtp_same(&key, &same));
	key.salt[13] ^= 1;
	key.key[15] ^= 1;
	assert_false(media_srtp_same(&key, &same));
	key.key[15] ^= 1;
	key.key[16] ^= 1; /* beyond the key */
	assert_true(media_srtp_same(&key, &same));

	media_srtp_wipe(&key);
	for (i = 0; i < sizeof(key); i++)
		assert_int_equal(((uint8_t *)&key)[i], 0);

	assert_string_equal(media_srtp_name(MEDIA_SRTP_NONE), "");
	assert_string_equal(media_srtp_name(MEDIA_SRTP_COUNT), "");
	assert_string_equal(media_srtp_name(suitev[3]), "AEAD_AES_256_GCM");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_derivation),
	    cmocka_unit_test(test_keystream),
	    cmocka_unit_test(test_gcm_vector),
	    cmocka_unit_test(test_witness_rtp),
	    cmocka_unit_test(test_witness_rtcp),
	    cmocka_unit_test(test_tamper),
	    cmocka_unit_test(test_replay),
	    cmocka_unit_test(test_sender),
	    cmocka_unit_test(test_streams),
	    cmocka_unit_test(test_follow),
	    cmocka_unit_test(test_seek),
	    cmocka_unit_test(test_seek_wrong),
	    cmocka_unit_test(test_mki),
	    cmocka_unit_test(test_arguments),
	};

	if (!CRYPTO_set_mem_functions(count_malloc, count_realloc, count_free))
		return 1;
	(void)srtp_init();

	return cmocka_run_group_tests(tests, NULL, NULL);
}
