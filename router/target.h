/* SPDX-License-Identifier: MIT */
/*
 * The next hop that a URI names: where it is (proto/locate.h), by what
 * transport, and what to do when it is not there.
 *
 *   address, UDP, small   sent at once, nothing is remembered
 *   name                  DNS is asked (the request waits in pending.h)
 *   TCP, TLS              a connection; what it does not open is the next
 *                         target's
 *   over 1,300 bytes      TCP first, then UDP (RFC 3261 18.1.1)
 *
 * What fails (a connection, an ICMP error, 503, an INVITE that nobody
 * answers for 3.5 s) is told to locate, of all threads: it comes last for a
 * while.  The node's next copy of the request goes to the next target; when
 * there is none left, it is answered 503.
 */

#ifndef SY_ROUTER_TARGET_H
#define SY_ROUTER_TARGET_H

#include "router/forward.h"

struct worker;

/** The DNS client of a thread. @param servers  As --dns-server has it. */
int target_start(struct worker *w, const char *servers);

/**
 * Send a request of a node to where a URI leads; answers it if that is
 * nowhere.
 *
 * @param hop  Its tok, record_route, rr_port and stat; the rest is filled in.
 * @param uri  Next Route, or Request-URI; borrowed.
 */
void target_forward(struct msg *m, struct hop *hop, const struct pl *uri);

/**
 * A target was reached, or was not: for the memory of this thread.
 * wire_reach_h.
 */
void target_reached(enum wire_kind kind, const struct sa *peer, bool ok,
		    void *arg);

#endif
