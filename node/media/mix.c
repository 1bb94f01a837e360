/* SPDX-License-Identifier: MIT */
#include <re.h>

#include "node/media/clones.h"
#include "node/media/engine.h"
#include "node/media/level.h"
#include "node/media/mix.h"

enum {
	SUM, MINUS, /* frames that are no leg's */
	FIRST_LEG,
	ALIGN = 64,
};

SY_CLONES
void mix_sum(float *sum, const float *const *framev, size_t n)
{
	size_t i, k;

	for (i = 0; i < MEDIA_FRAME_SMP; i += 32) {
		v8f a = {0}, b = {0}, c = {0}, d = {0};

		for (k = 0; k < n; k++) {
			const float *p = framev[k] + i;

			a += V8_LOAD(p);
			b += V8_LOAD(p + 8);
			c += V8_LOAD(p + 16);
			d += V8_LOAD(p + 24);
		}

		V8_SAVE(sum + i, a);
		V8_SAVE(sum + i + 8, b);
		V8_SAVE(sum + i + 16, c);
		V8_SAVE(sum + i + 24, d);
	}
}

SY_CLONES
void mix_minus(float *out, const float *sum, const float *own)
{
	size_t i;

	for (i = 0; i < MEDIA_FRAME_SMP; i += 32) {
		v8f a = V8_LOAD(sum + i) - V8_LOAD(own + i);
		v8f b = V8_LOAD(sum + i + 8) - V8_LOAD(own + i + 8);
		v8f c = V8_LOAD(sum + i + 16) - V8_LOAD(own + i + 16);
		v8f d = V8_LOAD(sum + i + 24) - V8_LOAD(own + i + 24);

		V8_SAVE(out + i, a);
		V8_SAVE(out + i + 8, b);
		V8_SAVE(out + i + 16, c);
		V8_SAVE(out + i + 24, d);
	}
}

struct frames *frames_alloc(size_t cap)
{
	struct frames *f;
	uintptr_t p;

	f = mem_alloc(sizeof(*f) + cap * sizeof(*f->talkv) + ALIGN +
			      (cap + FIRST_LEG) * sizeof(*f->framev),
		      NULL);
	if (!f)
		return NULL;

	f->cap = cap;
	f->talkv = (const float **)(f + 1);
	p = (uintptr_t)(f->talkv + cap);
	p = (p + ALIGN - 1) / ALIGN * ALIGN;
	f->framev = (float(*)[MEDIA_FRAME_SMP])p;

	return f;
}

/* All legs give; returns the number of those that are to be heard. */
static size_t collect(struct mixbus *bus, struct frames *f,
		      const struct tick *t)
{
	size_t i = FIRST_LEG, n = 0;
	struct le *le;

	LIST_FOREACH(&bus->legl, le) {
		struct leg *leg = le->data;

		leg->frame = NULL;
		if (!leg->ops->get)
			continue;

		leg->frame = leg->ops->get(leg, f->framev[i++], t);
		stat_set(leg->stat.power_in,
			 leg->frame ? level_power(leg->frame, MEDIA_FRAME_SMP)
				    : 0);

		if (leg->mute_in)
			leg->frame = NULL;
		if (leg->frame)
			f->talkv[n++] = leg->frame;
	}

	return n;
}

/* What a leg hears.  A sum is made for it only when it needs one. */
static const float *heard(const struct leg *leg, struct frames *f, size_t n,
			  bool *summed)
{
	size_t others = leg->frame ? n - 1 : n;

	if (leg->mute_out || !others)
		return NULL;

	if (others == 1)
		return f->talkv[0] == leg->frame ? f->talkv[1] : f->talkv[0];

	if (!*summed) {
		mix_sum(f->framev[SUM], f->talkv, n);
		*summed = true;
	}

	if (!leg->frame)
		return f->framev[SUM];

	mix_minus(f->framev[MINUS], f->framev[SUM], leg->frame);

	return f->framev[MINUS];
}

void mixbus_run(struct mixbus *bus, const struct tick *t)
{
	struct frames *f = t->w->frames;
	bool summed = false;
	struct le *le;
	size_t n;

	n = collect(bus, f, t);

	LIST_FOREACH(&bus->legl, le) {
		struct leg *leg = le->data;
		const float *frame;

		if (!leg->ops->put)
			continue;

		frame = heard(leg, f, n, &summed);
		stat_set(leg->stat.power_out,
			 frame ? level_power(frame, MEDIA_FRAME_SMP) : 0);
		leg->ops->put(leg, frame, t);
	}
}

static void destructor(void *arg)
{
	struct mix *mix = arg;

	if (!mix->bus)
		return;

	--mix->w->mixes;
	media_release(mix->m, mix->w, &mix->bus->release, CMD_MIX_DEL,
		      mix->bus);
}

static struct worker *least_used(const struct media *m)
{
	struct worker *best = m->workerv[0];
	unsigned i;

	for (i = 1; i < m->workerc; i++) {
		struct worker *w = m->workerv[i];

		if (w->legs + w->mixes < best->legs + best->mixes)
			best = w;
	}

	return best;
}

int mix_alloc(struct mix **mixp, struct media *m)
{
	struct mixbus *bus;
	struct mix *mix;
	struct cmd cmd = {.type = CMD_MIX_ADD};
	int err;

	if (!mixp || !m)
		return EINVAL;

	mix = mem_zalloc(sizeof(*mix), destructor);
	bus = mem_zalloc(sizeof(*bus), NULL);
	if (!mix || !bus) {
		err = ENOMEM;
		goto out;
	}

	mix->m = m;
	mix->w = least_used(m);

	cmd.obj = bus;
	err = media_cmd(m, mix->w, &cmd);
	if (err)
		goto out;

	++mix->w->mixes;
	mix->bus = bus;
	bus = NULL;

out:
	mem_deref(bus);
	if (err)
		mem_deref(mix);
	else
		*mixp = mix;

	return err;
}
