/* SPDX-License-Identifier: MIT */
/*
 * A pass of a mix: what each leg gives, their sum, and what each hears.  It
 * is the worker's, and in a large mix its helpers'.
 */

#include <re.h>

#include "node/media/clock.h"
#include "node/media/level.h"
#include "node/media/meter.h"
#include "node/media/mix.h"
#include "node/media/voice.h"
#include "node/media/worker.h"

enum {
	SUM,       /* the frame that is no leg's */
	FIRST_LEG,
	ALIGN = 64,

	CREW_LEGS = 24,      /* a smaller mix is not worth looking at        */
	CREW_ON_US = 2000,   /* a pass that long is shared with others       */
	CREW_OFF_US = 700,   /* and not any more when it takes so long       */
	CHUNK_GET = 4,       /* legs that are taken at a time                */
	CHUNK_OWN = 1,
	CHUNK_SHARED = 16,
	SHARED_MAX = 16,     /* groups of a mix, to be told apart            */
};

/* -70 dBFS, the smallest step of A-law with some margin: who sends that is
 * silent, though not for its codec.  It then costs no sum, and shares what
 * it hears with all others that are silent. */
static const float silence_power = 1e-7f;

struct frames *frames_alloc(size_t cap)
{
	struct frames *f;
	uintptr_t p;

	f = mem_alloc(sizeof(*f) + cap * sizeof(*f->talkv) +
			      cap * sizeof(*f->legv) +
			      cap * sizeof(*f->jobv) + ALIGN +
			      (cap + FIRST_LEG) * sizeof(*f->framev),
		      NULL);
	if (!f)
		return NULL;

	f->cap = cap;
	f->talkv = (const float **)(f + 1);
	f->legv = (struct leg **)(f->talkv + cap);
	f->jobv = f->legv + cap;
	p = (uintptr_t)(f->jobv + cap);
	p = (p + ALIGN - 1) / ALIGN * ALIGN;
	f->framev = (float(*)[MEDIA_FRAME_SMP])p;

	return f;
}

/* One pass: what is common to all legs of the mix. */
struct round {
	const struct tick *t;  /* of the owner                               */
	struct mixbus *bus;
	struct frames *f;
	struct crew *crew;     /* NULL: too small                            */
	size_t legc;
	size_t talkc;
	const float *common;   /* what legs hear that give nothing           */
	float common_power;
	bool limited;          /* the sum is too loud as it is               */
};

/* The tick of the worker that does a job. */
static struct tick tick_of(const struct round *r, struct worker *w)
{
	struct tick t = *r->t;

	t.w = w;

	return t;
}

static float power(const float *frame)
{
	return frame ? level_power(frame, MEDIA_FRAME_SMP) : 0;
}

/* What a leg gives, or NULL. */
static const float *give(struct leg *leg, float *buf, const struct tick *t)
{
	const float *frame = leg->ops->get(leg, buf, t);
	float p;

	if (leg->voice) {
		frame = voice_in(leg->voice, frame, buf, t);
		stat_set(leg->stat.denoise_shed, voice_is_shed(leg->voice, t));
	}

	p = power(frame);
	stat_set(leg->stat.power_in, p);

	return p > silence_power && !leg->mute_in ? frame : NULL;
}

static void give_job(struct worker *w, size_t i, void *arg)
{
	const struct round *r = arg;
	const struct tick t = tick_of(r, w);
	struct leg *leg = r->f->legv[i];

	leg->frame = leg->ops->get
			     ? give(leg, r->f->framev[FIRST_LEG + i], &t)
			     : NULL;
}

static void collect(struct round *r, struct mixbus *bus)
{
	struct frames *f = r->f;
	struct le *le;
	size_t i;

	LIST_FOREACH(&bus->legl, le)
		f->legv[r->legc++] = le->data;

	crew_run(r->crew, r->t->w, give_job, r, r->legc, CHUNK_GET);

	for (i = 0; i < r->legc; i++) {
		if (f->legv[i]->frame)
			f->talkv[r->talkc++] = f->legv[i]->frame;
	}
}

/* The sum is made when somebody needs it: from two talkers on. */
static void add_up(struct round *r)
{
	struct frames *f = r->f;

	if (r->talkc > 1)
		mix_sum(f->framev[SUM], f->talkv, r->talkc);

	r->limited = limit_plan(&r->bus->limit,
				r->talkc > 1 ? f->framev[SUM] : NULL);
	if (r->limited)
		limit_apply(&r->bus->limit, r->t->w->limited, f->framev[SUM]);

	r->common = !r->talkc	   ? NULL
		    : r->limited   ? r->t->w->limited
		    : r->talkc > 1 ? f->framev[SUM]
				   : f->talkv[0];
	r->common_power = power(r->common);
}

static bool hears_common(const struct leg *leg)
{
	return !leg->frame && !leg->mute_out &&
	       !(leg->voice && voice_hears_own(leg->voice));
}

static void plan(const struct round *r)
{
	size_t i;

	for (i = 0; i < r->legc; i++) {
		struct leg *leg = r->f->legv[i];
		bool common = hears_common(leg);

		if (common != (leg->shared != NULL) && leg->ops->plan)
			leg->ops->plan(leg, common, r->t);
	}
}

