/* SPDX-License-Identifier: MIT */
/*
 * After a crash: the calls that the process before us had are over, and their
 * records in Redis belong to nobody.  Once Redis is there we end them: record
 * to the history, hub away.
 *
 * Only hubs that name this node, and that are not ours by now.
 */

#ifndef SY_NODE_SWEEP_H
#define SY_NODE_SWEEP_H

#include "node/node.h"

struct sweep;

/** @param sp  Set on success; owned by the node; goes after its bus. */
int sweep_alloc(struct sweep **sp, struct node *n);

#endif
