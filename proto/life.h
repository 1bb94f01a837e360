/* SPDX-License-Identifier: MIT */
/*
 * Notices that Redis has lost what was written to it.
 *
 *   KEY   string   a random text; whoever misses it writes it
 *
 * Another text than the last time: everything was lost (emptied, by a restart
 * or by hand).  Another run id of the server (a restart, a failover): the
 * last writes may be.
 */

#ifndef SY_PROTO_LIFE_H
#define SY_PROTO_LIFE_H

#include <stdbool.h>
#include "proto/redis.h"

struct life;

/** Something was lost, or may be. */
typedef void(life_h)(void *arg);

/**
 * @param lp     Owned by the caller; goes before the connection.
 * @param redis  Borrowed.
 * @param key    Where the text lies; borrowed, outlives it.
 */
int life_alloc(struct life **lp, struct redis *redis, const char *key,
	       life_h *h, void *arg);

/**
 * Look; without a connection nothing is done.
 *
 * @param server  Also at the server's run id: after the connection came up.
 */
void life_look(struct life *l, bool server);

#endif
