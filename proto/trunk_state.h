/* SPDX-License-Identifier: MIT */
/*
 * How trunks are, in the memory of who asks often (a node, for each call that
 * goes out): read whole when Redis is there (again), then by the bus.  Either
 * loop.
 *
 * What is not known is usable: no router has looked yet, none works for it,
 * or it is not to be looked at.
 */

#ifndef SY_PROTO_TRUNK_STATE_H
#define SY_PROTO_TRUNK_STATE_H

#include <stdbool.h>
#include "proto/bus.h"

struct trunk_states;

/**
 * Follow.
 *
 * @param tsp  Set on success; owned by the caller; goes before the bus.
 * @param bus  Borrowed.
 */
int trunk_states_alloc(struct trunk_states **tsp, struct bus *bus);

/** Redis is there (again): read all.  From the bus' state handler. */
void trunk_states_redis_up(struct trunk_states *ts);

/** NULL: not known.  Borrowed until the next loop turn. */
const Sy__TrunkState *trunk_state_get(const struct trunk_states *ts,
				      const char *trunk);

/** Is there any use in calling by it?  False only while a router says that it
 * does not answer. */
bool trunk_state_usable(const struct trunk_states *ts, const char *trunk);

#endif
