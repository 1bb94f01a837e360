/* SPDX-License-Identifier: MIT */
/*
 * Noise suppression of one voice: one interface, two makers.
 *
 *   speex    speexdsp's preprocessor at 8, 16 or 48 kHz: cheap, takes steady
 *            noise only
 *   rnnoise  RNNoise, a small recurrent network at 48 kHz: dear, takes
 *            changing noise, too; only where the build had it
 *
 * Which one does what to whom, and why the default is what it is: README.
 */

#ifndef SY_NODE_MEDIA_DENOISE_H
#define SY_NODE_MEDIA_DENOISE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "node/media/media.h"

struct denoise;

/** What a maker does. */
struct denoise_ops {
	const char *name;
	uint32_t delay_smp_48; /* how late its output is, at 48 kHz         */

	/** A state for a rate. NULL: not at this rate, or no memory. */
	void *(*alloc)(uint32_t rate_hz);
	void (*free)(void *st);
	/** n samples in place: a multiple of 10 ms. */
	void (*run)(void *st, float *pcm, size_t n);
};

extern const struct denoise_ops denoise_speex;
extern const struct denoise_ops denoise_rnnoise; /* where denoise_have()   */

/** True if this build has it; AUTO and OFF: true. */
bool denoise_have(enum media_denoise kind);

/** What AUTO stands for; any other is itself. */
enum media_denoise denoise_resolve(enum media_denoise kind);

/**
 * Allocate; signalling thread.
 *
 * @param dp       Set on success; mem_deref() frees it.
 * @param kind     SPEEX or RNNOISE.
 * @param rate_hz  8000, 16000 or 48000; RNNOISE: 48000.
 *
 * @return 0, ENOTSUP (not in this build, or not at this rate), ENOMEM.
 */
int denoise_alloc(struct denoise **dp, enum media_denoise kind,
		  uint32_t rate_hz);

/**
 * Denoise in place; worker.  The output is late by denoise_delay_smp().
 *
 * @param n  Samples: a multiple of 10 ms.
 */
void denoise_run(struct denoise *d, float *pcm, size_t n);

/** How late its output is [samples of its rate]. */
uint32_t denoise_delay_smp(const struct denoise *d);

#endif
