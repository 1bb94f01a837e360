/* SPDX-License-Identifier: MIT */
/*
 * A token bucket: so many at once, so many a second later.  All zeroes is a
 * full one.  Time is passed in; any clock in milliseconds that never stands
 * at 0.
 */

#ifndef SY_ROUTER_BUCKET_H
#define SY_ROUTER_BUCKET_H

#include <stdbool.h>
#include <stdint.h>

enum { BUCKET_ONE = 1000000 }; /* a message, in millionths */

struct bucket {
	uint64_t at_ms;    /* up to when it was filled; 0: never used     */
	uint64_t level;    /* millionths of a message                     */
};

/** What a bucket holds and gets. */
struct bucket_rate {
	uint32_t per_s;    /* thousandths of a message a second, which is
			      millionths a millisecond                    */
	uint32_t burst;    /* messages                                    */
};

/** Fill it up to now. */
static inline void bucket_fill(struct bucket *b, const struct bucket_rate *r,
			       uint64_t now_ms)
{
	const uint64_t most = (uint64_t)r->burst * BUCKET_ONE;

	if (!b->at_ms)
		b->level = most;
	else if (now_ms > b->at_ms)
		b->level += (now_ms - b->at_ms) * r->per_s;
	if (b->level > most)
		b->level = most;
	if (now_ms > b->at_ms)
		b->at_ms = now_ms;
}

/** Take one out. @return false: it is empty. */
static inline bool bucket_take(struct bucket *b, const struct bucket_rate *r,
			       uint64_t now_ms)
{
	bucket_fill(b, r, now_ms);
	if (b->level < BUCKET_ONE)
		return false;
	b->level -= BUCKET_ONE;

	return true;
}

/** Is nothing left in it? */
static inline bool bucket_is_empty(struct bucket *b,
				   const struct bucket_rate *r,
				   uint64_t now_ms)
{
	bucket_fill(b, r, now_ms);

	return b->level < BUCKET_ONE;
}

/** Give n back. */
static inline void bucket_give(struct bucket *b, const struct bucket_rate *r,
			       unsigned n)
{
	const uint64_t most = (uint64_t)r->burst * BUCKET_ONE;
	const uint64_t level = b->level + (uint64_t)n * BUCKET_ONE;

	b->level = level < most ? level : most;
}

#endif
