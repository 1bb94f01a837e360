/* SPDX-License-Identifier: MIT */
/*
 * What a worker does when a tick's work grows towards a tick's time: it leaves
 * out the dearest extras, one level after the other, and takes them up again
 * when there is room for long.  No clock of its own: time is passed in.
 *
 *              above 70 % for 200 ms        each level again
 *   NONE --------> DENOISE --------> COMPLEXITY --------> REALTIME
 *        <--------         <--------            <--------
 *              below 50 % for 5 s
 *
 * Who comes back to a level soon after it was left stays there twice as long,
 * up to 80 s: what is left out may be all that makes room.
 *
 * One tick that took very long is a stall of the machine and no load: it
 * counts as two ticks.  And a tick counts as twice its CPU time at most, for
 * what is left out can only save that: a worker that waits for a processor
 * while it has little to do would spoil the sound for nothing.
 */

#ifndef SY_NODE_MEDIA_SHED_H
#define SY_NODE_MEDIA_SHED_H

#include <stdint.h>

enum {
	SHED_UP_PERCENT = 70,
	SHED_DOWN_PERCENT = 50,
	SHED_UP_US = 200000,
	SHED_DOWN_US = 5000000,
	SHED_DOWN_MAX_US = 80000000,
	SHED_SOON_US = 10000000, /* a level up so soon after one down */
};

/** Each level with those before it. */
enum shed_level {
	SHED_NONE,
	SHED_DENOISE,	 /* no denoising                                     */
	SHED_COMPLEXITY, /* Opus at its lowest complexity                    */
	SHED_REALTIME,	 /* no real-time priority: signalling shall live     */
};

struct shed {
	enum shed_level level;
	uint32_t used_us;  /* work of a tick, mean of some 160 ms         */
	uint64_t above_us; /* above since then; 0: it is not              */
	uint64_t below_us;
	uint64_t down_us;     /* when a level was left for a lower one      */
	uint64_t hold_us;     /* how long it must be below                  */
};

/**
 * A tick is done.
 *
 * @param s        State; zeros at the start.
 * @param work_us  How long it took.
 * @param cpu_us   CPU time of it.
 * @param tick_us  How long it may take.
 * @param now_us   Monotonic clock, not 0.
 *
 * @return the level from now on.
 */
enum shed_level shed_feed(struct shed *s, uint32_t work_us, uint32_t cpu_us,
			  uint32_t tick_us, uint64_t now_us);

#endif
