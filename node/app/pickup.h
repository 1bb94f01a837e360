/* SPDX-License-Identifier: MIT */
/*
 * Picking up a call that rings somebody else.  While a device rings, and the
 * dial plan has a way to pick up, its hub is noted under a room of that name;
 * so the router places who picks up as it places a caller to a conference, at
 * whatever node the call is.
 */

#ifndef SY_NODE_APP_PICKUP_H
#define SY_NODE_APP_PICKUP_H

#include "node/node.h"

/** Does this INVITE come to pick up? */
bool app_is_pickup(const Sy__PlaceHub *place);

/** A leg was added, or comes here from another node: it may ring. */
void pickup_added(struct node *n, const struct leg *leg);

/** A leg rings no more: answered, or ended. */
void pickup_over(struct node *n, const struct leg *leg);

#endif
