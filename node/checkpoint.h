/* SPDX-License-Identifier: MIT */
/*
 * Checkpoints: what another node would need to go on with a call, written on
 * each change of state, and the history that others follow (sy:events,
 * sy:cdr).
 *
 * Changes are gathered during a turn of the loop (until a call is answered:
 * for 3 ms) and written once; then the legs that are gone are freed, and ended
 * hubs with them.
 *
 * Redis away: calls go on; when it is back, every hub is written anew, whole,
 * and the records of those that ended meanwhile are removed.  A write that is
 * refused because of a higher epoch: another node has taken the hub over; it
 * is let go in silence.
 */

#ifndef SY_NODE_CHECKPOINT_H
#define SY_NODE_CHECKPOINT_H

#include "node/node.h"

/** @param cp  Set on success; owned by the node; goes after its bus. */
int checkpoint_alloc(struct checkpoint **cp, struct node *n);

/** Something of a hub is to be written. */
void checkpoint_touch(struct checkpoint *cp, struct hub *hub);

/** Write now what is to be written. */
void checkpoint_flush(struct checkpoint *cp);

/**
 * Write a hub's record at once, beside the later write: whoever reads the
 * next message that we publish finds the record.
 */
void checkpoint_save(struct checkpoint *cp, struct hub *hub);

/** The same with all that is in it, whatever was written before. */
void checkpoint_save_whole(struct checkpoint *cp, struct hub *hub);

/** Write all of a hub anew, and where its callers are placed. */
void checkpoint_hub_whole(struct checkpoint *cp, struct hub *hub);

/** The same of every hub, and try the farewells again: Redis is back, or may
 * have lost something. */
void checkpoint_whole(struct checkpoint *cp);

/** True if the hub ended here and its record may still be in Redis. */
bool checkpoint_is_leaving(const struct checkpoint *cp, const char *hub);

/** Has each hub been written since the last checkpoint_whole(), and that been
 * answered?  What is not ours has been let go of then. */
bool checkpoint_is_whole(const struct checkpoint *cp);

/** Hubs to be written, writes on their way, records to be removed. */
uint32_t checkpoint_pending(const struct checkpoint *cp);

#endif
