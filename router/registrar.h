/* SPDX-License-Identifier: MIT */
/* The registrar: RFC 3261 10.3, with bindings in Redis. */

#ifndef SY_ROUTER_REGISTRAR_H
#define SY_ROUTER_REGISTRAR_H

#include "router/msg.h"

/** A REGISTER from a peer. */
void registrar_handle(struct msg *m);

#endif
