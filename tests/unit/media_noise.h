/* SPDX-License-Identifier: MIT */
/* Noise for the media tests, to be added to media_speech.h's speech. */

#ifndef SY_TESTS_UNIT_MEDIA_NOISE_H
#define SY_TESTS_UNIT_MEDIA_NOISE_H

#include "media_speech.h"

enum noise_kind { NOISE_WHITE, NOISE_BABBLE, NOISE_HUM, NOISE_KINDS };

static const char *const noise_names[] = {"white", "babble", "hum"};

static inline double noise_power(const float *v, size_t n)
{
	double sum = 0;
	size_t i;

	for (i = 0; i < n; i++)
		sum += (double)v[i] * (double)v[i];

	return sum / (double)n;
}

/* Mains with its harmonics, and a little hiss. */
static inline void noise_hum(float *v, size_t n, uint32_t rate_hz)
{
	size_t i, k;

	speech_noise(v, n, 0.05, 1);
	for (i = 0; i < n; i++) {
		for (k = 1; k < 8; k++)
			v[i] += (float)(sin(2 * M_PI * 50 * (double)(k * i) /
						rate_hz +
					    (double)k) /
					(double)k);
	}
}

/* Six talk at once, two with the same voice, none saying the same. */
static inline void noise_babble(float *v, size_t n, uint32_t rate_hz)
{
	static const char *const voicev[] = {"en+m1", "en+f2", "en+m3"};
	size_t i, k, len;

	for (k = 0; k < 3; k++) {
		float *s = speech_load(voicev[k], rate_hz, &len);

		for (i = 0; i < n; i++)
			v[i] += s[(i + k * len / 6 + len / 12) % len] +
				s[(i + k * len / 6 + len * 7 / 12) % len];
		free(s);
	}
}

/* Noise of a kind, its mean power 1; v is overwritten. */
static inline void noise_make(float *v, size_t n, enum noise_kind kind,
			      uint32_t rate_hz)
{
	float g;
	size_t i;

	memset(v, 0, n * sizeof(*v));
	if (kind == NOISE_WHITE)
		speech_noise(v, n, 1, 1);
	else if (kind == NOISE_HUM)
		noise_hum(v, n, rate_hz);
	else
		noise_babble(v, n, rate_hz);

	g = (float)(1 / sqrt(noise_power(v, n)));
	for (i = 0; i < n; i++)
		v[i] *= g;
}

/* out = speech + noise, that much below it; noise has mean power 1. */
static inline void noise_add(float *out, const float *speech,
			     const float *noise, size_t n, double snr_db)
{
	double g = sqrt(noise_power(speech, n) * pow(10, -snr_db / 10));
	size_t i;

	for (i = 0; i < n; i++)
		out[i] = speech[i] + (float)g * noise[i];
}

#endif
