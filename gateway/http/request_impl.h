/* SPDX-License-Identifier: MIT */
/* A request as its engine holds it: in a list. */

#ifndef SY_GATEWAY_HTTP_REQUEST_IMPL_H
#define SY_GATEWAY_HTTP_REQUEST_IMPL_H

#include <re.h>

#include "gateway/http/request.h"

struct web_limits;

struct req_node {
	struct web_req req; /* must be first */
	struct le le;       /* in engine->reql; the list has a reference */
};

static inline struct le *req_le(struct web_req *req)
{
	return &((struct req_node *)req)->le;
}

/** What a body may have [bytes]. */
size_t web_body_max(const struct web_req *req, const struct web_limits *lim);

/** For who sent more; static. */
const char *web_body_refusal(const struct web_req *req);

#endif
