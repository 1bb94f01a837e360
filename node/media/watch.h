/* SPDX-License-Identifier: MIT */
/*
 * Which sockets a worker reads on each tick, and which it only watches.
 *
 *               nothing came for a second
 *   hot: read ---------------------------> cold: in one epoll set for all;
 *   every tick <--------------------------  its timers run once a second
 *               readable
 *
 * A thousand legs on hold so cost one epoll_wait(0) a tick.  All functions
 * are for the worker's thread, but for init and close.
 */

#ifndef SY_NODE_MEDIA_WATCH_H
#define SY_NODE_MEDIA_WATCH_H

#include <re.h>

struct leg;
struct tick;

enum {
	WATCH_SLOTS = 50,	/* ticks of a second                         */
	WATCH_HOT_US = 1000000, /* read for so long without a packet         */
};

struct watch {
	int epfd;
	struct list hotl;		/* struct leg; borrowed              */
	struct list slotv[WATCH_SLOTS]; /* cold legs; one slot a tick        */
	uint32_t coldc;			/* legs in the slots                 */
	uint32_t slot;			/* of this tick                      */
};

/** Open the epoll set. @return 0, or errno. */
int watch_init(struct watch *w);
void watch_close(struct watch *w);

/** A leg comes; hot.  Legs that read nothing (no ops->rx) are left out. */
void watch_add(struct watch *w, struct leg *leg, uint64_t now_us);

/** A leg goes. */
void watch_del(struct watch *w, struct leg *leg);

/**
 * Call ops->rx of all hot legs, of those cold ones that became readable, and
 * of the cold ones whose second is over; wake their mixes.
 */
void watch_read(struct watch *w, const struct tick *t);

#endif
