/* SPDX-License-Identifier: MIT */
/*
 * Messages between this router and its peers, counted by direction, method,
 * class and code.  Each thread counts in memory of its own and tells the
 * metrics once a second, as stat.h does.
 */

#ifndef SY_ROUTER_TRACE_STAT_H
#define SY_ROUTER_TRACE_STAT_H

#include <sys/uio.h>
#include "router/view.h"

enum { TRACE_CODES = 80, TRACE_CLASSES = 6 };

struct trace_count {
	uint64_t requests[VIEW_METHOD_COUNT];
	uint64_t responses[VIEW_METHOD_COUNT][TRACE_CLASSES];
	uint64_t codes[TRACE_CODES];    /* index: fixed table; 0: others   */
};

struct trace_stat {
	struct trace_count now[2];      /* in, out                         */
	struct trace_count told[2];     /* what the metrics know already   */
	enum view_method method;        /* of what was received last       */
	uint16_t code;                  /* 0: a request                    */
};

/** Register the metrics.  Once, before threads. @return 0 or ENOMEM. */
int trace_stat_init(void);

void trace_stat_received(struct trace_stat *st, const struct view *v);

/** What was received last does not count. */
void trace_stat_undo(struct trace_stat *st);

/**
 * Count what is sent.
 *
 * @param iov     The first piece has the whole start line.
 * @param method  Of a response: what it answers, as far as known.
 */
void trace_stat_sent(struct trace_stat *st, const struct iovec *iov, size_t n,
		     enum view_method method);

/** Add to the metrics what came since the last call. */
void trace_stat_publish(struct trace_stat *st);

#endif
