/* SPDX-License-Identifier: MIT */
/*
 * The names of this cluster: its domains, and the addresses of its routers,
 * inside and outside.  Peers name any of them, at any router: behind a load
 * balancer nobody knows which one he reaches.
 */

#ifndef SY_ROUTER_DOMAIN_H
#define SY_ROUTER_DOMAIN_H

#include <re.h>
#include "router/wire.h"

struct worker;
struct domains; /* a thread's; addresses of the other routers */

/** A router came, changed or went: their addresses are noted anew.  Without
 * memory those stay that were known. */
void domain_members(struct worker *w);

/** Is a host, without brackets, a name of this cluster, or an address of one
 * of its routers?  There is a configuration. */
bool domain_is_ours(const struct worker *w, const struct pl *host);

/** Is a host and port an address of a router of ours, by any transport?
 * @param port  0: the one that the transport means. */
bool domain_is_router(const struct worker *w, const struct pl *host,
		      uint16_t port);

#endif
