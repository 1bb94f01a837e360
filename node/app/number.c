/* SPDX-License-Identifier: MIT */
/* Numbers that a node dials itself: see number.h. */

#include <errno.h>

#include "node/app/number.h"
#include "node/toll.h"
#include "proto/costly.h"

static uint16_t refuse(struct node *n, const struct dialplan_match *m,
		       const char *number, const Sy__Source *src)
{
	struct costly k;

	(void)costly_check(&k, n->config, &m->dest, src);
	toll_refused(n, NULL, k.account, number, COSTLY_NO_PERMISSION);

	return 403;
}

uint16_t app_number(struct dialplan_match *m, uint32_t *ring_ms,
		    struct node *n, const char *number,
		    const Sy__Source *src)
{
	switch (callee_find(m, n->config, number, src)) {

	case 0:
		break;

	case ENOENT:
		return 404;

	case EACCES:
		return refuse(n, m, number, src);

	case ENAMETOOLONG:
		return 484;

	default:
		return 503;
	}

	/* They change something of who dials them, or of whom he sits with. */
	if (m->dest.kind_case == SY__DESTINATION__KIND_FEATURE ||
	    m->dest.kind_case == SY__DESTINATION__KIND_PICKUP)
		return 403;

	if (ring_ms)
		*ring_ms = node_ring_ms(n, m->ring_seconds);

	return 0;
}
