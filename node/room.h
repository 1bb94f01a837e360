/* SPDX-License-Identifier: MIT */
/* Rooms: the names of conferences in Redis, kept alive by their owner. */

#ifndef SY_NODE_ROOM_H
#define SY_NODE_ROOM_H

#include "node/node.h"

/**
 * Put a conference's room there again, if it is gone: a Redis that came back
 * empty knows none, and the next who joins would be alone in another one.
 *
 * @param hub  Any hub; nothing is done for one that is no conference.
 */
void room_place(struct node *n, const struct hub *hub);

/** Refresh the rooms of all conferences; nothing without Redis. */
void room_keep_all(struct node *n);

#endif
