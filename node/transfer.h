/* SPDX-License-Identifier: MIT */
/*
 * Transfers: a party of a call puts somebody else in its place, by REFER or by
 * the API.
 *
 *   blind     transferor --REFER--> hub: rings the target, with the others in
 *             it; answered: the transferor's leg ends
 *   attended  two calls of the transferor's: their hubs become one (merge.h),
 *             both of its legs end.  A hub that another node has moves here
 *             first (mover.h)
 *   refer     we ask a peer to call somebody else, away from us
 *
 *   REFER --> 202, NOTIFY 100 --180--> NOTIFY --200--> NOTIFY, BYE
 *                                \--486--> NOTIFY: it is in the call as before
 *
 * The transferor may leave at any time: the ring goes on without it.  A blind
 * transfer is a hunt (HUNT_TRANSFER), so it outlives its node.
 */

#ifndef SY_NODE_TRANSFER_H
#define SY_NODE_TRANSFER_H

#include "node/control.h"
#include "node/sip/referto.h"

struct transfer_conf {
	struct hub *hub;    /* its call; NULL: that of the leg        */
	struct leg *leg;    /* transferor; it is answered. NULL, and
			       attended: nobody leaves                */
	const char *number; /* whom to call; or ...                   */
	const struct replaces *replaces; /* ... which call of its; or NULL */
	const char *by;		 /* Referred-By, or ""                     */
	const Sy__Source *src;	 /* whose call it is                       */
	struct bus_request *req; /* answered once it is begun; or NULL.
				    Taken with 0                          */
};

/**
 * Begin one.
 *
 * @return 0: how it goes is told to the leg (leg_sip_refer_over()); else the
 *         SIP code that says why it is not begun.
 */
uint16_t transfer_start(struct node *n, const struct transfer_conf *conf);

/** A leg's peer asks for one: struct dialog_handlers.refer. */
uint16_t transfer_refer(struct node *n, struct leg *leg,
			const struct referto *to, const char *by);

/** What became of a REFER of ours to a leg's peer. */
void transfer_referred(struct node *n, struct leg *leg, uint16_t code);

/** Somebody else is in the place of a leg: it is told, and ends. */
void transfer_done(struct node *n, struct leg *leg);

/** Join two calls by their hubs; see transfer_start(). transfer_join.c
 * @return 0, or a code. */
uint16_t transfer_attended(struct node *n, const struct transfer_conf *conf);

/** Bring a call into a conference, which may be anywhere. transfer_room.c
 * @return 0, or a code. */
uint16_t transfer_conference(struct node *n, const struct transfer_conf *conf,
			     const char *room);

/** For mover_close(): let go of what is under way. */
void transfers_close(struct node *n);

/** The only other party of a leg's call; NULL: none, or several. */
struct leg *transfer_other(const struct leg *leg);

/* Commands of the bus. */
control_h control_transfer;

#endif
