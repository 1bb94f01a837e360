/* SPDX-License-Identifier: MIT */
/*
 * See trace_hep.h.
 *
 *   "HEP3" length(2)  then chunks: vendor(2, 0: generic) type(2) length(2,
 *   of all of the chunk) value; big-endian.
 */

#include <netdb.h>
#include <string.h>
#include <unistd.h>
#include <netinet/in.h>
#include "router/trace_hep.h"

enum chunk {
	CHUNK_FAMILY = 1,
	CHUNK_PROTOCOL = 2,
	CHUNK_SOURCE4 = 3,
	CHUNK_TARGET4 = 4,
	CHUNK_SOURCE6 = 5,
	CHUNK_TARGET6 = 6,
	CHUNK_SOURCE_PORT = 7,
	CHUNK_TARGET_PORT = 8,
	CHUNK_SECONDS = 9,
	CHUNK_MICROSECONDS = 10,
	CHUNK_TYPE = 11,
	CHUNK_CAPTURE_ID = 12,
	CHUNK_PAYLOAD = 15,
	CHUNK_CORRELATION = 17,
};

enum { HEAD = 6, TYPE_SIP = 1 };

struct out {
	uint8_t *p;
	size_t n, size; /* n over size: it did not fit */
};

static void put(struct out *o, const void *p, size_t len)
{
	if (o->n + len <= o->size)
		memcpy(o->p + o->n, p, len);
	o->n += len;
}

static void put16(struct out *o, size_t v)
{
	const uint8_t b[2] = {(uint8_t)(v >> 8), (uint8_t)v};

	put(o, b, sizeof(b));
}

static void chunk(struct out *o, enum chunk type, const void *p, size_t len)
{
	put16(o, 0);
	put16(o, type);
	put16(o, HEAD + len);
	put(o, p, len);
}

static void number(struct out *o, enum chunk type, uint32_t v, size_t bytes)
{
	const uint8_t b[4] = {(uint8_t)(v >> 24), (uint8_t)(v >> 16),
			      (uint8_t)(v >> 8), (uint8_t)v};

	chunk(o, type, b + sizeof(b) - bytes, bytes);
}

static void address(struct out *o, const struct sa *sa, enum chunk v4,
		    enum chunk v6, enum chunk port)
{
	if (sa_af(sa) == AF_INET6)
		chunk(o, v6, &sa->u.in6.sin6_addr, 16);
	else
		chunk(o, v4, &sa->u.in.sin_addr, 4);
	number(o, port, sa_port(sa), 2);
}

size_t trace_hep_print(uint8_t *buf, size_t size, const struct trace_hep *m)
{
	struct out o = {buf, 0, MIN(size, (size_t)TRACE_HEP_MAX)};

	if (sa_af(m->source) != sa_af(m->target))
		return 0;

	put(&o, "HEP3", 4);
	put16(&o, 0);
	number(&o, CHUNK_FAMILY, sa_af(m->source) == AF_INET6 ? 10 : 2, 1);
	number(&o, CHUNK_PROTOCOL, m->tcp ? IPPROTO_TCP : IPPROTO_UDP, 1);
	address(&o, m->source, CHUNK_SOURCE4, CHUNK_SOURCE6, CHUNK_SOURCE_PORT);
	address(&o, m->target, CHUNK_TARGET4, CHUNK_TARGET6, CHUNK_TARGET_PORT);
	number(&o, CHUNK_SECONDS, (uint32_t)(m->at_us / 1000000), 4);
	number(&o, CHUNK_MICROSECONDS, (uint32_t)(m->at_us % 1000000), 4);
	number(&o, CHUNK_TYPE, TYPE_SIP, 1);
	number(&o, CHUNK_CAPTURE_ID,
	       m->capture_id ? m->capture_id : TRACE_HEP_CAPTURE_ID, 4);
	chunk(&o, CHUNK_CORRELATION, m->correlation, m->correlation_len);
	chunk(&o, CHUNK_PAYLOAD, m->text, m->len);
	if (o.n > o.size)
		return 0;
	buf[4] = (uint8_t)(o.n >> 8);
	buf[5] = (uint8_t)o.n;

	return o.n;
}

int trace_hep_open(const char *at)
{
	struct addrinfo hints = {.ai_socktype = SOCK_DGRAM}, *list = NULL;
	const char *colon = strrchr(at, ':');
	char host[256];
	int fd = -1;

	if (!colon)
		return -1;
	(void)re_snprintf(host, sizeof(host), "%b", at, (size_t)(colon - at));
	if (host[0] == '[' && strlen(host) > 1) {
		host[strlen(host) - 1] = '\0';
		memmove(host, host + 1, strlen(host));
	}
	if (getaddrinfo(host, colon + 1, &hints, &list))
		return -1;
	for (struct addrinfo *a = list; a && fd < 0; a = a->ai_next) {
		fd = socket(a->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		if (fd >= 0 && connect(fd, a->ai_addr, a->ai_addrlen)) {
			(void)close(fd);
			fd = -1;
		}
	}
	freeaddrinfo(list);

	return fd;
}
