/* SPDX-License-Identifier: MIT */
/*
 * The two event loops behind one small interface, so that the Redis
 * connection, the bus and membership exist once.  Each function is called on
 * the thread that runs the loop.
 */

#ifndef SY_PROTO_LOOP_H
#define SY_PROTO_LOOP_H

#include <stdint.h>

struct loop;
struct loop_io;
struct loop_timer;
struct uv_loop_s;

enum {
	LOOP_READ = 1 << 0,
	LOOP_WRITE = 1 << 1,
};

typedef void(loop_io_h)(int events, void *arg);
typedef void(loop_timer_h)(void *arg);

/** The libre loop of the calling thread. Owned by the caller (mem_deref). */
int loop_re_alloc(struct loop **lp);

/** A libuv loop; borrowed, outlives the object.  In library sy_proto_uv. */
int loop_uv_alloc(struct loop **lp, struct uv_loop_s *uv);

/**
 * Watch a socket; level-triggered.
 *
 * @param iop     Set on success; owned by the caller; mem_deref() stops it,
 *                also from within the handler.  The socket stays open.
 * @param events  LOOP_READ, LOOP_WRITE.
 */
int loop_io_start(struct loop_io **iop, struct loop *loop, int fd, int events,
		  loop_io_h *h, void *arg);

/** Change what is watched. */
int loop_io_set(struct loop_io *io, int events);

/**
 * Call once after delay_ms.
 *
 * @param tp  Set on success; owned by the caller; mem_deref() cancels, also
 *            from within the handler.  It stays allocated after it fired.
 */
int loop_timer_start(struct loop_timer **tp, struct loop *loop,
		     uint32_t delay_ms, loop_timer_h *h, void *arg);

/** Monotonic time of the loop [us]. Any thread. */
uint64_t loop_now_us(void);

#endif
