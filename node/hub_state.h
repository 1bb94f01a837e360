/* SPDX-License-Identifier: MIT */
/*
 * What another node needs of a hub beside its legs, as a message: where it
 * leads, who is being rung for whom, what plays, who has left.  Both ways.
 */

#ifndef SY_NODE_HUB_STATE_H
#define SY_NODE_HUB_STATE_H

#include "node/hub/hub.h"

struct hub_state {
	Sy__HubState msg;
	void *mem; /* owned: all that msg points to and is not the
		      hub's own                                 */
};

/**
 * Fill the state of a hub.
 *
 * @param st   To be given to hub_state_close(), also on error; what it points
 *             to is partly the hub's: use it at once.
 *
 * @return 0, ENOMEM.
 */
int hub_state_init(struct hub_state *st, const struct hub *hub);

void hub_state_close(struct hub_state *st);

/** A number that changes with the state: it need not be written again. */
uint64_t hub_state_sum(const struct hub_state *st);

/**
 * Bring a new hub to where another node had it; its legs and hunts come
 * later.
 *
 * @param hub   Just made, with id, epoch and destination.
 * @param call  As shown; its legs that have ended are ignored.
 * @param st    NULL: lost.
 */
void hub_state_restore(struct hub *hub, const Sy__Call *call,
		       const Sy__HubState *st);

#endif
