/* SPDX-License-Identifier: MIT */
/*
 * What a loop implementation provides to loop.h; included by loop_re.c,
 * loop_uv.c and loop.c only.
 */

#ifndef SY_PROTO_LOOP_IMPL_H
#define SY_PROTO_LOOP_IMPL_H

#include "proto/loop.h"

struct loop_ops {
	int (*io_start)(struct loop_io **iop, struct loop *loop, int fd,
			int events, loop_io_h *h, void *arg);
	int (*io_set)(struct loop_io *io, int events);
	int (*timer_start)(struct loop_timer **tp, struct loop *loop,
			   uint32_t delay_ms, loop_timer_h *h, void *arg);
};

/* First member of every implementation's loop. */
struct loop {
	const struct loop_ops *ops;
};

/* First member of every implementation's io. */
struct loop_io {
	const struct loop_ops *ops;
};

#endif
