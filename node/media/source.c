/* SPDX-License-Identifier: MIT */
#include <string.h>
#include <re.h>

#include "node/media/source.h"

enum {
	SEQ_GAP = 10,	   /* lost in a steady run                          */
	FASTEST_US = 5000, /* a packet each: no voice is faster ...         */
	BURST_US = 50000,  /* ... but for what the network held up          */
	STALE_US = 100000, /* who paused so long gives its place away ... */
	STALE_ONE_US = 45000, /* ... who sent one packet only, so long       */
};

/* What a rank has to show.  The span counts first to last packet. */
static const struct {
	uint32_t run;
	uint64_t span_us;
} proofv[] = {
    [SOURCE_OTHER] = {5, 60000},
    [SOURCE_HOST] = {3, 20000},
    [SOURCE_EXACT] = {3, 20000},
};

static struct source_addr addr_of(const struct sockaddr *sa)
{
	struct source_addr a = {.ip = {0, 0}};
	uint8_t ip[16] = {0};

	if (sa->sa_family == AF_INET) {
		const struct sockaddr_in *in = (const void *)sa;

		ip[10] = ip[11] = 0xff;
		memcpy(ip + 12, &in->sin_addr, 4);
		a.port = in->sin_port;
	} else if (sa->sa_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const void *)sa;

		memcpy(ip, &in6->sin6_addr, 16);
		a.port = in6->sin6_port;
	}

	memcpy(a.ip, ip, sizeof(ip));

	return a;
}

static bool same_host(const struct source_addr *a, const struct source_addr *b)
{
	return a->ip[0] == b->ip[0] && a->ip[1] == b->ip[1];
}

static bool same(const struct source_addr *a, const struct source_addr *b)
{
	return same_host(a, b) && a->port == b->port;
}

static enum source_rank rank_of(const struct source *s,
				const struct source_addr *a)
{
	if (!s->known || !same_host(a, &s->signalled))
		return SOURCE_OTHER;

	return a->port == s->signalled.port ? SOURCE_EXACT : SOURCE_HOST;
}

static bool is_private(const struct source_addr *a)
{
	uint8_t ip[16];

	memcpy(ip, a->ip, sizeof(ip));
	if (!IN6_IS_ADDR_V4MAPPED((const struct in6_addr *)(const void *)ip))
		return ip[0] >> 1 == 0xfc >> 1 ||	     /* fc00::/7  */
		       (ip[0] == 0xfe && ip[1] >> 6 == 2) || /* fe80::/10 */
		       (!a->ip[0] && ip[15] == 1);	     /* ::1       */

	return ip[12] == 10 || ip[12] == 127 ||
	       (ip[12] == 172 && ip[13] >> 4 == 1) ||
	       (ip[12] == 192 && ip[13] == 168) ||
	       (ip[12] == 169 && ip[13] == 254) ||
	       (ip[12] == 100 && ip[13] >> 6 == 1); /* RFC 6598  */
}

/* The end of a search: what was dropped meanwhile was not the peer's, but
 * for its own share. */
static void settle(struct source *s, uint32_t own)
{
	s->foreign += s->waiting - own;
	s->waiting = 0;
	memset(s->tryv, 0, sizeof(s->tryv));
}

static void lock(struct source *s, const struct source_addr *a,
		 enum source_rank rank, uint32_t own)
{
	s->lock = *a;
	s->rank = rank;
	s->open = false;
	settle(s, own);
}

bool source_signal(struct source *s, const struct sa *raddr, bool relearn,
		   uint64_t now_us)
{
	bool changed = relearn;

	if (sa_isset(raddr, SA_ALL)) {
		struct source_addr a = addr_of(&raddr->u.sa);

		changed |= !s->known || !same(&a, &s->signalled);
		s->signalled = a;
		s->known = true;
	}

	if (s->rank && !changed)
		return true;

	settle(s, 0);
	s->rank = SOURCE_NONE;
	s->open = true;
	s->until_us = now_us + SOURCE_LEARN_US;

	return false;
}

