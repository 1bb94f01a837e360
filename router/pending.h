/* SPDX-License-Identifier: MIT */
/*
 * Messages that wait for Redis, for a node, or for the new owner of a hub:
 * the only thing that a router remembers for longer than a packet, in a
 * bounded table.  Each is a copy of the message.  A retransmission of what
 * waits is absorbed; a CANCEL that overtakes its INVITE waits with it.
 *
 *   hold --> resume --> (forwarded or answered) --> end
 *     |                                              ^
 *     +--> over: PENDING_MS passed, 503 went out ----+  when the reply came
 *
 * A request waits PENDING_MS for Redis, however stalled that is; then it is
 * answered 503, and what its handler still finds is only cleared away.
 */

#ifndef SY_ROUTER_PENDING_H
#define SY_ROUTER_PENDING_H

#include "router/msg.h"
#include "router/seek.h"

enum {
	PENDING_KEY_BYTES = 16,
	PENDING_MS = 900,
};

typedef void(pending_h)(void *arg);

struct pending {
	struct le le;                      /* in the table                 */
	struct worker *w;                  /* borrowed                     */
	uint8_t key[PENDING_KEY_BYTES];    /* of the transaction           */
	struct view view;                  /* of the copy                  */
	struct msg m;                      /* on that view                 */
	struct token tok;                  /* of its call                  */
	struct flow to;                    /* response: where it would go  */
	struct seek_wait wait;             /* for the owner                */
	struct tmr tmr;                    /* limit, or pending_later()    */
	void *state;                       /* of who waits; owned (mem_)   */
	pending_h *overh;                  /* told when it is over; or NULL */
	char *cancel;                      /* copy of a CANCEL, or NULL    */
	size_t cancellen;
	struct flow cancelfrom;
	bool record_route;                 /* when it is forwarded         */
	bool over;                         /* answered: it took too long   */
	char bytes[];
};

int pendings_alloc(struct pendings **tp, uint32_t max);
uint32_t pendings_count(const struct pendings *t);

/** Is this very request, or response, waiting?  (A retransmission.) */
bool pending_is(struct msg *m);

/**
 * Hold a request, for PENDING_MS, with the changes collected so far: they may
 * be cuts only, for text would not live as long.
 *
 * @param pp  Set to the copy; owned by the caller until pending_end().
 *
 * @return 0, ENOBUFS (the table is full), ENOMEM.
 */
int pending_hold(struct pending **pp, struct msg *m);

/**
 * Hold a response, without a limit of time.  Half of the table is for those
 * that answer an INVITE, and for requests.
 *
 * @return as pending_hold().
 */
int pending_hold_response(struct pending **pp, struct msg *m);

/** From now on it waits for what has a limit of its own. */
void pending_unlimit(struct pending *p);

/** It waits for Redis (again): PENDING_MS from now. */
void pending_limit(struct pending *p);

/** Go on in a while, without a limit meanwhile. @param arg  Outlives p. */
void pending_later(struct pending *p, uint32_t ms, pending_h *h, void *arg);

/**
 * Begin to go on with it: from a handler of Redis or the bus.  Use p->m.
 *
 * @return false: it took too long, and is answered; only pending_end() is
 *         left to do.
 */
bool pending_resume(struct pending *p);

/** It was forwarded or answered: forget it, and deal with its CANCEL. */
void pending_end(struct pending *p);

/**
 * Hold a CANCEL back until its INVITE went on.
 *
 * @return false: that INVITE is not waiting here.
 */
bool pending_cancel(struct msg *m);

#endif
