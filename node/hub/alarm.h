/* SPDX-License-Identifier: MIT */
/*
 * A timer wheel for the long timers of all calls (ringing, placements that
 * nobody comes for): starting and stopping one costs the same with ten calls
 * and with a hundred thousand.  It does no I/O: time is passed in, so an
 * hour runs in a millisecond.
 *
 * Precision is one slot (ALARM_SLOT_MS); a timer never fires early.
 */

#ifndef SY_NODE_HUB_ALARM_H
#define SY_NODE_HUB_ALARM_H

#include <re.h>

enum {
	ALARM_SLOT_MS = 100,
	ALARM_SLOTS = 1024, /* a lap of 102 s; longer timers wait for a lap */
};

typedef void(alarm_h)(void *arg);

/** A timer; a member of what it belongs to, zeroed before its first use. */
struct alarm {
	struct le le;     /* in a slot, or in the list of those that fire  */
	uint64_t at_ms;   /* when                                          */
	alarm_h *h;
	void *arg;
};

struct alarms {
	struct list slotv[ALARM_SLOTS];
	uint64_t now_ms;  /* of the last alarms_run()                       */
	uint32_t count;   /* timers that wait                              */
};

/** Make an empty wheel. @param now_ms  Monotonic time [ms]. */
void alarms_init(struct alarms *w, uint64_t now_ms);

/**
 * Start a timer, or start it again.
 *
 * @param t         Timer; the caller stops it before its memory goes.
 * @param delay_ms  From the time of the last alarms_run() on.
 */
void alarm_start(struct alarms *w, struct alarm *t, uint64_t delay_ms,
		 alarm_h *h, void *arg);

/** Stop a timer; also one that does not run, also from within a handler. */
void alarm_stop(struct alarms *w, struct alarm *t);

/**
 * Let time go on and call what is due.  Handlers may start and stop any
 * timer.
 */
void alarms_run(struct alarms *w, uint64_t now_ms);

#endif
