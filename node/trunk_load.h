/* SPDX-License-Identifier: MIT */
/*
 * Calls by trunks that are here now: told in each heartbeat, so that gateways
 * know the sum of all nodes that live, and as gauges.  Counted anew each time
 * from the legs themselves, so calls that are adopted, moved or lost need no
 * word.
 */

#ifndef SY_NODE_TRUNK_LOAD_H
#define SY_NODE_TRUNK_LOAD_H

#include "node/node.h"

/** Fill Load.trunks, with those that have a call.  What is there is freed;
 * without memory there is none. */
void trunk_load_fill(Sy__Load *load, const struct node *n);

/** sy_trunk_calls of all trunks that are configured. */
void trunk_load_gauges(const struct node *n);

#endif
