/* SPDX-License-Identifier: MIT */
/* MESSAGE outside of calls (RFC 3428): texts from device to device,
 * and to and from their browser pages. */

#ifndef SY_ROUTER_MESSAGE_H
#define SY_ROUTER_MESSAGE_H

#include "proto/bus.h"
#include "router/msg.h"

void message_handle(struct msg *m);

/** A page of a device writes; its gateway has checked that it may.
 * @param w    Thread 0. @param req  Taken. @param b  Borrowed for the call. */
void message_bring(struct worker *w, struct bus_request *req,
		   const Sy__BringMessage *b);

#endif
