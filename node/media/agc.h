/* SPDX-License-Identifier: MIT */
/*
 * Automatic gain: whoever talks is heard at about -20 dBFS (mean power of
 * the frames that are speech).
 *
 * Loudness is measured, and the gain moved, only while there is voice
 * (vad.h): pauses are not pumped up, and noise alone changes nothing.  Up
 * 6 dB/s, down 12 dB/s, from -12 to +24 dB, and never so much that the noise
 * floor comes above -50 dBFS.  A peak that would come above -1 dBFS turns the
 * gain down within a millisecond.
 *
 * No I/O; one thread each.
 */

#ifndef SY_NODE_MEDIA_AGC_H
#define SY_NODE_MEDIA_AGC_H

#include <stddef.h>

#include "node/media/vad.h"

struct agc {
	struct vad vad;
	float level; /* mean square of the voice                          */
	float heard; /* frames of voice in it, up to the long time        */
	float gain;  /* at the end of the last frame                      */
};

/** Gain 1. */
void agc_init(struct agc *a);

/**
 * A frame of 20 ms.
 *
 * @param pcm  n samples, changed in place; n a multiple of 8, at least 96.
 */
void agc_run(struct agc *a, float *pcm, size_t n);

/** Silence instead of a frame. */
void agc_silence(struct agc *a);

#endif
