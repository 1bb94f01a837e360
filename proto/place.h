/* SPDX-License-Identifier: MIT */
/*
 * Placement: which node takes the next hub.  A pure function: two different
 * nodes by chance, the less loaded wins.  Two choices keep the spread even
 * without everybody running to the same emptiest node between heartbeats;
 * what was placed since a node's last heartbeat counts as load already.
 */

#ifndef SY_PROTO_PLACE_H
#define SY_PROTO_PLACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** A candidate. */
struct place_node {
	bool open; /* LIVE: neither draining nor overloaded,
		      and has RTP ports left               */
	uint32_t legs;
	uint32_t hubs;
	float tick_used_percent; /* p99 of the worst worker              */
	uint32_t placed;	 /* hubs placed since its last heartbeat */
};

/** A load figure that two nodes are compared by; higher is busier. */
double place_load(const struct place_node *n);

/**
 * How much more a node can take, in coarse steps, 1 to 17: nodes that weigh
 * each other by figures of slightly different age come to the same.
 */
unsigned place_room(const struct place_node *n);

/**
 * Choose a node.
 *
 * @param nodev  Candidates; borrowed.
 * @param nodec  Their number.
 * @param rnd    64 random bits.
 *
 * @return index into nodev, or -1: none is open.
 */
int place_choose(const struct place_node *nodev, size_t nodec, uint64_t rnd);

#endif
