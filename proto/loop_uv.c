/* SPDX-License-Identifier: MIT */
/*
 * loop.h on libuv.  A libuv handle lives until its close callback, so it is
 * allocated apart from the object that stands for it.
 */
#include <errno.h>
#include <re.h>
#include <stdlib.h>
#include <uv.h>
#include "proto/loop_impl.h"

struct uv_loop {
	struct loop loop;
	uv_loop_t *uv;
};

struct uv_io {
	struct loop_io io;
	uv_poll_t *poll;
	loop_io_h *h;
	void *arg;
};

struct loop_timer {
	uv_timer_t *timer;
	loop_timer_h *h;
	void *arg;
};

static void free_handle(uv_handle_t *handle)
{
	free(handle);
}

static void poll_handler(uv_poll_t *poll, int status, int events)
{
	struct uv_io *io = poll->data;
	int ev = 0;

	/* an error shows as readable: read() tells which */
	if (status < 0 || events & (UV_READABLE | UV_DISCONNECT))
		ev |= LOOP_READ;
	if (events & UV_WRITABLE)
		ev |= LOOP_WRITE;

	io->h(ev, io->arg);
}

static int io_set(struct loop_io *base, int events)
{
	struct uv_io *io = (struct uv_io *)base;
	int uv = (events & LOOP_READ ? UV_READABLE : 0) |
		 (events & LOOP_WRITE ? UV_WRITABLE : 0);

	return uv ? -uv_poll_start(io->poll, uv, poll_handler)
		  : -uv_poll_stop(io->poll);
}

static void io_destructor(void *arg)
{
	struct uv_io *io = arg;

	if (io->poll)
		uv_close((uv_handle_t *)io->poll, free_handle);
}

static int io_start(struct loop_io **iop, struct loop *loop, int fd,
		    int events, loop_io_h *h, void *arg)
{
	struct uv_io *io = mem_zalloc(sizeof(*io), io_destructor);
	uv_poll_t *poll = malloc(sizeof(*poll));
	int err = ENOMEM;

	if (!io || !poll)
		goto out;

	io->io.ops = loop->ops;
	io->h = h;
	io->arg = arg;
	err = -uv_poll_init(((struct uv_loop *)loop)->uv, poll, fd);
	if (err)
		goto out;
	poll->data = io;
	io->poll = poll;
	poll = NULL;
	err = io_set(&io->io, events);
out:
	free(poll);
	if (err)
		mem_deref(io);
	else
		*iop = &io->io;

	return err;
}

static void timer_handler(uv_timer_t *timer)
{
	struct loop_timer *t = timer->data;

	t->h(t->arg);
}

static void timer_destructor(void *arg)
{
	struct loop_timer *t = arg;

	if (t->timer)
		uv_close((uv_handle_t *)t->timer, free_handle);
}

static int timer_start(struct loop_timer **tp, struct loop *loop,
		       uint32_t delay_ms, loop_timer_h *h, void *arg)
{
	struct loop_timer *t = mem_zalloc(sizeof(*t), timer_destructor);

	if (!t)
		return ENOMEM;

	t->h = h;
	t->arg = arg;
	t->timer = malloc(sizeof(*t->timer));
	if (!t->timer) {
		mem_deref(t);
		return ENOMEM;
	}
	uv_timer_init(((struct uv_loop *)loop)->uv, t->timer);
	t->timer->data = t;
	/* the loop's time may be that of its last turn */
	uv_update_time(((struct uv_loop *)loop)->uv);
	uv_timer_start(t->timer, timer_handler, delay_ms, 0);
	*tp = t;

	return 0;
}

static const struct loop_ops ops = {io_start, io_set, timer_start};

int loop_uv_alloc(struct loop **lp, struct uv_loop_s *uv)
{
	struct uv_loop *loop;

	if (!lp || !uv)
		return EINVAL;

	loop = mem_zalloc(sizeof(*loop), NULL);
	if (!loop)
		return ENOMEM;

	loop->loop.ops = &ops;
	loop->uv = uv;
	*lp = &loop->loop;

	return 0;
}
