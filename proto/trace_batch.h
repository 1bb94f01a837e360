/* SPDX-License-Identifier: MIT */
/*
 * Messages of calls on their way to Redis: collected by call, written when
 * the rings are empty.  The tracer's thread.
 */

#ifndef SY_ROUTER_TRACE_BATCH_H
#define SY_ROUTER_TRACE_BATCH_H

#include "proto/store_trace.h"
#include "router/trace_ring.h"
#include "router/view.h"

struct trace_batch;

enum {
	TRACE_RUNNING_S = 4 * 3600, /* kept so long while the call lasts   */
	TRACE_UNDER_WAY_MAX = 1024, /* writes that wait for Redis; more
				       are dropped                         */
};

struct trace_batch_stat {
	uint64_t written;           /* messages                            */
	uint64_t dropped;           /* Redis is away, or late              */
};

int trace_batch_alloc(struct trace_batch **bp);

/**
 * Collect a message.
 *
 * @param rec  With its call.
 * @param msg  How it is shown; borrowed for the call.
 * @param v    Of its text: tells whether the call goes on or ends.
 */
void trace_batch_put(struct trace_batch *b, const struct trace_rec *rec,
		     const Sy__TraceMessage *msg, const struct view *v);

/** Write what was collected. @param keep_s  After the call. */
void trace_batch_write(struct trace_batch *b, struct redis *r,
		       uint32_t keep_s);

/** Writes that wait for Redis. */
unsigned trace_batch_under_way(const struct trace_batch *b);

const struct trace_batch_stat *trace_batch_stat(const struct trace_batch *b);

#endif
