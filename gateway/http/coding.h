/* SPDX-License-Identifier: MIT */
/* Content codings: which ones a client takes (RFC 9110 12.5.3), and gzip of
 * what is made for one answer. */

#ifndef SY_GATEWAY_HTTP_CODING_H
#define SY_GATEWAY_HTTP_CODING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct web_req;

/** True if the client asked for it: by name or by *, and not with q=0.
 * @param coding  "gzip", "br". */
bool web_accepts(const struct web_req *req, const char *coding);

/**
 * True if a body of this type and size is worth the time: text of more than
 * a packet.
 *
 * @param type  Content-Type, with or without parameters.
 */
bool web_is_compressible(const char *type, size_t len);

/**
 * Compress at the fastest level; this blocks the loop for some 10 ms a MB.
 *
 * @param out   Room for len bytes.
 * @param lenp  Set to how many it became.
 *
 * @return 0, ENOMEM, EMSGSIZE (it would not become smaller).
 */
int web_gzip(uint8_t *out, size_t *lenp, const void *p, size_t len);

#endif
