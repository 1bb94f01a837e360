/* SPDX-License-Identifier: MIT */
/* Costly calls that are refused: what the caller, the counters and the
 * history are told.  Who may call what: proto/costly.h. */

#ifndef SY_ROUTER_TOLL_H
#define SY_ROUTER_TOLL_H

#include "router/msg.h"

/**
 * Answer 403, count it, and write TOLL_DENIED to the history.
 *
 * @param account  "device:1001".
 * @param why      Reason phrase.
 */
void toll_refuse(struct msg *m, const char *account, const char *why);

#endif
