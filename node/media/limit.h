/* SPDX-License-Identifier: MIT */
/*
 * The limiter of a mix: what many say together is turned down instead of
 * clipped.
 *
 * limit_plan() looks at the sum of a whole frame (so it sees a peak up to
 * 20 ms ahead, and delays nothing) and draws one gain for it, a broken line
 * of 1 ms steps: it falls 1.5 dB/ms at most towards a peak, stays for 15 ms
 * (a period of 67 Hz: it must not follow the wave), and rises 40 dB/s.  Below
 * the knee, -3 dBFS, the gain is exactly 1; above, a soft knee holds a peak
 * under 0.98.  limit_apply() puts that gain on anything that is made of the
 * sum, so that all who hear the mix hear the same levels.
 *
 * A peak in the very first millisecond of a frame cannot be seen ahead, and
 * the sum less a talker may be larger than the sum: limit_apply() bends what
 * is left above 0.95 softly; nothing leaves it above 1.
 *
 * One struct limit a mix; worker; no I/O.
 */

#ifndef SY_NODE_MEDIA_LIMIT_H
#define SY_NODE_MEDIA_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

enum {
	LIMIT_STEP_SMP = 48, /* 1 ms                                       */
	LIMIT_STEPS = 20,    /* of a frame                                 */
};

struct limit {
	float gainv[LIMIT_STEPS + 1]; /* at the edges of the steps           */
	uint16_t hold;		      /* steps before it may rise            */
	bool active;		      /* the gain of this frame is not 1     */
};

/** Gain 1; zeroed memory is that, too. */
void limit_init(struct limit *l);

/**
 * Draw the gain of a frame.
 *
 * @param sum  MEDIA_FRAME_SMP samples; NULL: nobody talks, or nothing was to
 *             be added.
 *
 * @return true if limit_apply() has to be called on what is made of the sum.
 */
bool limit_plan(struct limit *l, const float *sum);

/**
 * Put the planned gain on a frame, and hold it within full scale.
 *
 * @param out  MEDIA_FRAME_SMP samples; may be in itself.
 */
void limit_apply(const struct limit *l, float *out, const float *in);

/**
 * Hold a frame within full scale; nothing is written if it is.
 *
 * @param pcm  MEDIA_FRAME_SMP samples.
 *
 * @return true if something was bent.
 */
bool limit_clip(float *pcm);

#endif
