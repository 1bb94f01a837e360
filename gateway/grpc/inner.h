/* SPDX-License-Identifier: MIT */
/*
 * A request that the gateway makes of itself: it goes through dispatch and
 * handlers as one from a peer does, and its answer is looked at, not sent.
 */

#ifndef SY_GATEWAY_GRPC_INNER_H
#define SY_GATEWAY_GRPC_INNER_H

#include "gateway/http/request.h"

struct inner;

/** The answer is whole: inner_request(), res.  It may come from within
 * api_head() or api_request(). */
typedef void(inner_h)(struct inner *in, void *arg);

/**
 * Make a request, without a body, for the handlers of the API to see.
 *
 * @param ip     Owned by the caller; mem_deref() is to its handlers as if the
 *               peer went.
 * @param outer  Whose peer, and fields of the header, it has.
 * @param namev  Names of those fields; the last one is NULL.
 */
int inner_alloc(struct inner **ip, const struct web_req *outer,
		const char *method, const char *target,
		const char *const *namev, inner_h *h, void *arg);

/** Borrowed. */
struct web_req *inner_request(struct inner *in);

#endif
