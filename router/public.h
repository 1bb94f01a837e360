/* SPDX-License-Identifier: MIT */
/*
 * What the ports are called outside (--public): the addresses or names that
 * a NAT or a load balancer in front of us forwards to them.
 *
 *   203.0.113.7                      all ports of IPv4, with their numbers
 *   203.0.113.7,2001:db8::7          ... and those of IPv6
 *   sip.example.com                  all ports
 *   203.0.113.7,tls:203.0.113.7:443  ... but TLS, which is reached at 443
 */

#ifndef SY_ROUTER_PUBLIC_H
#define SY_ROUTER_PUBLIC_H

#include "router/wire.h"

enum { PUBLIC_MAX = 16 };

/** One element of the list. */
struct public_name {
	bool any;            /* of any transport                          */
	enum wire_kind kind; /* else of this                              */
	int af;              /* family of an address; AF_UNSPEC: a name   */
	struct pl host;      /* without brackets; of the text             */
	uint16_t port;       /* 0: the number of the listening port       */
};

/**
 * Read the list.
 *
 * @param v     PUBLIC_MAX elements; they point into the text.
 * @param errp  On error set to a static text that says what is allowed, or
 *              NULL.
 *
 * @return 0 or EINVAL.
 */
int public_read(struct public_name v[PUBLIC_MAX], size_t *n, const char *text,
		const char **errp);

/** The same for option_def.check. */
int public_check(const char *text, const char **errp);

/**
 * What a port is called: the element for its transport and family, else the
 * one for any transport.
 *
 * @return NULL: it has no other name than its own.
 */
const struct public_name *public_of(const struct public_name *v, size_t n,
				    enum wire_kind kind, int af);

/**
 * Is each of them for an address that is listened on?  One that is for none is
 * a mistake.
 *
 * @param at      Its public and its lists.
 * @param errbuf  On error set to one line that names it.
 *
 * @return 0 or EINVAL.
 */
int public_fits(const struct wire_listen *at, char *errbuf, size_t errsize);

#endif
