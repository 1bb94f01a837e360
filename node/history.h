/* SPDX-License-Identifier: MIT */
/* What happened to calls, for who follows sy:events. */

#ifndef SY_NODE_HISTORY_H
#define SY_NODE_HISTORY_H

#include "node/node.h"

/** Append what changed of a hub and its legs since the last time. */
void history_hub(struct node *n, struct hub *hub);

/** Append a digit that came from a leg. */
void history_digit(struct node *n, const struct hub *hub,
		   const struct leg *leg, char digit);

#endif
