/* SPDX-License-Identifier: MIT */
/*
 * WebSocket clients that watch all events, and how late they hear of them: the
 * time that the stream gave an event is in its id.
 *
 *   feed-load IP:PORT CLIENTS TOKEN [deflate]
 *
 * deflate: all but every fiftieth take their messages compressed (RFC 7692).
 * These are counted; how late they come is told by the others, for thousands
 * that decompress would be what is measured.
 *
 * Prints {"open":N} when all have their snapshot; for each line of its input
 * what was heard since the last one: {"events","bytes","p50","p99","max" [ms],
 * "closed"}.  Ends with its input.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
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
	SOURCES = 64,
	BUFFER = 1 << 18,
	STASH = 48,          /* of a frame: its head and `{"seq":"123`    */
	LAGS = 20000,        /* [ms] that are told apart                  */
	EVENTS = 256,
	PLAIN_EACH = 50,
	TEXT = 0x81,
	TEXT_PACKED = 0xc1,
};

struct client {
	int fd;
	bool open, ready;    /* the 101 came; its snapshot did            */
	size_t skip;         /* bytes of a frame that are of no interest  */
	size_t have;
	char stash[STASH];
};

static struct {
	uint64_t events, packed, bytes, lagv[LAGS];
	unsigned ready, closed;
} seen;

static char buffer[BUFFER];

static uint64_t wall_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);

	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* ------------------------------------------------------------------ a client */

/* A client's frame; the text is short. The mask is zeroes. */
static size_t put_text(char *p, const char *text)
{
	const size_t n = strlen(text);

	p[0] = (char)0x81;
	p[1] = (char)(0x80 | n);
	memset(p + 2, 0, 4);
	memcpy(p + 6, text, n);

	return 6 + n;
}

static int client_open(struct client *c, const struct sockaddr_in *to,
		       unsigned i, const char *token, bool deflate)
{
	struct sockaddr_in from = {.sin_family = AF_INET};
	char ask[1024];
	size_t n;

	c->fd = socket(AF_INET, SOCK_STREAM, 0);
	from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + i % SOURCES);
	if (c->fd < 0 || bind(c->fd, (void *)&from, sizeof(from)) ||
	    connect(c->fd, (const void *)to, sizeof(*to)))
		return errno;

	n = (size_t)snprintf(ask, sizeof(ask),
			     "GET /ws HTTP/1.1\r\nHost: x\r\n"
			     "Connection: Upgrade\r\nUpgrade: websocket\r\n"
			     "Sec-WebSocket-Version: 13\r\n"
			     "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
			     "Authorization: Bearer %s\r\n%s\r\n", token,
			     deflate && i % PLAIN_EACH ?
			     "Sec-WebSocket-Extensions: permessage-deflate\r\n"
			     : "");
	n += put_text(ask + n, "{\"subscribe\":{\"topics\":[\"events\"]}}");
	if (write(c->fd, ask, n) != (ssize_t)n)
		return EIO;

	return fcntl(c->fd, F_SETFL, O_NONBLOCK) ? errno : 0;
}

static void heard(struct client *c, const char *text, size_t len)
{
	static const char seq[] = "{\"seq\":\"", snap[] = "{\"snapshot\"";
	uint64_t ms, now;

	if (len >= sizeof(snap) - 1 && !memcmp(text, snap, sizeof(snap) - 1)) {
		seen.ready += !c->ready;
		c->ready = true;
	}
	if (len < sizeof(seq) + 12 || memcmp(text, seq, sizeof(seq) - 1))
		return;
	ms = strtoull(text + sizeof(seq) - 1, NULL, 10);
	now = wall_ms();
	seen.events++;
	seen.lagv[now < ms ? 0 : now - ms < LAGS ? now - ms : LAGS - 1]++;
}

/* A frame's head and the beginning of its text: as much as is needed of the
 * bytes. @return bytes taken of a frame's begin; 0: more are needed. */
static size_t frame_begin(struct client *c, const char *p, size_t len)
{
	const uint8_t *b = (const uint8_t *)p;
	size_t head = 2, n, part;

	if (len < 4)
		return 0;
	n = b[1] & 0x7f;
	if (n == 126) {
		head = 4;
		n = (size_t)(b[2] << 8 | b[3]);
	}
	else if (n == 127) {
		if (len < 10)
			return 0;
		head = 10;
		n = 0;
		for (int i = 0; i < 8; i++)
			n = n << 8 | b[2 + i];
	}
	part = n < STASH - 10 ? n : STASH - 10;
	if (len < head + part)
		return 0;
	if (b[0] == TEXT)
		heard(c, p + head, part);
	seen.packed += b[0] == TEXT_PACKED;
	c->skip = n - part;

	return head + part;
}

