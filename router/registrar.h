/* SPDX-License-Identifier: MIT */
/* The registrar: RFC 3261 10.3, with bindings in Redis. */

#ifndef SY_ROUTER_REGISTRAR_H
#define SY_ROUTER_REGISTRAR_H

#include "router/msg.h"

/** A REGISTER from a peer. */
void registrar_handle(struct msg *m);

/**
 * The URI by which its sender is reached again: a ROUTE token with the flow.
 *
 * @param size  256.
 */
void registrar_path(const struct msg *m, char *path, size_t size);

#endif
