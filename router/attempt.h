/* SPDX-License-Identifier: MIT */
/*
 * Which target the requests of a transaction went to: a copy of an INVITE,
 * its CANCEL and the ACK to its failure go to the same one (RFC 3263 4), and
 * a copy that comes because that target did not answer goes to the next.  A
 * node sends its requests by UDP until somebody answers: so its copies are
 * the clock of failover, and a router needs none.
 *
 * One thread's; a fixed size; what does not fit pushes out what is older.
 */

#ifndef SY_ROUTER_ATTEMPT_H
#define SY_ROUTER_ATTEMPT_H

#include "proto/locate.h"
#include "router/msg.h"

enum {
	ATTEMPT_KEY_BYTES = 16,
	ATTEMPT_TRIED_MAX = 8,
	ATTEMPT_MUTE_COPIES = 3, /* so many INVITEs without an answer: the next
				    comes after 3.5 s, nobody is there
				    (RFC 3261 17.1.1.2, T1 500 ms)           */
	ATTEMPT_OPEN_COPIES = 2, /* a connection that is not open when the
				    next comes, after 1.5 s, is too late     */
};

struct attempt {
	uint8_t key[ATTEMPT_KEY_BYTES];
	uint64_t used_ms;            /* 0: free                            */
	uint64_t sent_ms;            /* first to the target that is tried   */
	enum view_method method;     /* whose copies count                  */
	struct locate_target triedv[ATTEMPT_TRIED_MAX]; /* the last one is */
	uint8_t tried;                                  /* tried now       */
	uint8_t copies;              /* sent to it                         */
	struct flow flow;            /* by which                           */
};

struct attempts;

int attempts_alloc(struct attempts **ap);

/**
 * The attempt of a request's transaction; a new one if there is none.
 *
 * @return valid until the next call.
 */
struct attempt *attempt_get(struct attempts *t, const struct msg *m,
			    uint64_t now_ms);

/** What is tried now; NULL: nothing yet. */
const struct locate_target *attempt_target(const struct attempt *a);

/** Was it tried, or is it now? */
bool attempt_has(const struct attempt *a, const struct locate_target *t);

/** Try this one from now on. */
void attempt_next(struct attempt *a, const struct locate_target *t,
		  uint64_t now_ms);

#endif
