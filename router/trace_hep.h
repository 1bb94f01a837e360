/* SPDX-License-Identifier: MIT */
/* HEP version 3, as Homer takes it: a datagram of chunks for each message. */

#ifndef SY_ROUTER_TRACE_HEP_H
#define SY_ROUTER_TRACE_HEP_H

#include <stddef.h>
#include <stdint.h>
#include <re.h>

enum {
	TRACE_HEP_MAX = 60000,      /* bytes of a datagram                 */
	TRACE_HEP_CAPTURE_ID = 2001, /* the default                        */
};

struct trace_hep {
	const struct sa *source, *target;
	bool tcp;
	uint64_t at_us;
	uint32_t capture_id;
	const char *correlation;    /* what belongs together               */
	size_t correlation_len;
	const char *text;           /* the SIP message                     */
	size_t len;
};

/**
 * Print a datagram.
 *
 * @return bytes, or 0: too large, or two families of address.
 */
size_t trace_hep_print(uint8_t *buf, size_t size, const struct trace_hep *m);

/**
 * Open a socket to a Homer.  A name is looked up, which blocks.
 *
 * @param at  "host:port", an IPv6 address in brackets.
 *
 * @return a connected socket, owned by the caller; -1: it cannot be reached.
 */
int trace_hep_open(const char *at);

#endif
