/* SPDX-License-Identifier: MIT */
/*
 * Messages for a node that is gone.  They wait until its hub's record names
 * a live owner, and go there as they came: what their tokens say stays, since
 * the branch is made of it, and with it the transaction at either side.
 */

#ifndef SY_ROUTER_ORPHAN_H
#define SY_ROUTER_ORPHAN_H

#include "router/pending.h"

enum {
	ORPHAN_REQUEST_MS = 4000, /* then 503: well before the peer's own
				     timer ends the transaction           */
	ORPHAN_RESPONSE_MS = 5000,
	ORPHAN_LOOK_MS = 300, /* only to be sure: see orphan_look()   */
};

/** A request: held; 481 if its hub is gone, 503 if it stays ownerless. */
void orphan_request(struct msg *m, const struct token *tok);

/**
 * The same for one that is held already.
 *
 * @param p  Taken.
 */
void orphan_wait(struct pending *p, const struct token *tok);

/**
 * A request whose node lives, but that may have been sent after the hub moved
 * away from it: CANCEL, whose token is as old as the call.  Goes to the owner
 * that the record names; in doubt to the node of the token.
 *
 * @param p  Taken.
 */
void orphan_look(struct pending *p, const struct token *tok);

/**
 * A response to a request of a node that is gone.
 *
 * @param to  Where the node was: in doubt the response still goes there.
 */
void orphan_response(struct msg *m, const struct token *tok,
		     const struct flow *to);

#endif
