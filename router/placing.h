/* SPDX-License-Identifier: MIT */
/*
 * Placing a call: which node takes an INVITE whose caller and destination are
 * known.  See the drawing in placing.c.
 */

#ifndef SY_ROUTER_PLACING_H
#define SY_ROUTER_PLACING_H

#include "router/cache.h"
#include "router/msg.h"

struct costly;

enum {
	PLACING_OWNER_MS = 4000, /* for the owner of a hub that exists     */
	PLACING_ROOM_MS = 1000,	 /* after Redis returned: what rooms there
				    are must be written again first        */
};

/** What is placed.  Borrowed for the call. */
struct placing_conf {
	uint8_t key[CACHE_KEY_BYTES]; /* where the cache remembers it      */
	const Sy__PlaceHub *hub;      /* but for hub, epoch, leg           */
	const char *room;	      /* NULL: a hub of its own            */
	const uint8_t *known;	      /* ULID_BYTES of a hub that is there,
					 to which it goes, or NULL: 481 if
					 it is not there any more          */
	uint32_t leg;		      /* leg reference                     */
	const struct costly *costly;  /* count it first; NULL: it is free  */
};

/** Place an INVITE, and forward or answer it. */
void placing_start(struct msg *m, const struct placing_conf *conf);

/** The token that a placement stands for. @return 0 or EINVAL. */
int placing_token(struct token *tok, const struct store_place *pl);

#endif
