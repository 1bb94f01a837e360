/* SPDX-License-Identifier: MIT */
/*
 * Joints in played audio: taking pieces out of near silence and putting them
 * in, and fading.  Pure; no state.
 */

#ifndef SY_NODE_MEDIA_SEAM_H
#define SY_NODE_MEDIA_SEAM_H

#include <stddef.h>
#include <stdint.h>

/**
 * Take samples out of a piece that is near silence; what remains is
 * overlapped for up to 5 ms.
 *
 * @param pcm  n samples.
 * @param k    How many to take out, less than n.
 *
 * @return samples that there are now.
 */
size_t seam_cut(float *pcm, size_t n, size_t k, uint32_t rate_hz);

/**
 * Put samples into a piece that is near silence: some of it is heard twice.
 *
 * @param pcm  Room for cap samples, n of them set.
 * @param k    How many to put in; at most n are.
 *
 * @return samples that there are now, up to cap.
 */
size_t seam_insert(float *pcm, size_t n, size_t k, size_t cap,
		   uint32_t rate_hz);

/** Fade the first 5 ms in. */
void seam_in(float *pcm, size_t n, uint32_t rate_hz);

/**
 * Fade out: full before from, nothing after to.
 *
 * @param pcm   n samples.
 * @param pos   Where the first one is, on the axis of from and to.
 * @param from  Where the fading begins.
 * @param to    Where it ends; more than from.
 */
void seam_out(float *pcm, size_t n, size_t pos, size_t from, size_t to);

#endif
