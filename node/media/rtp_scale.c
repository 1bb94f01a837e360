/* SPDX-License-Identifier: MIT */
/* Shorter or longer, as the jitter buffer wants it: near silence anything
 * goes, a voice gives or takes a period at a time. */

#include <stdlib.h>
#include <string.h>
#include <re.h>

#include "node/media/level.h"
#include "node/media/rtp_play.h"
#include "node/media/seam.h"
#include "node/media/stretch.h"

enum {
	PERIOD_MIN_US = 2500, /* stretch.h never takes less out */
	PIECE_MS = 60,        /* what it takes at a time        */
	PIECE_MIN_MS = 20,
};

#define QUIET_POWER 1e-5f /* -50 dBFS */

/* By not more than k samples. */
static size_t shorten(float *pcm, size_t n, size_t k, uint32_t rate_hz)
{
	float keep[MEDIA_RATE_HZ / 1000 * PIECE_MS];
	size_t now;

	if (k < rate_hz / 1000 * PERIOD_MIN_US / 1000)
		return n;

	memcpy(keep, pcm, n * sizeof(*pcm));
	now = stretch_shorten(pcm, n, rate_hz);
	if (n - now <= k)
		return now;

	memcpy(pcm, keep, n * sizeof(*pcm));

	return n;
}

void rtp_scale(struct rtp_leg *r, struct mix_in *in)
{
	struct rtp_rx *rx = &r->rx;
	int32_t want_us = jitter_want_us(&rx->jitter);
	size_t n = MIN(in->n, ms_smp(rx, PIECE_MS)), k, now = n, cap;
	float *pcm = in->pcm + in->n - n;

	if (!want_us || n < ms_smp(rx, PIECE_MIN_MS))
		return;

	k = (size_t)((uint64_t)abs(want_us) * (rx->rate_hz / 100) / 10000);
	cap = MIN(n + n, (size_t)CODEC_FRAME_MAX_SMP - (in->n - n));

	if (level_power(pcm, n & ~(size_t)7) < QUIET_POWER)
		now = want_us > 0
			  ? seam_cut(pcm, n, MIN(k, n / 2), rx->rate_hz)
			  : seam_insert(pcm, n, k + 1, cap, rx->rate_hz);
	else if (want_us < 0)
		now = stretch_lengthen(pcm, n, cap, rx->rate_hz);
	else if (jitter_may_search(&rx->jitter))
		now = shorten(pcm, n, k, rx->rate_hz);
	else
		return;

	in->n = in->n - n + now;
	jitter_moved(&rx->jitter, now > n ? -(int32_t)smp_ts(rx, now - n)
					  : (int32_t)smp_ts(rx, n - now));
}
