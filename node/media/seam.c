/* SPDX-License-Identifier: MIT */
#include <string.h>
#include <re.h>

#include "node/media/seam.h"

enum {
	OVERLAP_MS = 5,
};

/* to[0 ...] becomes from[0 ...], little by little; they may overlap when from
 * is the later one. */
static void blend(float *to, const float *from, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		float w = ((float)i + 0.5f) / (float)n;

		to[i] += w * (from[i] - to[i]);
	}
}

size_t seam_cut(float *pcm, size_t n, size_t k, uint32_t rate_hz)
{
	size_t over;

	if (k >= n)
		return n;

	over = MIN(rate_hz / 1000 * OVERLAP_MS, n - k);
	blend(pcm, pcm + k, over);
	memmove(pcm + over, pcm + over + k, (n - k - over) * sizeof(*pcm));

	return n - k;
}

size_t seam_insert(float *pcm, size_t n, size_t k, size_t cap, uint32_t rate_hz)
{
	size_t over = MIN(rate_hz / 1000 * OVERLAP_MS, n / 2);

	if (cap < n)
		return n;

	/* All of it, then its last k samples again; before them its end
	 * goes over into what is before these. */
	k = MIN(MIN(k, n - over), cap - n);
	memmove(pcm + n, pcm + n - k, k * sizeof(*pcm));
	if (k)
		blend(pcm + n - over, pcm + n - over - k, over);

	return n + k;
}

void seam_in(float *pcm, size_t n, uint32_t rate_hz)
{
	size_t i, len = rate_hz / 1000 * OVERLAP_MS;

	for (i = 0; i < MIN(n, len); i++)
		pcm[i] *= ((float)i + 0.5f) / (float)len;
}

void seam_out(float *pcm, size_t n, size_t pos, size_t from, size_t to)
{
	size_t i;

	for (i = from > pos ? from - pos : 0; i < n; i++) {
		float gain = pos + i < to
				 ? (float)(to - pos - i) / (float)(to - from)
				 : 0;

		pcm[i] *= gain;
	}
}
