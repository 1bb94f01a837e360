/* SPDX-License-Identifier: MIT */
/* The echo test: what it hears it says, one tick later. */

#include <string.h>
#include <re.h>

#include "node/media/engine.h"
#include "node/media/mix.h"

struct echo_leg {
	struct leg leg;
	bool silent;
	float frame[MEDIA_FRAME_SMP];
};

static const float *get(struct leg *leg, float *buf, const struct tick *t)
{
	const struct echo_leg *e = (struct echo_leg *)leg;

	(void)t;

	if (e->silent)
		return NULL;

	memcpy(buf, e->frame, sizeof(e->frame));

	return buf;
}

/* Two echoes in one mix hear each other; the limit keeps that finite. */
static void put(struct leg *leg, const float *frame, const struct tick *t)
{
	struct echo_leg *e = (struct echo_leg *)leg;
	size_t i;

	(void)t;

	e->silent = !frame;
	if (!frame)
		return;

	for (i = 0; i < MEDIA_FRAME_SMP; i++) {
		float x = frame[i] > 1 ? 1 : frame[i];

		e->frame[i] = x < -1 ? -1 : x;
	}
}

static bool is_idle(const struct leg *leg)
{
	const struct echo_leg *e = (const struct echo_leg *)leg;

	return e->silent;
}

static void destructor(void *arg)
{
	struct echo_leg *e = arg;

	leg_dispose(&e->leg);
}

static const struct leg_ops ops = {
	.name = "echo",
	.get = get,
	.idle = is_idle,
	.put = put,
};

int media_leg_echo_alloc(struct media_leg **lp, struct mix *mix)
{
	struct echo_leg *e;

	if (!lp || !mix)
		return EINVAL;

	e = mem_zalloc(sizeof(*e), destructor);
	if (!e)
		return ENOMEM;

	e->leg.ops = &ops;
	e->silent = true;

	return leg_attach(lp, mix, &e->leg, NULL, NULL);
}
