/* SPDX-License-Identifier: MIT */
/*
 * DTLS-SRTP (RFC 5763, RFC 5764) by OpenSSL: a handshake that gives keys for
 * SRTP, and proves that the peer holds the certificate whose fingerprint it
 * signalled.  DTLS 1.2, AES-GCM-128 before AES-CM-SHA1-80.
 *
 * Datagrams come in, datagrams go out by a handler; its retransmission timer
 * runs on the loop of the thread, the only one that may use it.
 */

#ifndef SY_NODE_WEBRTC_DTLS_H
#define SY_NODE_WEBRTC_DTLS_H

#include <re.h>

#include "node/media/srtp.h"

enum {
	DTLS_HASH_MAX = 64,	     /* bytes: SHA-512                     */
	DTLS_FINGERPRINT_TEXT = 128, /* "sha-256 AB:CD..."                 */
	DTLS_DATAGRAM_BYTES = 1200,  /* what we send at most               */
};

/** What a process proves itself by: a certificate of its own, made anew at each
 * start (ECDSA P-256). */
struct dtls_identity;

/** @return 0, ENOMEM, EIO (OpenSSL). @param ip  Owned. */
int dtls_identity_alloc(struct dtls_identity **ip);

/** The value of a=fingerprint. */
const char *dtls_identity_fingerprint(const struct dtls_identity *id);

enum dtls_hash { DTLS_SHA_1, DTLS_SHA_256, DTLS_SHA_384, DTLS_SHA_512 };

/** A peer's a=fingerprint (RFC 8122). */
struct dtls_fingerprint {
	enum dtls_hash hash;
	uint8_t md[DTLS_HASH_MAX];
	size_t len; /* 0: there is none */
};

/**
 * Read the value of a=fingerprint.
 *
 * @return 0, EBADMSG (malformed, or of another length), ENOTSUP (a hash that
 *         we do not take: MD5 and unknown ones).
 */
int dtls_fingerprint_read(struct dtls_fingerprint *fp, const struct pl *val);

bool dtls_fingerprint_same(const struct dtls_fingerprint *a,
			   const struct dtls_fingerprint *b);

enum dtls_end {
	DTLS_END_CLOSED,   /* the peer said so                             */
	DTLS_END_FAILED,   /* the handshake                                */
	DTLS_END_IMPOSTOR, /* the certificate is not the signalled one     */
};

struct dtls_handlers {
	/** Send this datagram. */
	void (*send)(const uint8_t *p, size_t len, void *arg);

	/** The keys of both directions; borrowed for the call. Once. */
	void (*keys)(const struct media_srtp *tx, const struct media_srtp *rx,
		     void *arg);

	/** It is over; once.  What was keyed stays keyed after CLOSED. */
	void (*end)(enum dtls_end why, void *arg);
};

struct dtls;

/**
 * Begin.
 *
 * @param dp      Set on success; owned.  Not to be freed in a handler.
 * @param id      Ours; a reference is kept.
 * @param fp      The peer's; copied.
 * @param active  True: we are the client, dtls_start() says hello.
 *
 * @return 0, EINVAL (no fingerprint), ENOMEM, EIO.
 */
int dtls_alloc(struct dtls **dp, struct dtls_identity *id,
	       const struct dtls_fingerprint *fp, bool active,
	       const struct dtls_handlers *h, void *arg);

/** Client: say hello, now that there is a way. Nothing the second time. */
void dtls_start(struct dtls *d);

/** A datagram of the peer, from an address that ICE has checked. */
void dtls_recv(struct dtls *d, const uint8_t *p, size_t len);

#endif
