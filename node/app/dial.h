/* SPDX-License-Identifier: MIT */
/*
 * Dialling: from a destination to the branches of a ring.  A device rings at
 * all of its contacts, as the registrar knows them; an external number at its
 * trunk.
 */

#ifndef SY_NODE_APP_DIAL_H
#define SY_NODE_APP_DIAL_H

#include "node/node.h"

struct dial_conf {
	struct hub *hub;
	const Sy__Destination *dest; /* device or external; borrowed      */
	const char *from_user;       /* or NULL: the hub's caller         */
	const char *from_name;       /* or NULL                           */
	struct hunt_conf hunt;
};

/** True for the kinds of destination that can be dialled. */
bool dial_can(const Sy__Destination *dest);

/**
 * Ring a destination; every outcome comes by the ring's handler, none from
 * within this call.
 *
 * @return 0, EINVAL, ENOMEM; then conf->ring.arg is still the caller's.
 */
int dial_start(struct node *n, const struct dial_conf *conf);

#endif
