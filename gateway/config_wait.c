/* SPDX-License-Identifier: MIT */
/* Waiting for a revision: see config_wait.h. */

#include <errno.h>
#include <re.h>

#include "gateway/config_wait.h"
#include "proto/loop.h"

struct config_waits {
	struct loop *loop;     /* borrowed */
	struct list l;
	uint64_t revision;     /* loaded   */
};

struct wait {
	struct le le;
	struct config_waits *w;
	uint64_t revision;
	struct loop_timer *timer;
	config_wait_h *h;
	void *arg;
};

static void wait_destructor(void *arg)
{
	struct wait *x = arg;

	list_unlink(&x->le);
	mem_deref(x->timer);
}

static void over(void *arg)
{
	struct wait *x = arg;
	config_wait_h *h = x->h;

	arg = x->arg;
	mem_deref(x);
	h(arg);
}

static int start(struct wait *x, uint32_t ms)
{
	x->timer = mem_deref(x->timer);

	return loop_timer_start(&x->timer, x->w->loop, ms, over, x);
}

void config_waits_loaded(struct config_waits *w, uint64_t revision)
{
	w->revision = revision;
	for (struct le *le = w->l.head; le; le = le->next) {
		struct wait *x = le->data;

		if (x->revision <= revision)
			(void)start(x, 0);
	}
}

int config_wait(struct config_waits *w, uint64_t revision, uint32_t ms,
		config_wait_h *h, void *arg)
{
	struct wait *x = mem_zalloc(sizeof(*x), wait_destructor);
	int err;

	if (!x)
		return ENOMEM;
	x->w = w;
	x->revision = revision;
	x->h = h;
	x->arg = arg;
	list_append(&w->l, &x->le, x);
	err = start(x, revision <= w->revision ? 0 : ms);
	if (err)
		mem_deref(x);

	return err;
}

static void destructor(void *arg)
{
	struct config_waits *w = arg;

	list_flush(&w->l);
}

int config_waits_alloc(struct config_waits **wp, struct loop *loop)
{
	struct config_waits *w = mem_zalloc(sizeof(*w), destructor);

	if (!w)
		return ENOMEM;
	w->loop = loop;
	*wp = w;

	return 0;
}
