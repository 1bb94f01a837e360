/* SPDX-License-Identifier: MIT */
/* Calls by a trunk, over all nodes that live: each tells its own in its
 * heartbeat (Load.trunks), so it is a second old at most. */

#ifndef SY_GATEWAY_API_TRUNK_CALLS_H
#define SY_GATEWAY_API_TRUNK_CALLS_H

#include "gateway/view.h"

struct trunk_calls {
	uint32_t in, out;
};

/** @param trunk  Id. */
struct trunk_calls trunk_calls_now(const struct view *v, const char *trunk);

#endif
