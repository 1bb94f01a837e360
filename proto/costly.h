/* SPDX-License-Identifier: MIT */
/*
 * Calls that cost (toll fraud): may this source call that number by a trunk?
 * Settings.costly says which numbers; devices and trunks have permissions and
 * limits.  Operators' tokens of the API may call any.  No I/O; any thread.
 *
 * A number may be written in several ways, and each trunk of a hunt writes it
 * in another: it is looked at as it was dialled and as each trunk would send
 * it, both also in E.164 (costly_number.h).  Of what is found the strictest
 * holds.
 */

#ifndef SY_PROTO_COSTLY_H
#define SY_PROTO_COSTLY_H

#include "proto/config.h"

#define COSTLY_NO_PERMISSION "No Permission For Costly Numbers"

enum { COSTLY_ACCOUNT_SIZE = 80 };

enum costly_verdict {
	COSTLY_FREE,    /* no such number, or nobody counts               */
	COSTLY_DENIED,  /* it lacks the permission: 403                   */
	COSTLY_COUNT,   /* within limits: store_costly_take()             */
};

/** What is to be counted; strings live in the object itself. */
struct costly {
	const Sy__Costly *rule;      /* borrowed from the configuration    */
	char account[COSTLY_ACCOUNT_SIZE]; /* "device:1001", "trunk:loop"  */
	uint32_t calls_per_hour;     /* 0: any number                      */
	uint32_t calls_at_a_time;    /* likewise                           */
};

/**
 * Look at a call.
 *
 * @param k     Set; account is "" without a source.
 * @param dest  Where it goes, after the dial plan.
 * @param src   Who calls; NULL: nobody is asked for a permission.
 */
enum costly_verdict costly_check(struct costly *k, const struct config *c,
				 const Sy__Destination *dest,
				 const Sy__Source *src);

/** Reason phrase for an error of store_costly_take(). */
const char *costly_why(int err);

#endif
