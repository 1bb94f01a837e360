/* SPDX-License-Identifier: MIT */
#include <limits.h>
#include <linux/futex.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <re.h>

#include "node/media/clock.h"
#include "node/media/crew.h"
#include "node/media/worker.h"

enum {
	SPIN = 2000, /* looks, some 40 us: the next task comes soon */
	CACHE_LINE = 64,
};

/* What a worker has to do; one each. */
struct crew_task {
	/* RO while open */
	crew_h *h;
	void *arg;
	size_t chunk;
	uint8_t shed;                /* what the owner leaves out            */
	_Atomic size_t n;

	uint8_t pad1[CACHE_LINE];
	_Atomic size_t next; /* job to be taken                      */
	uint8_t pad2[CACHE_LINE];
	_Atomic uint32_t open;
	_Atomic uint32_t helpers; /* in it; a futex                       */
	_Atomic uint32_t waiting; /* the owner sleeps on helpers          */

	_Atomic(struct packet *) packets; /* on their way back to the owner  */
	_Atomic size_t notec; /* wanted; more than fit are lost       */
	struct note notev[CREW_NOTES];
};

struct crew {
	unsigned n;	/* RO */
	bool eager;	/* RO */
	uint8_t pad[CACHE_LINE];
	_Atomic uint32_t bell; /* a futex                              */
	struct crew_task taskv[];
};

static long futex(const _Atomic uint32_t *word, int op, uint32_t val,
		  const struct timespec *ts)
{
	return syscall(SYS_futex, word, op | FUTEX_PRIVATE_FLAG, val, ts, NULL,
		       FUTEX_BITSET_MATCH_ANY);
}

static void relax(void)
{
#ifdef __x86_64__
	__builtin_ia32_pause();
#endif
}

int crew_alloc(struct crew **cp, unsigned n)
{
	size_t size = sizeof(struct crew) + n * sizeof(struct crew_task);
	struct crew *c;

	if (!cp || !n || n > CREW_MAX)
		return EINVAL;

	c = mem_zalloc(size, NULL);
	if (!c)
		return ENOMEM;

	c->n = n;
	*cp = c;

	return 0;
}

void crew_eager(struct crew *c)
{
	c->eager = true;
}

bool crew_is_eager(const struct crew *c)
{
	return c->eager;
}

bool crew_any(const struct crew *c)
{
	return c && c->n > 1;
}

/* Take jobs until there are none, or it is late. */
static void take(struct crew_task *task, struct worker *w, uint64_t until_us)
{
	size_t n = atomic_load(&task->n), i, end;

	while (!until_us || clock_now_us() < until_us) {
		i = atomic_fetch_add(&task->next, task->chunk);
		if (i >= n)
			return;

		end = MIN(i + task->chunk, n);
		for (; i < end; i++)
			task->h(w, i, task->arg);
	}
}

/* --- the helper */

static void give_packet(struct crew_task *task, struct packet *pkt)
{
	struct packet *top = atomic_load(&task->packets);

	do
		pkt->next = top;
	while (!atomic_compare_exchange_weak(&task->packets, &top, pkt));
}

/* What came into its pool beyond what left it is the owner's. */
static void give_packets(struct crew_task *task, struct worker *w, size_t used)
{
	while ((ptrdiff_t)(used - w->pool.used) > 0)
		give_packet(task, pool_get(&w->pool));
}

static void leave(struct crew_task *task)
{
	if (atomic_fetch_sub(&task->helpers, 1) == 1 &&
	    atomic_load(&task->waiting))
		(void)futex(&task->helpers, FUTEX_WAKE, 1, NULL);
}

static bool help_task(struct crew *c, struct crew_task *task, struct worker *w,
		      uint64_t until_us)
{
	size_t used = w->pool.used;
	uint8_t shed = w->shed;
	bool open;

	if (!atomic_load(&task->open) ||
	    atomic_load(&task->next) >= atomic_load(&task->n))
		return false;

	/* From here on the owner waits for us, if it is still open. */
	atomic_fetch_add(&task->helpers, 1);
	open = atomic_load(&task->open);
	if (open) {
		w->shed = task->shed;
		w->helps = (unsigned)(task - c->taskv) + 1;
		take(task, w, until_us);
		worker_flush(w);
		w->helps = 0;
		w->shed = shed;
		give_packets(task, w, used);
	}
	leave(task);

	return open;
}

