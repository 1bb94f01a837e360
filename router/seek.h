/* SPDX-License-Identifier: MIT */
/*
 * Who owns a hub now, when the node that a token names is gone: asked of the
 * hub's record, again every SEEK_TURN_MS while the record still names a dead
 * process, until somebody has adopted the hub.  One question at a time for a
 * hub, however many wait for it; so many in a turn and no more, what is
 * urgent first.  One thread's; the number of those who
 * wait is bounded by the table of pending messages that they lie in.
 */

#ifndef SY_ROUTER_SEEK_H
#define SY_ROUTER_SEEK_H

#include <re.h>
#include "proto/store.h"

struct seeks;
struct worker;

enum {
	SEEK_TURN_MS = 50,
	SEEK_KNOWN_MAX = 1024, /* hubs whose owner is remembered ...      */
	SEEK_KNOWN_MS = 32000, /* ... for so long: a transaction's life   */
	SEEK_ASK_MAX = 256,  /* questions under way                       */
	SEEK_ASK_MS = 500,   /* ... each for no longer; then again        */
	SEEK_BACK_MS = 3000, /* after Redis returned, owners may not have
				written their hubs again                  */
};

enum seek_end {
	SEEK_FOUND, /* its owner is live                                  */
	SEEK_GONE,  /* no record: it has ended, or was never written      */
	SEEK_LATE,  /* not within the time given, or Redis is away        */
};

/**
 * The outcome.  Called once, never from within seek_start().
 *
 * @param node   SEEK_FOUND: the owner; SEEK_GONE: who ended it, if that is
 *               known and lives; else NULL.  Borrowed for the call.
 * @param where  SEEK_FOUND: what the record says; SEEK_GONE: what the
 *               tombstone says, NULL if there is none.  Likewise.
 */
typedef void(seek_h)(enum seek_end end, const Sy__Member *node,
		     const struct store_where *where, void *arg);

/** One who waits; a member of what waits.  Zero before first use. */
struct seek_wait {
	struct le le; /* with the others for this hub */
	uint64_t until_ms;
	bool urgent;
	seek_h *h;
	void *arg;
};

/** @param w  Borrowed: its bus, that goes first, and its members. */
int seek_alloc(struct seeks **sp, struct worker *w);

/**
 * Where a hub was found lately: spares a question for each message of an
 * adopted call, and leads the last ones of a call (the ACK to a 487) there when
 * its record is gone.  NULL: not known, or not live.
 */
const Sy__Member *seek_known(struct seeks *s, const uint8_t *hub);

/** What to look for. */
struct seek_conf {
	const uint8_t *hub; /* ULID_BYTES; borrowed for the call           */
	uint32_t limit_ms;  /* how long the handler can wait               */
	bool urgent;	    /* before others                               */
	seek_h *h;
	void *arg;
};

/** Begin to look. @return 0 or ENOMEM: the handler will not be called. */
int seek_start(struct seeks *s, struct seek_wait *wait,
	       const struct seek_conf *conf);

/** Wait no more; also when nothing was begun, or all is over. */
void seek_stop(struct seek_wait *wait);

#endif
