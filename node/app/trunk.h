/* SPDX-License-Identifier: MIT */
/*
 * What an INVITE to a trunk says: the number as the trunk writes it, and who
 * calls, as far as the trunk may know (RFC 3323, RFC 3325).
 *
 *   a device        its caller_id, else its id
 *   anybody else    the number that came
 *   not ours there  the trunk's default_number, else nobody
 */

#ifndef SY_NODE_APP_TRUNK_H
#define SY_NODE_APP_TRUNK_H

#include <stdbool.h>
#include <stdint.h>
#include "proto/number.h"

enum { TRUNK_URI_MAX = 512, TRUNK_EXTRA_MAX = 2048 };

/** Who calls, and whom; strings borrowed. */
struct trunk_who {
	const Sy__Device *device; /* that calls, or NULL                   */
	const char *number;       /* caller: device id or number           */
	const char *name;         /* display name, or NULL                 */
	const char *called;
	const char *domain;       /* ours                                  */
	bool private;             /* the caller wants not to be shown      */
};

/** Parts of the INVITE. */
struct trunk_call {
	char uri[TRUNK_URI_MAX];    /* Request-URI and To                  */
	char from[TRUNK_URI_MAX];
	const char *name;           /* display name of From; or NULL       */
	char extra[TRUNK_EXTRA_MAX]; /* headers with CRLFs, or ""          */
};

/**
 * Fill them in.  Pure.
 *
 * @param trunk  With a target.
 *
 * @return 0, EOVERFLOW, ENAMETOOLONG.
 */
int trunk_call_init(struct trunk_call *tc, const Sy__Trunk *trunk,
		    const struct trunk_who *who);

/** The trunk that an attempt at a destination goes by; NULL: no more.
 * @param attempt  From 0. */
const char *trunk_attempt(const Sy__External *ext, uint32_t attempt);

/** Is this failure one after which the next trunk is tried? */
bool trunk_fails_over(const Sy__Trunk *trunk, uint16_t code);

#endif
