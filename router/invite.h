/* SPDX-License-Identifier: MIT */
/*
 * Initial INVITEs: who calls, what the dial plan says, which node takes it;
 * and what finds a call by its Call-ID alone.
 */

#ifndef SY_ROUTER_INVITE_H
#define SY_ROUTER_INVITE_H

#include "router/msg.h"

/** An INVITE without To tag, from a peer. */
void invite_handle(struct msg *m);

/** A CANCEL, or an ACK, that carries no token of ours. */
void invite_cancel(struct msg *m);

#endif
