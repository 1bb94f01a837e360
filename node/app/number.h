/* SPDX-License-Identifier: MIT */
/*
 * Numbers that a node dials itself: a transfer, a redirection, a forwarded
 * call.  The dial plan decides, as a call of whoever wants it.
 */

#ifndef SY_NODE_APP_NUMBER_H
#define SY_NODE_APP_NUMBER_H

#include "node/node.h"
#include "proto/callee.h"

/**
 * From a number and a source to a destination and how long it rings.
 *
 * @param m        Filled in: m->dest borrows from m and from the
 *                 configuration; use it, or copy it
 *                 (hub_destination_copy()), in this turn of the loop.
 * @param ring_ms  Set on success; may be NULL.
 * @param src      Whose call it is; NULL: nobody's, only rules for all.
 *
 * @return 0; or the SIP code that says why not: 403 (it costs, and src may
 *         not; or a star code: those are for who dials them), 404, 484, 503.
 */
uint16_t app_number(struct dialplan_match *m, uint32_t *ring_ms,
		    struct node *n, const char *number,
		    const Sy__Source *src);

#endif
