/* SPDX-License-Identifier: MIT */
/*
 * The tick.  A pass: commands, then read all sockets, then all mixes, then
 * send all packets.  The kernel's code and ours so take turns a few times a
 * tick and not a few times a leg, which the instruction cache rewards.
 *
 * The deadlines are multiples of 20 ms from the start.  Who wakes late does
 * its pass at once; deadlines that went by meanwhile are skipped and counted,
 * never made up for: their time is gone for the listeners, too.
 */

#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <re.h>
#ifdef __SSE__
#include <xmmintrin.h>
#endif

#include "node/media/clock.h"
#include "node/media/cut.h"
#include "node/media/mix.h"
#include "node/media/worker.h"

enum {
	TICK_US = MEDIA_TICK_MS * 1000,
	FTZ_DAZ = 0x8040, /* MXCSR: denormals are zero */
	COMPLEXITY_SHED = 0,
};

void worker_send(struct worker *w, struct leg *leg, int fd,
		 const struct sa *dst, struct packet *pkt)
{
	struct txent *tx;

	if (w->txc == WORKER_TX)
		worker_flush(w);

	tx = &w->txv[w->txc++];
	tx->leg = leg;
	tx->fd = fd;
	tx->dst = dst;
	tx->pkt = pkt;
}

void worker_flush(struct worker *w)
{
	size_t i;

	for (i = 0; i < w->txc; i++) {
		struct txent *tx = &w->txv[i];
		ssize_t n = sendto(tx->fd, tx->pkt->data, tx->pkt->len, 0,
				   &tx->dst->u.sa, tx->dst->len);

		if (n == tx->pkt->len)
			stat_inc(tx->leg->stat.tx_packets);
		else
			stat_inc(tx->leg->stat.tx_errors);

		pool_put(&w->pool, tx->pkt);
	}

	w->txc = 0;
}

size_t worker_encode(struct worker *w, const struct codec *c, uint8_t *buf,
		     size_t size, const struct cut_piece *piece)
{
	if (c->ops->complexity)
		c->ops->complexity(c->st, w->shed >= SHED_COMPLEXITY
						  ? COMPLEXITY_SHED
						  : -1);

	if (piece->silent && c->ops->silence)
		return c->ops->silence(c->st, buf, size, piece->n);

	stat_inc(w->encodes);

	return c->ops->encode(c->st, buf, size, piece->pcm, piece->n);
}

static void mixes(struct worker *w, const struct tick *t)
{
	struct le *le, *next;

	for (le = list_head(&w->busl); le; le = next) {
		struct mixbus *bus = le->data;

		next = le->next;
		stat_inc(w->passes);
		if (mixbus_run(bus, t))
			continue;

		bus->idle = true;
		list_unlink(&bus->le);
		list_append(&w->idlel, &bus->le, bus);
	}
}

static void pass(struct worker *w, const struct tick *t)
{
	worker_commands(w, t);
	watch_read(&w->watch, t);
	mixes(w, t);
	worker_flush(w);
	worker_wake_signalling(w);
}

static void prepare(struct worker *w)
{
	char name[16];

	(void)re_snprintf(name, sizeof(name), "media %u", w->index);
	(void)pthread_setname_np(pthread_self(), name);
	(void)prctl(PR_SET_TIMERSLACK, 1000UL, 0, 0, 0);
	worker_realtime(w, true);

#ifdef __SSE__
	_mm_setcsr(_mm_getcsr() | FTZ_DAZ);
#endif
}

static void *worker_thread(void *arg)
{
	struct worker *w = arg;
	struct tick t = {.w = w, .steps = 1};
	uint64_t next_us, begin_us, cpu_us;

	prepare(w);
	next_us = clock_us(CLOCK_MONOTONIC) + TICK_US +
		  (uint64_t)TICK_US * w->index / w->count;

	while (!atomic_load_explicit(&w->stop, memory_order_acquire)) {

		crew_sleep(w->crew, w, next_us);
		begin_us = clock_us(CLOCK_MONOTONIC);
		cpu_us = clock_us(CLOCK_THREAD_CPUTIME_ID);
		t.steps = 1 + (uint32_t)((begin_us - next_us) / TICK_US);
		t.now_us = next_us + (t.steps - 1) * TICK_US;
		t.realtime_us = (int64_t)(clock_us(CLOCK_REALTIME) - begin_us);

		if (t.steps > 1 || begin_us - next_us > WORKER_LATE_US)
			stat_set(w->late_ticks,
				 stat_get(w->late_ticks) + MAX(t.steps - 1, 1u));

		pass(w, &t);
		worker_account(w, next_us, begin_us, cpu_us);
		next_us = t.now_us + TICK_US;
	}

	return NULL;
}

/* Point the message of a slot to its packet. */
static void rx_init(struct rxbatch *rx, struct pool *pool)
{
	size_t i;

	for (i = 0; i < WORKER_RX; i++) {
		struct msghdr *hdr = &rx->msgv[i].msg_hdr;

		rx->pktv[i] = pool_get(pool);
		rx->iovv[i].iov_base = rx->pktv[i]->data;
		rx->iovv[i].iov_len = PACKET_BYTES;
		hdr->msg_iov = &rx->iovv[i];
		hdr->msg_iovlen = 1;
		hdr->msg_name = &rx->srcv[i];
		hdr->msg_namelen = sizeof(rx->srcv[i]);
		hdr->msg_control = rx->ctlv[i];
		hdr->msg_controllen = sizeof(rx->ctlv[i]);
	}
}

static void destructor(void *arg)
{
	struct worker *w = arg;
	struct pool_chunk *chunk;

	mem_deref(w->cmds);
	mem_deref(w->notes);
	mem_deref(w->frames);
	watch_close(&w->watch);

	while ((chunk = w->pool.chunks)) {
		w->pool.chunks = chunk->next;
		mem_deref(chunk);
	}
}

int worker_alloc(struct worker **wp, unsigned index, unsigned count,
		 int event_fd, int rt_priority)
{
	struct pool_chunk *chunk;
	struct worker *w;
	int err;

	w = mem_zalloc(sizeof(*w), destructor);
	if (!w)
		return ENOMEM;

	w->index = index;
	w->count = count;
	w->event_fd = event_fd;
	w->rt_priority = rt_priority;
	w->watch.epfd = -1;

	chunk = pool_chunk_alloc(WORKER_RX + WORKER_TX);
	if (!chunk) {
		err = ENOMEM;
		goto out;
	}

	pool_add(&w->pool, chunk);
	rx_init(&w->rx, &w->pool);

	err = watch_init(&w->watch);
	if (err)
		goto out;

	err = ring_alloc(&w->cmds, sizeof(struct cmd), WORKER_CMDS);
	err |= ring_alloc(&w->notes, sizeof(struct note), WORKER_EVENTS);

out:
	if (err)
		mem_deref(w);
	else
		*wp = w;

	return err;
}

int worker_start(struct worker *w)
{
	sigset_t all, old;
	int err;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);
	err = pthread_create(&w->thread, NULL, worker_thread, w);
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);

	w->running = !err;

	return err;
}

void worker_stop(struct worker *w)
{
	if (!w || !w->running)
		return;

	atomic_store_explicit(&w->stop, true, memory_order_release);
	(void)pthread_join(w->thread, NULL);
	w->running = false;
}
