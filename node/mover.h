/* SPDX-License-Identifier: MIT */
/*
 * Hubs that go from here to another node, and come here from one, while both
 * nodes live; draining, which is to give all of them away.
 *
 *   giver (move.c)                        taker (arrival.c)
 *   wait until each dialog is quiet
 *   freeze them; link leg in the mix
 *        ------------ TakeHub ----------->  room? claim in Redis: epoch + 1
 *                                           build hub and legs, its link leg
 *        <----------- OK, link ----------
 *   dialogs depart: what comes for them
 *   is handed on; departure.c keeps the    re-INVITE to each leg, paced
 *   media, the link carries the mixes
 *        <- LegMoved ANSWERED ----------   200: we send to the peer
 *        <- LegMoved HEARD -------------   its media is here
 *        <- LegMoved DONE --------------   all are
 *
 * A refusal thaws the dialogs, and nothing has happened.  Without an answer the
 * hub's record tells who owns it.  When that cannot be read either, the hub
 * goes on here: the first write that is refused, or HubTaken, ends it, since
 * the epoch decides.
 *
 * What one does to a call by the bus waits while its move is being decided;
 * then it is done, or answered with NOT_FOUND: the record names the new owner.
 */

#ifndef SY_NODE_MOVER_H
#define SY_NODE_MOVER_H

#include "node/control.h"
#include "node/departure.h"

enum {
	MOVE_MANY = 8,		  /* that are being decided at a time       */
	MOVE_REMEMBER_MS = 30000, /* where a hub went                      */
};

/** How a move went. */
struct move_result {
	Sy__ResultCode code;  /* OK, NOT_FOUND (it ended), CONFLICT (never
				 quiet), BAD_REQUEST (node not known),
				 UNAVAILABLE (no node has room) ...     */
	const char *error;    /* what is wrong; "" with OK              */
	const char *node;     /* where it is now, or who was asked; ""
				 or NULL: nobody                        */
	const Sy__Call *call; /* OK: as it is there; or NULL            */
};

/** @param res  Borrowed for the call. */
typedef void(move_h)(const struct move_result *res, void *arg);

struct mover {
	struct node *node; /* borrowed: its owner              */
	struct departures departures;
	struct list moves;	  /* struct move                      */
	struct list orphans;	  /* ... over, but a reply comes      */
	struct list gone;	  /* struct gone: where hubs went     */
	struct list arrivals;	  /* struct arrival                   */
	struct list tellings;	  /* struct telling: LegMoved        */
	struct drain *drain;	  /* owned; NULL: it does not drain   */
	uint32_t moved, failures; /* since the start                  */
};

/** @param mp  Set on success; the node's; goes after its bus. */
int mover_alloc(struct mover **mp, struct node *n);

/** The node ends: let go of everything; before its hubs go. */
void mover_close(struct mover *m);

/** A hub is about to be freed: what is under way for it is over. */
void mover_hub_closed(struct mover *m, const struct hub *hub);

/** Is it just being given to another node? */
bool mover_moves(const struct mover *m, const char *hub);

/** A hub went. */
void mover_remember(struct mover *m, const char *hub, const char *node);

/** Where a hub went that was here a moment ago; NULL: it did not. */
const char *mover_went(struct mover *m, const char *hub);

/** Give all hubs away, or stop doing so. */
void mover_drain(struct mover *m, bool drain);

/** When it began to drain, since 1970 [ms]; 0: it does not. */
uint64_t mover_drain_started_ms(const struct mover *m);

/** Nothing leaves, and nothing of what left is still here. */
bool mover_is_idle(const struct mover *m);

/* move.c */

/** What is wanted of a move; strings borrowed for the call. */
struct move_conf {
	const char *target; /* member id; NULL: by placement          */
	const char *not_id; /* ... but not this one; or NULL          */
	uint32_t wait_ms;   /* for its dialogs to be quiet            */
	bool again;	    /* it failed before: neither counted nor
			       logged once more                       */
	move_h *h;	    /* called once, never from within
			       move_start(); or NULL                  */
	void *arg;
};

/** Move a hub. @return 0, EALREADY (it is being moved), ENOMEM. */
int move_start(struct mover *m, struct hub *hub, const struct move_conf *conf);

/** For mover_close(). */
void moves_close(struct mover *m);

/** How many moves are being decided. */
uint32_t move_count(const struct mover *m);

/** Where commands for a hub wait until it is known who has it; NULL: no need. */
struct list *move_held(const struct mover *m, const char *hub);

/* move_command.c */

/**
 * Must a command wait for a move to be decided?
 *
 * @return true: req is taken, and the command is done later.
 */
bool mover_holds(struct mover *m, struct bus_request *req,
		 const Sy__Envelope *env);

/** Do what waited, as if it came now: here, or it is answered with NOT_FOUND. */
void mover_release(struct mover *m, struct list *list);

/* drain.c */
int drain_alloc(struct drain **dp, struct mover *m);
uint64_t drain_started_ms(const struct drain *d);

/* leg_moved.c */

/** Tell the giver of a hub, until it was heard. @param leg  "": of all. */
void leg_moved_tell(struct mover *m, const Sy__TakeHub *take, const char *leg,
		    Sy__MoveStep step);

/* arrival.c */
void arrival_hub_closed(struct mover *m, const struct hub *hub);
void arrivals_close(struct mover *m);

/* Commands of the bus. */
control_h control_move_call; /* move_command.c */
control_h control_leg_moved; /* leg_moved.c */
control_h control_take_hub;  /* arrival.c  */

#endif
