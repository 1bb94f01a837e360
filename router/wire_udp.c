/* SPDX-License-Identifier: MIT */
/* UDP of one thread: batches in, batches out; see wire.h. */

#include <stdlib.h>
#include <string.h>
#include "router/wire_impl.h"

enum { TURNS = 8 }; /* full batches in a row before others have their turn */

static void send_run(struct wire *w, int fd, struct mmsghdr *mv, unsigned n)
{
	unsigned at = 0;

	while (at < n) {
		int sent = sendmmsg(fd, mv + at, n - at, MSG_DONTWAIT);

		if (sent > 0) {
			w->conf.stats->n[STAT_TX_UDP] += (unsigned)sent;
			at += (unsigned)sent;
		} else if (sent < 0 && errno == EINTR) {
			continue;
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
	if (n <= 0)
		return 0;

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

static void readable(int flags, void *arg)
{
	struct wire_sock *sock = arg;
	const int fd = sock->w->set->fdv[sock->w->conf.thread][sock->port];
	(void)flags;

	for (int i = 0; i < TURNS; i++) {
		if (batch(sock->w, fd, sock->port) < WIRE_BATCH)
			break;
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
		if (!w->set->portv[i].tcp)
			err = fd_listen(w->set->fdv[w->conf.thread][i],
					FD_READ, readable, &w->sockv[i]);
	}

	return err;
}

void wire_udp_stop(struct wire *w)
{
	for (size_t i = 0; i < w->set->portc; i++) {
		if (!w->set->portv[i].tcp)
			fd_close(w->set->fdv[w->conf.thread][i]);
	}
	free(w->rxbuf);
}
