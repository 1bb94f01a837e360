/* SPDX-License-Identifier: MIT */
/*
 * Which nodes we watch, and what we make of what we see.  Each node looks
 * after the next few live ones in the order of their ids, as on a ring: does
 * anybody listen to their command channels?  Who is found without a listener
 * in several looks in a row is dead, or will have to tell why not.  Without
 * I/O.
 *
 * Several looks, because a process that has lost its connection for a moment
 * is back within 50 ms (redis.h).
 */

#ifndef SY_PROTO_MEMBER_WATCH_H
#define SY_PROTO_MEMBER_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct member_table;

enum {
	MEMBER_WATCH_MAX = 3,  /* nodes that we look after          */
	MEMBER_WATCH_MS = 75,  /* from look to look                 */
	MEMBER_WATCH_MISS = 3, /* looks that find nobody: it is dead */
};

struct member_watched {
	char id[64];
	uint32_t instance;
	unsigned missed;  /* looks in a row that found nobody  */
	uint64_t seen_us; /* the last look that found somebody; 0: none */
};

struct member_watch {
	struct member_watched v[MEMBER_WATCH_MAX];
	size_t n;
};

/**
 * Choose whom to look at now; who was looked at before keeps his misses.
 *
 * @param self  Our own id.
 *
 * @return how many, in w->v.
 */
size_t member_watch_pick(struct member_watch *w, const struct member_table *t,
			 const char *self);

/**
 * A look's outcome.
 *
 * @param listeners  Of its command channel.
 * @param asked_us   When the look began.
 *
 * @return true: it is dead; said again after as many looks.
 */
bool member_watch_saw(struct member_watch *w, const char *id, uint32_t instance,
		      uint64_t listeners, uint64_t asked_us);

/** When the last look began that found it [us, as passed]; 0: none did. */
uint64_t member_watch_seen_us(const struct member_watch *w, const char *id,
			      uint32_t instance);

/** Forget what was seen: Redis was away. */
void member_watch_reset(struct member_watch *w);

#endif
