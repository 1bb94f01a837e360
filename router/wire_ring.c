/* SPDX-License-Identifier: MIT */
/*
 * Rings between the threads of a router, one for each ordered pair: one
 * writer, one reader, bytes in a circle, no lock.  An eventfd wakes the
 * reader.  Needed only when a message of one thread has to do with a TCP
 * connection of another.
 */

#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/eventfd.h>
#include "router/wire_impl.h"

enum { RING_BYTES = 1 << 19 };

struct wire_ring {
	_Alignas(64) _Atomic uint32_t head; /* the writer writes           */
	_Alignas(64) _Atomic uint32_t tail; /* the reader writes           */
	char *buf;                          /* RING_BYTES                  */
};

struct entry {
	uint32_t len;  /* of the bytes that follow */
	enum wire_ring_type type;
	struct flow flow;
};

int wire_ring_open(struct wire_set *set)
{
	const size_t n = (size_t)set->threads * set->threads;

	for (unsigned i = 0; i < set->threads; i++)
		set->wakev[i] = -1;
	if (set->threads < 2)
		return 0;

	set->ringv = aligned_alloc(64, n * sizeof(*set->ringv));
	if (!set->ringv)
		return ENOMEM;
	memset(set->ringv, 0, n * sizeof(*set->ringv));
	for (size_t i = 0; i < n; i++) {
		set->ringv[i].buf = malloc(RING_BYTES);
		if (!set->ringv[i].buf)
			return ENOMEM;
	}
	for (unsigned i = 0; i < set->threads; i++) {
		set->wakev[i] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
		if (set->wakev[i] < 0)
			return errno;
	}

	return 0;
}

void wire_ring_close(struct wire_set *set)
{
	const size_t n = (size_t)set->threads * set->threads;

	if (!set->ringv)
		return;
	for (size_t i = 0; i < n; i++)
		free(set->ringv[i].buf);
	for (unsigned i = 0; i < set->threads; i++) {
		if (set->wakev[i] >= 0)
			(void)close(set->wakev[i]);
	}
	free(set->ringv);
	set->ringv = NULL;
}

static void copy_in(struct wire_ring *r, uint32_t at, const void *p, size_t n)
{
	const uint32_t off = at & (RING_BYTES - 1);
	const size_t first = n < RING_BYTES - off ? n : RING_BYTES - off;

	memcpy(r->buf + off, p, first);
	memcpy(r->buf, (const char *)p + first, n - first);
}

static void copy_out(const struct wire_ring *r, uint32_t at, void *p, size_t n)
{
	const uint32_t off = at & (RING_BYTES - 1);
	const size_t first = n < RING_BYTES - off ? n : RING_BYTES - off;

	memcpy(p, r->buf + off, first);
	memcpy((char *)p + first, r->buf, n - first);
}

int wire_ring_put(struct wire *w, unsigned thread, enum wire_ring_type type,
		  const struct flow *f, const struct iovec *iov, size_t n)
{
	const uint64_t one = 1;
	struct wire_ring *r;
	struct entry e = {.type = type, .flow = *f};
	uint32_t head, at;

	if (thread >= w->set->threads || thread == w->conf.thread)
		return ENOTCONN;
	r = &w->set->ringv[thread * w->set->threads + w->conf.thread];
	for (size_t i = 0; i < n; i++)
		e.len += (uint32_t)iov[i].iov_len;

	head = atomic_load_explicit(&r->head, memory_order_relaxed);
	if (e.len > WIRE_DATAGRAM ||
	    head - atomic_load_explicit(&r->tail, memory_order_acquire) +
			    sizeof(e) + e.len >
		    RING_BYTES)
		return ENOBUFS;

	copy_in(r, head, &e, sizeof(e));
	at = head + (uint32_t)sizeof(e);
	for (size_t i = 0; i < n; i++) {
		copy_in(r, at, iov[i].iov_base, iov[i].iov_len);
		at += (uint32_t)iov[i].iov_len;
	}
	atomic_store_explicit(&r->head, at, memory_order_release);
	stat_inc(w->conf.stats, STAT_RING);
	if (write(w->set->wakev[thread], &one, sizeof(one)) < 0)
		return 0; /* its counter is full: it is awake already */

	return 0;
}

static void take(struct wire *w, struct wire_ring *r, uint32_t tail)
{
	struct iovec iov;
	struct entry e;

	copy_out(r, tail, &e, sizeof(e));
	copy_out(r, tail + (uint32_t)sizeof(e), w->ringbuf, e.len);
	atomic_store_explicit(&r->tail, tail + (uint32_t)sizeof(e) + e.len,
			      memory_order_release);

	wire_begin(w);
	if (e.type == WIRE_RING_REACHED || e.type == WIRE_RING_LOST) {
		w->conf.reachh(e.flow.listener, &e.flow.peer,
			       e.type == WIRE_RING_REACHED, w->conf.arg);
	} else if (e.type == WIRE_RING_RECEIVED) {
		w->conf.recvh(&e.flow, WIRE_WHOLE, w->ringbuf, e.len,
			      w->conf.arg);
	} else {
		iov.iov_base = w->ringbuf;
		iov.iov_len = e.len;
		if (wire_tcp_send(w, &e.flow, &iov, 1))
			stat_inc(w->conf.stats, STAT_DROP_FLOW);
	}
	wire_flush(w); /* before ringbuf is used again */
}

static void wake_all(struct wire_set *set)
{
	const uint64_t one = 1;

	for (unsigned i = 1; i < set->threads; i++) {
		if (write(set->wakev[i], &one, sizeof(one)) < 0)
			continue; /* its counter is full: it is awake */
	}
}

void wire_leave(struct wire *w)
{
	w->set->leaving = true;
	wake_all(w->set);
	wire_tcp_leave(w);
}

void wire_stop(struct wire_set *set)
{
	set->stopping = true;
	wake_all(set);
}

static void wake(int flags, void *arg)
{
	struct wire *w = arg;
	const unsigned threads = w->set->threads;
	uint64_t n;
	(void)flags;

	if (read(w->set->wakev[w->conf.thread], &n, sizeof(n)) < 0)
		return;
	if (w->set->stopping) {
		re_cancel();
		return;
	}
	if (w->set->leaving)
		wire_tcp_leave(w);
	for (unsigned i = 0; i < threads; i++) {
		struct wire_ring *r =
			&w->set->ringv[w->conf.thread * threads + i];
		uint32_t tail = atomic_load_explicit(&r->tail,
						     memory_order_relaxed);

		while (tail != atomic_load_explicit(&r->head,
						    memory_order_acquire)) {
			take(w, r, tail);
			tail = atomic_load_explicit(&r->tail,
						    memory_order_relaxed);
		}
	}
}

int wire_ring_start(struct wire *w)
{
	if (w->set->threads < 2)
		return 0;
	w->ringbuf = malloc(WIRE_DATAGRAM);
	if (!w->ringbuf)
		return ENOMEM;

	return fd_listen(w->set->wakev[w->conf.thread], FD_READ, wake, w);
}

void wire_ring_stop(struct wire *w)
{
	if (w->ringbuf)
		fd_close(w->set->wakev[w->conf.thread]);
	free(w->ringbuf);
}
