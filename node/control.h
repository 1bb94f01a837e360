/* SPDX-License-Identifier: MIT */
/*
 * Commands of the bus.  A command is a function in a table; each answers its
 * request exactly once, now or later.
 *
 *   control.c       the table; hubs: PlaceHub, DrainNode
 *   control_call.c  what the API does to calls and legs
 */

#ifndef SY_NODE_CONTROL_H
#define SY_NODE_CONTROL_H

#include "node/node.h"

/**
 * @param req  Taken.
 * @param env  The command; borrowed for the call.
 */
typedef void(control_h)(struct node *n, struct bus_request *req,
			const Sy__Envelope *env);

control_h control_hub_taken;
control_h control_originate;
control_h control_hangup;
control_h control_add_leg;
control_h control_update_leg;
control_h control_remove_leg;
control_h control_send_dtmf;
control_h control_get;
control_h control_browser_call;   /* page_control.c, as the next two */
control_h control_browser_signal;
control_h control_browser_here;

/**
 * The hub of a placement: one that is here, or a new one.  It ends if nobody
 * comes: hub_expect() somebody, or hub_add() a leg.
 *
 * @param place  Borrowed for the call.
 *
 * @return it; NULL: the request is answered.
 */
struct hub *control_place(struct node *n, struct bus_request *req,
			  const Sy__PlaceHub *place);

/** Answer with OK and the call as it is. @param leg  Leg added, or NULL. */
void control_reply_call(struct node *n, struct bus_request *req,
			const struct hub *hub, const char *leg);

/** May a new hub be taken? Else the request is answered. */
bool control_has_room(struct node *n, struct bus_request *req);

#endif
