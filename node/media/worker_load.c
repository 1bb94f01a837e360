/* SPDX-License-Identifier: MIT */
/*
 * What a worker's ticks cost, and what follows from that: figures for others,
 * what is left out in the next tick, and whether it keeps its priority.
 */

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <re.h>

#include "node/media/clock.h"
#include "node/media/worker.h"

enum {
	MEAN_TICKS = 50,
	OBJ_US = 10, /* a leg that is not in the mean yet: a guess */
};

/* As far as RLIMIT_RTPRIO lets us; without the right to it we run as we are. */
void worker_realtime(struct worker *w, bool on)
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

/* Moves by a part of the difference; never rests short of it by more than
 * that part. */
static uint32_t mean(uint32_t old, uint32_t now)
{
	return (uint32_t)((int32_t)old +
			  ((int32_t)now - (int32_t)old) / MEAN_TICKS);
}

/* The tick is over: figures for others, and what to leave out in the next. */
void worker_account(struct worker *w, uint64_t due_us, uint64_t begin_us,
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
				     MEDIA_TICK_MS * 1000, end_us);
	if (w->shed == level)
		return;

	stat_set(w->level, w->shed);
	if ((w->shed >= SHED_REALTIME) != (level >= SHED_REALTIME))
		worker_realtime(w, w->shed < SHED_REALTIME);
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
