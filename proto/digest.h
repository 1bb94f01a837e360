/* SPDX-License-Identifier: MIT */
/*
 * Digest access authentication: RFC 2617, 7616 and 8760, MD5, SHA-256 and
 * SHA-512-256, qop "", auth and auth-int.  No I/O, no state.
 */

#ifndef SY_PROTO_DIGEST_H
#define SY_PROTO_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <re.h>

enum digest_alg {
	DIGEST_MD5,
	DIGEST_SHA256,
	DIGEST_SHA512_256,
	DIGEST_ALG_COUNT,
};

enum { DIGEST_HEX_MAX = 64 };

/** "MD5", "SHA-256", "SHA-512-256". */
const char *digest_alg_name(enum digest_alg alg);

/** A response as it came in an Authorization header; unquoted, borrowed. */
struct digest_response {
	struct pl username, realm, nonce, uri, response, cnonce, nc, qop;
	struct pl opaque;
	enum digest_alg alg;
	bool alg_known;   /* false: the algorithm is none of ours */
};

/**
 * Parse the value of an Authorization or Proxy-Authorization header.
 *
 * @return 0, EBADMSG (not Digest, or a field is missing or twice).
 */
int digest_response_read(struct digest_response *r, const struct pl *hval);

/**
 * HA1: hex(H(user:realm:password)).
 *
 * @param hex  DIGEST_HEX_MAX + 1 bytes.
 */
int digest_ha1(char *hex, enum digest_alg alg, const char *user,
	       const char *realm, const char *password);

/**
 * Compute the expected response.
 *
 * @param hex     Set to the response; DIGEST_HEX_MAX + 1 bytes.
 * @param ha1     Hex HA1 of the right algorithm.
 * @param method  SIP method.
 * @param body    Body for auth-int, or NULL.
 *
 * @return 0, ENOTSUP (qop that we do not know), EINVAL.
 */
int digest_compute(char *hex, const struct digest_response *r,
		   const char *ha1, const struct pl *method,
		   const struct pl *body);

/** Does the response fit? Constant time in the comparison. */
bool digest_check(const struct digest_response *r, const char *ha1,
		  const struct pl *method, const struct pl *body);

#endif
