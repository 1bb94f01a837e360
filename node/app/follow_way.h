/* SPDX-License-Identifier: MIT */
/* Internal to follow*.c: from a Contact to a destination. */

#ifndef SY_NODE_APP_FOLLOW_WAY_H
#define SY_NODE_APP_FOLLOW_WAY_H

#include "node/app/number.h"
#include "node/sip/redirect.h"

/** Where a Contact leads to. */
struct follow_way {
	struct dialplan_match match; /* .dest                              */
	uint32_t ring_ms;
	Sy__Source payer;            /* whose call it is, if it costs;
					borrowed from hub and chain        */
	const char *uri;             /* Request-URI, of the Contact; or "" */
	char why[64];                /* it is not followed; or ""          */
};

/**
 * Resolve a Contact.
 *
 * @param hub    Of the call.
 * @param chain  How the call came there; the last one is of who redirects.
 *
 * @return true; false: it is not followed, and way->why is set.
 */
bool follow_resolve(struct follow_way *way, struct node *n,
		    const struct hub *hub, Sy__Diversion *const *chain,
		    size_t chainc, const struct redirect_contact *c);

#endif
