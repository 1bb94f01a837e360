/* SPDX-License-Identifier: MIT */
/* The names of this cluster. */

#ifndef SY_ROUTER_DOMAIN_H
#define SY_ROUTER_DOMAIN_H

#include <re.h>

struct worker;

/** Is a host, without brackets, a name of this cluster, or an address of this
 * router?  There is a configuration. */
bool domain_is_ours(const struct worker *w, const struct pl *host);

#endif
