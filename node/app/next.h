/* SPDX-License-Identifier: MIT */
/*
 * What follows a hunt that failed: the next member of a group, the group's
 * overflow, or where the device that was rung forwards its calls.  Each is a
 * hunt of its own for the same caller; what they hand on to each other stands
 * in HuntState, so that another node goes on with it.
 */

#ifndef SY_NODE_APP_NEXT_H
#define SY_NODE_APP_NEXT_H

#include "node/node.h"

enum {
	NEXT_DIVERSIONS_MAX = 5, /* a call that is forwarded more often has
				    come into a loop                     */
};

/** Has a call been sent on as often as may be, by us and before us? */
bool next_is_loop(const struct hub *hub, const Sy__HuntState *what);

/** Note what the device that a hunt rings wants done with its call; gives up
 * sooner where its "no answer" says so. */
void next_forward(struct hunt *hunt, const Sy__Forward *fwd);

/**
 * Note that a hunt rings a group.
 *
 * @param memberv    Devices in the order in which they are rung; NULL: all at
 *                   once. The first one is rung by this hunt.
 * @param member_ms  How long each; 0: as the hunt.
 *
 * @return 0, ENOMEM, EINVAL (it has no state).
 */
int next_group(struct hunt *hunt, const char *group, char *const *memberv,
	       size_t n, uint32_t member_ms);

/** How long each member of a group rings [ms]. */
uint32_t next_member_ms(const Sy__Group *g);

/** A leg has ended: if its device is in a group whose longest idle member is
 * rung first, it is idle from now on. */
void next_member_left(struct node *n, const struct leg *leg);

/** For a new hunt: what it takes over. @param after  Borrowed by what; or
 * NULL. */
void next_inherit(Sy__HuntState *what, const Sy__HuntState *after);

/**
 * A hunt of a caller has failed: does the call go on?
 *
 * @param code  Why it failed.
 *
 * @return false: no, tell the caller.
 */
bool next_start(struct node *n, struct hunt *hunt, struct hub *hub,
		uint16_t code);

/**
 * Set a string of a HuntState or of what is in one.  protobuf-c frees them, so
 * they come from malloc().
 *
 * @param sp    Its old text is freed.
 * @param text  Copied.
 *
 * @return 0, ENOMEM.
 */
int next_set(char **sp, const char *text);

#endif
