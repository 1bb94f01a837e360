/* SPDX-License-Identifier: MIT */
/*
 * The peers; see media_bench.h.  One process serves all of them: a round
 * every 20 ms sends one packet each and takes what came.  A round that comes
 * late is counted, so a generator that cannot keep up shows in its own
 * figures.  It is made up for at once, as on a line that had stalled: a
 * peer's clock goes on.  What is later than that never was.
 */

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "node/media/packet.h"
#include "node/media/rtp.h"
#include "tests/bench/media_bench.h"

enum {
	ROUND_US = 20000,
	LATE_US = 10000,
	STALL_US = 200000,
	DRAIN = 4, /* packets of one recvmmsg() */
	RCVBUF_BYTES = 65536,
	HELLO = 25,         /* rounds in which everybody sends: a server may
			       want to hear from a peer before it sends */
};

#define inc(c)                                                                 \
	atomic_store_explicit(                                                 \
	    &(c), atomic_load_explicit(&(c), memory_order_relaxed) + 1,        \
	    memory_order_relaxed)

static uint64_t now_us(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);

	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

void peers_open(struct peers *p, size_t n, const char *host)
{
	const int size = RCVBUF_BYTES;
	size_t i;

	p->n = n;
	p->count = mmap(NULL, sizeof(*p->count), PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (p->count == MAP_FAILED)
		die("mmap", errno);

	for (i = 0; i < n; i++) {
		struct sa *sa = &p->addrv[i];

		(void)sa_set_str(sa, host, 0);
		p->fdv[i] = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
		if (p->fdv[i] < 0 || bind(p->fdv[i], &sa->u.sa, sa->len) ||
		    getsockname(p->fdv[i], &sa->u.sa, &sa->len))
			die("peer's socket", errno);
		(void)setsockopt(p->fdv[i], SOL_SOCKET, SO_RCVBUF, &size,
				 sizeof(size));
	}
}

void peers_close(struct peers *p)
{
	size_t i;

	for (i = 0; i < p->n; i++) {
		(void)close(p->fdv[i]);
		p->srtpv[i] = mem_deref(p->srtpv[i]);
	}

	(void)munmap(p->count, sizeof(*p->count));
	p->n = 0;
}

size_t peers_packet(const struct peers *p, size_t i, uint32_t n, uint8_t *buf)
{
	const struct script *s = p->script;
	size_t k = (n + i * 7) % SCRIPT, len = s->lenv[k];
	const uint8_t *data = s->datav[k];
	struct packet pkt = {
	    .pt = p->ptv[i],
	    .seq = (uint16_t)n,
	    .ts = n * (s->codec.clock_hz / 50),
	    .ssrc = (uint32_t)i + 1,
	};

	if (i >= p->talkers) {
		data = s->silence;
		len = s->silence_len;
	}

	rtp_print(&pkt);
	memcpy(buf, pkt.data, RTP_HDR_BYTES);
	memcpy(buf + RTP_HDR_BYTES, data, len);

	return RTP_HDR_BYTES + len;
}

static void peer_send(struct peers *p, size_t i, uint32_t n)
{
	uint8_t buf[RTP_HDR_BYTES + SCRIPT_BYTES + SRTP_CTX_GROW];
	size_t len;

	if (i >= p->talkers && !p->open_lines && n >= HELLO)
		return;

	len = peers_packet(p, i, n, buf);
	if (p->srtpv[i] &&
	    srtp_ctx_protect_rtp(p->srtpv[i], buf, &len, sizeof(buf)))
		die("srtp", EINVAL);

	if (sendto(p->fdv[i], buf, len, 0, &p->dstv[i].u.sa, p->dstv[i].len) ==
	    (ssize_t)len)
		inc(p->count->sent);
	else
		inc(p->count->send_errors);
}

/* What is in the packets does not matter here: only their number. */
static void peer_drain(struct peers *p, size_t i)
{
	static uint8_t buf[DRAIN][RTP_HDR_BYTES];
	struct mmsghdr msgv[DRAIN];
	struct iovec iovv[DRAIN];
	int k, n;

	do {
		memset(msgv, 0, sizeof(msgv));
		for (k = 0; k < DRAIN; k++) {
			iovv[k].iov_base = buf[k];
			iovv[k].iov_len = sizeof(buf[k]);
			msgv[k].msg_hdr.msg_iov = &iovv[k];
			msgv[k].msg_hdr.msg_iovlen = 1;
		}

		n = recvmmsg(p->fdv[i], msgv, DRAIN, 0, NULL);
		for (k = 0; k < n; k++)
			inc(p->count->received);

	} while (n == DRAIN);
}

static void round_do(struct peers *p, uint32_t n)
{
	bool quiet = atomic_load(&p->count->quiet);
	size_t i;

	for (i = 0; i < p->n; i++) {
		if (!quiet)
			peer_send(p, i, n);
		peer_drain(p, i);
	}
}

static void sleep_until(uint64_t us)
{
	const struct timespec ts = {
	    .tv_sec = (time_t)(us / 1000000),
	    .tv_nsec = (long)(us % 1000000 * 1000),
	};

	(void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
}

static bool input_ended(void)
{
	struct pollfd pfd = {.fd = STDIN_FILENO, .events = POLLIN};
	char buf[64];

	return poll(&pfd, 1, 0) > 0 && read(STDIN_FILENO, buf, 64) <= 0;
}

static void rounds(struct peers *p, bool input)
{
	uint64_t next_us = now_us();
	uint32_t n = 0;

	(void)prctl(PR_SET_TIMERSLACK, 1000UL, 0, 0, 0);

	while (!input || n % 5 || !input_ended()) {

		uint64_t late_us = now_us() - next_us;

		inc(p->count->rounds);
		if (late_us > LATE_US)
			inc(p->count->late_rounds);
		if (late_us > STALL_US)
			next_us += late_us / ROUND_US * ROUND_US;

		round_do(p, n++);
		next_us += ROUND_US;
		sleep_until(next_us);
	}
}

void peers_run(struct peers *p)
{
	rounds(p, true);
}

void peers_start(struct peers *p)
{
	size_t i;

	memset(p->count, 0, sizeof(*p->count));
	for (i = 0; p->keys.suite && i < p->n; i++) {
		if (srtp_ctx_alloc(&p->srtpv[i], &p->keys, true))
			die("srtp", ENOMEM);
	}

	p->pid = fork();
	if (p->pid < 0)
		die("fork", errno);
	if (p->pid)
		return;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	rounds(p, false);
}

void peers_quiet(struct peers *p)
{
	atomic_store(&p->count->quiet, true);
}

void peers_stop(struct peers *p)
{
	(void)kill(p->pid, SIGKILL);
	(void)waitpid(p->pid, NULL, 0);
	p->pid = 0;
}

uint64_t peers_dropped(const struct peers *p)
{
	uint32_t v[16];
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < p->n; i++) {
		socklen_t len = sizeof(v);

		/* SK_MEMINFO_DROPS is the ninth. */
		if (!getsockopt(p->fdv[i], SOL_SOCKET, SO_MEMINFO, v, &len) &&
		    len > 8 * sizeof(v[0]))
			sum += v[8];
	}

	return sum;
}
