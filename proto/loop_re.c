/* SPDX-License-Identifier: MIT */
/* loop.h on the libre loop of the calling thread. */
#include <re.h>
#include "proto/loop_impl.h"

struct re_io {
	struct loop_io io;
	int fd;
	loop_io_h *h;
	void *arg;
};

struct loop_timer {
	struct tmr tmr;
	loop_timer_h *h;
	void *arg;
};

static void io_handler(int flags, void *arg)
{
	struct re_io *io = arg;
	int events = 0;

	/* an error or hang-up shows as readable: read() tells which */
	if (flags & (FD_READ | FD_EXCEPT))
		events |= LOOP_READ;
	if (flags & FD_WRITE)
		events |= LOOP_WRITE;

	io->h(events, io->arg);
}

static int listen_for(struct re_io *io, int events)
{
	int flags = (events & LOOP_READ ? FD_READ : 0) |
		    (events & LOOP_WRITE ? FD_WRITE : 0);

	return fd_listen(io->fd, flags, io_handler, io);
}

static void io_destructor(void *arg)
{
	struct re_io *io = arg;

	if (io->fd >= 0)
		fd_close(io->fd);
}

static int io_start(struct loop_io **iop, struct loop *loop, int fd,
		    int events, loop_io_h *h, void *arg)
{
	struct re_io *io = mem_zalloc(sizeof(*io), io_destructor);
	int err;

	if (!io)
		return ENOMEM;

	io->io.ops = loop->ops;
	io->fd = fd;
	io->h = h;
	io->arg = arg;
	err = listen_for(io, events);
	if (err) {
		io->fd = -1;
		mem_deref(io);
		return err;
	}
	*iop = &io->io;

	return 0;
}

static int io_set(struct loop_io *io, int events)
{
	return listen_for((struct re_io *)io, events);
}

static void timer_destructor(void *arg)
{
	struct loop_timer *t = arg;

	tmr_cancel(&t->tmr);
}

static void timer_handler(void *arg)
{
	struct loop_timer *t = arg;

	t->h(t->arg);
}

static int timer_start(struct loop_timer **tp, struct loop *loop,
		       uint32_t delay_ms, loop_timer_h *h, void *arg)
{
	struct loop_timer *t = mem_zalloc(sizeof(*t), timer_destructor);
	(void)loop;

	if (!t)
		return ENOMEM;

	t->h = h;
	t->arg = arg;
	tmr_start(&t->tmr, delay_ms, timer_handler, t);
	*tp = t;

	return 0;
}

static const struct loop_ops ops = {io_start, io_set, timer_start};

int loop_re_alloc(struct loop **lp)
{
	struct loop *loop;

	if (!lp)
		return EINVAL;

	loop = mem_zalloc(sizeof(*loop), NULL);
	if (!loop)
		return ENOMEM;

	loop->ops = &ops;
	*lp = loop;

	return 0;
}
