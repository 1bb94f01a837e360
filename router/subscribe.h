/* SPDX-License-Identifier: MIT */
/* SUBSCRIBE of phones (RFC 6665): checked, written down, answered.  Any router
 * and thread; what follows is done by subs.c. */

#ifndef SY_ROUTER_SUBSCRIBE_H
#define SY_ROUTER_SUBSCRIBE_H

#include "router/msg.h"

/** A SUBSCRIBE from a peer, new or within its dialog. */
void subscribe_handle(struct msg *m);

/** The events that we know, for Allow-Events. */
#define SUBSCRIBE_ALLOW "Allow-Events: dialog, presence, message-summary\r\n"

#endif
