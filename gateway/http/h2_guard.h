/* SPDX-License-Identifier: MIT */
/*
 * What an HTTP/2 peer may make us do without asking for anything: a budget of
 * frames that only cost (PING, SETTINGS, PRIORITY, RST_STREAM, WINDOW_UPDATE,
 * DATA with next to nothing in it, frames that are wrong).  It fills up with
 * time, and with what we send: a peer that takes large answers may acknowledge
 * them.  Who overdraws gets GOAWAY with ENHANCE_YOUR_CALM, and is cut off.
 */

#ifndef SY_GATEWAY_HTTP_H2_GUARD_H
#define SY_GATEWAY_HTTP_H2_GUARD_H

#include <stdbool.h>
#include <stdint.h>
#include <nghttp2/nghttp2.h>

enum {
	GUARD_BURST = 2000,      /* the whole budget                       */
	GUARD_PER_S = 400,       /* comes back                             */
	GUARD_PER_SENT = 2,      /* for a frame of an answer               */
	GUARD_RESET = 10,        /* costs of: a stream that is reset       */
	GUARD_WRONG = 20,        /* a frame that is wrong                  */
	GUARD_HEADER = 20,       /* a header that is too large             */
	GUARD_BOMB = 400,        /* ... that is far too large              */
	GUARD_OTHER = 1,         /* any other frame of those above         */
	GUARD_SMALL_BYTES = 16,  /* DATA with less is such a frame         */
};

struct h2_guard {
	uint32_t left;
	uint64_t at_ms;          /* when it was filled up                  */
	bool broken;             /* overdrawn                              */
};

/** A full budget. */
void h2_guard_init(struct h2_guard *g, uint64_t now_ms);

/** Pay. @return false: overdrawn. */
bool h2_guard_pay(struct h2_guard *g, uint32_t cost, uint64_t now_ms);

/** A frame of an answer went out. */
void h2_guard_credit(struct h2_guard *g);

/** What a frame of the peer costs, by its head. */
uint32_t h2_guard_cost(const nghttp2_frame_hd *hd);

#endif
