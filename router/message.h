/* SPDX-License-Identifier: MIT */
/* MESSAGE outside of calls (RFC 3428): texts from device to device. */

#ifndef SY_ROUTER_MESSAGE_H
#define SY_ROUTER_MESSAGE_H

#include "router/msg.h"

void message_handle(struct msg *m);

#endif
