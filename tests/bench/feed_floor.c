/* SPDX-License-Identifier: MIT */
/*
 * What no gateway can save: the same bytes to as many sockets.  Answers each
 * client's request by a 101 and an empty snapshot; once all are there, 50 times
 * a second, frames that are due are put where all are written from, to each
 * client as much as it takes; one that is behind gets more at a time.
 *
 *   feed-floor IP:PORT EVENTS_A_SECOND BYTES
 *
 * Prints a line when it listens; ends with its input.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include "tests/bench/load_end.h"

enum {
	TICK_US = 20000,
	CALM_US = 500000,    /* without a new client: all are there       */
	MAX = 20000,
	EVENTS = 256,
	RING = 1 << 25,      /* bytes that a client may be behind         */
	PIECE = 32 * 1024,   /* a write                                   */
};

struct client {
	int fd;
	bool full;           /* its socket                                */
	uint64_t at;         /* bytes of all that was written             */
};


static struct client clientv[MAX];
static unsigned clientc;
/* What an event of epoll is of. */
#define INPUT 0ull
#define LISTENER 1ull
#define STRANGERS 1000ull          /* and the socket                      */
#define FIRST 1000000000ull        /* and the client                      */

static uint64_t came_us; /* the last one of them */
static char ring[RING];
static uint64_t written; /* to the ring, in all */
static int ep;

static void answer(int fd)
{
	static const char text[] =
	    "HTTP/1.1 101 Switching Protocols\r\n\r\n\x81\x0f"
	    "{\"snapshot\":{}}";
	struct client *c = &clientv[clientc];
	struct epoll_event ev = {.events = EPOLLOUT | EPOLLET};
	char ask[2048];

	if (read(fd, ask, sizeof(ask)) > 0 && clientc < MAX - 1 &&
	    write(fd, text, sizeof(text) - 1) > 0) {
		*c = (struct client){.fd = fd, .at = written};
		ev.data.u64 = FIRST + clientc++;
		(void)epoll_ctl(ep, EPOLL_CTL_MOD, fd, &ev);
	}
	came_us = load_now_us();
}

static void put(const void *p, size_t len)
{
	size_t at = written % RING, n = RING - at < len ? RING - at : len;

	memcpy(ring + at, p, n);
	memcpy(ring, (const char *)p + n, len - n);
	written += len;
}

/* Frames of now. */
static void make(unsigned count, size_t bytes)
{
	static char frame[65536];
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	frame[0] = (char)0x81;
	frame[1] = 126;
	frame[2] = (char)(bytes >> 8);
	frame[3] = (char)bytes;
	memset(frame + 4, 'x', bytes);
	(void)snprintf(frame + 4, bytes, "{\"seq\":\"%lld%03ld-0\"",
		       (long long)ts.tv_sec, ts.tv_nsec / 1000000);
	for (unsigned i = 0; i < count; i++)
		put(frame, bytes + 4);
}

static void flush(struct client *c)
{
	while (!c->full && c->at < written) {
		const size_t at = c->at % RING;
		size_t len = (size_t)(written - c->at);
		ssize_t n;

		len = len < RING - at ? len : RING - at;
		len = len < PIECE ? len : PIECE;
		n = send(c->fd, ring + at, len, MSG_DONTWAIT | MSG_NOSIGNAL);
		c->full = n < (ssize_t)len;
		c->at += n > 0 ? (uint64_t)n : 0;
	}
}

static bool turn(int listener, int timeout_ms)
{
	struct epoll_event v[EVENTS];
	const int n = epoll_wait(ep, v, EVENTS, timeout_ms);

	for (int i = 0; i < n; i++) {
		struct epoll_event ev = {.events = EPOLLIN | EPOLLONESHOT};
		const uint64_t what = v[i].data.u64;

		if (what == INPUT)
			return false;
		if (what >= FIRST) {
			clientv[what - FIRST].full = false;
			flush(&clientv[what - FIRST]);
		}
		else if (what >= STRANGERS) {
			answer((int)(what - STRANGERS));
		}
		else {
			const int fd = accept(listener, NULL, NULL);

			ev.data.u64 = STRANGERS + (uint64_t)fd;
			if (fd >= 0)
				(void)epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev);
		}
	}

	return true;
}

int main(int argc, char **argv)
{
	const double rate = argc == 4 ? atof(argv[2]) : 0;
	const size_t bytes = argc == 4 ? (size_t)atoi(argv[3]) : 0;
	const struct rlimit files = {MAX + 64, MAX + 64};
	struct epoll_event ev = {.events = EPOLLIN};
	const int one = 1;
	struct sockaddr_in at;
	uint64_t next, elapsed_us;
	double due = 0;
	int fd;

	if (rate <= 0 || bytes < 64 || load_address(&at, argv[1])) {
		fprintf(stderr, "usage: feed-floor IP:PORT RATE BYTES\n");
		return 2;
	}
	(void)setrlimit(RLIMIT_NOFILE, &files);
	ep = epoll_create1(0);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (void *)&at, sizeof(at)) || listen(fd, 4096)) {
		perror("feed-floor");
		return 1;
	}
	ev.data.u64 = LISTENER;
	(void)epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev);
	ev.data.u64 = INPUT;
	(void)epoll_ctl(ep, EPOLL_CTL_ADD, STDIN_FILENO, &ev);
	printf("{}\n");
	fflush(stdout);

	next = load_now_us() + TICK_US;
	for (;;) {
		const uint64_t now = load_now_us();

		if (!turn(fd, next > now ? (int)((next - now) / 1000) : 0))
			break;
		if (load_now_us() < next)
			continue;
		elapsed_us = load_now_us() - next + TICK_US;
		next += elapsed_us;
		if (load_now_us() - came_us < CALM_US)
			continue;
		due += rate * (double)elapsed_us / 1e6;
		make((unsigned)due, bytes);
		for (unsigned i = 0; i < clientc; i++)
			flush(&clientv[i]);
		due -= (unsigned)due;
	}

	return 0;
}
