/* SPDX-License-Identifier: MIT */
/* What the files of an arrival share. */

#ifndef SY_NODE_ARRIVAL_IMPL_H
#define SY_NODE_ARRIVAL_IMPL_H

#include "node/mover.h"
#include "proto/store.h"

struct arrival {
	struct le le;		 /* in mover->arrivals                    */
	struct mover *m;	 /* borrowed: its owner                   */
	char id[ULID_LEN + 1];	 /* of the hub                            */
	Sy__TakeHub *msg;	 /* owned                                 */
	struct bus_request *req; /* owned; NULL: answered                 */
	struct hub *hub;	 /* borrowed; NULL: not yet, or over      */
	struct media_leg *link;	 /* owned, or NULL                        */
	struct list early;	 /* struct early, owned                   */
	struct tmr tmr;
	uint64_t until_ms; /* of the link; monotonic                */
	unsigned tries;	   /* to learn what became of a claim       */
	bool done;	   /* all legs are, but for the early ones  */
	bool awaits;	   /* a handler has it as its argument      */
};

/* --- arrival.c */

/* Nothing more will come of it. */
void arrival_end(struct arrival *a);

/* Answer the giver, if that was not done. */
void arrival_refuse(struct arrival *a, Sy__ResultCode code, const char *why);

/* --- arrival_take.c */

/* The hub is ours: it goes on here, and the giver is told how. */
void arrival_take(struct arrival *a, const struct store_claim *cl);

/* Tell the giver. @param leg  "": of the hub. */
void arrival_tell(const struct arrival *a, const char *leg,
		  Sy__MoveStep step);

#endif
