/* SPDX-License-Identifier: MIT */
/*
 * Who is inside: the networks of which the peers are told our own addresses,
 * while all others are told the public ones (--local-net of router and node).
 */

#ifndef SY_PROTO_LOCAL_NET_H
#define SY_PROTO_LOCAL_NET_H

#include <stdbool.h>
#include <stddef.h>
#include "proto/config_net.h"

enum { LOCAL_NETS_MAX = 32 };

/** RO after start; none: nobody is inside. */
struct local_nets {
	struct config_net v[LOCAL_NETS_MAX];
	size_t n;
};

/**
 * Read "NET,NET,...": addresses and networks of both families.
 *
 * @param nets  Set; empty for "".
 * @param errp  On error set to a static text that says what is allowed, or
 *              NULL.
 *
 * @return 0 or EINVAL.
 */
int local_nets_read(struct local_nets *nets, const char *text,
		    const char **errp);

/** The same for option_def.check. */
int local_nets_check(const char *text, const char **errp);

/** Is an address in one of them?  Any thread; allocates nothing.
 * @param sa  Unset: no. */
bool local_nets_have(const struct local_nets *nets, const struct sa *sa);

#endif
