/* SPDX-License-Identifier: MIT */
/* Numbers that a node dials itself: see number.h. */

#include <errno.h>

#include "node/app/number.h"

uint16_t app_number(struct dialplan_match *m, uint32_t *ring_ms,
		    const struct node *n, const char *number,
		    const Sy__Source *src)
{
	switch (callee_find(m, n->config, number, src)) {

	case 0:
		break;

	case ENOENT:
		return 404;

	case EACCES:
		return 403;

	case ENAMETOOLONG:
		return 484;

	default:
		return 503;
	}

	if (ring_ms)
		*ring_ms = node_ring_ms(n, m->ring_seconds);

	return 0;
}
