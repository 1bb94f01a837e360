/* SPDX-License-Identifier: MIT */
/*
 * UDP of one thread: batches in, batches out; see wire.h.
 *
 * Most of what a datagram costs is being woken for it.  So above BUSY_HZ
 * datagrams a second the thread does what a network card does with its
 * interrupts: it waits coalesce_us before it looks again, and finds several.
 * Below that rate no message ever waits.  What the guard drops unread is not
 * counted: a flood must not make others wait.
 */

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <linux/errqueue.h>
#include "router/wire_impl.h"

enum {
	TURNS = 8,        /* batches in a row before others have their turn */
	BUSY_HZ = 4000,   /* datagrams a second                             */
	BUSY_SPAN_US = 10000, /* over which they are counted                */
};

static bool is_unreachable(int err)
{
	return err == ECONNREFUSED || err == EHOSTUNREACH ||
	       err == ENETUNREACH || err == EHOSTDOWN;
}

/* What ICMP told of datagrams that we sent (IP_RECVERR): whom they were for. */
static void take_errors(struct wire *w, int fd)
{
	for (int i = 0; i < WIRE_BATCH; i++) {
		struct sockaddr_storage ss;
		char control[512];
		struct msghdr h = {.msg_name = &ss,
				   .msg_namelen = sizeof(ss),
				   .msg_control = control,
				   .msg_controllen = sizeof(control)};
		const struct sock_extended_err *ee;
		struct cmsghdr *c;
		struct sa peer;

		if (recvmsg(fd, &h, MSG_ERRQUEUE | MSG_DONTWAIT) < 0)
			break;
		c = CMSG_FIRSTHDR(&h);
		if (!c || sa_set_sa(&peer, (struct sockaddr *)&ss))
			continue;
		ee = (const void *)CMSG_DATA(c);
		if (is_unreachable((int)ee->ee_errno))
			wire_tell(w, WIRE_UDP, &peer, false);
	}
}

static void send_run(struct wire *w, int fd, struct mmsghdr *mv, unsigned n)
{
	unsigned at = 0;
	bool told = false;

	while (at < n) {
		int sent = sendmmsg(fd, mv + at, n - at, MSG_DONTWAIT);

		if (sent > 0) {
			w->conf.stats->n[STAT_TX_UDP] += (unsigned)sent;
			at += (unsigned)sent;
			told = false;
		} else if (sent < 0 && errno == EINTR) {
			continue;
		} else if (!told && is_unreachable(errno)) {
			/* of an earlier one, maybe: once more */
			told = true;
			take_errors(w, fd);
		} else {
			/* this one is lost (full, refused, unreachable):
			   the others are not */
			stat_inc(w->conf.stats, STAT_DROP_SEND);
			++at;
		}
	}
}

void wire_udp_flush(struct wire *w)
{
	struct mmsghdr mv[WIRE_TX];
	size_t start = 0;

	for (size_t i = 0; i < w->txc; i++) {
		struct wire_udp_tx *tx = &w->txv[i];
		struct msghdr *h = &mv[i].msg_hdr;

		memset(h, 0, sizeof(*h));
		h->msg_name = &tx->to.u;
		h->msg_namelen = tx->to.len;
		h->msg_iov = tx->iov;
		h->msg_iovlen = tx->n;
	}
	for (size_t i = 1; i <= w->txc; i++) {
		if (i < w->txc && w->txv[i].fd == w->txv[start].fd)
			continue;
		send_run(w, w->txv[start].fd, mv + start,
			 (unsigned)(i - start));
		start = i;
	}
	w->txc = 0;
}

static void rx_prepare(struct wire *w)
{
	for (size_t i = 0; i < WIRE_BATCH; i++) {
		struct msghdr *h = &w->rxv[i].msg_hdr;

		w->rxiov[i].iov_base = w->rxbuf + i * WIRE_DATAGRAM;
		w->rxiov[i].iov_len = WIRE_DATAGRAM;
		memset(h, 0, sizeof(*h));
		h->msg_name = &w->rxsa[i];
		h->msg_namelen = sizeof(w->rxsa[i]);
		h->msg_iov = &w->rxiov[i];
		h->msg_iovlen = 1;
	}
}

static int batch(struct wire *w, int fd, size_t port)
{
	struct flow from;
	int n;

	for (size_t i = 0; i < WIRE_BATCH; i++)
		w->rxv[i].msg_hdr.msg_namelen = sizeof(w->rxsa[i]);
	n = recvmmsg(fd, w->rxv, WIRE_BATCH, MSG_DONTWAIT, NULL);
	if (n <= 0) {
		if (errno != EAGAIN && errno != EINTR)
			take_errors(w, fd);
		return 0;
	}

	memset(&from, 0, sizeof(from));
	from.router = w->set->instance;
	from.listener = (uint8_t)port;
	w->conf.stats->n[STAT_RX_UDP] += (unsigned)n;
	for (int i = 0; i < n; i++) {
		if (sa_set_sa(&from.peer, (struct sockaddr *)&w->rxsa[i]))
			continue;
		wire_begin(w);
		w->conf.recvh(&from, WIRE_WHOLE, w->rxiov[i].iov_base,
			      w->rxv[i].msg_len, w->conf.arg);
	}
	wire_flush(w);

	return n;
}

static uint64_t now_us(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);

	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

/* What the guard has dropped unread so far. */
static uint64_t unread(const struct wire *w)
{
	const uint64_t *n = w->conf.stats->n;

	return n[STAT_GUARD_DENIED] + n[STAT_GUARD_BANNED] +
	       n[STAT_GUARD_RATE];
}

/* Count n datagrams; are there so many that waiting pays? */
static bool is_busy(struct wire *w, unsigned n)
{
	const uint64_t now = now_us(), span = now - w->span_us;

	w->spann += n;
	if (span >= BUSY_SPAN_US) {
		w->busy = w->spann * 1000000ULL > span * BUSY_HZ;
		w->span_us = now;
		w->spann = 0;
	}

	return w->busy;
}

static void readable(int flags, void *arg)
{
	struct wire_sock *sock = arg;
	struct wire *w = sock->w;
	const int fd = w->set->fdv[w->conf.thread][sock->port];
	const struct timespec pause = {
		.tv_nsec = w->conf.coalesce_us * 1000L};

	if (flags & FD_EXCEPT)
		take_errors(w, fd);

	for (int i = 0; i < TURNS; i++) {
		const uint64_t before = unread(w);
		const int n = batch(w, fd, sock->port);
		const uint64_t dropped = unread(w) - before;

		if (n == WIRE_BATCH)
			continue;
		if (!n || !is_busy(w, (unsigned)n - (unsigned)dropped) ||
		    !w->conf.coalesce_us)
			break;
		(void)nanosleep(&pause, NULL);
	}
}

int wire_udp_start(struct wire *w)
{
	int err = 0;

	w->rxbuf = malloc((size_t)WIRE_BATCH * WIRE_DATAGRAM);
	if (!w->rxbuf)
		return ENOMEM;
	rx_prepare(w);

	for (size_t i = 0; i < w->set->portc && !err; i++) {
		if (w->set->portv[i].kind == WIRE_UDP)
			err = fd_listen(w->set->fdv[w->conf.thread][i],
					FD_READ, readable, &w->sockv[i]);
	}

	return err;
}

void wire_udp_stop(struct wire *w)
{
	for (size_t i = 0; i < w->set->portc; i++) {
		if (w->set->portv[i].kind == WIRE_UDP)
			fd_close(w->set->fdv[w->conf.thread][i]);
	}
	free(w->rxbuf);
}
