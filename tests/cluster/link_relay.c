/* SPDX-License-Identifier: MIT */
/*
 * A bad line between two network interfaces: what netem does, where the
 * kernel has no netem, and the same each time.
 *
 *   link-relay IF1 IF2 [--loss PERCENT] [--delay MS] [--jitter MS]
 *              [--ports MIN-MAX] [--seed N]
 *
 * Every Ethernet frame of one interface leaves by the other.  UDP to or from
 * one of the ports may get lost and is late by delay +- jitter, each packet
 * for itself, so that packets overtake each other; all else passes at once.
 * The fate of the n-th packet of a direction follows from the seed alone.
 * Prints its counts when it is ended by SIGTERM.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	FRAME_MAX = 2048,
	WAITING_MAX = 4096,
	ETH_HDR = 14,
	IP_UDP = 17,
};

struct frame {
	uint64_t due_us;
	size_t len;
	uint8_t data[FRAME_MAX];
};

struct side {
	int fd;
	uint64_t rnd;   /* of packets that come in here */
	struct frame *waitv[WAITING_MAX]; /* to leave by the other side */
	size_t waitc;
	unsigned long passed, lost, media;
};

static struct {
	double loss;
	unsigned delay_us, jitter_us;
	unsigned port_min, port_max;
} opt = {.port_min = 20000, .port_max = 29999};

static volatile sig_atomic_t ended;

static void end_handler(int sig)
{
	(void)sig;
	ended = 1;
}

static uint64_t now_us(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);

	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

/* 0 to 1; splitmix64. */
static double random_next(uint64_t *state)
{
	uint64_t z = (*state += 0x9e3779b97f4a7c15u);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	z ^= z >> 31;

	return (double)(z >> 11) / (double)(1ull << 53);
}

static int side_open(struct side *s, const char *name)
{
	struct sockaddr_ll sa = {.sll_family = AF_PACKET,
				 .sll_protocol = htons(ETH_P_ALL)};
	struct packet_mreq mr = {.mr_type = PACKET_MR_PROMISC};
	const int on = 1;

	sa.sll_ifindex = mr.mr_ifindex = (int)if_nametoindex(name);
	s->fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK, htons(ETH_P_ALL));
	if (!sa.sll_ifindex || s->fd < 0 ||
	    bind(s->fd, (struct sockaddr *)&sa, sizeof(sa)) ||
	    setsockopt(s->fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &mr,
		       sizeof(mr)) ||
	    setsockopt(s->fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on,
		       sizeof(on))) {
		fprintf(stderr, "link-relay: %s: %s\n", name,
			strerror(errno ? errno : ENODEV));
		return 1;
	}

	return 0;
}

static bool port_ours(const uint8_t *p)
{
	const unsigned port = (unsigned)p[0] << 8 | p[1];

	return port >= opt.port_min && port <= opt.port_max;
}

/* The UDP header of an IPv4 packet that is not a later fragment, or NULL. */
static uint8_t *udp_find(struct frame *f)
{
	uint8_t *ip = f->data + ETH_HDR;
	size_t hdr;

	if (f->len < ETH_HDR + 28 || f->data[12] != 8 || f->data[13] != 0 ||
	    ip[9] != IP_UDP || (ip[6] & 0x1f) || ip[7])
		return NULL;

	hdr = (ip[0] & 15) * 4u;

	return f->len < ETH_HDR + hdr + 8 ? NULL : ip + hdr;
}

static void frame_send(struct side *to, struct frame *f)
{
	(void)send(to->fd, f->data, f->len, 0);
	free(f);
}

static void frame_wait(struct side *s, struct frame *f)
{
	if (s->waitc == WAITING_MAX) {
		free(f);
		return;
	}

	s->waitv[s->waitc++] = f;
}

