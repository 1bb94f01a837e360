/* SPDX-License-Identifier: MIT */
/* The clocks of the kernel in microseconds; any thread. */

#ifndef SY_NODE_MEDIA_CLOCK_H
#define SY_NODE_MEDIA_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline uint64_t clock_us(clockid_t id)
{
	struct timespec ts;

	(void)clock_gettime(id, &ts);

	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

/** That of the ticks. */
static inline uint64_t clock_now_us(void)
{
	return clock_us(CLOCK_MONOTONIC);
}

#endif
