/* SPDX-License-Identifier: MIT */
#include <stddef.h>

#include "node/media/talk.h"

enum {
	RIVAL_TICKS = 25,  /* 500 ms louder                             */
	HEIR_TICKS = 5,	   /* 100 ms beside a silent one                */
	SILENT_TICKS = 15, /* 300 ms                                    */
	STAY_TICKS = 50,   /* 1 s                                       */
};

#define SMOOTH 0.065f /* a time of 300 ms at 20 ms a step */
#define LOUDER 2.0f   /* 3 dB                             */

void talk_init(struct talk *t)
{
	*t = (struct talk){.speaker = NULL};
}

void talk_party_init(struct talk_party *r)
{
	vad_init(&r->vad);
	r->loud = 0;
}

enum vad_change talk_feed(struct talk *t, struct talk_party *r, float power)
{
	enum vad_change change = vad_step(&r->vad, power);

	r->loud += SMOOTH * ((r->vad.active ? power : 0) - r->loud);

	if (r == t->speaker)
		t->silent = r->vad.active ? 0 : (uint16_t)(t->silent + 1);
	else if (r->vad.talking && (!t->best || r->loud > t->best->loud))
		t->best = r;

	if (t->silent > SILENT_TICKS)
		t->silent = SILENT_TICKS;

	return change;
}

static bool takes_over(const struct talk *t)
{
	if (!t->speaker)
		return true;
	if (t->silent >= SILENT_TICKS)
		return t->ticks >= HEIR_TICKS;

	return t->ticks >= RIVAL_TICKS;
}

struct talk_party *talk_decide(struct talk *t)
{
	struct talk_party *best = t->best;

	t->best = NULL;
	if (t->stay)
		--t->stay;

	/* One that is only as loud as the speaker is no rival, but may be
	 * the heir when the speaker falls silent. */
	if (best && t->speaker && t->silent < SILENT_TICKS &&
	    best->loud < t->speaker->loud * LOUDER)
		best = NULL;

	if (!best || best != t->rival) {
		t->rival = best;
		t->ticks = 0;
	}

	if (!best)
		return NULL;

	/* Its echo in `loud` does not count. */
	if (best->vad.active && t->ticks < UINT16_MAX)
		++t->ticks;
	if (t->stay || !takes_over(t))
		return NULL;

	t->speaker = best;
	t->rival = NULL;
	t->ticks = 0;
	t->silent = 0;
	t->stay = STAY_TICKS;

	return best;
}

void talk_forget(struct talk *t, const struct talk_party *r)
{
	if (t->speaker == r) {
		t->speaker = NULL;
		t->stay = 0;
	}
	if (t->rival == r)
		t->rival = NULL;
	if (t->best == r)
		t->best = NULL;
}
