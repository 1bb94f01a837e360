/* SPDX-License-Identifier: MIT */
/*
 * Who is reached by a number: the dial plan, and that what it leads to is
 * there.  One rule for everybody who dials: an INVITE, the API, a transfer, a
 * forwarded call.
 */

#ifndef SY_PROTO_CALLEE_H
#define SY_PROTO_CALLEE_H

#include "proto/config.h"
#include "proto/dialplan.h"

/**
 * Resolve a number as a call of a source.
 *
 * A source of the API that no route serves may name a device by its id.
 *
 * @param m       Filled in; its strings live in it, or in the configuration.
 * @param c       Configuration; the outcome is borrowed from it until the
 *                next turn of the loop.
 * @param number  User part, unescaped.
 * @param src     Whose call it is: toll rules, routes of a source.
 *
 * @return 0; EAGAIN (no configuration yet: 503), ENOENT (404),
 *         ENAMETOOLONG (484), EACCES (403: it costs, and the source has no
 *         permission; costly.h).
 */
int callee_find(struct dialplan_match *m, const struct config *c,
		const char *number, const Sy__Source *src);

/** A device by its id, whatever the dial plan says.
 * @return true: found, and m leads to it. */
bool callee_device(struct dialplan_match *m, const struct config *c,
		   const char *id);

#endif
