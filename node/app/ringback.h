/* SPDX-License-Identifier: MIT */
/*
 * The ringing tone of a hub, for somebody whom nobody else lets hear it: a
 * party that answered before the other one was called, or a caller whose
 * early media has ended while others still ring.  It is no leg: nobody sees
 * it, and it counts for nothing.
 */

#ifndef SY_NODE_APP_RINGBACK_H
#define SY_NODE_APP_RINGBACK_H

#include "node/node.h"

struct ringback;

/**
 * Make one; silent.
 *
 * @param rp   Set on success; owned by the caller.  mem_deref() stops it, and
 *             one that sounds must go before its hub.
 * @param hub  Borrowed.
 *
 * @return 0, ENOMEM.
 */
int ringback_alloc(struct ringback **rp, struct node *n, struct hub *hub);

/** Let it sound, or not; without memory it stays silent. */
void ringback_set(struct ringback *r, bool on);

#endif
