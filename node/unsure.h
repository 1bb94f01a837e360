/* SPDX-License-Identifier: MIT */
/*
 * Cut off from Redis: for longer than a lease nobody here can know whether the
 * calls are still this node's.  While that is so (sipua_is_unsure()) no leg is
 * ended for want of an answer or of media; and a peer that sent RTP without
 * pause and has stopped is sent none: another node may have it.  Who sends
 * again is sent to again.
 */

#ifndef SY_NODE_UNSURE_H
#define SY_NODE_UNSURE_H

#include "node/node.h"

struct unsure;

/** @param up  Set on success; mem_deref() frees it. */
int unsure_alloc(struct unsure **up, struct node *n);

#endif
