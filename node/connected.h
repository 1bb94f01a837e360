/* SPDX-License-Identifier: MIT */
/*
 * Whom a phone is told that it talks to, so that its display is right: by
 * P-Asserted-Identity (RFC 3325, RFC 5876), in the answer to its INVITE, and
 * in an UPDATE when it is somebody else later (a transfer, a pick-up, a parked
 * call that is taken).
 *
 *   it is answered --> who is there now counts as told (From, or the answer)
 *        |
 *   the hub changes: another one is there? --> UPDATE, if its Allow has that
 *        ^                                        |
 *        +----- 0.5 s, a request is under way ----+
 *
 * Devices only: what a trunk is told of our numbers is trunk.h's.
 */

#ifndef SY_NODE_CONNECTED_H
#define SY_NODE_CONNECTED_H

#include "node/hub/hub.h"

enum { CONNECTED_SIZE = 512 };

/** Something of a hub has changed: tell those who talk to somebody else. */
void connected_update(struct hub *hub);

/**
 * The header for the answer to a leg's INVITE.
 *
 * @param buf  "P-Asserted-Identity: ...\r\n"; "": there is nobody to tell of.
 */
void connected_print(char buf[CONNECTED_SIZE], const struct leg *leg);

#endif
