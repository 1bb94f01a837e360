/* SPDX-License-Identifier: MIT */
/*
 * The guard of a thread and the rest of the cluster: bans go to Redis and,
 * by the bus, to all other routers; all of them are read whenever Redis comes.
 * Without Redis a thread bans for itself.
 */

#ifndef SY_ROUTER_GUARD_SHARE_H
#define SY_ROUTER_GUARD_SHARE_H

#include "router/guard.h"
#include "router/msg.h"

/** Make a thread's guard, and listen.  Its bus and configuration are there. */
int guard_share_start(struct worker *w);

/** Before the bus goes. */
void guard_share_stop(struct worker *w);

/** New configuration. */
void guard_share_configure(struct worker *w, const Sy__Config *conf);

/** Redis is there (again): read the list. */
void guard_share_redis_up(struct worker *w);

/** A member came or went: their addresses are left alone. */
void guard_share_members(struct worker *w);

/** Before a message is read: shall it be?  Else it is dropped, and counted. */
bool guard_share_look(struct worker *w, const struct flow *from);

/**
 * A request without a token: may it go on?  Else it is dropped, and counted.
 */
bool guard_share_admit(struct msg *m);

/** A keepalive: may it be taken, and answered?  As above. */
bool guard_share_keepalive(struct worker *w, const struct flow *from);

/** What is refused at first sight: may that be answered?  As above. */
bool guard_share_spend(struct worker *w, const struct flow *from);

/** Does an account do too much? Then it was answered. */
bool guard_share_limited(struct msg *m, const Sy__Device *dev,
			 enum guard_act act);

#endif