static void take(struct client *c, const char *p, size_t len)
{
	if (!c->open) {
		const char *end = memmem(p, len, "\r\n\r\n", 4);

		if (!end || strncmp(p, "HTTP/1.1 101", 12))
			return;
		c->open = true;
		len -= (size_t)(end + 4 - p);
		p = end + 4;
	}
	while (len) {
		size_t n = c->skip < len ? c->skip : len;

		c->skip -= n;
		p += n;
		len -= n;
		if (!len)
			break;
		if (c->have) {
			size_t had = c->have;

			n = STASH - had < len ? STASH - had : len;
			memcpy(c->stash + had, p, n);
			n = frame_begin(c, c->stash, had + n);
			if (!n) {
				c->have += STASH - had < len ? STASH - had
							     : len;
				break;
			}
			c->have = 0;
			p += n - had;
			len -= n - had;
			continue;
		}
		n = frame_begin(c, p, len);
		if (!n) {
			memcpy(c->stash, p, len);
			c->have = len;
			break;
		}
		p += n;
		len -= n;
	}
}

static void readable(struct client *c)
{
	const ssize_t n = recv(c->fd, buffer, sizeof(buffer), 0);

	if (n > 0) {
		seen.bytes += (uint64_t)n;
		take(c, buffer, (size_t)n);
	}
	else if (n == 0 || errno != EAGAIN) {
		seen.closed++;
		close(c->fd);
		c->fd = -1;
	}
}

/* ---------------------------------------------------------------------- all */

static unsigned quantile(double q)
{
	uint64_t want = (uint64_t)((double)seen.events * q), sum = 0;
	unsigned i;

	for (i = 0; i < LAGS - 1; i++) {
		sum += seen.lagv[i];
		if (sum > want)
			break;
	}

	return i;
}

static unsigned last(void)
{
	unsigned i = LAGS - 1;

	while (i && !seen.lagv[i])
		i--;

	return i;
}

static void tell(void)
{
	printf("{\"events\":%llu,\"bytes\":%llu,\"p50\":%u,\"p99\":%u,"
	       "\"max\":%u,\"closed\":%u}\n",
	       (unsigned long long)(seen.events + seen.packed),
	       (unsigned long long)seen.bytes,
	       quantile(.5), quantile(.99), last(), seen.closed);
	fflush(stdout);
	memset(seen.lagv, 0, sizeof(seen.lagv));
	seen.events = seen.packed = seen.bytes = 0;
}

/* @return false: the input has ended. */
static bool turn(int ep, int timeout_ms)
{
	struct epoll_event v[EVENTS];
	const int n = epoll_wait(ep, v, EVENTS, timeout_ms);
	char line[64];

	for (int i = 0; i < n; i++) {
		if (v[i].data.ptr) {
			readable(v[i].data.ptr);
			continue;
		}
		if (read(STDIN_FILENO, line, sizeof(line)) <= 0)
			return false;
		tell();
	}

	return true;
}

static void watch(int ep, int fd, void *ptr)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.ptr = ptr};

	(void)epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev);
}

int main(int argc, char **argv)
{
	const bool deflate = argc == 5 && !strcmp(argv[4], "deflate");
	const unsigned count = argc == 4 + deflate ? (unsigned)atoi(argv[2])
						   : 0;
	struct client *v = calloc(count + 1, sizeof(*v));
	const struct rlimit files = {count + 64, count + 64};
	const int ep = epoll_create1(0);
	struct sockaddr_in to;
	uint64_t until;
	bool on = true;

	if (!count || !v || load_address(&to, argv[1])) {
		fprintf(stderr, "usage: feed-load IP:PORT CLIENTS TOKEN "
			"[deflate]\n");
		return 2;
	}
	(void)setrlimit(RLIMIT_NOFILE, &files);
	for (unsigned i = 0; i < count; i++) {
		int err = client_open(&v[i], &to, i, argv[3],
				      deflate);

		if (err) {
			fprintf(stderr, "feed-load: client %u: %s\n", i,
				strerror(err));
			return 1;
		}
		watch(ep, v[i].fd, &v[i]);
		(void)turn(ep, 0);
	}
	until = load_now_us() + 60000000;
	while (seen.ready < count && load_now_us() < until)
		(void)turn(ep, 100);
	printf("{\"open\":%u}\n", seen.ready);
	fflush(stdout);
	watch(ep, STDIN_FILENO, NULL);
	while (on)
		on = turn(ep, -1);

	return 0;
}