enum source_is source_look(struct source *s, const struct sockaddr *src,
			   uint64_t now_us)
{
	struct source_addr a = addr_of(src);
	enum source_rank rank;

	if (s->rank && same(&a, &s->lock))
		return SOURCE_PEER;

	if (s->open && now_us > s->until_us) {
		s->open = false;
		settle(s, 0);
	}

	rank = rank_of(s, &a);
	if (rank > s->rank && (rank > SOURCE_OTHER || s->open))
		return SOURCE_MAYBE;

	++s->foreign;

	return SOURCE_FOREIGN;
}

static uint64_t stale_us(const struct source_try *t)
{
	return t->run > 1 ? STALE_US : STALE_ONE_US;
}

/* Its place, or one that it may have: of somebody less likely, or of one who
 * has paused.  A flood from many addresses so keeps nobody out for long. */
static struct source_try *find(struct source *s, const struct source_addr *a,
			       enum source_rank rank, uint64_t now_us)
{
	struct source_try *worst = &s->tryv[0];
	size_t i;

	for (i = 0; i < SOURCE_TRIES; i++) {
		struct source_try *t = &s->tryv[i];

		if (t->rank && same(&t->addr, a))
			return t;

		if (t->rank < worst->rank ||
		    (t->rank == worst->rank &&
		     t->last_us + stale_us(t) <
			 worst->last_us + stale_us(worst)))
			worst = t;
	}

	if (worst->rank >= rank && now_us - worst->last_us < stale_us(worst))
		return NULL;

	memset(worst, 0, sizeof(*worst));
	worst->addr = *a;
	worst->rank = rank;

	return worst;
}

static void run_start(struct source_try *t, uint32_t ssrc, uint16_t seq,
		      uint64_t now_us)
{
	t->ssrc = ssrc;
	t->seq = seq;
	t->run = 1;
	t->first_us = now_us;
}

static bool too_fast(const struct source_try *t, uint64_t now_us)
{
	return t->run * (uint64_t)FASTEST_US > now_us - t->first_us + BURST_US;
}

/* True: it has proved steady. */
static bool run_on(struct source_try *t, uint32_t ssrc, uint16_t seq,
		   uint64_t now_us)
{
	int16_t d = (int16_t)(seq - t->seq);

	t->last_us = now_us;

	/* Reordered or doubled by the network: no proof, no disproof. */
	if (t->run && ssrc == t->ssrc && d <= 0 && d >= -SEQ_GAP)
		return false;

	if (!t->run || ssrc != t->ssrc || d <= 0 || d > SEQ_GAP) {
		run_start(t, ssrc, seq, now_us);
		return false;
	}

	t->seq = seq;
	++t->run;
	if (too_fast(t, now_us)) {
		run_start(t, ssrc, seq, now_us);
		return false;
	}

	return t->run >= proofv[t->rank].run &&
	       now_us - t->first_us >= proofv[t->rank].span_us;
}

/* While it is open whose leg this is, a packet is not called foreign yet. */
static void count(struct source *s, struct source_try *t)
{
	if (!s->open) {
		++s->foreign;
		return;
	}

	++s->waiting;
	if (t)
		++t->waiting;
}

bool source_learn(struct source *s, const struct sockaddr *src, uint32_t ssrc,
		  uint16_t seq, uint64_t now_us)
{
	struct source_addr a = addr_of(src);
	enum source_rank rank = rank_of(s, &a);
	struct source_try *t;

	/* Nobody is there to be pushed out. */
	if (rank == SOURCE_EXACT && !s->rank) {
		lock(s, &a, rank, 0);
		return true;
	}

	t = find(s, &a, rank, now_us);
	if (!t || !run_on(t, ssrc, seq, now_us)) {
		count(s, t);
		return false;
	}

	lock(s, &a, rank, t->waiting);

	return true;
}

bool source_latches(const struct source *s)
{
	return s->rank == SOURCE_HOST ||
	       (s->rank == SOURCE_OTHER &&
		(!s->known || is_private(&s->signalled)));
}

bool source_is_host(const struct source *s, const struct sockaddr *src)
{
	struct source_addr a = addr_of(src);

	if (s->rank != SOURCE_NONE)
		return same_host(&a, &s->lock);

	return s->known && same_host(&a, &s->signalled);
}
