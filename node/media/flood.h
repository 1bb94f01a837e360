/* SPDX-License-Identifier: MIT */
/*
 * Floods of strangers: a leg reads some packets a tick and no more, so whoever
 * sends enough would crowd out the peer, though nobody hears him.  When a
 * locked leg gets too many foreign packets in a tick, its lock is put into the
 * kernel (a classic BPF filter on the socket); the kernel then drops them
 * before they take room, and counts them.  Legs in peace pay nothing.
 *
 * Worker's, as source.h.
 */

#ifndef SY_NODE_MEDIA_FLOOD_H
#define SY_NODE_MEDIA_FLOOD_H

#include <stdbool.h>
#include <stdint.h>

#include "node/media/source.h"

enum {
	FLOOD_MANY = 8, /* foreign packets of a tick that are a flood */
	FLOOD_COUNT_US =
	    1000000, /* the kernel is asked for its count so often */
};

struct flood {
	uint32_t seen;	 /* foreign packets of this tick                */
	bool on;	 /* the filter is in place                      */
	bool failed;	 /* the kernel would not: don't ask again       */
	bool aside;	 /* STUN is let in from anywhere                */
	uint32_t drops;	 /* the kernel's count when last asked          */
	uint64_t ask_us; /* next time                                   */
};

/**
 * A tick's packets were read.
 *
 * @param s  Source lock of the leg; what the kernel dropped is added to its
 *           foreign packets.
 */
void flood_tick(struct flood *f, int fd, struct source *s, uint64_t now_us);

/** The lock was opened or moved: everything is let in again. */
void flood_open(struct flood *f, int fd, struct source *s);

#endif
