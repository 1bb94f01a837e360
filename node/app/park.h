/* SPDX-License-Identifier: MIT */
/*
 * Parking places: who waits there alone, by whom it was put there, and that
 * this one is called back when nobody takes the call.
 *
 *   waits --park_seconds--> rings who parked it --answered--> they talk
 *     ^                          |
 *     |                       silent, busy ...
 *     |                          v
 *     +----- silent ----- rings Settings.park_overflow, if there is one
 *
 * Who dials the place meanwhile has the call, and nobody is rung any more.
 * All of it is in the call's record (Call.parked, HUNT_PARK): it goes on when
 * its node dies, or the call moves.
 */

#ifndef SY_NODE_APP_PARK_H
#define SY_NODE_APP_PARK_H

#include "node/hub/hub.h"

struct node;

/** What record_call_init() points to. */
struct park_record {
	Sy__Parked msg;
	Google__Protobuf__Timestamp since, recall;
};

/** Look whether somebody waits; after each change of a hub's legs. */
void park_update(struct node *n, struct hub *hub);

/** A device has put the call there. @param device  Copied; "": nobody. */
void park_by(struct node *n, struct hub *hub, const char *device);

/** True if somebody is at this place already.
 * @param but  A leg that does not count, or NULL. */
bool park_is_taken(const struct hub *hub, const struct leg *but);

/** It goes to another node, which calls back. */
void park_stop(struct hub *hub);

/** As another node had it. @param msg  NULL: nobody waited. */
void park_restore(struct node *n, struct hub *hub, const Sy__Parked *msg);

/** For the record. @return NULL: nobody waits. */
Sy__Parked *park_show(struct park_record *rec, const struct hub *hub);

#endif
