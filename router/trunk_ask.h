/* SPDX-License-Identifier: MIT */
/* OPTIONS to a target of a trunk (RFC 3261 11). */

#ifndef SY_ROUTER_TRUNK_ASK_H
#define SY_ROUTER_TRUNK_ASK_H

#include "proto/locate.h"
#include "proto/schema.h"
#include "router/uac.h"

struct worker;

/** Borrowed for the call. */
struct trunk_ask {
	const Sy__Trunk *conf;
	const char *text;        /* where the target was found: trunk_where.h */
	const struct locate_target *target;
	uint32_t cseq;
	uint32_t timeout_ms;
};

/** Send one. @return as uac_send(), or what the flow to it gave. */
int trunk_ask_options(struct uac **up, struct worker *w,
		      const struct trunk_ask *ask, uac_h *h, void *arg);

#endif
