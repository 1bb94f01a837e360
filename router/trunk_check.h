/* SPDX-License-Identifier: MIT */
/*
 * Is a target of a trunk alive?  OPTIONS (RFC 3261 11) at intervals, without
 * I/O: times and answers are passed in.
 *
 * Any final response is a sign of life but 408 and 503, which may be of
 * somebody on the way.  Two losses in a row are the end; what was lost is
 * asked again after half a second, what is down each 2 s, after ten of those
 * each 10 s.
 */

#ifndef SY_ROUTER_TRUNK_CHECK_H
#define SY_ROUTER_TRUNK_CHECK_H

#include <stdbool.h>
#include <stdint.h>

enum {
	TRUNK_CHECK_TIMEOUT_MS = 2500, /* for an answer                     */
	TRUNK_CHECK_LOSSES = 2,
};

struct trunk_check {
	bool known;       /* the next one is                               */
	bool up;
	bool asking;      /* an answer is awaited                          */
	unsigned losses;  /* in a row                                      */
	uint16_t code;    /* of the last answer                            */
	float rtt_ms;     /* of the last one that was answered             */
	uint32_t every_ms;
	uint64_t due_ms;
};

/** @param every_ms  0: it is never asked. */
void trunk_check_init(struct trunk_check *c, uint32_t every_ms,
		      uint64_t now_ms);

/** When to ask; UINT64_MAX: not now. */
uint64_t trunk_check_due(const struct trunk_check *c);

/** It was asked. */
void trunk_check_sent(struct trunk_check *c);

/**
 * What came of it.
 *
 * @param code    Status code; 408: nothing came.
 * @param rtt_ms  Since it was sent.
 *
 * @return true: it is known for the first time, or came up, or went down.
 */
bool trunk_check_answer(struct trunk_check *c, uint16_t code, float rtt_ms,
			uint64_t now_ms);

#endif
