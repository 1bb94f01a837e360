/* SPDX-License-Identifier: MIT */
/*
 * Registrations that a router answered, remembered until they lapse: a Redis
 * that comes back empty, or with the data of an earlier day, gets back what
 * is missing.  Bounded; of one thread.
 *
 * What others removed meanwhile does not come back: routers tell each other
 * (BUS_CHANNEL_REGS), and the store remembers for a minute (reg_again.lua).
 */

#ifndef SY_ROUTER_KEEP_H
#define SY_ROUTER_KEEP_H

#include <stdbool.h>
#include <stddef.h>
#include "proto/bus.h"
#include "proto/config.h"

struct keep;

enum { KEEP_MAX = 100000 }; /* devices, all threads of a router together */

struct keep_conf {
	struct bus *bus; /* borrowed, as the other                     */
	const struct config *config; /* whom it does not know is left out;
				   NULL: everybody is known                   */
	size_t max; /* devices; the ones heard of longest ago go  */
};

/** @param kp  Owned by the caller; goes before the bus. */
int keep_alloc(struct keep **kp, const struct keep_conf *conf);

/**
 * What a device has now, as Redis told it.
 *
 * @param removed  Contacts have left by this very REGISTER: other routers
 *                 are told.
 *
 * @return true: it is registered, or is not, and that is news here.
 */
bool keep_learn(struct keep *k, const Sy__Registration *reg, bool removed);

/** Redis is there (again): look whether it has lost something. */
void keep_redis_up(struct keep *k);

/** Once a second. */
void keep_tick(struct keep *k);

/** Devices that are remembered. */
size_t keep_count(const struct keep *k);

#endif
