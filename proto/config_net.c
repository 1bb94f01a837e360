/* SPDX-License-Identifier: MIT */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <re.h>

#include "proto/config_net.h"

enum { ADDR_MAX = 64, HOST_MAX = 253, LABEL_MAX = 63 };

static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

/* A decimal number of the whole of p. */
static bool number(const char *p, size_t len, unsigned max, unsigned *np)
{
	unsigned n = 0;
	size_t i;

	if (!len || len > 5)
		return false;
	for (i = 0; i < len; i++) {
		if (!isdigit((unsigned char)p[i]))
			return false;
		n = 10 * n + (unsigned)(p[i] - '0');
	}
	*np = n;

	return n <= max;
}

static void mask(struct config_net *net)
{
	unsigned i;

	for (i = net->prefix; i < 128; i++)
		net->addr[i / 8] &= (uint8_t)~(0x80u >> i % 8);
}

/* address[/prefix] */
static bool read_net(struct config_net *net, const char *p, size_t len)
{
	char text[ADDR_MAX];
	const char *slash = memchr(p, '/', len);
	const size_t alen = slash ? (size_t)(slash - p) : len;
	unsigned bits, prefix;

	if (!alen || alen >= sizeof(text))
		return false;
	memcpy(text, p, alen);
	text[alen] = '\0';

	memcpy(net->addr, mapped, sizeof(mapped));
	if (inet_pton(AF_INET, text, net->addr + 12) == 1)
		bits = 32;
	else if (inet_pton(AF_INET6, text, net->addr) == 1)
		bits = 128;
	else
		return false;

	prefix = bits;
	if (slash && (!number(slash + 1, len - alen - 1, bits, &prefix) ||
		      !prefix))
		return false;
	net->prefix = (uint8_t)(128 - bits + prefix);
	mask(net);

	return true;
}

/* The end of the address, and the port behind it.
 * @param pp  Moved past an opening bracket. */
static bool split_port(const char **pp, size_t *len, uint16_t *port)
{
	const char *p = *pp, *colon = strchr(p, ':');
	unsigned n;

	*port = 0;
	*len = strlen(p);

	if (*p == '[') {
		const char *end = strchr(p, ']');

		if (!end)
			return false;
		*pp = p + 1;
		*len = (size_t)(end - p - 1);
		if (!end[1])
			return true;
		if (end[1] != ':')
			return false;
		colon = end + 1;
	} else if (!colon || strchr(colon + 1, ':')) {
		return true; /* IPv4, a name, or IPv6 without brackets */
	} else {
		*len = (size_t)(colon - p);
	}

	if (!number(colon + 1, strlen(colon + 1), 65535, &n) || !n)
		return false;
	*port = (uint16_t)n;

	return true;
}

int config_net_read(struct config_net *net, const char *str,
		    const char **errp)
{
	size_t len;

	if (net && str && split_port(&str, &len, &net->port) &&
	    read_net(net, str, len))
		return 0;

	if (errp)
		*errp = "allowed: an address or network as \"192.0.2.1\", "
			"\"192.0.2.0/24\", \"192.0.2.1:5060\" or "
			"\"[2001:db8::1]:5060\"";

	return EINVAL;
}

int config_net_from_sa(struct config_net *net, const struct sa *sa)
{
	memcpy(net->addr, mapped, sizeof(mapped));
	net->prefix = 128;
	net->port = sa_port(sa);

	switch (sa_af(sa)) {

	case AF_INET:
		memcpy(net->addr + 12, &sa->u.in.sin_addr, 4);
		return 0;

	case AF_INET6:
		memcpy(net->addr, &sa->u.in6.sin6_addr, 16);
		return 0;

	default:
		return EINVAL;
	}
}

bool config_net_has(const struct config_net *a, const struct config_net *b)
{
	const unsigned n = a->prefix / 8, rest = a->prefix % 8;

	if (a->port && a->port != b->port)
		return false;
	if (memcmp(a->addr, b->addr, n))
		return false;

	return !rest || (a->addr[n] ^ b->addr[n]) >> (8 - rest) == 0;
}

int config_net_cmp(const struct config_net *a, const struct config_net *b)
{
	if (a->prefix != b->prefix)
		return a->prefix > b->prefix ? -1 : 1;
	if (!a->port != !b->port)
		return a->port ? -1 : 1;
	if (a->port != b->port)
		return a->port < b->port ? -1 : 1;

	return memcmp(a->addr, b->addr, sizeof(a->addr));
}

bool config_host_valid(const char *p, size_t len)
{
	size_t i, label = 0;

	if (!len || len > HOST_MAX)
		return false;

	for (i = 0; i < len; i++) {
		if (p[i] == '.') {
			if (!label || p[i - 1] == '-')
				return false;
			label = 0;
			continue;
		}
		if (!isalnum((unsigned char)p[i]) &&
		    (p[i] != '-' || !label) && p[i] != '_')
			return false;
		if (++label > LABEL_MAX)
			return false;
	}

	return label && p[len - 1] != '-';
}

int config_target_check(const char *str, const char **errp)
{
	const char *semi = str ? strchr(str, ';') : NULL;
	struct config_net net;
	char text[HOST_MAX + 16];
	const char *p = text;
	size_t len;

	if (errp)
		*errp = "allowed: \"host\", \"host:port\", \"[IPv6]:port\", with "
			"or without \";transport=udp\", \";transport=tcp\" or "
			"\";transport=tls\"";

	len = semi ? (size_t)(semi - str) : str ? strlen(str) : 0;
	if (!len || len >= sizeof(text))
		return EINVAL;
	if (semi && strcasecmp(semi, ";transport=udp") &&
	    strcasecmp(semi, ";transport=tcp") &&
	    strcasecmp(semi, ";transport=tls"))
		return EINVAL;

	memcpy(text, str, len);
	text[len] = '\0';
	if (!split_port(&p, &len, &net.port))
		return EINVAL;
	if (p != text) /* in brackets */
		return read_net(&net, p, len) && !memchr(p, '/', len) ?
		       0 : EINVAL;

	return config_host_valid(p, len) ? 0 : EINVAL;
}
