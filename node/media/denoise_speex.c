/* SPDX-License-Identifier: MIT */
/*
 * speexdsp's preprocessor: a spectral gain by estimated signal and noise.
 * Frames of 10 ms: half the delay of 20 ms, and no worse (README).
 */

#include <math.h>
#include <stdlib.h>
#include <speex/speex_preprocess.h>

#include "node/media/denoise.h"

enum {
	SPEEX_MS = 10,
	SUPPRESS_DB = -20,
};

struct speex {
	SpeexPreprocessState *pre;
	size_t frame_smp;
	spx_int16_t pcm[];
};

static void *alloc(uint32_t rate_hz)
{
	size_t n = rate_hz / 1000 * SPEEX_MS;
	struct speex *s = malloc(sizeof(*s) + n * sizeof(s->pcm[0]));
	spx_int32_t on = 1, db = SUPPRESS_DB;

	if (!s)
		return NULL;

	s->frame_smp = n;
	s->pre = speex_preprocess_state_init((int)n, (int)rate_hz);
	if (!s->pre) {
		free(s);
		return NULL;
	}

	(void)speex_preprocess_ctl(s->pre, SPEEX_PREPROCESS_SET_DENOISE, &on);
	(void)speex_preprocess_ctl(s->pre, SPEEX_PREPROCESS_SET_NOISE_SUPPRESS,
				   &db);

	return s;
}

static void close_state(void *st)
{
	struct speex *s = st;

	speex_preprocess_state_destroy(s->pre);
	free(s);
}

static spx_int16_t to_int16(float x)
{
	x *= 32768;
	x = x > 32767 ? 32767 : x;
	x = x < -32768 ? -32768 : x;

	return (spx_int16_t)lrintf(x);
}

static void run(void *st, float *pcm, size_t n)
{
	struct speex *s = st;
	size_t i;

	for (; n >= s->frame_smp; n -= s->frame_smp, pcm += s->frame_smp) {

		for (i = 0; i < s->frame_smp; i++)
			s->pcm[i] = to_int16(pcm[i]);

		(void)speex_preprocess_run(s->pre, s->pcm);

		for (i = 0; i < s->frame_smp; i++)
			pcm[i] = (float)s->pcm[i] * (1.0f / 32768);
	}
}

const struct denoise_ops denoise_speex = {
    .name = "speex",
    .delay_smp_48 = SPEEX_MS * 48,
    .alloc = alloc,
    .free = close_state,
    .run = run,
};
