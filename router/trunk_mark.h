/* SPDX-License-Identifier: MIT */
/*
 * Which trunk an INVITE comes from.  The first that says so:
 *
 *   a client certificate    one of its names is one of the trunk's
 *   the Request-URI         the Contact that we registered there, which only
 *                           we can make: a keyed mark
 *   the source address
 */

#ifndef SY_ROUTER_TRUNK_MARK_H
#define SY_ROUTER_TRUNK_MARK_H

#include "router/msg.h"
#include "proto/config.h"
#include "proto/token.h"

enum { TRUNK_MARK_LEN = 14 };

struct trunk_marks;

/** The mark of a trunk's Contact. @param str  With a final zero. */
void trunk_mark(char str[TRUNK_MARK_LEN + 1], const struct token_key *key,
		const char *trunk);

/** The marks of a configuration. @param mp  Owned by the caller. */
int trunk_marks_alloc(struct trunk_marks **mp, const struct token_key *key,
		      const Sy__Config *conf);

/** The trunk that a request is from; NULL: of none. */
const Sy__Trunk *trunk_of(const struct msg *m);

/** What it calls: the Request-URI, or, where that is just the Contact that we
 * registered, the URI of To. */
const struct pl *trunk_called(const struct msg *m);

#endif
