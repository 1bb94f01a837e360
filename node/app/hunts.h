/* SPDX-License-Identifier: MIT */
/*
 * Hunts by kind: who hears of the outcome.  A table, so that a hunt that
 * another node began gets the same handler here.
 */

#ifndef SY_NODE_APP_HUNTS_H
#define SY_NODE_APP_HUNTS_H

#include "node/node.h"

/**
 * Make the argument of a hunt's handler; the hunt takes it.
 *
 * @param what  Of a hunt that goes on here; NULL: of a new one.
 *
 * @return 0, ENOMEM.
 */
typedef int(app_hunt_arg_h)(void **argp, struct node *n, struct hub *hub,
			    const Sy__HuntState *what);

struct app_hunt {
	hunt_h *h;
	app_hunt_arg_h *argh;
	bool origin; /* the hub lives for it before any leg does */
	bool caller; /* it rings for a leg that waits            */
};

/** @return static; NULL: no such kind. */
const struct app_hunt *app_hunt(Sy__HuntKind kind);

/**
 * Go on with the hunts of a hub that another node had; its legs are there
 * already.  Branches whose caller, or whose kind, is not here are hung up.
 * Outcomes may come from within: the hub may be over afterwards.
 */
void app_hunts_restore(struct node *n, struct hub *hub, const Sy__HubState *st);

/* The rows. */
hunt_h app_dial_handler, app_origin_handler, control_add_handler,
	park_handler, transfer_handler;
app_hunt_arg_h app_dial_arg, app_origin_arg, control_add_arg, park_arg,
	transfer_arg;

#endif
