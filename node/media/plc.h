/* SPDX-License-Identifier: MIT */
/*
 * Packet loss concealment for codecs that have none (G.711, G.722, L16):
 * what is missing is made of the pitch periods before it and of noise with
 * their spectrum, and fades into comfort noise of the level of the pauses.
 * No delay is added, no audio looked ahead.
 *
 *          plc_put                plc_conceal
 *     +--> good ----- loss ----> made up: 10 ms at full strength,
 *     |     ^                      |      gone after 70 ms, then noise
 *     |     |                      |
 *     |     +---- plc_put ---------+  its first 4 to 10 ms are blended
 *     +- plc_start                     with what would have come
 *
 * One thread at a time; no call allocates.  (plc_init is a name of spandsp.)  Samples are floats in -1..1.
 * What is made up is finite whatever was put, and audio that follows good
 * audio passes untouched.
 */

#ifndef SY_NODE_MEDIA_PLC_H
#define SY_NODE_MEDIA_PLC_H

#include <stddef.h>
#include <stdint.h>

struct plc;

/**
 * Memory that a state needs.
 *
 * @param rate_hz  8000, 16000 or 48000.
 *
 * @return bytes (2.0, 3.6 and 10.0 kB), or 0: another rate.
 */
size_t plc_size(uint32_t rate_hz);

/**
 * Begin, as after silence.  A state of a higher rate may be used for a lower
 * one.
 *
 * @param p        plc_size(rate_hz) bytes, aligned as by malloc; owned by
 *                 the caller, and nothing needs to be closed.
 * @param rate_hz  8000, 16000 or 48000.
 */
void plc_start(struct plc *p, uint32_t rate_hz);

/**
 * Good audio.
 *
 * @param pcm  n samples; passed through but for the first 4 to 10 ms after
 *             a loss.
 * @param n    Samples, of 10 to 120 ms.
 */
void plc_put(struct plc *p, float *pcm, size_t n);

/**
 * Make audio up for what is missing; again and again for as long as nothing
 * comes.
 *
 * @param pcm  Set to n samples; n up to those of 120 ms.
 */
void plc_conceal(struct plc *p, float *pcm, size_t n);

/** Level of the pauses before, -127..0 [dBov]; -127: none was heard. */
float plc_floor_db(const struct plc *p);

#endif
