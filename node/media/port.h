/* SPDX-License-Identifier: MIT */
/*
 * The RTP ports of an engine: even numbers of a range, taken at random and
 * resting after use, so that a stale stream of an ended call never reaches
 * the next one (and nobody outside can guess the next port).  The odd
 * number above each port is left to RTCP.
 *
 * No socket and no clock here: time and randomness are passed in.
 */

#ifndef SY_NODE_MEDIA_PORT_H
#define SY_NODE_MEDIA_PORT_H

#include <stdint.h>

struct portset;

/**
 * Allocate a set of ports.
 *
 * @param pp             Set on success; owned by the caller.
 * @param min            First port of the range.
 * @param max            Last port of the range, inclusive.
 * @param quarantine_ms  A port rests so long after use.
 *
 * @return 0, EINVAL (no even port with its odd neighbour inside), ENOMEM.
 */
int port_alloc(struct portset **pp, uint16_t min, uint16_t max,
	       uint32_t quarantine_ms);

/**
 * Take a port.
 *
 * @param now_ms  Any monotonic clock.
 * @param rnd     A random number.
 *
 * @return the port, or 0 when none is free.
 */
uint16_t port_get(struct portset *p, uint64_t now_ms, uint32_t rnd);

/** Give a port back after use: it rests first. */
void port_put(struct portset *p, uint16_t port, uint64_t now_ms);

struct port_count {
	uint32_t free;
	uint32_t used;
	uint32_t quarantined;
};

/** Count the ports. */
void port_count(struct portset *p, uint64_t now_ms, struct port_count *n);

#endif
