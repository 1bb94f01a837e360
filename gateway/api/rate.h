/* SPDX-License-Identifier: MIT */
/*
 * Token buckets: who may ask how often.  A table of fixed size: nothing is
 * allocated for a new name.  Where it is full, the bucket goes that is the
 * fullest, since it takes the least with it.
 *
 * No I/O, time is passed in.
 */

#ifndef SY_GATEWAY_API_RATE_H
#define SY_GATEWAY_API_RATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rate;

/** How a bucket stands. */
struct rate_state {
	uint32_t limit;     /* its size                                */
	uint32_t remaining; /* requests that it allows now             */
	uint32_t reset_s;   /* then it is full again                   */
	uint32_t retry_s;   /* then it allows one again; 0: it does now */
};

/** @param buckets  Of the table, about. @return 0, EINVAL, ENOMEM. */
int rate_alloc(struct rate **rp, size_t buckets);

/**
 * Take one from a bucket, if it has one.
 *
 * @param name   Whose: any text.
 * @param per_s  So many come in a second; above 0.
 * @param burst  Its size; above 0.
 * @param st     Set to how it stands afterwards, or NULL.
 *
 * @return false: it was empty.
 */
bool rate_take(struct rate *r, const char *name, uint32_t per_s,
	       uint32_t burst, uint64_t now_us, struct rate_state *st);

#endif
