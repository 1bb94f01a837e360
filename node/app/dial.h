/* SPDX-License-Identifier: MIT */
/*
 * Dialling: from a destination to the branches of a ring.  A device rings at
 * all of its contacts, as the registrar knows them; an external number at its
 * trunk.
 */

#ifndef SY_NODE_APP_DIAL_H
#define SY_NODE_APP_DIAL_H

#include "node/node.h"

struct dial_conf {
	struct hub *hub;
	const Sy__Destination *dest; /* as dial_can(); borrowed      */
	const char *from_user;       /* or NULL: the hub's caller         */
	const char *from_name;       /* or NULL                           */
	Sy__HuntKind kind;           /* who hears of the outcome          */
	struct leg *caller;          /* as hunt_conf                      */
	uint32_t ring_ms;
	const Sy__Destination *to;   /* HUNT_ORIGIN: what then runs       */
	const Sy__HuntState *after;  /* the hunt that it follows, or NULL */
	const Sy__Source *payer;     /* as app_call; NULL: that of after  */
	const Sy__HuntState *follow; /* see follow_inherit(); or NULL     */
	const char *transferor;      /* HUNT_TRANSFER: its leg, or NULL   */
	const char *referred_by;     /* ... and its Referred-By, or NULL  */
	void *arg;                   /* of its kind; taken on success     */
};

/** True for the kinds of destination that can be dialled. */
bool dial_can(const Sy__Destination *dest);

/** The host of the cluster's addresses of record. */
const char *dial_domain(const struct node *n);

/**
 * Ring a destination; every outcome comes by the ring's handler, none from
 * within this call.
 *
 * @return 0, EINVAL, ENOMEM; then conf->arg is still the caller's.
 */
int dial_start(struct node *n, const struct dial_conf *conf);

/** A hunt of another node: by trunks it goes on to the next one when its own
 * fails. */
void dial_resume(struct node *n, struct hunt *hunt);

/**
 * Look up once more what a hunt rings that another node had not sealed: all
 * branches of a hunt are called in one turn, so it has none.
 *
 * @return 0, EINVAL, ENOMEM.
 */
int dial_again(struct node *n, struct hunt *hunt);

#endif
