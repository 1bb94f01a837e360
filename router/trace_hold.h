/* SPDX-License-Identifier: MIT */
/*
 * Messages whose call is not yet known: the first INVITE, its challenge and
 * the ACK come before there is a call.  They are held until somebody says whose
 * their Call-ID is, some seconds at most.  No I/O; time is passed in.
 */

#ifndef SY_ROUTER_TRACE_HOLD_H
#define SY_ROUTER_TRACE_HOLD_H

#include "router/trace_ring.h"
#include "router/view.h"

struct trace_hold;

enum {
	TRACE_HOLD_US = 3000000,         /* a message waits so long        */
	TRACE_CLAIM_US = 60000000,       /* a Call-ID is known so long     */
	TRACE_HOLD_BYTES = 1 << 21,      /* of messages that wait; more: the
					    oldest goes on as it is        */
	TRACE_CLAIMS_MAX = 16384,
};

/**
 * A message goes on.
 *
 * @param rec   Its call, if rec->called.
 * @param v     Of its text; borrowed for the call.
 */
typedef void(trace_hold_h)(const struct trace_rec *rec, const struct view *v,
			   void *arg);

int trace_hold_alloc(struct trace_hold **hp, trace_hold_h *h, void *arg);

/** A message of unknown call: goes on at once if its Call-ID is known, or
 * later. @param now_us  Of rec->at_us's clock. */
void trace_hold_put(struct trace_hold *hold, const struct trace_rec *rec,
		    const struct view *v, uint64_t now_us);

/** A Call-ID is of a call: rec has it. */
void trace_hold_claim(struct trace_hold *hold, const struct trace_rec *rec,
		      const char *call_id, size_t len, uint64_t now_us);

/** Let go of what waited long enough. */
void trace_hold_tick(struct trace_hold *hold, uint64_t now_us);

/** Let go of all. */
void trace_hold_flush(struct trace_hold *hold);

#endif
