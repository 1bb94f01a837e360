/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "node/media/encgroup.h"
#include "node/media/worker.h"

enum {
	LOSS_COUNTS_US = 15000000, /* some three reports */
};

static void destructor(void *arg)
{
	struct encgroup *g = arg;

	list_unlink(&g->le);
	codec_close(&g->c);
	mem_deref(g->room);
}

static bool fits(const struct encgroup *g, const struct codec *c)
{
	return codec_same(&g->c, c) && g->c.prm.ptime_ms == c->prm.ptime_ms &&
	       g->c.prm.dtx == c->prm.dtx;
}

static struct encgroup *find(const struct list *groupl, const struct codec *c)
{
	struct le *le;

	LIST_FOREACH(groupl, le)
	{
		if (fits(le->data, c))
			return mem_ref(le->data);
	}

	return NULL;
}

static struct encgroup *make(struct list *groupl, const struct codec *c)
{
	struct encgroup *g = mem_zalloc(sizeof(*g), destructor);

	if (!g)
		return NULL;

	g->c = *c;
	g->c.st = NULL;
	cut_init(&g->cut, c->rate_hz);
	list_append(groupl, &g->le, g);

	return g;
}

/* Not zeroed: what is not needed is never touched. */
static int furnish(struct encgroup *g)
{
	int err;

	if (g->room)
		return 0;

	err = codec_enc_alloc(&g->c);
	if (err)
		return err;

	g->room = mem_alloc(sizeof(*g->room), NULL);
	if (!g->room)
		codec_close(&g->c);

	return g->room ? 0 : ENOMEM;
}

int encgroup_join(struct encgroup **gp, struct list *groupl,
		  const struct codec *c)
{
	struct encgroup *g = find(groupl, c);
	uint32_t members;

	if (!g)
		g = make(groupl, c);
	if (!g)
		return ENOMEM;

	members = stat_get(g->members) + 1;
	if (members >= ENCGROUP_MIN && furnish(g)) {
		mem_deref(g);
		return ENOMEM;
	}

	atomic_store_explicit(&g->members, members, memory_order_release);
	*gp = g;

	return 0;
}

void encgroup_leave(struct encgroup *g)
{
	if (!g)
		return;

	stat_set(g->members, stat_get(g->members) - 1);
	mem_deref(g);
}

bool encgroup_worth(const struct encgroup *g)
{
	return atomic_load_explicit(&g->members, memory_order_acquire) >=
	       ENCGROUP_MIN;
}

bool encgroup_fresh(const struct encgroup *g, const struct tick *t)
{
	return t->now_us - g->tick_us <=
	       (uint64_t)t->steps * MEDIA_TICK_MS * 1000;
}

static void fork_encoder(struct codec *dst, const struct codec *src)
{
	if (src->ops->fork)
		src->ops->fork(dst->st, src->st);
}

static void fork_cut(struct cut *dst, float *dst_fifo, const struct cut *src,
		     const float *src_fifo)
{
	*dst = *src;
	dst->from = 0;
	memcpy(dst_fifo, src_fifo + src->from, src->have * sizeof(*dst_fifo));
}

void encgroup_enter(struct encgroup *g, const struct codec *own,
		    const struct cut *cut, const float *fifo,
		    const struct tick *t)
{
	if (encgroup_fresh(g, t)) {
		g->alone = true;
		return;
	}

	if (own) {
		fork_encoder(&g->c, own);
		fork_cut(&g->cut, g->room->fifo, cut, fifo);
	} else {
		g->alone = true;
		cut_reset(&g->cut);
	}

	/* Who comes after it in this tick comes to a group at work. */
	g->tick_us = t->now_us - (uint64_t)t->steps * MEDIA_TICK_MS * 1000;
}

void encgroup_part(const struct encgroup *g, struct codec *own, struct cut *cut,
		   float *fifo, const struct tick *t)
{
	/* It rested, and the leg sent nothing. */
	if (!encgroup_fresh(g, t)) {
		cut_reset(cut);
		if (own->ops->alone)
			own->ops->alone(own->st);
		return;
	}

	fork_encoder(own, &g->c);
	fork_cut(cut, fifo, &g->cut, g->room->fifo);
}

void encgroup_adapt(struct encgroup *g, uint32_t loss_percent, uint64_t now_us)
{
	const struct codec *c = &g->c;

	if (!c->ops->adapt || !c->prm.fec)
		return;

	if (loss_percent >= g->loss_percent)
		g->loss_until_us = now_us + LOSS_COUNTS_US;
	else if (now_us < g->loss_until_us)
		return;

	if (loss_percent == g->loss_percent)
		return;

	g->loss_percent = loss_percent;
	c->ops->adapt(c->st, loss_percent, loss_percent > 0,
		      c->prm.bitrate_bps);
}

void encgroup_run(struct encgroup *g, const float *frame, const struct tick *t)
{
	struct cut_piece piecev[CUT_PIECES];
	size_t i;

	if (g->tick_us == t->now_us)
		return;

	/* Time that was missed is missed by all members alike. */
	if (t->now_us - g->tick_us > MEDIA_TICK_MS * 1000)
		cut_reset(&g->cut);

	if (g->alone && g->c.ops->alone)
		g->c.ops->alone(g->c.st);
	g->alone = false;

	g->tick_us = t->now_us;
	g->outc = cut_put(&g->cut, g->room->fifo, &g->c, frame, t->w->pcm, t->now_us,
			  piecev);

	for (i = 0; i < g->outc; i++) {
		struct encout *out = &g->room->outv[i];

		out->before_ts = piecev[i].before_ts;
		out->len = (uint16_t)worker_encode(
		    t->w, &g->c, out->data, sizeof(out->data), &piecev[i]);
	}
}
