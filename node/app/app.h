/* SPDX-License-Identifier: MIT */
/*
 * What a call leads to: one function a kind of destination, found by a
 * table.  A new kind is a new row.
 */

#ifndef SY_NODE_APP_APP_H
#define SY_NODE_APP_APP_H

#include "node/node.h"

/** A leg that wants to be served. */
struct app_call {
	struct hub *hub;
	struct leg *leg;             /* answered already, or not          */
	const Sy__Destination *dest; /* borrowed for the call             */
	uint32_t ring_ms;
	const Sy__HuntState *after;  /* what was rung before, or NULL     */
	const Sy__Source *payer;     /* whose call it is, where the node
					dials; NULL: who placed it has
					looked (proto/costly.h)           */
};

/**
 * Serve a leg: ring somebody for it, let it join, play to it.
 *
 * @return 0; or the SIP code that says why not: the caller hangs the leg up.
 */
uint16_t app_run(struct node *n, const struct app_call *call);

/* The rows. */
typedef uint16_t(app_h)(struct node *n, const struct app_call *call);
app_h app_dial;        /* device, external, group */
app_h app_conference;
app_h app_player;      /* echo, tone, file */
app_h app_feature;     /* star codes */
app_h app_pickup;      /* a call that rings somebody else */

#endif
