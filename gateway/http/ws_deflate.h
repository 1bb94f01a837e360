/* SPDX-License-Identifier: MIT */
/*
 * permessage-deflate (RFC 7692), without context takeover in either direction:
 * each message is compressed for itself.  So a message that goes to thousands
 * is compressed once for all of them, and no connection has a window: the one
 * compressor and the one decompressor of a thread serve all.
 *
 * Any thread; nothing is shared between threads.
 */

#ifndef SY_GATEWAY_HTTP_WS_DEFLATE_H
#define SY_GATEWAY_HTTP_WS_DEFLATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** What is answered to an offer that is taken: Sec-WebSocket-Extensions. */
extern const char ws_deflate_answer[];

/**
 * Is there an offer that we take (RFC 7692 7.1)?  Not one that has a parameter
 * which is unknown, is there twice, or has a value that is not allowed; nor
 * one that wants a smaller window of us, for a message that is compressed once
 * has one window.
 *
 * @param offers  A Sec-WebSocket-Extensions field.
 */
bool ws_deflate_is_offered(const char *offers);

/**
 * Compress a message's payload.
 *
 * @param out   As many bytes as the payload has.
 * @param lenp  Set to how many of them were used.
 *
 * @return 0; EMSGSIZE: it does not become shorter; ENOMEM.
 */
int ws_deflate(uint8_t *out, size_t *lenp, const void *p, size_t len);

/**
 * Decompress a message's payload.
 *
 * @param out   Room for *lenp bytes.
 * @param lenp  Set to how many of them were used.
 *
 * @return 0; EMSGSIZE: it is longer than there is room; EBADMSG: it is not
 *         compressed as RFC 7692 has it; ENOMEM.
 */
int ws_inflate(uint8_t *out, size_t *lenp, const uint8_t *p, size_t len);

#endif
