/* SPDX-License-Identifier: MIT */
/* A message that came compressed. */

#ifndef SY_GATEWAY_GRPC_INFLATE_H
#define SY_GATEWAY_GRPC_INFLATE_H

#include <stddef.h>
#include <stdint.h>

/**
 * Read gzip (RFC 1952).
 *
 * @param outp  Owned by the caller (free()).
 * @param max   More than that is an error, before it is held [bytes].
 *
 * @return 0, EBADMSG, EMSGSIZE, ENOMEM.
 */
int inflate_gzip(uint8_t **outp, size_t *outlen, const uint8_t *p, size_t len,
		 size_t max);

#endif
