/* SPDX-License-Identifier: MIT */
/* How many connections come from where: an IPv4 address, or the /64 of an IPv6
 * address, which is one customer's. */

#ifndef SY_GATEWAY_HTTP_SOURCE_H
#define SY_GATEWAY_HTTP_SOURCE_H

#include <re.h>

struct sources;
struct source;

/** @param sp  Owned by the caller (mem_deref), after its connections. */
int sources_alloc(struct sources **sp);

/**
 * One more.
 *
 * @param srcp  Set on success; owned by the caller: mem_deref() is one less.
 * @param max   So many may be there at a time.
 *
 * @return 0, EBUSY (they are), ENOMEM.
 */
int source_take(struct source **srcp, struct sources *s, const struct sa *peer,
		unsigned max);

#endif
