/* SPDX-License-Identifier: MIT */
/*
 * Music on hold: who was put on hold by all others hears it, and who waits alone
 * at a parking place.  It is no leg: nobody sees it, and it counts
 * for nothing.  Who holds is sent nothing anyway.
 */

#ifndef SY_NODE_MUSIC_H
#define SY_NODE_MUSIC_H

#include "node/node.h"

/** Look whether a hub should have music now; after each change of a leg. */
void music_update(struct node *n, struct hub *hub);

/** Let go of it: the hub goes to another node, which has its own. */
void music_stop(struct hub *hub);

#endif
