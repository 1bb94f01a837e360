/* SPDX-License-Identifier: MIT */
/*
 * SRTP and SRTCP (RFC 3711, RFC 7714): packets in, packets out, in place.
 *
 * A context is one direction of one leg: the session keys of RTP and RTCP,
 * and where each stream (SSRC) stands.  It is made on the signalling thread
 * and then used by one worker, which allocates nothing and takes no lock.
 *
 * Ours and not libsrtp2, because Debian's is built on NSS: 14 allocations
 * and 2.1 us a packet (AES-CM with SHA-1), 5 and 0.8 us (GCM), on the tick.
 * libcrypto's own primitives need neither.  libsrtp2 is the witness: the unit
 * test compares every suite with it, byte by byte, and the test phone uses it.
 *
 * (The prefix is srtp_ctx_, as libre and libsrtp2 share srtp_.)
 */

#ifndef SY_NODE_MEDIA_SRTP_H
#define SY_NODE_MEDIA_SRTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum media_srtp_suite {
	MEDIA_SRTP_NONE,
	MEDIA_SRTP_AES_CM_128_HMAC_SHA1_80, /* RFC 4568 6.2.1 */
	MEDIA_SRTP_AES_CM_128_HMAC_SHA1_32, /* RFC 4568 6.2.2 */
	MEDIA_SRTP_AEAD_AES_128_GCM,	    /* RFC 7714 14.2  */
	MEDIA_SRTP_AEAD_AES_256_GCM,
	MEDIA_SRTP_COUNT,
};

enum {
	MEDIA_SRTP_KEY_MAX = 32,  /* bytes of a master key                  */
	MEDIA_SRTP_SALT_MAX = 14, /* bytes of a master salt                 */
	MEDIA_SRTP_MKI_MAX = 32,  /* bytes of an MKI; RFC 4568 allows 128   */

	/* What protection adds at most: SRTCP's index, MKI, tag. */
	SRTP_CTX_GROW = 4 + MEDIA_SRTP_MKI_MAX + 16,
};

/** The keys of one direction. Secret: whoever holds one wipes it. */
struct media_srtp {
	enum media_srtp_suite suite; /* NONE: plain RTP                     */
	uint8_t key[MEDIA_SRTP_KEY_MAX];
	uint8_t salt[MEDIA_SRTP_SALT_MAX];
	uint8_t mki[MEDIA_SRTP_MKI_MAX]; /* big-endian, mki_len bytes       */
	uint8_t mki_len;		 /* 0: packets have no MKI          */
};

/** The name of a suite as in a=crypto (RFC 4568, RFC 7714); "" for NONE. */
const char *media_srtp_name(enum media_srtp_suite suite);

/** Bytes of a suite's master key and of its master salt; 0 for NONE. */
size_t media_srtp_key_len(enum media_srtp_suite suite);
size_t media_srtp_salt_len(enum media_srtp_suite suite);

/** Are these the same keys, suite and MKI?  In constant time. */
bool media_srtp_same(const struct media_srtp *a, const struct media_srtp *b);

/** Wipe keys. */
void media_srtp_wipe(struct media_srtp *s);

struct srtp_ctx;

/**
 * Make a context: derives all session keys.
 *
 * @param cp    Set on success; owned, mem_deref() wipes it.  May be freed on
 *              another thread than it is used on, if not at a time.
 * @param keys  Master key and salt; borrowed for the call.
 * @param tx    True: it protects; false: it unprotects.
 *
 * @return 0, EINVAL (no suite, MKI too long), ENOMEM.
 */
int srtp_ctx_alloc(struct srtp_ctx **cp, const struct media_srtp *keys,
		   bool tx);

/**
 * A receiver's new key takes the place of an old one (RFC 3711 3.3.1: the
 * rollover counter goes on).  Most that change keys by SDES begin at 0 anew,
 * as we do; some do not.  So when the first packet of the stream that was
 * heard last does not fit with 0, the old counter is tried.
 *
 * @param c       New context, not yet used.
 * @param before  Its forerunner; only read.
 */
void srtp_ctx_follow(struct srtp_ctx *c, const struct srtp_ctx *before);

/**
 * The sender began before us: its rollover counter is not known.  It is found
 * by trying, some a packet, up to a week of talk, until the first packet that
 * is authentic; a call of five hours is found with its first packet.
 *
 * @param c  Receiver's context, not yet used.
 */
void srtp_ctx_seek(struct srtp_ctx *c);

/**
 * Protect an RTP packet.  A stream begins with rollover counter 0, and its
 * sequence numbers have to grow.
 *
 * @param p     Packet, becomes SRTP.
 * @param lenp  Its length, becomes the new one [bytes].
 * @param cap   Room at p; SRTP_CTX_GROW more than *lenp always suffices.
 *
 * @return 0, EINVAL (not a sender's), EBADMSG (not RTP), EOVERFLOW (no
 *         room), EALREADY (a sequence number again: it would give the key
 *         stream away).  The caller sends nothing then.
 */
int srtp_ctx_protect_rtp(struct srtp_ctx *c, uint8_t *p, size_t *lenp,
			 size_t cap);

/**
 * Check and unprotect an SRTP packet.
 *
 * @param lenp  Its length, becomes that of the RTP packet [bytes].
 *
 * @return 0, EINVAL (not a receiver's), EBADMSG (not RTP, or cut), EALREADY
 *         (replayed, or older than the window of 128), EACCES (wrong key,
 *         tag or MKI).  The packet is to be dropped then; its bytes are
 *         undefined.
 */
int srtp_ctx_unprotect_rtp(struct srtp_ctx *c, uint8_t *p, size_t *lenp);

/** The same for a compound RTCP packet; it is told from RTP by the caller
 *  (RFC 5761 4).  Errors as above; EOVERFLOW also after 2^31 packets. */
int srtp_ctx_protect_rtcp(struct srtp_ctx *c, uint8_t *p, size_t *lenp,
			  size_t cap);
int srtp_ctx_unprotect_rtcp(struct srtp_ctx *c, uint8_t *p, size_t *lenp);

#endif
