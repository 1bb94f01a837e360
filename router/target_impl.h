/* SPDX-License-Identifier: MIT */
/*
 * What the files of target.h share; nobody else includes it.
 *
 *   target.c        the URI, what to try and in which order
 *   target_dns.c    requests that wait for DNS
 *   target_probe.c  large requests that wait for TCP, where UDP would do
 */

#ifndef SY_ROUTER_TARGET_IMPL_H
#define SY_ROUTER_TARGET_IMPL_H

#include "router/attempt.h"
#include "router/pending.h"
#include "router/target.h"

enum {
	TARGET_HOST_SIZE = 256,
	TARGET_DNS_MS = 6000,  /* for all questions of one name           */
	TARGET_PROBE_MS = 250, /* for TCP, where UDP would do             */
};

/** Kind of connection of a transport. */
extern const enum wire_kind target_kinds[LOCATE_TRANSPORTS];

/** Tell all threads that a target cannot be reached. */
void target_failed(struct worker *w, const struct locate_target *t);

/** Is it too large for UDP? */
bool target_is_large(const struct msg *m);

/**
 * Send to the first of the targets that is worth a try, or answer 503.
 *
 * @param name  The host as the URI has it, for a certificate.
 */
void target_send(struct msg *m, struct hop *hop,
		 const struct locate_found *found, const struct pl *name);

/** What is asked for a hop of a request that waits, by what it kept. */
struct hop target_hop(const struct pending *p);

/** Let a request wait for DNS; answered if that cannot be. */
void target_dns_wait(struct msg *m, const struct hop *hop,
		     const struct locate_uri *lu);

/**
 * Let a large request wait until its target takes a TCP connection, or does
 * not.
 *
 * @return true: it waits; false: send it.
 */
bool target_probe_start(struct msg *m, const struct hop *hop,
			const struct attempt *a,
			const struct locate_found *found,
			const struct pl *name);

/** A copy of what waits for a connection, or its CANCEL? Dealt with then. */
bool target_probe_has(struct msg *m);

/** A target was reached, or was not: who waits for it goes on, when the
 * handler has ended. */
void target_probe_told(struct worker *w, const struct locate_target *t);

#endif
