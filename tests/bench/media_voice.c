/* SPDX-License-Identifier: MIT */
/*
 * What is done to a voice, alone: denoisers, automatic gain, limiter, talk
 * detection.  See media_bench.h.
 */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "node/media/agc.h"
#include "node/media/denoise.h"
#include "node/media/limit.h"
#include "node/media/talk.h"
#include "tests/bench/media_bench.h"

enum { FRAMES = 500, LEGS = 1000 };

static float tonev[FRAMES * MEDIA_FRAME_SMP];
static float framev[MEDIA_FRAME_SMP];

/* A voice's harmonics in syllables, and noise below them. */
static void voice_make(uint32_t rate_hz, float loud)
{
	size_t i, n = (size_t)FRAMES * rate_hz / 50;
	uint32_t rnd = 1;
	int k;

	for (i = 0; i < n; i++) {
		double t = (double)i / rate_hz, v = 0;

		for (k = 1; k <= 12; k++)
			v += sin(2 * M_PI * 130 * k * t + k * k) / k;
		rnd = rnd * 1664525 + 1013904223;
		tonev[i] = loud * (float)(v * (sin(2 * M_PI * 3 * t) > 0)) +
			   0.01f * (float)(int32_t)rnd * 0x1p-31f;
	}
}

static bool denoise(enum media_denoise kind, uint32_t rate_hz, double *us)
{
	size_t i, n = rate_hz / 50;
	struct denoise *d;
	double begin;

	if (denoise_alloc(&d, kind, rate_hz))
		return false;

	voice_make(rate_hz, 0.1f);
	begin = thread_cpu_us();
	for (i = 0; i < FRAMES; i++)
		denoise_run(d, tonev + i * n, n);
	*us = (thread_cpu_us() - begin) / FRAMES;
	mem_deref(d);

	return true;
}

bool voice_speex_8k(double *value_us, double *floor_us)
{
	*floor_us = 0;

	return denoise(MEDIA_DENOISE_SPEEX, 8000, value_us);
}

bool voice_speex_16k(double *value_us, double *floor_us)
{
	*floor_us = 0;

	return denoise(MEDIA_DENOISE_SPEEX, 16000, value_us);
}

bool voice_speex(double *value_us, double *floor_us)
{
	*floor_us = 0;

	return denoise(MEDIA_DENOISE_SPEEX, 48000, value_us);
}

/* False where the build has none. */
bool voice_rnnoise(double *value_us, double *floor_us)
{
	*floor_us = 0;

	return denoise(MEDIA_DENOISE_RNNOISE, 48000, value_us);
}

bool voice_agc(double *value_us, double *floor_us)
{
	struct agc a;
	double begin;
	size_t i;

	voice_make(MEDIA_RATE_HZ, 0.1f);
	agc_init(&a);
	begin = thread_cpu_us();
	for (i = 0; i < FRAMES; i++)
		agc_run(&a, tonev + i * MEDIA_FRAME_SMP, MEDIA_FRAME_SMP);
	*value_us = (thread_cpu_us() - begin) / FRAMES;
	*floor_us = 0;

	return true;
}

static double limit_us(float loud)
{
	struct limit l;
	double begin;
	size_t i;

	voice_make(MEDIA_RATE_HZ, loud);
	limit_init(&l);
	begin = thread_cpu_us();
	for (i = 0; i < FRAMES; i++) {
		/* A few frames: the sum of a mix is in the cache, too. */
		const float *in = tonev + i % 8 * MEDIA_FRAME_SMP;

		if (limit_plan(&l, in))
			limit_apply(&l, framev, in);
	}

	return (thread_cpu_us() - begin) / FRAMES;
}

/* A sum that is too loud; the floor is one that is not. */
bool voice_limit(double *value_us, double *floor_us)
{
	*value_us = limit_us(1.5f);
	*floor_us = limit_us(0.1f);

	return true;
}

/* A leg of a mix that is watched. */
bool voice_talk(double *value_us, double *floor_us)
{
	static struct talk_party partyv[LEGS];
	struct talk talk;
	double begin;
	size_t i, k;

	talk_init(&talk);
	for (k = 0; k < LEGS; k++)
		talk_party_init(&partyv[k]);

	begin = thread_cpu_us();
	for (i = 0; i < FRAMES; i++) {
		for (k = 0; k < LEGS; k++)
			(void)talk_feed(&talk, &partyv[k],
					(i + k) % 16 < 9 ? 0.01f : 1e-7f);
		(void)talk_decide(&talk);
	}
	*value_us = (thread_cpu_us() - begin) / (FRAMES * LEGS);
	*floor_us = 0;

	return true;
}
