/* SPDX-License-Identifier: MIT */
/*
 * An INVITE with Replaces (RFC 3891): who calls takes the place of a leg of a
 * call that is up, or picks one up that rings.
 */

#ifndef SY_NODE_REPLACE_H
#define SY_NODE_REPLACE_H

#include "node/node.h"

/**
 * Put a leg into the place of another one of its hub.
 *
 * @param leg   Just taken; on success it is answered, or rings no more.
 * @param text  Value of Replaces.
 *
 * @return 0; or the code to refuse it with: 400, 481 (no such leg, or one that
 *         rings and was not called by us), 486 (it talks already, and only a
 *         leg that rings was wanted), 500.
 */
uint16_t replace_leg(struct leg *leg, const char *text, struct node *n);

#endif
