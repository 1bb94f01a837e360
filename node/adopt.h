/* SPDX-License-Identifier: MIT */
/*
 * Whose hubs are whose: this node's end of the ownership protocol
 * (proto/owner.h).  It tells the protocol what happens here, asks Redis what
 * the protocol wants to know, builds what was claimed (restore.h), and lets go
 * of what another node has taken.
 *
 *   a node died -> its hubs are shared out -> claim -> node_restore()
 *                                                   -> HubTaken, in case it
 *                                                      only seemed dead
 *   ESTALE, HubTaken -> who has it? -> what comes for its dialogs goes there
 *
 * Cut off from Redis for longer than a lease a node may have been adopted, and
 * cannot know.  It keeps its calls; but no leg is ended for want of an answer
 * or of media, and who sends no more RTP is sent none: somebody else may.
 */

#ifndef SY_NODE_ADOPT_H
#define SY_NODE_ADOPT_H

#include "node/node.h"

/** @param ap  Set on success; the node's; goes after its bus. */
int adopt_alloc(struct adopt **ap, struct node *n);

/** Redis can be asked, or not any more. */
void adopt_redis(struct adopt *a, bool up);

/** A member came, changed or went (member_change_h). */
void adopt_member(struct adopt *a, const Sy__Member *m, bool gone);

/** We were thought to be dead, or Redis was emptied. */
void adopt_forgotten(struct adopt *a);

/** The answer to a checkpoint. @param err  As store_hub_put() tells. */
void adopt_written(struct adopt *a, const char *hub, uint32_t epoch, int err);

/** A write of ours has replaced another owner (store_replaced_h): that one may
 * live, and is told. */
void adopt_replaced(struct adopt *a, const char *hub, uint32_t epoch,
		    uint32_t instance);

/** A hub began here; its record is about to be written. */
void adopt_begun(struct adopt *a, const struct hub *hub);

/** A hub ended here; its record is about to be dropped. */
void adopt_ended(struct adopt *a, const char *hub);

/** A hub of this id ended here not long ago: none may begin with it. */
bool adopt_has_ended(const struct adopt *a, const char *hub);

/**
 * The hub is another node's: let its dialogs depart there, and free it in
 * silence.
 *
 * @param node  Member id; NULL: not known.
 */
void adopt_let_go(struct adopt *a, struct hub *hub, const char *node);

/**
 * Tell another node that we have a hub.
 *
 * @param epoch  Ours.
 * @param node   Member id of who had it.
 */
void adopt_say_taken(const struct adopt *a, const char *hub, uint32_t epoch,
		     const char *node);

/** Is a hub here for a token of this epoch, or has it ended here
 * (sipua_owns_h)? */
bool adopt_owns(const uint8_t hub[ULID_BYTES], uint32_t epoch, void *arg);

/** Hubs that are being claimed. */
uint32_t adopt_pending(const struct adopt *a);

/** The protocol itself, for who moves hubs. */
struct owner *adopt_owner(const struct adopt *a);

#endif
