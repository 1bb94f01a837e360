/* SPDX-License-Identifier: MIT */
/* A caller is served: by SIP (node_incoming()), or from a page. */

#ifndef SY_NODE_INCOMING_H
#define SY_NODE_INCOMING_H

#include "node/node.h"

/**
 * Run what a leg has called.
 *
 * @param leg    In its hub, unanswered; hung up if nothing comes of it.
 * @param place  What was said of it; borrowed for the call.
 */
void incoming_serve(struct node *n, struct leg *leg,
		    const Sy__PlaceHub *place);

#endif
