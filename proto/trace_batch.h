/* SPDX-License-Identifier: MIT */
/*
 * Messages of calls on their way to Redis: collected by call, written
 * together.  One thread, that of the connection to Redis.
 */

#ifndef SY_PROTO_TRACE_BATCH_H
#define SY_PROTO_TRACE_BATCH_H

#include "proto/store_trace.h"
#include "proto/ulid.h"

struct trace_batch;

enum {
	TRACE_RUNNING_S = 4 * 3600, /* kept so long while the call lasts   */
	TRACE_UNDER_WAY_MAX = 1024, /* writes that wait for Redis; more
				       are dropped                         */
};

/** What a message says of its call: how long the trace is kept from now on. */
enum trace_tells { TRACE_TELLS_NOTHING, TRACE_TELLS_RUNNING, TRACE_TELLS_END };

struct trace_batch_stat {
	uint64_t written;           /* messages                            */
	uint64_t dropped;           /* Redis is away, or late              */
};

/** @param bp  Owned. @return 0, ENOMEM. */
int trace_batch_alloc(struct trace_batch **bp);

/**
 * Collect a message.
 *
 * @param hub    Its call.
 * @param msg    How it is shown; borrowed for the call.
 */
void trace_batch_put(struct trace_batch *b, const uint8_t hub[ULID_BYTES],
		     const Sy__TraceMessage *msg, enum trace_tells tells);

/** Write what was collected. @param keep_s  After the call. */
void trace_batch_write(struct trace_batch *b, struct redis *r,
		       uint32_t keep_s);

/** Writes that wait for Redis. */
unsigned trace_batch_under_way(const struct trace_batch *b);

const struct trace_batch_stat *trace_batch_stat(const struct trace_batch *b);

#endif
