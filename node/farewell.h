/* SPDX-License-Identifier: MIT */
/*
 * What is left to do for a call that has ended: its record goes to the
 * history, its hub, placements and room go from Redis.  Kept until Redis has
 * confirmed it, so that a call that ended while Redis was away leaves nothing
 * behind either.
 */

#ifndef SY_NODE_FAREWELL_H
#define SY_NODE_FAREWELL_H

#include "node/node.h"

struct farewell;

/**
 * Take from an ended hub what is to be done for it.
 *
 * @param fwp   Set on success; owned by the list, and frees itself when it
 *              is done.
 *
 * @return 0, ENOMEM.
 */
int farewell_alloc(struct farewell **fwp, struct list *list, struct node *n,
		   struct hub *hub);

/** Do it, unless it is being done; without Redis it waits. May free it. */
void farewell_send(struct farewell *fw);

void farewell_send_all(struct list *list);

/** By hub id; NULL: none. */
const struct farewell *farewell_find(const struct list *list,
				     const char *hub);

#endif
