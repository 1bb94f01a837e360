/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <string.h>

#include "node/media/clones.h"
#include "node/media/gain.h"
#include "node/media/limit.h"
#include "node/media/media.h"

enum { HOLD_STEPS = 15 };

#define KNEE 0.7f	/* transparent below                            */
#define CEILING 0.98f	/* of what the gain lets pass                    */
#define CLIP_KNEE 0.95f /* of what the gain could not see ahead          */
#define FALL 1.189f	/* 1.5 dB a step                                 */
#define RISE 1.0046f /* 0.04 dB a step                                */

/* Straight up to the knee, then towards the ceiling without reaching it. */
static float bend(float x, float knee, float ceiling)
{
	float room = ceiling - knee;

	return x <= knee ? x : knee + room * tanhf((x - knee) / room);
}

void limit_init(struct limit *l)
{
	memset(l, 0, sizeof(*l));
	l->gainv[LIMIT_STEPS] = 1;
}

/* The gain that a peak wants; 1 below the knee. */
static float wanted(float peak)
{
	return peak <= KNEE ? 1 : bend(peak, KNEE, CEILING) / peak;
}

/* Both edges of a step are below what its peak wants, and the way down to
 * them begins early. */
static void look_ahead(float *edgev, const float *wantv)
{
	int k;

	edgev[LIMIT_STEPS] = wantv[LIMIT_STEPS - 1];
	for (k = LIMIT_STEPS - 1; k >= 0; k--) {
		float e = edgev[k + 1] * FALL;

		if (wantv[k] < e)
			e = wantv[k];
		if (k && wantv[k - 1] < e)
			e = wantv[k - 1];
		edgev[k] = e;
	}
}

/* The line from the last frame's end on: down at once, up slowly. */
static void follow(struct limit *l, const float *edgev)
{
	float g = l->gainv[LIMIT_STEPS];
	int k;

	l->gainv[0] = g;
	for (k = 1; k <= LIMIT_STEPS; k++) {

		if (edgev[k] < g) {
			g = edgev[k];
			l->hold = HOLD_STEPS;
		} else if (l->hold) {
			--l->hold;
		} else {
			g *= RISE;
			g = g < edgev[k] ? g : edgev[k];
		}

		l->gainv[k] = g;
	}
}

static void line_at_1(struct limit *l)
{
	l->active = false;
	l->gainv[LIMIT_STEPS] = 1;
	l->hold = 0;
}

bool limit_plan(struct limit *l, const float *sum)
{
	float wantv[LIMIT_STEPS], edgev[LIMIT_STEPS + 1];
	int k;

	/* Nothing to hear: by the next word it has long risen again. */
	if (!sum) {
		line_at_1(l);
		return false;
	}

	if (!l->active)
		l->gainv[LIMIT_STEPS] = 1;

	if (l->gainv[LIMIT_STEPS] >= 1 &&
	    gain_peak(sum, MEDIA_FRAME_SMP) <= KNEE) {
		line_at_1(l);
		return false;
	}

	for (k = 0; k < LIMIT_STEPS; k++)
		wantv[k] =
		    wanted(gain_peak(sum + k * LIMIT_STEP_SMP, LIMIT_STEP_SMP));

	look_ahead(edgev, wantv);
	follow(l, edgev);
	l->active = true;

	return true;
}

static float clip(float x)
{
	return x < 0 ? -bend(-x, CLIP_KNEE, 1) : bend(x, CLIP_KNEE, 1);
}

bool limit_clip(float *pcm)
{
	size_t i;

	if (gain_peak(pcm, MEDIA_FRAME_SMP) <= CLIP_KNEE)
		return false;

	for (i = 0; i < MEDIA_FRAME_SMP; i++)
		pcm[i] = clip(pcm[i]);

	return true;
}

void limit_apply(const struct limit *l, float *out, const float *in)
{
	int k;

	if (l->active) {
		for (k = 0; k < LIMIT_STEPS; k++)
			gain_ramp(out + k * LIMIT_STEP_SMP,
				  in + k * LIMIT_STEP_SMP, LIMIT_STEP_SMP,
				  l->gainv[k], l->gainv[k + 1]);
	} else if (out != in) {
		memcpy(out, in, MEDIA_FRAME_SMP * sizeof(*out));
	}

	(void)limit_clip(out);
}
