/* SPDX-License-Identifier: MIT */
/*
 * Reading sy:events for all clients of this gateway.  The truth is the
 * stream; what is published beside it only says that there is something.
 *
 *   start --newest--> look --> append what is new --> wait --> look ...
 *                      |                               |
 *                      +-- the last known is gone: gap |-- 0.5 s, or sooner
 *                                                          when told
 *
 * Each read begins with the last event that is known.  When that one is not
 * there any more, the stream was cut, emptied, or is another Redis': then it
 * is not known what is missing, and all begin anew.
 */

#include <errno.h>
#include <string.h>

#include "gateway/feed/feed_impl.h"
#include "proto/bus.h"
#include "proto/log.h"
#include "proto/loop.h"

enum {
	LOOK_MS = 500,     /* when nobody says that there is something    */
	SOON_MS = 10,      /* events that come together are read together */
	SOON_MOST_MS = 50,
	SOON_CLIENTS = 100, /* who make it a millisecond longer           */
	PAGE = 500,
};

static const char none[] = "0-0";

static void look(struct feed *f);

static void on_timer(void *arg)
{
	struct feed *f = arg;

	f->reader.timer = mem_deref(f->reader.timer);
	look(f);
}

static void look_in(struct feed *f, uint32_t ms)
{
	f->reader.timer = mem_deref(f->reader.timer);
	if (f->view && f->reader.listens)
		(void)loop_timer_start(&f->reader.timer, view_loop(f->view),
				       ms, on_timer, f);
}

/* Each round over all clients costs a write a client, however little there is
 * to say: of many clients the rounds are fewer, and each says more. */
static uint32_t soon_ms(const struct feed *f)
{
	const uint64_t ms = SOON_MS + (f->st.h1 + f->st.h2) / SOON_CLIENTS;

	return ms < SOON_MOST_MS ? (uint32_t)ms : SOON_MOST_MS;
}

static void look_later(struct feed *f)
{
	look_in(f, f->reader.soon ? soon_ms(f) : LOOK_MS);
	f->reader.soon = false;
}

/* ----------------------------------------------------------------- a read */

static void begin_after(struct feed *f, const char *id)
{
	struct feed_id after = {0, 0};

	(void)feed_id_read(&after, id);
	if (id != f->reader.last)
		str_ncpy(f->reader.last, id, sizeof(f->reader.last));
	f->reader.started = true;
	feed_log_reset(&f->log, &after);
}

static void on_newest(int err, const struct store_entry *v, size_t n,
		      void *arg)
{
	struct feed *f = arg;
	const bool again = f->reader.started;

	f->reader.busy = false;
	if (!f->view || !f->reader.listens)
		return;
	if (!err) {
		begin_after(f, n ? v[0].id : none);
		if (again)
			feed_gap(f);
		feed_news(f);
	}
	look_later(f);
}

static void append(struct feed *f, const struct store_entry *v, size_t n);

/* The last known is not there.  Of what came later, as ids go by the time,
 * nothing is kept back. */
static void restart(struct feed *f, const struct store_entry *v, size_t n)
{
	f->st.gaps++;
	log_warn("events are missing: the stream was emptied, cut, or is "
		 "another one", LOG_S("after", f->reader.last));
	if (n) {
		begin_after(f, f->reader.last);
		feed_gap(f);
		append(f, v, n);
		look_in(f, 0);
		return;
	}
	f->reader.busy = !store_event_list(view_redis(f->view), NULL, 1,
					   on_newest, f);
	if (!f->reader.busy)
		look_later(f);
}

static void append(struct feed *f, const struct store_entry *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (feed_log_add(&f->log, &v[i])) {
			f->st.gaps++;
			begin_after(f, v[i].id);
			feed_gap(f);
			continue;
		}
		str_ncpy(f->reader.last, v[i].id, sizeof(f->reader.last));
		if (v[i].event)
			calls_event(f->calls, v[i].event);
		f->st.events++;
	}
	if (n)
		feed_news(f);
}

static void on_events(int err, const struct store_entry *v, size_t n,
		      void *arg)
{
	struct feed *f = arg;
	const bool first = !strcmp(f->reader.last, none);
	const bool full = n == PAGE;

	f->reader.busy = false;
	if (!f->view || !f->reader.listens)
		return;
	if (!f->reader.started) {
		look(f); /* stopped, and started again, meanwhile */
		return;
	}

	if (!err && !first) {
		if (!n || strcmp(v[0].id, f->reader.last)) {
			restart(f, v, n);
			return;
		}
		v++;
		n--;
	}
	if (!err)
		append(f, v, n);
	if (!err && full) {
		look(f);
		return;
	}
	if (!err)
		calls_read(f->calls, f->reader.looks);
	look_later(f);
}

static void look(struct feed *f)
{
	struct redis *r;
	int err;

	if (!f->view || f->reader.busy)
		return;

	r = view_redis(f->view);
	if (!f->reader.started)
		err = store_event_list(r, NULL, 1, on_newest, f);
	else
		err = store_event_list_from(r, f->reader.last, PAGE,
					    on_events, f);
	f->reader.busy = !err;
	f->reader.looks++;
	f->reader.soon = false;
	if (err)
		look_later(f);
}

/* --------------------------------------------------------------- when */

static void on_published(const Sy__Envelope *env, void *arg)
{
	struct feed *f = arg;
	(void)env;

	if (f->reader.soon)
		return;

	f->reader.soon = true;
	if (!f->reader.busy)
		look_in(f, soon_ms(f));
}

void reader_start(struct feed *f)
{
	if (f->reader.listens || !f->view)
		return;

	f->reader.listens =
		!bus_listen(view_bus(f->view), BUS_CHANNEL_EVENTS,
			    on_published, f);
	look(f);
}

void reader_stop(struct feed *f)
{
	f->reader.timer = mem_deref(f->reader.timer);
	if (f->reader.listens && f->view)
		bus_unlisten(view_bus(f->view), BUS_CHANNEL_EVENTS);
	f->reader.listens = false;
	f->reader.started = false;
}
