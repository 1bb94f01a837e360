/* SPDX-License-Identifier: MIT */
/*
 * What happened to calls, for who follows sy:events.
 *
 *   CALL_STARTED, CALL_CHANGED  with all legs where legs changed or came too:
 *                               these have no event of their own then
 *   LEG_ADDED, LEG_CHANGED      only legs
 *   LEG_REMOVED                 each leg that left while the call goes on
 *   CALL_FINISHED               with all legs as they ended
 *   CALL_ADOPTED, CALL_MOVED    it is another node's from now on
 *   LEG_RESUMED, LEG_LOST       what became of its legs there
 */

#ifndef SY_NODE_HISTORY_H
#define SY_NODE_HISTORY_H

#include "node/node.h"

/** Append what changed of a hub and its legs since the last time. */
void history_hub(struct node *n, struct hub *hub);

/** Append a digit that came from a leg. */
void history_digit(struct node *n, const struct hub *hub,
		   const struct leg *leg, const struct hub_digit *digit);

/** The hub is this node's now. @param moved  By its last owner's will. */
void history_restored(struct node *n, const struct hub *hub,
		      const char *from, bool moved);

/** A leg goes on here. @param gap_ms  Without its media, at most; 0: not
 * known. */
void history_resumed(struct node *n, const struct hub *hub,
		     const struct leg *leg, uint32_t gap_ms);

/** A leg could not go on here. */
void history_lost(struct node *n, const struct hub *hub,
		  const struct leg_info *info, const char *reason);

/** Somebody else is in the place of a leg, which ends. */
void history_transferred(struct node *n, const struct hub *hub,
			 const struct leg *leg);

/** Somebody begins or ends to talk, or is the speaker now. */
void history_talk(struct node *n, const struct hub *hub,
		  const struct leg *leg, Sy__EventType type);

#endif
