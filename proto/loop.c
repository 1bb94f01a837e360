/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <time.h>
#include "proto/loop_impl.h"

int loop_io_start(struct loop_io **iop, struct loop *loop, int fd, int events,
		  loop_io_h *h, void *arg)
{
	if (!iop || !loop || fd < 0 || !h)
		return EINVAL;

	return loop->ops->io_start(iop, loop, fd, events, h, arg);
}

int loop_io_set(struct loop_io *io, int events)
{
	return io ? io->ops->io_set(io, events) : EINVAL;
}

int loop_timer_start(struct loop_timer **tp, struct loop *loop,
		     uint32_t delay_ms, loop_timer_h *h, void *arg)
{
	if (!tp || !loop || !h)
		return EINVAL;

	return loop->ops->timer_start(tp, loop, delay_ms, h, arg);
}

uint64_t loop_now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);

	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}
