/* SPDX-License-Identifier: MIT */
/*
 * Are the contacts of devices there?  Those of devices that are configured so
 * (qualifyS) are asked at intervals, by one router at a time: the one that
 * has the flow, else whoever takes them first.  The queue is in Redis
 * (store_qual.h).
 *
 *   REGISTER, or a walk over all --> queue --take--> binding --> OPTIONS
 *                                      ^                            |
 *                                      +--- in an interval ---------+
 *                                                                   v
 *                                             sy:qual:{DEVICE}, event, lamps
 *
 * The walk finds those that registered before they were to be asked, or whose
 * queue Redis has lost; one router does it, after each configuration, each
 * time that Redis was away and each time that a router went.  While Redis is
 * away nobody is asked, and what was known stays.
 *
 * Thread 0, but for qualify_registered().
 */

#ifndef SY_ROUTER_QUALIFY_H
#define SY_ROUTER_QUALIFY_H

#include "proto/schema.h"

struct qualify;
struct worker;

/** On thread 0. @param qp  Owned by the caller; goes before the bus. */
int qualify_alloc(struct qualify **qp, struct worker *w);

/** A configuration was loaded. */
void qualify_config(struct qualify *q, const Sy__Config *conf);

/** Redis is there (again). */
void qualify_redis_up(struct qualify *q);

/** A router went. */
void qualify_router_gone(struct qualify *q);

/** This router ends: no more is taken. */
void qualify_leave(struct qualify *q);

/** A device has these bindings now.  Any thread, its own worker. */
void qualify_registered(struct worker *w, const Sy__Registration *reg);

#endif
