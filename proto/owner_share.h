/* SPDX-License-Identifier: MIT */
/*
 * Whose share of an estate a hub is: weighted rendezvous hashing.  Each node
 * computes it alone, from the hub's id and what it knows of the others; who
 * sees the same nodes comes to the same order.
 */

#ifndef SY_PROTO_OWNER_SHARE_H
#define SY_PROTO_OWNER_SHARE_H

#include "proto/owner.h"

/**
 * Our place in the order of those that should take a hub; 0 is the first.
 *
 * @param self   Our instance.
 * @param limit  It is enough to know that it is not below this.
 *
 * @return 0..limit-1, or limit: a later place, or none (no room).
 */
size_t owner_share_rank(const struct owner_peer *peerv, size_t peerc,
			const char *hub, uint32_t self, size_t limit);

#endif
