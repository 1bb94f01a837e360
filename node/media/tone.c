/* SPDX-License-Identifier: MIT */
/*
 * A tone: two oscillators (a point turning on a circle each) and a gate with
 * soft edges, so that it does not click.
 */

#include <math.h>
#include <re.h>

#include "node/media/engine.h"
#include "node/media/mix.h"

enum {
	EDGE_SMP = 96, /* 2 ms */
	SMP_PER_MS = MEDIA_RATE_HZ / 1000,
};

struct oscillator {
	double cos, sin; /* of a step   */
	double x, y;     /* the point   */
};

struct tone_leg {
	struct leg leg;
	struct oscillator osc[2];
	uint64_t on_smp;     /* 0: for ever       */
	uint64_t period_smp;
	uint64_t pos_smp;    /* in the period     */
	uint32_t left;       /* periods; 0: for ever */
	bool ended;
};

static float turn(struct oscillator *o)
{
	double x = o->x * o->cos - o->y * o->sin;

	o->y = o->x * o->sin + o->y * o->cos;
	o->x = x;

	return (float)o->y;
}

/* Gain at a position of the period. */
static float gate(const struct tone_leg *g)
{
	uint64_t left;

	if (g->pos_smp < EDGE_SMP && g->on_smp)
		return (float)g->pos_smp / EDGE_SMP;

	if (!g->on_smp)
		return 1;

	if (g->pos_smp >= g->on_smp)
		return 0;

	left = g->on_smp - g->pos_smp;

	return left < EDGE_SMP ? (float)left / EDGE_SMP : 1;
}

static void period_end(struct tone_leg *g, struct worker *w)
{
	const struct media_event ev = {.type = MEDIA_EV_END};

	g->pos_smp = 0;
	if (g->left && !--g->left) {
		g->ended = true;
		leg_event(&g->leg, w, &ev);
	}
}

static const float *get(struct leg *leg, float *buf, const struct tick *t)
{
	struct tone_leg *g = (struct tone_leg *)leg;
	size_t i;

	if (g->ended)
		return NULL;

	for (i = 0; i < MEDIA_FRAME_SMP; i++) {
		float x = turn(&g->osc[0]) + turn(&g->osc[1]);

		buf[i] = g->ended ? 0 : x * gate(g);
		++g->pos_smp;
		if (g->on_smp && g->pos_smp >= g->period_smp && !g->ended)
			period_end(g, t->w);
	}

	return buf;
}

static bool is_idle(const struct leg *leg)
{
	const struct tone_leg *g = (const struct tone_leg *)leg;

	return g->ended;
}

static void destructor(void *arg)
{
	struct tone_leg *g = arg;

	leg_dispose(&g->leg);
}

static const struct leg_ops ops = {
	.name = "tone",
	.get = get,
	.idle = is_idle,
};

static void oscillator_init(struct oscillator *o, float hz, float level_db)
{
	double step = 2 * M_PI * (double)hz / MEDIA_RATE_HZ;

	if (hz <= 0)
		return;

	o->cos = cos(step);
	o->sin = sin(step);
	o->x = pow(10, ((double)level_db + 3.0103) / 20);
}

int media_leg_tone_alloc(struct media_leg **lp, struct mix *mix,
			 const struct media_tone *tone, media_event_h *h,
			 void *arg)
{
	struct tone_leg *g;
	size_t i;

	if (!lp || !mix || !tone)
		return EINVAL;

	g = mem_zalloc(sizeof(*g), destructor);
	if (!g)
		return ENOMEM;

	g->leg.ops = &ops;
	for (i = 0; i < 2; i++)
		oscillator_init(&g->osc[i], tone->hz[i], tone->level_db);

	g->on_smp = (uint64_t)tone->on_ms * SMP_PER_MS;
	g->period_smp = g->on_smp + (uint64_t)tone->off_ms * SMP_PER_MS;
	g->left = tone->repeat;

	return leg_attach(lp, mix, &g->leg, h, arg);
}
