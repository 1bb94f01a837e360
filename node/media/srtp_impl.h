/* SPDX-License-Identifier: MIT */
/* What srtp.c and srtp_xform.c share; nobody else includes it. */

#ifndef SY_NODE_MEDIA_SRTP_IMPL_H
#define SY_NODE_MEDIA_SRTP_IMPL_H

#define OPENSSL_SUPPRESS_DEPRECATED /* SHA_CTX: see srtp_xform.c */
#include <openssl/evp.h>
#include <openssl/sha.h>

#include "node/media/srtp.h"

enum {
	SRTP_STREAMS = 8, /* SSRCs that a receiver tells apart        */
	SRTP_IV_BYTES = 16,
	SRTP_SEEK_TRIES = 16,  /* counters a packet: some 20 us       */
	SRTP_SEEK_ROCS = 512,  /* ... in all; 22 minutes each         */

	/* RFC 3711 4.3.2: encryption; + 1 authentication; + 2 salt */
	SRTP_LABEL_RTP = 0,
	SRTP_LABEL_RTCP = 3,
};

struct srtp_suite_info {
	const char *name;
	uint8_t key_len, salt_len; /* of the master                    */
	uint8_t tag_len, rtcp_tag_len;
	bool aead;
};

/* RTP or RTCP of one direction: session keys, ready for use. */
struct srtp_xform {
	EVP_CIPHER_CTX *evp;
	uint8_t salt[MEDIA_SRTP_SALT_MAX];
	bool aead;
	SHA_CTX inner, outer; /* HMAC's key is already in them    */
};

/* Which indices came already (RFC 3711 3.3.2). */
struct srtp_window {
	uint64_t seen[2]; /* bit n of 128: high - n           */
	uint64_t high;
	bool any;
};

struct srtp_stream {
	struct srtp_window rtp, rtcp;
	uint32_t ssrc;
};

extern const struct srtp_suite_info srtp_suites[MEDIA_SRTP_COUNT];

struct srtp_ctx {
	const struct srtp_suite_info *info;
	bool tx;
	uint8_t mki_len;
	uint8_t mki[MEDIA_SRTP_MKI_MAX];
	struct srtp_xform rtp, rtcp;
	uint32_t rtcp_index;	   /* sender: of the last packet       */
	struct srtp_stream before; /* see srtp_ctx_follow()            */
	uint32_t seek_roc;	   /* tried next; 0: nothing is sought */
	size_t streamc;
	struct srtp_stream streamv[SRTP_STREAMS];
};

/* --- srtp_stream.c */

/** The stream of an SSRC; NULL: none yet. */
struct srtp_stream *srtp_stream_find(struct srtp_ctx *c, uint32_t ssrc);

/** The same, made if it is not there; of a packet that is the peer's. */
struct srtp_stream *srtp_stream_take(struct srtp_ctx *c, uint32_t ssrc);

/** The index that a number means. @param s  NULL: a new stream. */
uint64_t srtp_stream_index(const struct srtp_stream *s, uint16_t seq);

/** Did it come, or is it too old? */
bool srtp_window_has(const struct srtp_window *w, uint64_t index);

/** It came; only what srtp_window_has() not. */
void srtp_window_put(struct srtp_window *w, uint64_t index);

/* --- srtp_xform.c */

/** A session key from the master's. @return 0, ENOMEM. */
int srtp_xform_derive(uint8_t *out, size_t n, const struct srtp_suite_info *si,
		      const struct media_srtp *keys, uint8_t label);

/** Take session keys; the salt is the caller's to set. */
int srtp_xform_keys(struct srtp_xform *x, const struct srtp_suite_info *si,
		    const uint8_t *key, const uint8_t *auth, bool tx);

/** Derive session keys, and take them. */
int srtp_xform_init(struct srtp_xform *x, const struct srtp_suite_info *si,
		    const struct media_srtp *keys, uint8_t label, bool tx);
void srtp_xform_close(struct srtp_xform *x);

/** Make the IV of a packet. */
void srtp_xform_iv(const struct srtp_xform *x, uint8_t iv[SRTP_IV_BYTES],
		   uint32_t ssrc, uint64_t index);

/** AES-CM: encrypt or decrypt, in place. @return 0, EIO. */
int srtp_xform_ctr(struct srtp_xform *x, const uint8_t *iv, uint8_t *p,
		   size_t len);

/** AES-CM: HMAC-SHA1 over len bytes and then four more, cut to n bytes. */
void srtp_xform_tag(const struct srtp_xform *x, const uint8_t *p, size_t len,
		    const uint8_t more[4], uint8_t *tag, size_t n);
bool srtp_xform_check(const struct srtp_xform *x, const uint8_t *p, size_t len,
		      const uint8_t more[4], const uint8_t *tag, size_t n);

/**
 * GCM: encrypt in place and put the tag behind; or check it and decrypt.
 *
 * @param aad   What is authenticated beside: aadc bytes, and then the four at
 *              more, if it is not NULL.
 *
 * @return 0, EIO, EACCES.
 */
int srtp_xform_seal(struct srtp_xform *x, const uint8_t *iv, const uint8_t *aad,
		    size_t aadc, const uint8_t *more, uint8_t *p, size_t len);
int srtp_xform_open(struct srtp_xform *x, const uint8_t *iv, const uint8_t *aad,
		    size_t aadc, const uint8_t *more, uint8_t *p, size_t len);

#endif
