/* SPDX-License-Identifier: MIT */
/*
 * The calls that run, as the stream has them up to the newest event that was
 * read: so a snapshot of it, and the changes after that, are the whole truth.
 * Kept while somebody watches.
 *
 *   OFF --wanted--> COLLECT --0.1 s--> LIST --records--> SETTLE --> READY
 *                      ^   events are kept aside ... and applied  |
 *                      +-- a gap, Redis is back, once a minute ---+
 *
 * A record may be older or newer than the events at hand: so events are kept
 * from before the first record is read until the stream was read beyond the
 * last one, and then applied to the records, in order.  While READY is read
 * anew, the old table goes on.
 */

#ifndef SY_GATEWAY_FEED_CALLS_H
#define SY_GATEWAY_FEED_CALLS_H

#include <stdbool.h>
#include <stdint.h>
#include <re.h>

#include "gateway/feed/log.h"
#include "proto/schema.h"

struct calls;
struct feed;

/** What a client is sent of it; counted, shared. */
struct series {
	uint64_t at;           /* number of the first event after it      */
	uint64_t made_us;
	size_t n;
	struct ws_frame *v[];  /* owned                                   */
};

/** @param cp  Owned by the caller. @param f  Borrowed. */
int calls_alloc(struct calls **cp, struct feed *f);

/** Somebody watches; again and again, or it is let go after a while. */
void calls_want(struct calls *c);

/** It may be wrong: read the records again. @param lost  Surely: it is not
 * ready until then. */
void calls_again(struct calls *c, bool lost);

/** An event was read; in order. */
void calls_event(struct calls *c, const Sy__Event *ev);

/** The reader has read all that there was when it asked for the n-th time. */
void calls_read(struct calls *c, uint64_t looks);

/** Once a second. */
void calls_tick(struct calls *c);

/** It is as the stream has it. */
bool calls_is_ready(const struct calls *c);

/**
 * A snapshot.
 *
 * @param at  It must be of just then (the log's next); 0: it may be a second
 *            old.
 *
 * @return a reference for the caller; NULL: not ready, or no memory.
 */
struct series *calls_series(struct calls *c, uint64_t at);

#endif
