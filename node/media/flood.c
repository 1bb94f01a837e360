/* SPDX-License-Identifier: MIT */
#include <stddef.h>
#include <string.h>
#include <linux/filter.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <sys/socket.h>

#include "node/media/flood.h"

enum {
	ALL = 0xffff, /* bytes of the packet that pass */
	CODE_MAX = 32,
	SRC_PORT = 0, /* of the UDP header, where the packet begins */
	UDP_HDR_BYTES = 8,
	STUN_FIRST_MAX = 3,
};

/* A program in the making; jumps over what follows are counted on. */
struct code {
	struct sock_filter v[CODE_MAX];
	unsigned short n;
};

static void add(struct code *c, uint16_t op, uint8_t jt, uint8_t jf, uint32_t k)
{
	c->v[c->n++] = (struct sock_filter){op, jt, jf, k};
}

static uint32_t word(const struct source_addr *a, unsigned i)
{
	uint32_t v;

	memcpy(&v, (const uint8_t *)a->ip + 4 * (size_t)i, 4);

	return ntohl(v);
}

/* Pass what is from this host (and port, if port): else go on behind it. */
static void add_pass(struct code *c, const struct source_addr *a, bool v6,
		     bool port)
{
	const uint32_t off = v6 ? offsetof(struct ip6_hdr, ip6_src)
				: offsetof(struct iphdr, saddr);
	const unsigned words = v6 ? 4 : 1;
	uint8_t left = (uint8_t)(2 * words + (port ? 2 : 0) + 1);
	unsigned i;

	for (i = 0; i < words; i++) {
		add(c, BPF_LD | BPF_W | BPF_ABS, 0, 0,
		    (uint32_t)SKF_NET_OFF + off + 4 * i);
		left -= 2;
		add(c, BPF_JMP | BPF_JEQ | BPF_K, 0, left, word(a, v6 ? i : 3));
	}

	if (port) {
		add(c, BPF_LD | BPF_H | BPF_ABS, 0, 0, SRC_PORT);
		add(c, BPF_JMP | BPF_JEQ | BPF_K, 0, 1, ntohs(a->port));
	}

	add(c, BPF_RET | BPF_K, 0, 0, ALL);
}

/* Pass STUN (RFC 7983): a peer's new address proves itself by it. */
static void add_stun(struct code *c)
{
	add(c, BPF_LD | BPF_B | BPF_ABS, 0, 0, UDP_HDR_BYTES);
	add(c, BPF_JMP | BPF_JGT | BPF_K, 1, 0, STUN_FIRST_MAX);
	add(c, BPF_RET | BPF_K, 0, 0, ALL);
}

static bool is_v4(const struct source_addr *a)
{
	return !a->ip[0] && word(a, 2) == 0xffff;
}

/* A socket of the other family would show the other header. */
static bool is_plain(int fd, bool v6)
{
	int af = 0;
	socklen_t len = sizeof(af);

	return !getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &af, &len) &&
	       af == (v6 ? AF_INET6 : AF_INET);
}

static uint32_t drops(int fd)
{
	uint32_t v[SK_MEMINFO_VARS] = {0};
	socklen_t len = sizeof(v);

	if (getsockopt(fd, SOL_SOCKET, SO_MEMINFO, v, &len))
		return 0;

	return v[SK_MEMINFO_DROPS];
}

/* From the lock; and, as long as that was learned only, from who was
 * signalled: it may still come. */
static bool attach(int fd, const struct source *s, bool aside)
{
	const bool v6 = !is_v4(&s->lock);
	struct code c = {.n = 0};
	struct sock_fprog prog;

	if (!is_plain(fd, v6))
		return false;

	if (aside)
		add_stun(&c);
	add_pass(&c, &s->lock, v6, true);
	if (s->rank != SOURCE_EXACT && s->known && v6 != is_v4(&s->signalled))
		add_pass(&c, &s->signalled, v6, false);
	add(&c, BPF_RET | BPF_K, 0, 0, 0);

	prog.len = c.n;
	prog.filter = c.v;

	return !setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog,
			   sizeof(prog));
}

static void count(struct flood *f, int fd, struct source *s)
{
	const uint32_t n = drops(fd);

	s->foreign += n - f->drops;
	f->drops = n;
}

static void begin(struct flood *f, int fd, struct source *s, uint64_t now_us)
{
	f->drops = drops(fd);
	f->on = attach(fd, s, f->aside);
	f->failed = !f->on;
	f->ask_us = now_us + FLOOD_COUNT_US;
}

void flood_tick(struct flood *f, int fd, struct source *s, uint64_t now_us)
{
	const bool many = f->seen > FLOOD_MANY;

	f->seen = 0;
	if (f->on) {
		if (now_us < f->ask_us)
			return;
		count(f, fd, s);
		f->ask_us = now_us + FLOOD_COUNT_US;
	} else if (many && !f->failed && s->rank != SOURCE_NONE) {
		begin(f, fd, s, now_us);
	}
}

void flood_open(struct flood *f, int fd, struct source *s)
{
	const int none = 0;

	if (!f->on)
		return;

	count(f, fd, s);
	(void)setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &none, sizeof(none));
	f->on = false;
}
