/* SPDX-License-Identifier: MIT */
/*
 * The trail of a call: who has sent it on, to where, why.  It is shown in the
 * call's record, and goes with the hub to another node.
 */

#ifndef SY_NODE_HUB_TRAIL_H
#define SY_NODE_HUB_TRAIL_H

#include "node/hub/hub.h"

enum { TRAIL_MAX = 32 }; /* diversions that are kept of a call */

/** The call is sent on. @param d  Copied; left out if there is no room. */
void trail_add(struct hub *hub, const Sy__Diversion *d);

#endif
