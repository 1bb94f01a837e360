/* SPDX-License-Identifier: MIT */
/*
 * The way of a trunk's calls, preloaded in Route (RFC 3261 8.1.2):
 *
 *   our router's permission (node/sip), then
 *   Trunk.proxy, then the Service-Route that its registrar gave (RFC 3608 6.1)
 *
 * A Service-Route counts while the trunk is registered.  Where it begins with
 * the proxy itself, that is not named twice.
 */

#ifndef SY_NODE_APP_TRUNK_ROUTE_H
#define SY_NODE_APP_TRUNK_ROUTE_H

#include <stddef.h>
#include "node/app/trunk.h"

enum { TRUNK_ROUTES_MAX = 9 }; /* the proxy, and eight of a Service-Route */

struct trunk_route {
	const char *v[TRUNK_ROUTES_MAX]; /* values of Route: "<sip:...;lr>"  */
	size_t n;                        /* 0: the INVITE goes to its URI    */
	char hop[TRUNK_URI_MAX];         /* URI of the first; "": none       */
	char text[TRUNK_ROUTES_MAX][TRUNK_URI_MAX + 2];
};

/**
 * Fill it in.  Pure; v points into it.
 *
 * @param ts  What its router tells of it, or NULL. A Service-Route with a
 *            value that is no URI is not used at all.
 */
void trunk_route_init(struct trunk_route *way, const Sy__Trunk *trunk,
		      const Sy__TrunkState *ts);

#endif
