/* SPDX-License-Identifier: MIT */
/* RNNoise: frames of 10 ms at 48 kHz, output 20 ms late (0.2: it looks a frame
 * ahead). */

#include "node/media/denoise.h"

#ifdef SY_RNNOISE_SYSTEM
#include <rnnoise.h>
#else
#include "node/media/rnnoise_wasm.h"
#endif

enum { FRAME_SMP = 480 };

static void *alloc(uint32_t rate_hz)
{
	return rate_hz == MEDIA_RATE_HZ ? rnnoise_create(NULL) : NULL;
}

static void close_state(void *st)
{
	rnnoise_destroy(st);
}

static void run(void *st, float *pcm, size_t n)
{
	float buf[FRAME_SMP];
	size_t i;

	for (; n >= FRAME_SMP; n -= FRAME_SMP, pcm += FRAME_SMP) {

		for (i = 0; i < FRAME_SMP; i++)
			buf[i] = pcm[i] * 32768;

		(void)rnnoise_process_frame(st, buf, buf);

		for (i = 0; i < FRAME_SMP; i++)
			pcm[i] = buf[i] * (1.0f / 32768);
	}
}

const struct denoise_ops denoise_rnnoise = {
    .name = "rnnoise",
    .delay_smp_48 = 2 * FRAME_SMP,
    .alloc = alloc,
    .free = close_state,
    .run = run,
};