static void frame_handle(struct side *s, struct side *other, struct frame *f)
{
	uint8_t *udp = udp_find(f);
	double fate, late;

	/* Between virtual interfaces nobody has computed the checksum; 0 is
	 * none (RFC 768). */
	if (udp)
		udp[6] = udp[7] = 0;

	if (!udp || !(port_ours(udp) || port_ours(udp + 2))) {
		++s->passed;
		frame_send(other, f);
		return;
	}

	++s->media;
	fate = random_next(&s->rnd);
	late = 2 * random_next(&s->rnd) - 1;
	if (fate < opt.loss) {
		++s->lost;
		free(f);
		return;
	}

	f->due_us = now_us() +
		    (uint64_t)(opt.delay_us + late * opt.jitter_us);
	frame_wait(s, f);
}

static void side_read(struct side *s, struct side *other)
{
	for (;;) {
		struct frame *f = malloc(sizeof(*f));
		ssize_t n = f ? recv(s->fd, f->data, FRAME_MAX, 0) : -1;

		if (n <= 0) {
			free(f);
			return;
		}

		f->len = (size_t)n;
		frame_handle(s, other, f);
	}
}

/* Send what is due; returns when the next is [us], at most a second. */
static uint64_t side_flush(struct side *s, struct side *other, uint64_t now)
{
	uint64_t next = now + 1000000;
	size_t i = 0;

	while (i < s->waitc) {
		struct frame *f = s->waitv[i];

		if (f->due_us > now) {
			next = f->due_us < next ? f->due_us : next;
			++i;
			continue;
		}

		s->waitv[i] = s->waitv[--s->waitc];
		frame_send(other, f);
	}

	return next;
}

static void relay(struct side *a, struct side *b)
{
	struct pollfd fds[2] = {{.fd = a->fd, .events = POLLIN},
				{.fd = b->fd, .events = POLLIN}};

	while (!ended) {
		uint64_t now = now_us(), next_a, next_b, next;
		struct timespec ts;

		next_a = side_flush(a, b, now);
		next_b = side_flush(b, a, now);
		next = (next_a < next_b ? next_a : next_b) - now;
		ts = (struct timespec){(time_t)(next / 1000000),
				       (long)(next % 1000000 * 1000)};

		if (ppoll(fds, 2, &ts, NULL) > 0) {
			side_read(a, b);
			side_read(b, a);
		}
	}
}

static int options(int argc, char *argv[], uint64_t *seed)
{
	int i;

	for (i = 3; i + 1 < argc; i += 2) {
		const char *name = argv[i], *text = argv[i + 1];

		if (!strcmp(name, "--loss"))
			opt.loss = atof(text) / 100;
		else if (!strcmp(name, "--delay"))
			opt.delay_us = (unsigned)(atof(text) * 1000);
		else if (!strcmp(name, "--jitter"))
			opt.jitter_us = (unsigned)(atof(text) * 1000);
		else if (!strcmp(name, "--seed"))
			*seed = strtoull(text, NULL, 10);
		else if (strcmp(name, "--ports") ||
			 sscanf(text, "%u-%u", &opt.port_min,
				&opt.port_max) != 2)
			break;
	}

	if (argc < 3 || i != argc || opt.jitter_us > opt.delay_us) {
		fprintf(stderr, "usage: link-relay IF1 IF2 [--loss PERCENT] "
				"[--delay MS] [--jitter MS, not over delay] "
				"[--ports MIN-MAX] [--seed N]\n");
		return 2;
	}

	return 0;
}

int main(int argc, char *argv[])
{
	static struct side a, b;
	const struct sigaction sa = {.sa_handler = end_handler};
	uint64_t seed = 1;
	int err = options(argc, argv, &seed);

	if (err)
		return err;
	if (side_open(&a, argv[1]) || side_open(&b, argv[2]))
		return 1;

	(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
	(void)prctl(PR_SET_TIMERSLACK, 1000UL, 0, 0, 0);
	(void)sigaction(SIGTERM, &sa, NULL);
	a.rnd = seed;
	b.rnd = ~seed;
	printf("{\"event\":\"ready\"}\n");
	(void)fflush(stdout);
	relay(&a, &b);
	printf("{\"media\":[%lu,%lu],\"lost\":[%lu,%lu],\"other\":[%lu,%lu]}\n",
	       a.media, b.media, a.lost, b.lost, a.passed, b.passed);

	return 0;
}
