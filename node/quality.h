/* SPDX-License-Identifier: MIT */
/*
 * How well the calls of this node sound, over time: each hub's legs are
 * looked at every QUALITY_EVERY_S, and what was heard since the last look
 * goes to Redis in one write a hub (store_quality_put), and into the
 * histograms of /metrics.  When a hub ends, its legs' figures from begin to
 * end are the last entry.
 *
 * The hubs take turns, a few a second: nothing piles up.  While Redis is
 * away nothing is written, and nothing is kept for later.
 *
 * Signalling thread.
 */

#ifndef SY_NODE_QUALITY_H
#define SY_NODE_QUALITY_H

#include "node/node.h"

enum {
	QUALITY_EVERY_S = 10,
};

struct quality;

/** @param qp  Set on success; owned. @return 0, ENOMEM. */
int quality_alloc(struct quality **qp, struct node *n);

/** A hub has ended: its last entry. */
void quality_hub_ended(struct node *n, const struct hub *hub);

#endif
