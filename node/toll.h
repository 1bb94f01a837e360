/* SPDX-License-Identifier: MIT */
/*
 * Costly calls: the router that placed one has counted it (proto/costly.h), or
 * the node that dialled it for somebody (app/dial_toll.c); who owns it keeps
 * it counted: what a router placed as long as its hub lasts, what a node has
 * dialled as long as that number is in it.  HubState.tolls go with the hub to
 * whoever takes it over.
 */

#ifndef SY_NODE_TOLL_H
#define SY_NODE_TOLL_H

#include "node/node.h"

/** Renew the leases of all costly calls here; nothing without Redis. */
void toll_renew_all(struct node *n);

/** At the end of a turn: what was dialled in vain, or has ended while the call
 * goes on, is counted no more. */
void toll_sweep(struct node *n, struct hub *hub);

/** A call has ended. */
void toll_give(struct node *n, const struct hub *hub);

/**
 * One that this node was to dial is refused: counted, logged, and TOLL_DENIED
 * in the history.
 *
 * @param hub      Its call, or NULL.
 * @param account  Who may not: "device:1001".
 * @param why      As routers say it (proto/costly.h).
 */
void toll_refused(struct node *n, const struct hub *hub, const char *account,
		  const char *number, const char *why);

#endif
