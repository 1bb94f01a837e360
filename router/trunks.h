/* SPDX-License-Identifier: MIT */
/*
 * Which trunks this router works for.  Each has a lease (store_lease.h), so
 * one router of the cluster does: the one that a hash of its id and the
 * trunk's names, so that they are spread; any other one when that one does
 * not.
 *
 *   free --taken--> reading how it is --> working --lost, or given--> free
 *                                            |
 *                             out of the configuration
 *                                            v
 *                                      unregistering --> gone
 *
 * While Redis is away, who has a trunk goes on.
 */

#ifndef SY_ROUTER_TRUNKS_H
#define SY_ROUTER_TRUNKS_H

#include "proto/schema.h"

struct trunks;
struct worker;

/** On thread 0. @param tp  Owned by the caller; goes before the bus. */
int trunks_alloc(struct trunks **tp, struct worker *w);

/** A configuration was loaded. */
void trunks_config(struct trunks *t, const Sy__Config *conf);

/** Redis is there (again), maybe without what was written. */
void trunks_redis_up(struct trunks *t);

/** This router ends: others may go on at once. */
void trunks_leave(struct trunks *t);

#endif
