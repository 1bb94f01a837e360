/* SPDX-License-Identifier: MIT */
/*
 * The source lock: whose media a leg believes.  Addresses and time are passed
 * in; no socket.
 *
 * Anybody can send RTP to an open port, and a guess of SSRC and payload type
 * is cheap (RTP injection, "RTP bleed"; ES2025-01).  So a leg finds out once
 * where its peer sends from, and hears nobody else until signalling speaks
 * again:
 *
 *   EXACT  the address and port that were signalled: at once
 *   HOST   the signalled address, another port: after a short steady run
 *   OTHER  another address (a phone behind NAT): after a longer steady run,
 *          within SOURCE_LEARN_US after signalling only
 *
 * A steady run is RTP with a known payload type, one SSRC, ascending numbers,
 * not faster than voice.  The lock only ever moves up this list: a stranger
 * who was quicker loses it to who was signalled, and nobody takes it from
 * there.  What does not come from the lock is foreign: dropped and counted.
 */

#ifndef SY_NODE_MEDIA_SOURCE_H
#define SY_NODE_MEDIA_SOURCE_H

#include <stdbool.h>
#include <stdint.h>
#include <re.h>

enum {
	SOURCE_TRIES = 4,	    /* who may prove themselves at a time    */
	SOURCE_LEARN_US = 10000000, /* OTHER is learned so long              */
};

/** How near a source is to what was signalled. */
enum source_rank {
	SOURCE_NONE,
	SOURCE_OTHER,
	SOURCE_HOST,
	SOURCE_EXACT,
};

/** What to do with a packet. */
enum source_is {
	SOURCE_PEER,	/* take it                                          */
	SOURCE_MAYBE,	/* if it is valid RTP: ask source_learn()           */
	SOURCE_FOREIGN, /* drop it; it was counted                          */
};

/** IPv6, or IPv4 mapped into it; network order. */
struct source_addr {
	uint64_t ip[2];
	uint16_t port;
};

/** One who wants to be the peer. */
struct source_try {
	struct source_addr addr;
	enum source_rank rank;
	uint32_t ssrc;
	uint16_t seq;
	uint32_t run;	   /* packets of the steady run                  */
	uint32_t waiting;  /* its share of source.waiting                */
	uint64_t first_us; /* of the run                                 */
	uint64_t last_us;
};

struct source {
	struct source_addr signalled;
	struct source_addr lock;
	enum source_rank rank; /* of the lock; SOURCE_NONE: not locked  */
	bool known;	       /* signalled is set                      */
	bool open;	       /* OTHER may be learned                  */
	uint64_t until_us;     /* ... until                             */
	uint64_t waiting;      /* dropped, not yet known whose          */
	uint64_t foreign;      /* packets of others, since the start    */
	struct source_try tryv[SOURCE_TRIES];
};

/**
 * Signalling spoke.  A changed address, or relearn, opens the lock; else a
 * lock stays, and one that was not found yet gets its time anew.
 *
 * @param s        The lock; all zeros at first.
 * @param raddr    Where the peer said it is; without an address (on hold by
 *                 0.0.0.0): what was signalled before counts on.
 * @param relearn  Open the lock in any case.
 *
 * @return true: the lock stays.
 */
bool source_signal(struct source *s, const struct sa *raddr, bool relearn,
		   uint64_t now_us);

/**
 * Judge a packet by where it came from, before it is looked at.
 *
 * @param src  struct sockaddr_in or sockaddr_in6.
 */
enum source_is source_look(struct source *s, const struct sockaddr *src,
			   uint64_t now_us);

/**
 * Whether src is the peer's host, for what comes to another port (RTCP): that
 * of the lock, or, as long as there is none, the signalled one.
 */
bool source_is_host(const struct source *s, const struct sockaddr *src);

/**
 * A packet of SOURCE_MAYBE was valid RTP of a known payload type (and, with
 * SRTP, authentic).
 *
 * @return true: its source is the peer from now on; take it.
 */
bool source_learn(struct source *s, const struct sockaddr *src, uint32_t ssrc,
		  uint16_t seq, uint64_t now_us);

/**
 * True: media for the peer goes better to the lock than to what was signalled
 * (RFC 4961).  Not if another address was learned although a public one was
 * signalled: carriers send from elsewhere than they listen, and a stranger
 * should not hear the call.
 */
bool source_latches(const struct source *s);

#endif
