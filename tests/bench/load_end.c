/* SPDX-License-Identifier: MIT */
/* See load_end.h. */

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include "tests/bench/load_end.h"

uint64_t load_now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

int load_address(struct sockaddr_in *addr, const char *str)
{
	const char *colon = strrchr(str, ':');
	char host[INET_ADDRSTRLEN];

	if (!colon || (size_t)(colon - str) >= sizeof(host))
		return EINVAL;
	memcpy(host, str, (size_t)(colon - str));
	host[colon - str] = '\0';
	memset(addr, 0, sizeof(*addr));
	addr->sin_family = AF_INET;
	addr->sin_port = htons((uint16_t)atoi(colon + 1));

	return addr->sin_port && inet_pton(AF_INET, host, &addr->sin_addr) == 1
		       ? 0
		       : EINVAL;
}

void end_flush(struct end *e)
{
	struct mmsghdr mm[LOAD_BATCH];
	struct iovec iov[LOAD_BATCH];
	unsigned i, done = 0;

	for (i = 0; i < e->count; i++) {
		iov[i] = (struct iovec){e->buf[i], e->len[i]};
		mm[i] = (struct mmsghdr){.msg_hdr = {
			.msg_name = &e->proxy,
			.msg_namelen = sizeof(e->proxy),
			.msg_iov = &iov[i],
			.msg_iovlen = 1,
		}};
	}

	while (done < e->count) {
		int n = sendmmsg(e->fd, mm + done, e->count - done, 0);

		if (n < 0 && errno != EAGAIN && errno != EINTR)
			break;
		done += n > 0 ? (unsigned)n : 0;
	}
	e->count = 0;
}

char *end_next(struct end *e)
{
	if (e->count == LOAD_BATCH)
		end_flush(e);

	return e->buf[e->count];
}

void end_put(struct end *e, int len)
{
	if (len > 0 && len < LOAD_MSG_MAX)
		e->len[e->count++] = (size_t)len;
}

int end_open(struct end *e, const struct sockaddr_in *proxy)
{
	socklen_t len = sizeof(e->addr);
	int size = 8 << 20;

	e->proxy = *proxy;
	e->fd = socket(AF_INET, SOCK_DGRAM, 0);
	e->addr.sin_family = AF_INET;
	e->addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (e->fd < 0 || bind(e->fd, (void *)&e->addr, sizeof(e->addr)) ||
	    getsockname(e->fd, (void *)&e->addr, &len))
		return errno;
	(void)setsockopt(e->fd, SOL_SOCKET, SO_RCVBUFFORCE, &size,
			 sizeof(size));

	return 0;
}

void end_recv(struct end *e, end_recv_h *h, void *arg)
{
	static char buf[LOAD_BATCH][LOAD_MSG_MAX];
	struct mmsghdr mm[LOAD_BATCH];
	struct iovec iov[LOAD_BATCH];
	int i, n;

	do {
		for (i = 0; i < LOAD_BATCH; i++) {
			iov[i] = (struct iovec){buf[i], LOAD_MSG_MAX - 1};
			mm[i] = (struct mmsghdr){.msg_hdr = {
				.msg_iov = &iov[i], .msg_iovlen = 1}};
		}
		n = recvmmsg(e->fd, mm, LOAD_BATCH, MSG_DONTWAIT, NULL);
		for (i = 0; i < n; i++) {
			buf[i][mm[i].msg_len] = '\0';
			h(buf[i], arg);
		}
		end_flush(e);
	} while (n == LOAD_BATCH);
}

const char *load_header(const char *msg, const char *name, size_t *len)
{
	size_t n = strlen(name);
	const char *p = msg;

	while ((p = strstr(p, "\r\n")) && p[2] != '\r') {
		const char *end;

		p += 2;
		if (strncasecmp(p, name, n) || p[n] != ':')
			continue;
		p += n + 1;
		p += strspn(p, " ");
		end = strstr(p, "\r\n");
		*len = end ? (size_t)(end - p) : 0;
		return p;
	}

	return NULL;
}

int load_by_value(const void *a, const void *b)
{
	const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}
