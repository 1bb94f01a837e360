/* SPDX-License-Identifier: MIT */
/*
 * Digest authentication, the client's side: challenges of RFC 2617, 7616 and
 * 8760 (MD5, SHA-256, SHA-512-256; no qop or qop=auth).  No I/O, no state.
 */
#ifndef PHONE_DIGEST_H
#define PHONE_DIGEST_H

#include "tests/phone/base.h"

/* Bits, so that a phone can say which ones it is allowed to use. */
enum digest_alg {
	DIGEST_MD5 = 1,
	DIGEST_SHA256 = 2,
	DIGEST_SHA512_256 = 4,
	DIGEST_ANY = 7,
};

enum {
	DIGEST_HEX_MAX = 64, /* characters of the longest response */
};

/* What a server asked for.  Texts are owned, without their quotes. */
struct digest_challenge {
	enum digest_alg alg;
	bool alg_told; /* the challenge had an algorithm parameter */
	bool qop;      /* qop=auth; else the old form of RFC 2069  */
	bool stale;
	char *realm;
	char *nonce;
	char *opaque; /* NULL when there was none */
};

/* Who answers it, and for which request.  All borrowed. */
struct digest_request {
	const char *user;
	const char *password;
	const char *method;
	const char *uri;
	const char *cnonce;
	uint32_t nc;
};

/**
 * Read the value of one WWW-Authenticate or Proxy-Authenticate header.
 *
 * @param chp  On success a challenge; free it with mem_deref.
 * @param val  Value of the header, "Digest realm=...".
 *
 * @return 0; EBADMSG not a Digest challenge or without realm or nonce;
 *         ENOTSUP an algorithm or a qop that we do not know; ENOMEM
 */
int digest_challenge_decode(struct digest_challenge **chp,
			    const struct pl *val);

/**
 * Compute the response, in hexadecimal (RFC 7616 3.4.1).
 *
 * @param hex  At least DIGEST_HEX_MAX + 1 bytes.
 *
 * @return 0 or EINVAL, ENOSYS (OpenSSL has not the algorithm)
 */
int digest_response(char *hex, const struct digest_challenge *ch,
		    const struct digest_request *req);

/**
 * Append the value of an Authorization header, without name and line end.
 *
 * @return 0, or as digest_response and mbuf_printf
 */
int digest_authorization(struct mbuf *mb, const struct digest_challenge *ch,
			 const struct digest_request *req);

/** The name of an algorithm as it stands in a header. */
const char *digest_alg_name(enum digest_alg alg);

#endif