/* What a leg hears that gives something, or has a taste of its own. */
static const float *others(const struct round *r, const struct leg *leg,
			   float *minus)
{
	const struct frames *f = r->f;

	if (!leg->frame)
		return r->common;

	if (r->talkc < 2)
		return NULL;

	if (r->talkc == 2)
		return f->talkv[f->talkv[0] == leg->frame];

	mix_minus(minus, f->framev[SUM], leg->frame);
	if (r->limited)
		limit_apply(&r->bus->limit, minus, minus);
	else
		(void)limit_clip(minus);

	return minus;
}

static void put_job(struct worker *w, size_t i, void *arg)
{
	const struct round *r = arg;
	const struct tick t = tick_of(r, w);
	struct leg *leg = r->f->jobv[i];
	const float *frame;

	if (!leg->ops->put)
		return;

	if (hears_common(leg)) {
		stat_set(leg->stat.power_out, r->common_power);
		leg->ops->put(leg, r->common, &t);
		return;
	}

	frame = leg->mute_out ? NULL : others(r, leg, w->minus);
	if (leg->voice)
		frame = voice_out(leg->voice, frame);

	stat_set(leg->stat.power_out, power(frame));
	leg->ops->put(leg, frame, &t);
}

/* Alone, or the first of those that share. */
static void put_first(struct worker *w, size_t i, void *arg)
{
	const struct round *r = arg;
	const struct tick t = tick_of(r, w);
	struct leg *leg = r->f->jobv[i];

	if (leg->shared)
		leg->ops->share(leg, r->common, &t);

	put_job(w, i, arg);
}

/* True: the first one of those that share. */
static bool is_first(const void **keyv, size_t *keyc, const void *key)
{
	size_t i;

	for (i = 0; i < *keyc; i++) {
		if (keyv[i] == key)
			return false;
	}

	if (*keyc < SHARED_MAX)
		keyv[(*keyc)++] = key;

	return true;
}

/*
 * In the order of sending: first who has an encoder of its own and the first
 * of each group, then, when those are done, the others of the groups.
 *
 * @param firstp  Set to the number of the former.
 *
 * @return false: too many groups to tell who must wait for whom.
 */
static bool order(const struct round *r, size_t *firstp)
{
	const void *keyv[SHARED_MAX];
	size_t i, keyc = 0, first = 0, last = r->legc;

	for (i = 0; i < r->legc; i++) {
		struct leg *leg = r->f->legv[i];

		if (!leg->shared || is_first(keyv, &keyc, leg->shared))
			r->f->jobv[first++] = leg;
		else
			r->f->jobv[--last] = leg;
	}

	*firstp = first;

	return keyc < SHARED_MAX;
}

static void put_rest(struct worker *w, size_t i, void *arg)
{
	const struct round *r = arg;

	/* From the end: in the order of the mix. */
	put_job(w, r->legc - 1 - i, arg);
}

static void hand_out(struct round *r)
{
	struct worker *w = r->t->w;
	size_t first, i;

	if (!r->crew || !order(r, &first)) {
		for (i = 0; i < r->legc; i++) {
			r->f->jobv[i] = r->f->legv[i];
			put_job(w, i, r);
		}
		return;
	}

	crew_run(r->crew, w, put_first, r, first, CHUNK_OWN);
	crew_run(r->crew, w, put_rest, r, r->legc - first, CHUNK_SHARED);
}

/* While it slept, time went by for its legs as if ticks had been missed. */
static uint32_t steps(const struct mixbus *bus, const struct tick *t)
{
	return bus->idle && bus->run_us
		       ? (uint32_t)((t->now_us - bus->run_us) /
				    (MEDIA_TICK_MS * 1000))
		       : t->steps;
}

static bool is_idle(const struct round *r)
{
	size_t i;

	for (i = 0; i < r->legc; i++) {
		const struct leg *leg = r->f->legv[i];

		if (!leg->ops->idle || !leg->ops->idle(leg))
			return false;
	}

	return !r->talkc;
}

static void run(struct round *r, struct mixbus *bus)
{
	collect(r, bus);
	add_up(r);
	plan(r);
	hand_out(r);
}

/* Whether others shall help is seen from what the last pass took. */
static void run_large(struct round *r, struct mixbus *bus)
{
	struct crew *crew = r->t->w->crew;
	uint64_t us = clock_now_us();

	r->crew = bus->crewed || crew_is_eager(crew) ? crew : NULL;
	run(r, bus);
	us = clock_now_us() - us;

	bus->crewed = us > (bus->crewed ? CREW_OFF_US : CREW_ON_US);
}

bool mixbus_run(struct mixbus *bus, const struct tick *t)
{
	struct tick own = *t;
	struct round r = {.t = &own, .bus = bus, .f = t->w->frames};
	bool busy = false;

	own.steps = steps(bus, t);
	bus->run_us = t->now_us;
	bus->idle = false;

	if (crew_any(t->w->crew) &&
	    (bus->legc >= CREW_LEGS || crew_is_eager(t->w->crew)))
		run_large(&r, bus);
	else
		run(&r, bus);

	/* Without a leg there may be no frames yet. */
	if (bus->watched && r.legc)
		busy = meter_run(bus, r.f->legv, r.legc, &own);

	return busy || !is_idle(&r);
}

void mixbus_wake(struct mixbus *bus, struct worker *w)
{
	/* It stays marked, so that its next pass knows that it slept. */
	if (bus->idle && bus->le.list == &w->idlel) {
		list_unlink(&bus->le);
		list_append(&w->busl, &bus->le, bus);
	}
}
