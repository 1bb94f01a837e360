/* SPDX-License-Identifier: MIT */
/*
 * A timer wheel: one libre timer drives many of ours; none while none waits.
 *
 * libre keeps its timers in one sorted list, so that a short timer costs a
 * walk past every longer one.  A call leaves some timers of 32 s behind
 * (RFC 3261 17.2): here each costs two pointers, whatever their number.
 *
 * Signalling thread only.
 */

#ifndef SY_NODE_SIP_WHEEL_H
#define SY_NODE_SIP_WHEEL_H

#include <re.h>

enum {
	WHEEL_TICK_MS = 20,
	WHEEL_SLOTS = 2048,
	WHEEL_MAX_MS = WHEEL_TICK_MS * (WHEEL_SLOTS - 2),
};

struct wheel;

typedef void(wheel_h)(void *arg);

/** One timer; zeroed before its first use; lives in its owner. */
struct wheel_tmr {
	struct le le;
	struct wheel *w; /* it was last started on */
	wheel_h *h;
	void *arg;
};

int wheel_alloc(struct wheel **wp);

/**
 * Start, or start again.
 *
 * @param delay_ms  Rounded up to ticks; at most WHEEL_MAX_MS.
 * @param h         Called once; may start or cancel any timer and free the
 *                  timer's owner.
 */
void wheel_start(struct wheel *w, struct wheel_tmr *t, uint64_t delay_ms,
		 wheel_h *h, void *arg);

/** Stop; allowed at any time, also for one that never ran. */
void wheel_cancel(struct wheel_tmr *t);

bool wheel_is_running(const struct wheel_tmr *t);

#endif
