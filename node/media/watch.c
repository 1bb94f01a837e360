/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "node/media/leg.h"
#include "node/media/mix.h"
#include "node/media/watch.h"
#include "node/media/worker.h"

enum { EVENTS = 64 };

int watch_init(struct watch *w)
{
	w->epfd = epoll_create1(EPOLL_CLOEXEC);

	return w->epfd < 0 ? errno : 0;
}

void watch_close(struct watch *w)
{
	if (w->epfd >= 0)
		(void)close(w->epfd);
	w->epfd = -1;
}

static void make_hot(struct watch *w, struct leg *leg, uint64_t now_us)
{
	leg->cold = false;
	leg->active_us = now_us;
	list_append(&w->hotl, &leg->watch_le, leg);
}

void watch_add(struct watch *w, struct leg *leg, uint64_t now_us)
{
	if (leg->ops->rx)
		make_hot(w, leg, now_us);
}

static void leave_set(struct watch *w, struct leg *leg)
{
	list_unlink(&leg->watch_le);
	--w->coldc;
	(void)epoll_ctl(w->epfd, EPOLL_CTL_DEL, leg->watch_fd, NULL);
}

void watch_del(struct watch *w, struct leg *leg)
{
	if (leg->cold)
		leave_set(w, leg);
	else
		list_unlink(&leg->watch_le);
}

/* Without room in the set it stays hot. */
static void make_cold(struct watch *w, struct leg *leg)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.ptr = leg};

	if (epoll_ctl(w->epfd, EPOLL_CTL_ADD, leg->watch_fd, &ev))
		return;

	list_unlink(&leg->watch_le);
	list_append(&w->slotv[w->slot], &leg->watch_le, leg);
	++w->coldc;
	leg->cold = true;
}

/* What is not told now is told in the next tick. */
static void wake(struct watch *w, const struct tick *t)
{
	struct epoll_event evv[EVENTS];
	int i, n;

	do {
		n = epoll_wait(w->epfd, evv, EVENTS, 0);
		for (i = 0; i < n; i++) {
			struct leg *leg = evv[i].data.ptr;

			leave_set(w, leg);
			make_hot(w, leg, t->now_us);
			mixbus_wake(leg->bus, t->w);
		}
	} while (n == EVENTS);
}

static void read_slot(struct watch *w, const struct tick *t)
{
	struct le *le, *next;

	for (le = list_head(&w->slotv[w->slot]); le; le = next) {
		struct leg *leg = le->data;

		next = le->next;
		leg->ops->rx(leg, t);
	}
}

static void read_cold(struct watch *w, const struct tick *t)
{
	uint32_t i;

	for (i = 0; i < t->steps && i < WATCH_SLOTS; i++) {
		w->slot = (w->slot + 1) % WATCH_SLOTS;
		read_slot(w, t);
	}
}

static void read_hot(struct watch *w, const struct tick *t)
{
	struct le *le, *next;

	for (le = list_head(&w->hotl); le; le = next) {
		struct leg *leg = le->data;

		next = le->next;
		leg->ops->rx(leg, t);
		if (t->now_us - leg->active_us >= WATCH_HOT_US)
			make_cold(w, leg);
	}
}

void watch_read(struct watch *w, const struct tick *t)
{
	if (w->coldc) {
		wake(w, t);
		read_cold(w, t);
	}

	read_hot(w, t);
}
