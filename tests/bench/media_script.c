/* SPDX-License-Identifier: MIT */
/* What peers say; see media_bench.h. */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "node/media/codec.h"
#include "node/media/resample.h"
#include "tests/bench/media_bench.h"

/* Harmonics of a gliding pitch under syllables, and some breath. */
void script_voice(float *v, size_t n)
{
	double phase = 0, t, pitch, env, x;
	uint32_t rnd = 1;
	size_t i;
	int k;

	for (i = 0; i < n; i++) {
		t = (double)i / MEDIA_RATE_HZ;
		pitch = 130 + 30 * sin(2 * M_PI * 0.7 * t);
		phase += 2 * M_PI * pitch / MEDIA_RATE_HZ;
		env = 0.15 + 0.85 * pow(sin(M_PI * 3 * t), 2);

		for (x = 0, k = 1; k < 24; k++)
			x += sin(k * phase) / (1 + fabs(k * pitch - 600) / 300);

		rnd = rnd * 1664525 + 1013904223;
		x += ((double)(rnd >> 8) / (1 << 24) - 0.5) * 0.3;
		v[i] = (float)(0.06 * env * x);
	}
}

static void silence_make(struct script *s, const struct codec *c)
{
	static const float zero[MEDIA_FRAME_SMP];
	int i;

	/* The encoder of a codec with a memory settles first. */
	for (i = 0; i < 20; i++)
		s->silence_len =
		    c->ops->encode(c->st, s->silence, sizeof(s->silence), zero,
				   c->rate_hz / 50);
}

void script_make(struct script *s, const struct media_codec *codec)
{
	float *voice = malloc(SCRIPT * MEDIA_FRAME_SMP * sizeof(*voice));
	float pcm[MEDIA_FRAME_SMP];
	struct resample down;
	struct codec c;
	size_t i;

	s->codec = *codec;
	if (!voice || codec_init(&c, codec) || codec_enc_alloc(&c) ||
	    resample_down_init(&down, c.rate_hz))
		die("codec", EINVAL);

	script_voice(voice, SCRIPT * MEDIA_FRAME_SMP);

	for (i = 0; i < SCRIPT; i++) {
		const float *v = voice + i * MEDIA_FRAME_SMP;

		v = resample_down(&down, pcm, v, c.rate_hz / 50);
		s->lenv[i] = c.ops->encode(
		    c.st, s->datav[i], sizeof(s->datav[i]), v, c.rate_hz / 50);
	}

	silence_make(s, &c);
	codec_close(&c);
	free(voice);
}
