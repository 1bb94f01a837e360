/* SPDX-License-Identifier: MIT */
/* A call that the API makes: its first party is rung, then it leads on. */

#ifndef SY_NODE_APP_ORIGINATE_H
#define SY_NODE_APP_ORIGINATE_H

#include "node/node.h"

/**
 * Ring the first party of a hub; when it answers, the hub's destination runs
 * for it.
 *
 * @param msg  Borrowed; its `from` can be dialled.
 *
 * @return 0, ENOMEM.
 */
int originate(struct node *n, struct hub *hub, const Sy__Originate *msg);

/** Why nobody could be rung, in words. @param code  Of the hunt. */
const char *originate_why(uint16_t code);

#endif
