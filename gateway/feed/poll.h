/* SPDX-License-Identifier: MIT */
/*
 * What no stream tells, asked for once for all who watch: the cluster's
 * status, registrations, providers, each once a second, and single calls with
 * their levels five times a second.  Only while somebody watches.
 *
 *   asked --answer--> the same as before? --no--> to all who watch
 *     ^                                    |
 *     +------------- interval -------------+
 */

#ifndef SY_GATEWAY_FEED_POLL_H
#define SY_GATEWAY_FEED_POLL_H

#include <stdbool.h>
#include <stdint.h>

#include "gateway/feed/feed_impl.h"

struct poll;

/** What is asked for a topic; made when it is not there. @return borrowed;
 * NULL: no memory. */
struct poll *poll_want(struct feed *f, const struct topic *t);

/**
 * Put a topic's snapshot into a client's queue.
 *
 * @param fresh  As of this number in the log or later; 0: whatever is known.
 * @param atp    Set to the number that it is as of.
 *
 * @return false: it is not known yet; the client will be woken.
 */
bool poll_snapshot(struct poll *p, struct ws_client *c, uint64_t fresh,
		   uint64_t *atp);

/** The number in the log that it is as of. 0: nothing is known. */
uint64_t poll_at(const struct poll *p);

/** Once a second: let go what nobody watches. */
void poll_tick(struct feed *f);

#endif
