/* SPDX-License-Identifier: MIT */
/*
 * A hub that another node had goes on here: after that node's death
 * (adopt.c), or because it gave it (move.c).
 *
 *   node_restore()  hub, legs, players and hunts are there as they were; all
 *                   of it is to be written
 *     -> a re-INVITE to each answered SIP leg, at --adopt-rate legs a second
 *     -> RESTORE_ANSWERED, then RESTORE_HEARD, or RESTORE_LOST, each leg
 *     -> RESTORE_DONE
 *
 * A leg that cannot be restored (no RTP port, a record that cannot be read) or
 * whose peer refuses is lost, with the reason in the call's record; a hub that
 * has too few parties left ends as any other.
 *
 * Here, too, the history is told: CALL_ADOPTED or CALL_MOVED, then LEG_RESUMED
 * or LEG_LOST of each leg that had been answered.
 */

#ifndef SY_NODE_RESTORE_H
#define SY_NODE_RESTORE_H

#include "node/node.h"

enum {
	RESTORE_RATE = 500, /* default: re-INVITEs a second            */
	RESTORE_BURST = 50, /* ... and at once                         */
};

enum restore_event {
	RESTORE_ANSWERED, /* the peer knows where we are: we send to it   */
	RESTORE_HEARD,	  /* its media comes, or none is to come          */
	RESTORE_LOST,	  /* it ended, or could not be resumed            */
	RESTORE_DONE,	  /* each leg is HEARD or LOST; leg: ""           */
};

/**
 * None comes from within node_restore(); for ANSWERED and HEARD only legs
 * that had been answered.
 *
 * @param leg  Id; borrowed.
 */
typedef void(restore_h)(struct hub *hub, const char *leg, enum restore_event ev,
			void *arg);

/** What the last owner knew.  All borrowed for the call. */
struct restore_conf {
	const Sy__Call *call;	   /* with its legs                        */
	const Sy__HubState *state; /* NULL: lost                           */
	Sy__DialogState *const *dlgv;
	size_t dlgc;
	uint32_t epoch;	   /* ours                                 */
	uint64_t alive_ms; /* last sign of life of the last owner,
			      since 1970; 0: not known             */
	bool moved;	   /* it lives, and gave the hub           */
	bool waits;	   /* no re-INVITE before restore_go()     */
	restore_h *h;	   /* or NULL                              */
	void *arg;	   /* borrowed: until DONE or the hub's end */
};

/**
 * Go on with a hub.
 *
 * @param hp  Set on success; the table's. It may be over already: who is left
 *            is too few.
 *
 * @return 0, EBADMSG (no usable id), EEXIST (it is here), ENOMEM.
 */
int node_restore(struct hub **hp, struct node *n,
		 const struct restore_conf *conf);

/** A hub that was to wait: its peers may be told.  Otherwise nothing. */
void restore_go(struct hub *hub);

/** A leg left its hub: nothing more is awaited of it; for the observer. */
void restore_leg_removed(struct hub *hub, const struct leg *leg);

/** What all hubs that are being restored share. @param rate  Legs a second. */
int restores_alloc(struct restores **rp, struct node *n, uint32_t rate);

/** Hubs that are being restored. */
uint32_t restores_count(const struct restores *r);

#endif
