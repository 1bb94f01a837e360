/* SPDX-License-Identifier: MIT */
/*
 * Who sends: digest authentication of devices (RFC 3261 22, RFC 8760)
 * without state.
 */

#ifndef SY_ROUTER_AUTH_H
#define SY_ROUTER_AUTH_H

#include "proto/config.h"
#include "router/msg.h"

/**
 * Authenticate a device.
 *
 * @param m     The request; its credentials for our realm are cut out of it.
 * @param user  Who it says it is: its credentials must be that user's.
 *              NULL: it does not say (an anonymous From, RFC 3323 4.1).
 *
 * @return the device; NULL: it was answered (401, 407, 403).
 */
const Sy__Device *auth_device(struct msg *m, const char *user);

#endif
