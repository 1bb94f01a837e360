/* SPDX-License-Identifier: MIT */
/*
 * Subscriptions that this router serves: it sends their NOTIFYs.  The records
 * are in Redis; whoever took the last SUBSCRIBE of one serves it, and tells all
 * routers so (sy:bus:subs).  When a router is gone, the others claim what it
 * had.  Thread 0 only.
 *
 *   sy:bus:subs --> sub --> dirty --> sub_next.lua (CSeq) --> body --> uac
 *                            ^                                         |
 *                            +------- changed meanwhile ---------------+
 *
 * One NOTIFY of a subscription is under way at a time, and no more than five a
 * second.
 */

#ifndef SY_ROUTER_SUBS_H
#define SY_ROUTER_SUBS_H

#include "router/core.h"

struct subs;

/** Event packages; the order of subs_event_names. */
enum subs_event { SUBS_DIALOG, SUBS_PRESENCE, SUBS_MESSAGES, SUBS_EVENTS };

extern const char *const subs_event_names[SUBS_EVENTS];

/** @param w  Thread 0. @return 0, ENOMEM. */
int subs_alloc(struct subs **sp, struct worker *w);

/** A router came or went. */
void subs_member(struct subs *s, const Sy__Member *m, bool gone);

/** Redis is back: events were missed, and others may have ours. */
void subs_again(struct subs *s);

/** Those that are served here. */
uint32_t subs_count(const struct subs *s);

/** Tell every router to look at a device again: who is registered, what waits
 * in its mailbox. Any thread's bus. */
void subs_resource_changed(struct bus *bus, const char *resource);

#endif
