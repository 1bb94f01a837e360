/* SPDX-License-Identifier: MIT */
/*
 * A branch was redirected (3xx): the call follows its Contacts, one after the
 * other, best first.
 *
 *   who redirects   its Contact                        where the call goes
 *   a device        on a name or address of ours, tel  the dial plan, as a
 *                                                      call of the device
 *                   at a trunk's target or source      the same, if the plan
 *                                                      leads out by that trunk
 *                   anywhere else                      refused
 *   a trunk         where it is itself; tel            out by it again
 *                   anywhere else                      refused
 *
 * It rings as a further hunt of the same family (hunt.h), so that one phone
 * that redirects stops no other.  What is not rung (a conference, a tone)
 * waits until nobody else rings.  The Contacts that are left stand in
 * HuntState.left, so that another node goes on with them.
 */

#ifndef SY_NODE_APP_FOLLOW_H
#define SY_NODE_APP_FOLLOW_H

#include "node/node.h"
#include "node/sip/redirect.h"

/** For hunt->follow. */
extern const struct hunt_follow follow_ops;

/**
 * A branch has ended by a 3xx, and its hunt is about to be told: which of the
 * Contacts may be called?  They are kept at the leg.
 *
 * @param code  300 to 399.
 * @param r     NULL: none.
 * @param why   Set to what the call's record says: where it leads to, or why
 *              it is not followed.
 */
void follow_judge(struct node *n, struct leg *leg, uint16_t code,
		  const struct redirect *r, char why[LEG_TEXT_MAX]);

/** For a new hunt: what it takes over. @param from  Borrowed by what; or
 * NULL. */
void follow_inherit(Sy__HuntState *what, const Sy__HuntState *from);

/** The caller of a hunt hears that its call is sent on, and the record shows
 * it. @param d  Copied. */
void follow_tell(struct hub *hub, struct leg *caller, const Sy__Diversion *d);

#endif
