/* SPDX-License-Identifier: MIT */
/*
 * Playing a piece of audio faster or slower without changing its pitch: one
 * pitch period is taken out or put in, its seams overlapped and added.
 * First and last samples of the piece stay, so that it still fits between
 * its neighbours.  No state; any thread.
 *
 * A voice gives up or gains a period (2.5 to 15 ms) where it repeats itself
 * well.  Noise is joined so that its power stays.  Near silence anything
 * goes, in longer hops.  Else (a plosive, a change of sound) nothing is done:
 * try with the next piece.
 */

#ifndef SY_NODE_MEDIA_STRETCH_H
#define SY_NODE_MEDIA_STRETCH_H

#include <stddef.h>
#include <stdint.h>

/**
 * Take a period out.
 *
 * @param pcm      n samples; changed in place.
 * @param n        Samples, of 20 to 60 ms; others are left alone.
 * @param rate_hz  8000, 16000 or 48000.
 *
 * @return samples that there are now, at least those of 5 ms; n: unchanged.
 */
size_t stretch_shorten(float *pcm, size_t n, uint32_t rate_hz);

/**
 * Put a period in.
 *
 * @param pcm  Room for cap samples, n of them set; changed in place.
 * @param cap  Not exceeded; 2 n never limits.
 *
 * @return samples that there are now, up to 2 n; n: unchanged.
 */
size_t stretch_lengthen(float *pcm, size_t n, size_t cap, uint32_t rate_hz);

#endif
