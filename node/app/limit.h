/* SPDX-License-Identifier: MIT */
/*
 * Limits of calls at a time and a second: of a trunk in both directions, of a
 * device.  A leg by a trunk counts by itself; a device's legs of one call
 * count once, whichever of its phones ring.
 *
 *   before a leg: limit_of_*() -> store_limit_take() -> the leg, or no room
 *   each 30 s:    all legs that are here renew
 *   a leg ends:   its room is given back
 *
 * Which room a leg holds follows from what is shown of it, so a call that
 * another node takes over keeps its room without a word.  Where no limit is
 * configured nothing is asked.
 */

#ifndef SY_NODE_APP_LIMIT_H
#define SY_NODE_APP_LIMIT_H

#include "node/app/app.h"
#include "proto/store_limit.h"

enum { LIMIT_NAME_SIZE = 96 };

/** A question to the store with its name. */
struct limit {
	struct store_limit l;
	char name[LIMIT_NAME_SIZE];
};

/** @param leg  Id of the leg that is to be; borrowed, as in all these.
 * @return false: it has no limit. */
bool limit_of_trunk(struct limit *lim, const Sy__Trunk *trunk,
		    const char *leg);
/** @param hub  Id of the call. */
bool limit_of_device(struct limit *lim, const Sy__Device *dev,
		     const char *hub);

/**
 * Serve a leg that came in, as app_run(), once there is room for it.
 *
 * @return false: it has no limit, serve it now.
 */
bool limit_wait(struct node *n, const struct app_call *call);

/** A device that room was taken for is not rung after all: it is given back,
 * unless another leg of the call is this device's. */
void limit_device_unused(struct node *n, const char *hub,
			 const char *device);

/** A leg has ended. */
void limit_leg_removed(struct node *n, struct hub *hub,
		       const struct leg *leg);

/** Renew what all legs hold; each STORE_LIMIT_RENEW_MS by itself. */
void limit_start(struct node *n);

#endif
