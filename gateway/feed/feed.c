/* SPDX-License-Identifier: MIT */
/* The feed put together, and who is looked after when: see feed.h. */

#include <errno.h>
#include <string.h>

#include "gateway/feed/feed_impl.h"
#include "gateway/feed/poll.h"
#include "gateway/http/request.h"
#include "proto/loop.h"

enum {
	WAKE_SLICE = 200, /* clients that are woken before others' turn   */
	AGAIN_S = 6,      /* after Redis is back                          */
	AGAIN_STEP_S = 3,
};

/* ------------------------------------------------------------------ waking */

static void on_wake(void *arg)
{
	struct feed *f = arg;

	f->waker = mem_deref(f->waker);
	for (int i = 0; i < WAKE_SLICE && f->wakel.head; i++)
		client_wake(f->wakel.head->data);
	for (int i = 0; i < WAKE_SLICE && f->stream_wakel.head; i++)
		stream_wake_one(f->stream_wakel.head);
	if ((f->wakel.head || f->stream_wakel.head) && f->view)
		(void)loop_timer_start(&f->waker, view_loop(f->view), 0,
				       on_wake, f);
}

void feed_news(struct feed *f)
{
	struct le *le;

	while ((le = f->idlel.head)) {
		list_unlink(le);
		list_append(&f->wakel, le, le->data);
	}
	while ((le = f->stream_idlel.head)) {
		list_unlink(le);
		list_append(&f->stream_wakel, le, le->data);
	}
	if ((f->wakel.head || f->stream_wakel.head) && !f->waker)
		on_wake(f);
}

void feed_gap(struct feed *f)
{
	struct le *le;

	LIST_FOREACH(&f->clientl, le)
		topic_restart(le->data);
	stream_restart_all(f);
	calls_again(f->calls, true);
}

void feed_calls_anew(struct feed *f)
{
	struct le *le;

	LIST_FOREACH(&f->clientl, le)
		topic_calls_anew(le->data);
	feed_news(f);
}

/* ---------------------------------------------------------------- sweeping */

/* Who was without Redis told nobody what happened meanwhile, and has written
 * it down within seconds. */
static void check_redis(struct feed *f)
{
	const bool has = view_has_redis(f->view);

	if (has && !f->had_redis)
		f->again_s = AGAIN_S;
	f->had_redis = has;
	if (f->again_s && has && --f->again_s % AGAIN_STEP_S == 0)
		calls_again(f->calls, false);
}

static void on_sweep(void *arg)
{
	struct feed *f = arg;
	struct le *le = f->clientl.head;

	f->sweep = mem_deref(f->sweep);
	while (le) {
		struct ws_client *c = le->data;

		le = le->next;
		if (topic_has_calls(c))
			calls_want(f->calls);
		client_check(c);
	}
	stream_check_all(f);
	check_redis(f);
	calls_tick(f->calls);
	poll_tick(f);
	if (f->clientl.head || f->streaml.head)
		feed_watch(f);
	else
		reader_stop(f);
}

void feed_watch(struct feed *f)
{
	if (!f->sweep && f->view)
		(void)loop_timer_start(&f->sweep, view_loop(f->view),
				       FEED_SWEEP_MS, on_sweep, f);
}

/* -------------------------------------------------------------------- life */

void feed_phones(struct feed *f, ws_phone_h *h, void *arg)
{
	if (!f)
		return;

	f->phoneh = h;
	f->phone_arg = arg;
}

void feed_stop(struct feed *f)
{
	struct le *le;

	if (!f || !f->view)
		return;

	reader_stop(f);
	f->sweep = mem_deref(f->sweep);
	f->waker = mem_deref(f->waker);
	le = f->clientl.head;
	while (le) {
		struct ws_client *c = le->data;

		le = le->next;
		client_close(c, WS_CODE_LEAVING, "this gateway ends");
	}
	stream_end_all(f);
	list_flush(&f->polll);
	f->view = NULL;
}

void feed_stat(const struct feed *f, struct feed_stat *st)
{
	if (f)
		*st = f->st;
	else
		memset(st, 0, sizeof(*st));
}

static void destructor(void *arg)
{
	struct feed *f = arg;

	mem_deref(f->sweep);
	mem_deref(f->waker);
	mem_deref(f->reader.timer);
	list_flush(&f->pagel);
	list_flush(&f->polll);
	mem_deref(f->self);
	mem_deref(f->calls);
	feed_log_close(&f->log);
}

int feed_alloc(struct feed **fp, const struct feed_conf *conf)
{
	struct feed *f;
	int err;

	if (!fp || !conf || !conf->view || !conf->auth)
		return EINVAL;

	f = mem_zalloc(sizeof(*f), destructor);
	if (!f)
		return ENOMEM;

	f->view = conf->view;
	f->auth = conf->auth;
	f->geth = conf->geth;
	f->get_arg = conf->arg;
	f->had_redis = true;
	err = calls_alloc(&f->calls, f);
	if (!err)
		err = web_req_alloc(&f->self, NULL);
	if (err)
		mem_deref(f);
	else
		*fp = f;

	return err;
}
