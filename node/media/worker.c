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

#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>
#include <re.h>
#ifdef __SSE__
#include <xmmintrin.h>
#endif

#include "node/media/cut.h"
#include "node/media/meter.h"
#include "node/media/mix.h"
#include "node/media/voice.h"
#include "node/media/worker.h"

enum {
	TICK_US = MEDIA_TICK_MS * 1000,
	FTZ_DAZ = 0x8040, /* MXCSR: denormals are zero */
	COMPLEXITY_SHED = 0,
	MEAN_TICKS = 50,
	OBJ_US = 10, /* a leg that is not in the mean yet: a guess */
};

static uint64_t clock_us(clockid_t id)
{
	struct timespec ts;

	(void)clock_gettime(id, &ts);

	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

/* There is always room: commands are taken only while there is. */
static void give_back(struct worker *w, void *obj)
{
	struct note note = {.type = NOTE_FREE, .obj = obj};

	if (!obj)
		return;

	(void)ring_put(w->notes, &note);
	w->noted = true;
}

void worker_note(struct worker *w, const struct note *note)
{
	if (ring_space(w->notes) <= WORKER_EVENTS_KEEP) {
		stat_inc(w->events_dropped);
		return;
	}

	(void)ring_put(w->notes, note);
	w->noted = true;
}

/* An event must be read before its leg is freed: both by the owner's ring. */
void leg_event(struct leg *leg, struct worker *w, const struct media_event *ev)
{
	const struct note note = {.type = NOTE_EVENT, .ev = *ev, .obj = leg};

	if (w->helps)
		crew_note(w->crew, w, &note);
	else
		worker_note(w, &note);
}

static void leg_del(struct worker *w, struct leg *leg)
{
	list_unlink(&leg->le);
	meter_leave(leg->bus, leg);
	--leg->bus->legc;
	watch_del(&w->watch, leg);
	--w->objs;
	if (leg->ops->stop)
		leg->ops->stop(leg, w);

	give_back(w, leg);
}

static void frames_set(struct worker *w, struct frames *frames)
{
	give_back(w, w->frames);
	w->frames = frames;
}

void mixbus_wake(struct mixbus *bus, struct worker *w)
{
	/* It stays marked, so that its next pass knows that it slept. */
	if (bus->idle && bus->le.list == &w->idlel) {
		list_unlink(&bus->le);
		list_append(&w->busl, &bus->le, bus);
	}
}

static void leg_add(struct worker *w, struct leg *leg, const struct tick *t)
{
	list_append(&leg->bus->legl, &leg->le, leg);
	++leg->bus->legc;
	watch_add(&w->watch, leg, t->now_us);
	mixbus_wake(leg->bus, w);
	++w->objs;
}

static void command(struct worker *w, const struct cmd *cmd,
		    const struct tick *t)
{
	struct mixbus *bus = cmd->obj;
	struct leg *leg = cmd->obj;

	switch (cmd->type) {

	case CMD_MIX_ADD:
		list_append(&w->busl, &bus->le, bus);
		++w->objs;
		break;

	case CMD_MIX_DEL:
		list_unlink(&bus->le);
		--w->objs;
		give_back(w, bus);
		break;

	case CMD_LEG_ADD:
		leg_add(w, leg, t);
		break;

	case CMD_LEG_DEL:
		leg_del(w, leg);
		break;

	case CMD_LEG_MUTE:
		leg->mute_in = cmd->a;
		leg->mute_out = cmd->b;
		mixbus_wake(leg->bus, w);
		break;

	case CMD_LEG_VOICE:
		voice_take(cmd->ptr, leg->voice);
		give_back(w, leg->voice);
		leg->voice = cmd->ptr;
		mixbus_wake(leg->bus, w);
		break;

	case CMD_MIX_WATCH:
		meter_set(bus, cmd->a);
		mixbus_wake(bus, w);
		break;

	case CMD_LEG_SET:
	case CMD_LEG_DTMF:
		give_back(w, leg->ops->cmd(leg, cmd));
		mixbus_wake(leg->bus, w);
		break;

	case CMD_POOL:
		pool_add(&w->pool, cmd->ptr);
		break;

	case CMD_FRAMES:
		frames_set(w, cmd->ptr);
		break;
	}
}

/* A command gives back one object at most. */
static void commands(struct worker *w, const struct tick *t)
{
	struct cmd cmd;

	while (ring_space(w->notes) > 1 && ring_get(w->cmds, &cmd))
		command(w, &cmd, t);

	if (atomic_load_explicit(&w->full, memory_order_relaxed)) {
		atomic_store_explicit(&w->full, false, memory_order_relaxed);
		w->noted = true;
	}
}

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

static void wake_signalling(struct worker *w)
{
	const uint64_t one = 1;

	if (!w->noted)
		return;

	/* Fails only when it is awake anyhow. */
	if (write(w->event_fd, &one, sizeof(one)) > 0)
		w->noted = false;
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
	commands(w, t);
	watch_read(&w->watch, t);
	mixes(w, t);
	worker_flush(w);
	wake_signalling(w);
}

/* As far as RLIMIT_RTPRIO lets us; without the right to it we run as we are. */
static void realtime(struct worker *w, bool on)
{
	struct sched_param sp = {.sched_priority = w->rt_priority};
	struct rlimit lim;

	if (w->rt_priority <= 0)
		return;

	if (!on) {
		sp.sched_priority = 0;
		(void)pthread_setschedparam(pthread_self(), SCHED_OTHER, &sp);
		stat_set(w->realtime, 0);
		return;
	}

	if (pthread_setschedparam(pthread_self(), SCHED_FIFO, &sp) &&
	    !getrlimit(RLIMIT_RTPRIO, &lim) && lim.rlim_cur > 0)
		sp.sched_priority =
			(int)MIN(lim.rlim_cur, (rlim_t)w->rt_priority);

	if (!pthread_setschedparam(pthread_self(), SCHED_FIFO, &sp))
		stat_set(w->realtime, (int8_t)sp.sched_priority);
}

static void prepare(struct worker *w)
{
	char name[16];

	(void)re_snprintf(name, sizeof(name), "media %u", w->index);
	(void)pthread_setname_np(pthread_self(), name);
	(void)prctl(PR_SET_TIMERSLACK, 1000UL, 0, 0, 0);
	realtime(w, true);

#ifdef __SSE__
	_mm_setcsr(_mm_getcsr() | FTZ_DAZ);
#endif
}

/* Moves by a part of the difference; never rests short of it by more than
 * that part. */
static uint32_t mean(uint32_t old, uint32_t now)
{
	return (uint32_t)((int32_t)old +
			  ((int32_t)now - (int32_t)old) / MEAN_TICKS);
}

/* The tick is over: figures for others, and what to leave out in the next. */
static void account(struct worker *w, uint64_t due_us, uint64_t begin_us,
		    uint64_t cpu_begin_us)
{
	uint64_t end_us = clock_us(CLOCK_MONOTONIC), n = stat_get(w->ticks);
	uint64_t cpu_us = clock_us(CLOCK_THREAD_CPUTIME_ID);
	uint32_t work_us = (uint32_t)(end_us - begin_us);
	uint8_t level = w->shed;

	stat_set(w->work_us[n % WORKER_WINDOW], work_us);
	stat_set(w->wake_us[n % WORKER_WINDOW], (uint32_t)(begin_us - due_us));
	stat_set(w->mean_us, mean(stat_get(w->mean_us), work_us));
	stat_set(w->mean_objs, mean(stat_get(w->mean_objs), w->objs * 16));
	stat_set(w->cpu_us, cpu_us);
	stat_set(w->ticks, n + 1);

	if (w->never_shed)
		return;

	w->shed = (uint8_t)shed_feed(&w->shed_state, work_us,
				     (uint32_t)(cpu_us - cpu_begin_us),
				     TICK_US, end_us);
	if (w->shed == level)
		return;

	stat_set(w->level, w->shed);
	if ((w->shed >= SHED_REALTIME) != (level >= SHED_REALTIME))
		realtime(w, w->shed < SHED_REALTIME);
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
		account(w, next_us, begin_us, cpu_us);
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

static int cmp(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static uint32_t p99(const struct worker *w, const _Atomic uint32_t *windowv)
{
	uint32_t v[WORKER_WINDOW];
	size_t i, n = MIN(stat_get(w->ticks), (uint64_t)WORKER_WINDOW);

	for (i = 0; i < n; i++)
		v[i] = stat_get(windowv[i]);

	qsort(v, n, sizeof(v[0]), cmp);

	return n ? v[(n * 99 + 99) / 100 - 1] : 0;
}

uint32_t worker_p99_us(const struct worker *w)
{
	return p99(w, w->work_us);
}

uint32_t worker_wake_p99_us(const struct worker *w)
{
	return p99(w, w->wake_us);
}

uint32_t worker_load_us(const struct worker *w)
{
	uint32_t shown = stat_get(w->mean_objs) / 16;
	uint32_t objs = w->mixes + w->legs;

	return stat_get(w->mean_us) + (objs > shown ? objs - shown : 0) * OBJ_US;
}
