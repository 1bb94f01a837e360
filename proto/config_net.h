/* SPDX-License-Identifier: MIT */
/*
 * A source of a trunk: address or network, with or without a port.
 *
 *   192.0.2.1   192.0.2.0/24   192.0.2.1:5062
 *   2001:db8::1   2001:db8::/32   [2001:db8::1]:5062   [2001:db8::/32]:5062
 */

#ifndef SY_PROTO_CONFIG_NET_H
#define SY_PROTO_CONFIG_NET_H

#include <stdbool.h>
#include <stdint.h>

struct sa;

/** IPv4 as IPv4-mapped IPv6 (RFC 4291 2.5.5.2), so that there is one kind;
 * bits beyond the prefix are zero. */
struct config_net {
	uint8_t addr[16];
	uint8_t prefix;    /* [bits], of 128  */
	uint16_t port;     /* 0: any          */
};

/**
 * Read a source.
 *
 * @param errp  On error, set to a static text that says what is allowed.
 *
 * @return 0 or EINVAL.
 */
int config_net_read(struct config_net *net, const char *str,
		    const char **errp);

/** An address as the one address of a network. @return 0 or EINVAL. */
int config_net_from_sa(struct config_net *net, const struct sa *sa);

/** Does a contain b (an address, from config_net_from_sa())? */
bool config_net_has(const struct config_net *a, const struct config_net *b);

/** Order in which sources are tried: longest prefix first, then those with
 * a port.  As for qsort(). */
int config_net_cmp(const struct config_net *a, const struct config_net *b);

/**
 * Check "host[:port][;transport=udp|tcp|tls]" of a trunk's target; the host is
 * an IPv4 address, an IPv6 address in brackets or a name. Without a port a
 * name is looked up by NAPTR and SRV (locate.h).
 *
 * @return 0 or EINVAL.
 */
int config_target_check(const char *str, const char **errp);

/** Is it a host name (RFC 1123 2.1) or an address? */
bool config_host_valid(const char *p, size_t len);

#endif
