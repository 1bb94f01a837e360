/* SPDX-License-Identifier: MIT */
/* Concealment, time-scaling and comfort noise alone, on a voice's harmonics;
 * see media_bench.h. */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "node/media/cng.h"
#include "node/media/plc.h"
#include "node/media/stretch.h"
#include "tests/bench/media_bench.h"

enum {
	FRAMES = 400,
	FRAME_MAX_SMP = 320,
	LOSS_EVERY = 4,
};

static float voicev[FRAMES * FRAME_MAX_SMP];

/* 120 Hz that sways by 10 Hz, syllables of a quarter of a second. */
static void voice_make(uint32_t rate_hz)
{
	size_t n = FRAMES * rate_hz / 50, i;
	double phase = 0;
	int k;

	for (i = 0; i < n; i++) {
		double t = (double)i / rate_hz, v = 0;
		double loud = 0.2 * (0.6 + 0.4 * sin(2 * M_PI * 4 * t));

		phase += 2 * M_PI * (120 + 10 * sin(2 * M_PI * t)) / rate_hz;
		for (k = 1; k <= 24; k++)
			v += sin(k * phase + k * k) / k;
		voicev[i] = (float)(loud * v / 2);
	}
}

static struct plc *plc_make(uint32_t rate_hz)
{
	struct plc *p = malloc(plc_size(rate_hz));

	if (!p)
		die("memory", ENOMEM);
	plc_start(p, rate_hz);
	voice_make(rate_hz);

	return p;
}

/* Nothing is lost: what each frame costs. */
static void good(uint32_t rate_hz, double *value_us, double *floor_us)
{
	struct plc *p = plc_make(rate_hz);
	size_t n = rate_hz / 50, i;
	float pcm[FRAME_MAX_SMP];
	double begin = thread_cpu_us();

	for (i = 0; i < FRAMES; i++) {
		memcpy(pcm, voicev + i * n, n * sizeof(*pcm));
		plc_put(p, pcm, n);
	}

	*value_us = (thread_cpu_us() - begin) / FRAMES;
	*floor_us = 0;
	free(p);
}

/* What a lost frame costs, with the way back. */
static void loss(uint32_t rate_hz, double *value_us, double *floor_us)
{
	struct plc *p = plc_make(rate_hz);
	size_t n = rate_hz / 50, i;
	float pcm[FRAME_MAX_SMP];
	double all, without;

	all = thread_cpu_us();
	for (i = 0; i < FRAMES; i++) {
		memcpy(pcm, voicev + i * n, n * sizeof(*pcm));
		if (i % LOSS_EVERY)
			plc_put(p, pcm, n);
		else
			plc_conceal(p, pcm, n);
	}
	all = thread_cpu_us() - all;
	free(p);

	good(rate_hz, &without, floor_us);
	*value_us = (all / FRAMES - without) * LOSS_EVERY;
}

bool dsp_good_8k(double *value_us, double *floor_us)
{
	good(8000, value_us, floor_us);
	return true;
}

bool dsp_good_16k(double *value_us, double *floor_us)
{
	good(16000, value_us, floor_us);
	return true;
}

bool dsp_loss_8k(double *value_us, double *floor_us)
{
	loss(8000, value_us, floor_us);
	return true;
}

bool dsp_loss_16k(double *value_us, double *floor_us)
{
	loss(16000, value_us, floor_us);
	return true;
}

bool dsp_stretch_8k(double *value_us, double *floor_us)
{
	enum { PIECE = 240, PIECES = FRAMES * 160 / PIECE };
	float pcm[PIECE];
	double begin;
	size_t i;

	voice_make(8000);
	begin = thread_cpu_us();
	for (i = 0; i < PIECES; i++) {
		memcpy(pcm, voicev + i * PIECE, sizeof(pcm));
		(void)stretch_shorten(pcm, PIECE, 8000);
	}
	*value_us = (thread_cpu_us() - begin) / PIECES;
	*floor_us = 0;

	return true;
}

bool dsp_cng_8k(double *value_us, double *floor_us)
{
	static const uint8_t room[] = {52, 35, 170, 100, 140, 120};
	float pcm[160];
	struct cng c;
	double begin;
	size_t i;

	cng_init(&c, 1);
	(void)cng_put(&c, room, sizeof(room), 8000);
	begin = thread_cpu_us();
	for (i = 0; i < FRAMES; i++)
		cng_get(&c, pcm, 160);
	*value_us = (thread_cpu_us() - begin) / FRAMES;
	*floor_us = 0;

	return true;
}
