/* SPDX-License-Identifier: MIT */
/* What the files of forwarding share. */

#ifndef SY_ROUTER_FORWARD_IMPL_H
#define SY_ROUTER_FORWARD_IMPL_H

#include "router/forward.h"

/* What goes under a branch's MAC [bytes]: the same in a request and in its
 * response. */
enum { FORWARD_CTX_MAX = 2048 };

/**
 * Who has the connection that a flow names.
 *
 * @return another router; NULL: we have it, or nobody any more.
 */
const Sy__Member *forward_other_router(const struct worker *w,
				       const struct flow *f);

#endif
