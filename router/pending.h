/* SPDX-License-Identifier: MIT */
/*
 * Requests that wait for Redis or a node: the only thing that a router
 * remembers for longer than a packet, for milliseconds, in a bounded table.
 * Each is a copy of the message.  A retransmission of a waiting request is
 * absorbed; a CANCEL that overtakes its INVITE waits with it.
 */

#ifndef SY_ROUTER_PENDING_H
#define SY_ROUTER_PENDING_H

#include "router/msg.h"

enum { PENDING_KEY_BYTES = 16 };

struct pending {
	struct le le;                      /* in the table                 */
	struct worker *w;                  /* borrowed                     */
	uint8_t key[PENDING_KEY_BYTES];    /* of the transaction           */
	struct view view;                  /* of the copy                  */
	struct msg m;                      /* on that view                 */
	struct token tok;                  /* pending_owner()              */
	void *state;                       /* of who waits; owned (mem_)   */
	char *cancel;                      /* copy of a CANCEL, or NULL    */
	size_t cancellen;
	struct flow cancelfrom;
	char bytes[];
};

int pendings_alloc(struct pendings **tp, uint32_t max);
uint32_t pendings_count(const struct pendings *t);

/** Is this very request waiting?  (A retransmission.) */
bool pending_is(struct msg *m);

/**
 * Hold a request, with the changes collected so far: they may be cuts only,
 * for text would not live as long.
 *
 * @param pp  Set to the copy; owned by the caller until pending_end().
 *
 * @return 0, ENOBUFS (the table is full), ENOMEM.
 */
int pending_hold(struct pending **pp, struct msg *m);

/** Begin to go on with it: from a handler of Redis or the bus.  Use p->m. */
void pending_resume(struct pending *p);

/** It was forwarded or answered: forget it, and deal with its CANCEL. */
void pending_end(struct pending *p);

/**
 * Hold a CANCEL back until its INVITE went on.
 *
 * @return false: that INVITE is not waiting here.
 */
bool pending_cancel(struct msg *m);

/** Ask the hub's record who owns it now, and forward to that node. */
void pending_owner(struct msg *m, const struct token *tok);

#endif
