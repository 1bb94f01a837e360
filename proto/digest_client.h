/* SPDX-License-Identifier: MIT */
/*
 * The client's side of digest authentication: RFC 3261 22, RFC 7616 and
 * 8760, MD5, SHA-256 and SHA-512-256, each also as -sess, qop "", auth and
 * auth-int.  No I/O, no clock, no random numbers of its own.
 *
 * A client holds what it was challenged with, by the server (401) and by
 * each proxy on the way (407), and answers all of it in every request after:
 *
 *   digest_client_start(dc)           a new request
 *   digest_client_print(mb, dc, ...)  "" until it was challenged
 *     <- 401 or 407
 *   digest_client_challenge(dc, ...)  0: print and send once more
 *
 * A nonce is used on, with a count, as long as the server takes it, so most
 * requests need no second turn.
 */

#ifndef SY_PROTO_DIGEST_CLIENT_H
#define SY_PROTO_DIGEST_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <re.h>
#include "proto/digest.h"

/** A challenge as it came; unquoted, borrowed. */
struct digest_challenge {
	struct pl realm, nonce, opaque;
	enum digest_alg alg;
	bool alg_known;   /* false: the algorithm is none of ours         */
	bool sess;        /* MD5-sess and its like                        */
	bool qop;         /* there was a qop ...                          */
	bool auth;        /* ... with auth,                               */
	bool auth_int;    /* ... with auth-int                            */
	bool stale;
};

/**
 * Parse the value of a WWW-Authenticate or Proxy-Authenticate header.
 *
 * @return 0, EBADMSG (not Digest, or a field is missing or twice).
 */
int digest_challenge_read(struct digest_challenge *c, const struct pl *hval);

/** Who we are; borrowed for the call.  With a password the rest is not
 * looked at, without one an algorithm that has no HA1 is not used. */
struct digest_credentials {
	const char *user;
	const char *password;    /* or NULL */
	const char *ha1_md5;     /* hex, or NULL */
	const char *ha1_sha256;  /* hex, or NULL */
};

enum { DIGEST_CNONCE_BYTES = 16 };

struct digest_client;

/** @param dcp  Set on success; owned by the caller. @return 0 or ENOMEM. */
int digest_client_alloc(struct digest_client **dcp);

/** A new request begins: it may be challenged anew. */
void digest_client_start(struct digest_client *dc);

/**
 * The request was answered 401 or 407.
 *
 * Of several challenges for one realm the best is taken: SHA-256, then
 * SHA-512-256, then MD5; of several qop auth rather than auth-int, which
 * does not survive what changes bodies on the way.
 *
 * @param code    401 or 407.
 * @param hvalv   Values of all WWW-Authenticate (401) or Proxy-Authenticate
 *                (407) headers; borrowed for the call.
 * @param n       Their number.
 * @param cred    What may be answered with.
 * @param cnonce  Fresh random bytes.
 *
 * @return 0 (send it once more), EACCES (what we answered was refused: wrong
 *         user or password), ENOTSUP (no algorithm or qop of ours, or no HA1
 *         for it), EBADMSG (no challenge that can be read), ENOMEM.
 */
int digest_client_challenge(struct digest_client *dc, uint16_t code,
			    const struct pl *hvalv, size_t n,
			    const struct digest_credentials *cred,
			    const uint8_t cnonce[DIGEST_CNONCE_BYTES]);

/**
 * Print what answers all challenges so far, as header lines, each with its
 * CRLF; nothing if there were none.  Counts the use of the nonces.
 *
 * @param mb      Written at its position.
 * @param method  SIP method.
 * @param uri     Request-URI.
 * @param body    Body, or NULL.
 *
 * @return 0, ENOMEM, EINVAL.
 */
int digest_client_print(struct mbuf *mb, struct digest_client *dc,
			const struct digest_credentials *cred,
			const char *method, const char *uri,
			const struct pl *body);

/** Is there anything to print? */
bool digest_client_has(const struct digest_client *dc);

#endif
