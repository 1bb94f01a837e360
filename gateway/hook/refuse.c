/* SPDX-License-Identifier: MIT */
/* Addresses that webhooks are not sent to: the own machine, the link (where
 * clouds have their metadata), and what is no host at all. */

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "gateway/hook/send.h"

static const char *refuse4(uint32_t a, bool loopback)
{
	if (a >> 24 == 127)
		return loopback ? NULL : "it is the gateway's own machine";
	if (a >> 16 == 0xa9fe)
		return "it is a link-local address";
	if (a >> 24 == 0 || a >> 28 >= 0xe)
		return "it is no address of a host";

	return NULL;
}

/* fd00:ec2::254 is what a cloud calls its metadata. */
static const char *refuse6(const struct in6_addr *a, bool loopback)
{
	static const uint8_t metadata[16] = {0xfd, 0, 0x0e, 0xc2, 0, 0, 0, 0,
					     0, 0, 0, 0, 0, 0, 0x02, 0x54};
	const uint8_t *p = a->s6_addr;

	if (IN6_IS_ADDR_V4MAPPED(a))
		return refuse4((uint32_t)p[12] << 24 | (uint32_t)p[13] << 16 |
			       (uint32_t)p[14] << 8 | p[15], loopback);
	if (IN6_IS_ADDR_LOOPBACK(a))
		return loopback ? NULL : "it is the gateway's own machine";
	if (IN6_IS_ADDR_LINKLOCAL(a) || !memcmp(p, metadata, sizeof(metadata)))
		return "it is a link-local address";
	if (IN6_IS_ADDR_UNSPECIFIED(a) || IN6_IS_ADDR_MULTICAST(a))
		return "it is no address of a host";

	return NULL;
}

const char *hook_refuse(const struct sockaddr *sa, bool loopback)
{
	if (sa->sa_family == AF_INET)
		return refuse4(ntohl(((const struct sockaddr_in *)
				      (const void *)sa)->sin_addr.s_addr),
			       loopback);
	if (sa->sa_family == AF_INET6)
		return refuse6(&((const struct sockaddr_in6 *)
				 (const void *)sa)->sin6_addr, loopback);

	return "it is no address of the Internet";
}