static bool help(struct crew *c, struct worker *w, uint64_t until_us)
{
	bool helped = false;
	unsigned i;

	for (i = 0; i < c->n; i++) {
		if (i != w->index)
			helped |= help_task(c, &c->taskv[i], w, until_us);
	}

	if (helped)
		stat_inc(w->helped);

	return helped;
}

void crew_note(struct crew *c, struct worker *w, const struct note *note)
{
	struct crew_task *task = &c->taskv[w->helps - 1];
	size_t i = atomic_fetch_add(&task->notec, 1);

	if (i < CREW_NOTES)
		task->notev[i] = *note;
	else
		stat_inc(w->events_dropped);
}

/* A large hub asks several times in a tick. */
static bool another_call(const struct crew *c, uint32_t bell)
{
	unsigned i;

	for (i = 0; i < SPIN; i++) {
		if (atomic_load(&c->bell) != bell)
			return true;
		relax();
	}

	return false;
}

void crew_sleep(struct crew *c, struct worker *w, uint64_t until_us)
{
	static const _Atomic uint32_t nobody;
	const _Atomic uint32_t *bell = c ? &c->bell : &nobody;
	const struct timespec ts = {
	    .tv_sec = (time_t)(until_us / 1000000),
	    .tv_nsec = (long)(until_us % 1000000 * 1000),
	};
	uint32_t rung;

	for (;;) {
		rung = atomic_load(bell);
		if (c && clock_now_us() + CREW_MARGIN_US < until_us &&
		    help(c, w, until_us - CREW_MARGIN_US) &&
		    another_call(c, rung))
			continue;

		if (clock_now_us() >= until_us)
			return;

		(void)futex(bell, FUTEX_WAIT_BITSET, rung, &ts);
	}
}

/* --- the owner */

static void ring(struct crew *c)
{
	atomic_fetch_add(&c->bell, 1);
	(void)futex(&c->bell, FUTEX_WAKE, INT_MAX, NULL);
}

/* A helper that does not run now may need this very processor. */
static void wait_for_helpers(struct crew_task *task)
{
	uint32_t n;
	unsigned i;

	for (i = 0; i < SPIN; i++) {
		if (!atomic_load(&task->helpers))
			return;
		relax();
	}

	atomic_store(&task->waiting, 1);
	while ((n = atomic_load(&task->helpers)))
		(void)futex(&task->helpers, FUTEX_WAIT, n, NULL);
	atomic_store(&task->waiting, 0);
}

static void take_back(struct crew_task *task, struct worker *w)
{
	struct packet *pkt = atomic_exchange(&task->packets, NULL), *next;
	size_t i, n = MIN(atomic_load(&task->notec), (size_t)CREW_NOTES);

	for (; pkt; pkt = next) {
		next = pkt->next;
		pool_put(&w->pool, pkt);
	}

	for (i = 0; i < n; i++)
		worker_note(w, &task->notev[i]);

	atomic_store(&task->notec, 0);
}

void crew_run(struct crew *c, struct worker *w, crew_h *h, void *arg, size_t n,
	      size_t chunk)
{
	struct crew_task *task;
	size_t i;

	if (!crew_any(c) || n <= chunk) {
		for (i = 0; i < n; i++)
			h(w, i, arg);
		return;
	}

	task = &c->taskv[w->index];
	task->h = h;
	task->arg = arg;
	task->chunk = chunk;
	task->shed = w->shed;
	atomic_store(&task->n, n);
	atomic_store(&task->next, 0);
	atomic_store(&task->open, 1);
	ring(c);

	take(task, w, 0);
	atomic_store(&task->open, 0);
	wait_for_helpers(task);
	take_back(task, w);
}
