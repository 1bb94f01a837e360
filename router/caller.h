/* SPDX-License-Identifier: MIT */
/*
 * Who calls, as an INVITE says it: P-Asserted-Identity (RFC 3325) and
 * Remote-Party-ID of a trunk that is trusted, else From; and whether the caller
 * wants that to be known (Privacy, RFC 3323).
 */

#ifndef SY_ROUTER_CALLER_H
#define SY_ROUTER_CALLER_H

#include "proto/number.h"
#include "router/view.h"

struct caller {
	char number[NUMBER_SIZE]; /* user part, unescaped; "": none known  */
	char name[NUMBER_SIZE];   /* display name                          */
	bool private;             /* is not to be shown                    */
};

/**
 * Read it.
 *
 * @param trunk  That it came by: its headers count as far as it is trusted,
 *               its way of writing numbers is undone.  NULL: a device.
 */
void caller_read(struct caller *c, const struct view *v,
		 const Sy__Trunk *trunk);

/** User part of a sip:, sips: or tel: URI, without its parameters, unescaped.
 * @return 0 or ENOENT. */
int caller_user(char *buf, size_t size, const struct pl *uri);

#endif
