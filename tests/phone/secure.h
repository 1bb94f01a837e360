/* SPDX-License-Identifier: MIT */
/*
 * SRTP of a phone: keys in the description (RFC 4568), and packets by
 * libsrtp2, so that the node's own SRTP has a witness.
 */
#ifndef PHONE_SECURE_H
#define PHONE_SECURE_H

#include "tests/phone/base.h"

enum secure_suite {
	SECURE_NONE,
	SECURE_SHA80,
	SECURE_SHA32,
	SECURE_GCM128,
	SECURE_GCM256,
	SECURE_COUNT,
};

enum {
	SECURE_LINES = SECURE_COUNT - 1,
	SECURE_KEY = 46,  /* bytes of key and salt, at most   */
	SECURE_GROW = 32, /* bytes that a packet becomes more */
};

/* "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:..." */
struct secure_line {
	unsigned tag;
	enum secure_suite suite;
	uint8_t key[SECURE_KEY];
};

#define SECURE_NAMES                                                           \
	"AES_CM_128_HMAC_SHA1_80|AES_CM_128_HMAC_SHA1_32|AEAD_AES_128_GCM|"    \
	"AEAD_AES_256_GCM"

/** Name of a suite as in a=crypto, or NULL; and back, or SECURE_NONE. */
const char *secure_name(enum secure_suite suite);
enum secure_suite secure_find(const struct pl *name);

/** A line with a new key. */
void secure_line_new(struct secure_line *line, unsigned tag,
		     enum secure_suite suite);

/** Read what is behind "a=crypto:". @return 0; EBADMSG; ENOTSUP */
int secure_line_decode(struct secure_line *line, const struct pl *val);

/** Append "a=crypto:...\r\n". */
int secure_line_encode(struct mbuf *mb, const struct secure_line *line);

/** The same suite and key, whatever the tag. */
bool secure_line_same(const struct secure_line *a,
		      const struct secure_line *b);

struct secure;

/**
 * Take keys into use; those that stay keep their state, and the former key to
 * receive is heard until the first packet under the new one.
 *
 * @param sp  NULL in it: none yet; made, changed, or freed.
 * @param tx  Our line, or NULL: plain.
 * @param rx  Theirs, or NULL.
 *
 * @return 0; ENOMEM
 */
int secure_set(struct secure **sp, const struct secure_line *tx,
	       const struct secure_line *rx);

/** The suite in use, or NULL. */
const char *secure_suite_name(const struct secure *s);

/** Protect in place; buf has SECURE_GROW more. @return the new length, 0 */
size_t secure_send(struct secure *s, uint8_t *buf, size_t len, bool rtcp);

/** Unprotect in place. @return the new length; 0: not authentic, or again */
size_t secure_receive(struct secure *s, uint8_t *buf, size_t len, bool rtcp);

#endif
