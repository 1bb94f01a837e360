/* SPDX-License-Identifier: MIT */
/* Legs that only sound: echo, tone, file. */

#ifndef SY_NODE_LEG_PLAYER_H
#define SY_NODE_LEG_PLAYER_H

#include "node/node.h"

/**
 * Add the player of a destination (echo, tone, file) to a hub.
 *
 * @param lp  Set on success; the hub's.
 *
 * @return 0, ENOENT (no such file), EBADMSG (not a sound file), EFBIG,
 *         EINVAL (not a destination of this kind), ENOMEM, EAGAIN.
 */
int leg_player_add(struct leg **lp, struct node *n, struct hub *hub,
		   const Sy__Destination *dest);

/**
 * Go on with a player that another node had: a file at the place where it
 * would be by now.
 *
 * @param lp     Set on success; the hub's.
 * @param rec    What is shown of it; EBADMSG if that has ended.
 * @param state  What it plays; NULL: EINVAL.
 *
 * @return as leg_player_add().
 */
int leg_player_resume(struct leg **lp, struct node *n, struct hub *hub,
		      const Sy__Leg *rec, const Sy__PlayerState *state);

/**
 * Play a file of the folder of sounds into a mix, in a loop, without a leg of
 * the hub.
 *
 * @param mp     Set on success; the caller's.
 * @param name   Relative to that folder, or absolute.
 * @param at_ms  Where in it to begin; media_leg_file_alloc().
 *
 * @return as media_leg_file_alloc().
 */
int leg_player_file(struct media_leg **mp, struct node *n, struct mix *mix,
		    const char *name, uint64_t at_ms);

#endif
