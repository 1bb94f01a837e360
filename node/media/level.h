/* SPDX-License-Identifier: MIT */
/* Loudness of a frame. */

#ifndef SY_NODE_MEDIA_LEVEL_H
#define SY_NODE_MEDIA_LEVEL_H

#include <stddef.h>

/** Mean of the squares of n samples; n a multiple of 8. */
float level_power(const float *pcm, size_t n);

/** dBFS of a mean square; not below -96. */
float level_db(float power);

#endif
