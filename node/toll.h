/* SPDX-License-Identifier: MIT */
/*
 * Costly calls: the router that placed one has counted it (proto/costly.h);
 * who owns it keeps it counted as long as it lasts.  HubState.toll goes with
 * the hub to whoever takes it over.
 */

#ifndef SY_NODE_TOLL_H
#define SY_NODE_TOLL_H

#include "node/node.h"

/** Renew the leases of all costly calls here; nothing without Redis. */
void toll_renew_all(struct node *n);

/** A call has ended. */
void toll_give(struct node *n, const struct hub *hub);

#endif
