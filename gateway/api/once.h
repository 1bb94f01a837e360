/* SPDX-License-Identifier: MIT */
/*
 * Idempotency-Key: a POST that is sent again with the same key is done once,
 * and answered the same for a day, by any gateway.
 *
 *   take --> new: the handler runs --> its answer is kept
 *        --> done: the answer that was kept, Idempotency-Replayed: true
 *        --> running: 409; unknown: 504; for another request: 422
 *
 * What was refused (4xx, 503) was not done: the key may be used again.  Of a
 * gateway that died meanwhile nobody knows: that stays "unknown".
 */

#ifndef SY_GATEWAY_API_ONCE_H
#define SY_GATEWAY_API_ONCE_H

#include <stdbool.h>
#include <stddef.h>

struct api_req;

/** Continue with a request. */
typedef void(once_h)(struct api_req *a);

/** Is it a request that asks for this? */
bool once_is_wanted(const struct api_req *a);

/**
 * Ask whether it was done before.  Answers, or calls h later, holding the
 * request meanwhile.
 */
void once_begin(struct api_req *a, once_h *h);

/** The answer's body, before it is sent.  For who answers. */
void once_keep(struct api_req *a, const char *type, const void *p,
	       size_t len);

/** It was answered. */
void once_end(struct api_req *a);

#endif
