/* SPDX-License-Identifier: MIT */
/*
 * The tracer: a thread of its own that takes what the threads of the router
 * have put into their rings, masks it (proto/trace_mask.h), finds the call of what
 * came before it had one (trace_hold.h), and writes it to the call's trace in
 * Redis (store_trace.h) and to a Homer (trace_hep.h).  What cannot be written
 * is dropped and counted: nobody waits for it.
 */

#ifndef SY_ROUTER_TRACER_H
#define SY_ROUTER_TRACER_H

#include "router/trace_ring.h"
#include "router/wire.h"

struct tracer;

struct tracer_conf {
	const char *id;               /* of the router; borrowed           */
	const char *redis;            /* URL; borrowed                     */
	const struct wire_set *wires; /* borrowed; opened                  */
	unsigned threads;
};

/** Make it, with a ring for each thread. @return 0 or ENOMEM. */
int tracer_alloc(struct tracer **tp, const struct tracer_conf *conf);

/** Start its thread. @return 0 or errno. */
int tracer_start(struct tracer *t);

/** Write what is left, and end its thread. When the others have ended. */
void tracer_stop(struct tracer *t);

/** The ring of a thread; NULL without a tracer. */
struct trace_ring *tracer_ring(const struct tracer *t, unsigned thread);

/** Is every message wanted (a Homer), or those of calls? Any thread; NULL:
 * nothing is. */
bool tracer_wants_all(const struct tracer *t);
bool tracer_wants_calls(const struct tracer *t);

#endif
