/* SPDX-License-Identifier: MIT */
/*
 * Workers that help each other: one that has a large hub cuts its work into
 * jobs, and those that sleep until their own tick take some.
 *
 *   owner                                helpers
 *   crew_run(): opens its task, rings -> wake in crew_sleep()
 *   takes jobs                           take jobs
 *   closes, waits for the last one    <- leave, before their own tick is due
 *
 * A job is done by exactly one thread, and between crew_run()'s begin and
 * end nobody else touches what it touches; all that a job wrote is seen by
 * the owner afterwards.  A helper works with what is its own (its struct
 * worker: scratch, packets, batch of sending); packets that it took from the
 * owner's streams, and events of the owner's legs, go back with the task.
 *
 * No locks: tasks are taken by an atomic counter, and a helper that leaves
 * is the last thing that the owner waits for.
 */

#ifndef SY_NODE_MEDIA_CREW_H
#define SY_NODE_MEDIA_CREW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct crew;
struct note;
struct worker;

enum {
	CREW_MAX = 256,	      /* workers                                     */
	CREW_NOTES = 256,     /* events of one task; more are dropped        */
	CREW_MARGIN_US = 500, /* a helper takes no job so close to its tick  */
};

/**
 * One job.
 *
 * @param w    The worker that does it.
 * @param i    Its number.
 * @param arg  As given to crew_run().
 */
typedef void(crew_h)(struct worker *w, size_t i, void *arg);

/**
 * Allocate a crew.
 *
 * @param cp  Set on success; mem_deref() when all workers have ended.
 * @param n   Workers.
 *
 * @return 0, EINVAL or ENOMEM.
 */
int crew_alloc(struct crew **cp, unsigned n);

/** For tests: mixes of any size and cost are everybody's.  Before any job. */
void crew_eager(struct crew *c);
bool crew_is_eager(const struct crew *c);

/** Whether there is anybody who could help. */
bool crew_any(const struct crew *c);

/**
 * Do n jobs, with whoever has time.
 *
 * @param c      Crew; NULL: alone.
 * @param w      The worker whose work it is, and who calls.
 * @param chunk  Jobs that are taken at a time, some 100 us of work.
 */
void crew_run(struct crew *c, struct worker *w, crew_h *h, void *arg, size_t n,
	      size_t chunk);

/**
 * Sleep until a time on the monotonic clock, or help.
 *
 * @param c  Crew; NULL: only sleep.
 */
void crew_sleep(struct crew *c, struct worker *w, uint64_t until_us);

/** An event of a leg, told by a helper; the owner passes it on. */
void crew_note(struct crew *c, struct worker *w, const struct note *note);

#endif
