/* SPDX-License-Identifier: MIT */
/*
 * Comfort noise: what a leg hears where there is nothing, so that silence is
 * not taken for a dead line.  A soft hiss below 4 kHz (random values 8,000
 * times a second with straight lines between them): it sounds alike on every
 * codec, and its level is the same behind 8 kHz and 48 kHz.
 * No I/O; one thread a generator.
 */

#ifndef SY_NODE_MEDIA_NOISE_H
#define SY_NODE_MEDIA_NOISE_H

#include <stddef.h>
#include <stdint.h>

struct noise {
	uint32_t state; /* never 0                                       */
	float last;	/* value at the end of the last samples, -1..1   */
};

/** @param seed  Any: legs of different seeds sound independent. */
void noise_init(struct noise *ns, uint32_t seed);

/**
 * Make noise.
 *
 * @param pcm  n samples at 48 kHz; n a multiple of 6.
 * @param rms  Its level, 1 = full scale.
 */
void noise_fill(struct noise *ns, float *pcm, size_t n, float rms);

#endif
