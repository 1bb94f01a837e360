/* SPDX-License-Identifier: MIT */
/*
 * Two hubs of this node become one.
 *
 *   from: legs A, T       into: legs T', B
 *   its legs but the dropped are resumed in the other hub, as after a move:
 *   re-INVITE with new media and a Contact of that hub
 *   until they are heard there, "from" lives on as a departure: it keeps their
 *   media, and a link carries the mixes to and fro, so nobody hears a gap
 *   the record of "from" ends: "merged into ID"
 *
 * The hub that stays is written whole before the record of the other goes: who
 * adopts either after our death finds every leg in one of them.
 */

#ifndef SY_NODE_MERGE_H
#define SY_NODE_MERGE_H

#include "node/node.h"

/**
 * Can a hub be merged now: is nothing under way in it that would be lost?
 *
 * @param but  A leg that does not go with it, or NULL.
 */
bool merge_is_quiet(const struct hub *from, const struct leg *but);

/**
 * Merge a hub into another one.
 *
 * @param from  Quiet; ends with this, and is freed at the end of the turn.
 * @param but   Its leg that ends instead of going with it; or NULL.
 *
 * @return 0; then every leg is in one of the hubs, or lost with its reason;
 *         or ENOMEM, EADDRINUSE ...: nothing has happened.
 */
int merge_hubs(struct node *n, struct hub *into, struct hub *from,
	       struct leg *but);

/** A hub is about to be freed: its merges are over. */
void merge_hub_closed(struct node *n, const struct hub *hub);

/** Let go of all; before the hubs go. */
void merges_close(struct node *n);

#endif
