/* SPDX-License-Identifier: MIT */
/* What the files of tickets share; nobody else includes it. */

#ifndef SY_GATEWAY_ACCOUNT_TICKET_IMPL_H
#define SY_GATEWAY_ACCOUNT_TICKET_IMPL_H

#include <re.h>

#include "gateway/account/ticket.h"

#define TICKET_KEY "sy:{acct}:t:"

struct tickets {
	struct bus *bus;        /* borrowed */
	const struct directory *directory; /* borrowed */
	struct hash *table;     /* struct ticket_seen by id               */
	struct list seenl;      /* the same, the longest unasked first    */
	struct list askl;       /* struct asking                          */
};

/* One as Redis had it. */
struct ticket_seen {
	struct le he, le;
	Sy__Ticket *msg;
	uint64_t checked_us;    /* when Redis was asked                   */
	bool asked;             /* it is being asked, nobody waits        */
	bool doubt;             /* it was ended or changed: ask first     */
};

/** One that Redis has now. @param msg  Taken. */
void ticket_remember(struct tickets *t, Sy__Ticket *msg);

/** Write one that is there once more, with what is left of its life. */
int ticket_write(struct tickets *t, const Sy__Ticket *tk);

/** Write one that Redis has lost. */
int ticket_write_again(struct tickets *t, const Sy__Ticket *tk);

#endif
