/* SPDX-License-Identifier: MIT */
/*
 * Talk detection on the power of frames, which the mix knows anyway: some ten
 * operations a frame, no look at the samples, no logarithm.
 *
 * The noise floor is the least power of the last 1 to 2 s (down at once, up
 * after 2 to 3 s): speech falls back to it between its syllables, a fan or a
 * tone does not, and so becomes floor itself.  A frame is active when it is 9
 * dB above the floor and above -55 dBFS; three active frames of four begin a
 * talk, 400 ms without one end it.  No I/O; one thread each.
 */

#ifndef SY_NODE_MEDIA_VAD_H
#define SY_NODE_MEDIA_VAD_H

#include <stdbool.h>
#include <stdint.h>

enum {
	VAD_HANG_TICKS = 20,   /* 400 ms                                    */
	VAD_WINDOW_TICKS = 50, /* 1 s                                       */
};

struct vad {
	float floor;		 /* mean square of the noise                  */
	float min_now, min_last; /* of this window, of the one before        */
	uint8_t ticks;		 /* of this window                            */
	uint8_t history;	 /* active frames, newest in bit 0            */
	uint8_t hang;		 /* ticks until a talk ends                   */
	bool active;		 /* this frame                                */
	bool talking;		 /* with hangover                             */
};

enum vad_change {
	VAD_SAME,
	VAD_START,
	VAD_STOP,
};

/** Nobody talks; the floor is not known yet. */
void vad_init(struct vad *v);

/**
 * Look at a frame of 20 ms.
 *
 * @param power  Mean of the squares of its samples; 0: silence.
 */
enum vad_change vad_step(struct vad *v, float power);

#endif
