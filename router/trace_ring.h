/* SPDX-License-Identifier: MIT */
/*
 * The way of messages from a thread of the router to the tracer: bytes in a
 * circle, one writer, one reader, no lock.  All memory is there from the
 * start; what finds no room is dropped and counted.
 *
 * What was put is the reader's only after trace_ring_commit(): until then it
 * may be altered, or taken back.
 */

#ifndef SY_ROUTER_TRACE_RING_H
#define SY_ROUTER_TRACE_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>
#include <re.h>
#include "proto/ulid.h"

struct trace_ring;

enum {
	TRACE_TEXT_MAX = 16384, /* bytes of a message; the rest is cut     */
};

enum trace_type {
	TRACE_IN,    /* received from a peer                               */
	TRACE_OUT,   /* sent to a peer                                     */
	TRACE_CLAIM, /* no message: text is the Call-ID of a hub's call    */
};

/** A record; its text follows. */
struct trace_rec {
	uint64_t at_us;          /* since 1970                             */
	uint8_t hub[ULID_BYTES];
	uint32_t leg;
	bool called;             /* hub and leg are known                  */
	uint8_t type;            /* enum trace_type                        */
	uint8_t port;            /* of ours: index in wire_set.portv       */
	uint32_t len;            /* of the text                            */
	uint32_t cut;            /* bytes that are missing                 */
	struct sa peer;
};

/** @param bytes  A power of two. */
int trace_ring_alloc(struct trace_ring **rp, uint32_t bytes);

/** Append a record. Writer. @return false: no room, counted. */
bool trace_ring_put(struct trace_ring *r, struct trace_rec *rec,
		    const struct iovec *iov, size_t n);

/** Where the next record will be: names it. Writer. */
uint32_t trace_ring_mark(const struct trace_ring *r);

/** Alter a record that was put at a mark and is not committed. Writer. */
void trace_ring_alter(struct trace_ring *r, uint32_t mark,
		      const struct trace_rec *rec);

/** Take back all that was put since a mark. Writer. */
void trace_ring_undo(struct trace_ring *r, uint32_t mark);

/** Give the reader what was put. Writer. */
void trace_ring_commit(struct trace_ring *r);

/**
 * Take the oldest record. Reader.
 *
 * @param text  TRACE_TEXT_MAX bytes, set to its text.
 *
 * @return false: there is none.
 */
bool trace_ring_get(struct trace_ring *r, struct trace_rec *rec, char *text);

/** Records that found no room. Any thread. */
uint64_t trace_ring_dropped(const struct trace_ring *r);

#endif
