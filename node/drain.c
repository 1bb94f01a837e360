/* SPDX-License-Identifier: MIT */
/*
 * Draining: all hubs are given to other nodes.
 *
 * The hubs that are here stand in a queue; each turn some of them are moved,
 * a few at a time, and as many legs a second as the others' re-INVITEs are
 * paced by.  One that could not be moved comes again a second later, to another
 * node.  When the queue is empty it is filled anew, as long as there are hubs:
 * what was only placed when it was filled, or is moved by somebody else.
 */

#include <string.h>
#include "node/mover.h"
#include "proto/log.h"

enum {
	TURN_MS = 20,
	AGAIN_MS = 1000,
	TELL_MS = 5000,
	WAIT_MS = 12000, /* longer than an announced INVITE is waited for */
	BURST_LEGS = 50,
};

struct drain {
	struct mover *m;   /* borrowed: its owner                   */
	struct list queue; /* struct waiting                        */
	struct list tries; /* the same, being moved                 */
	struct tmr tmr;
	uint64_t wall_ms; /* when it began, since 1970             */
	uint64_t start_ms, turn_ms, fill_ms, tell_ms; /* monotonic        */
	double room;		/* legs that may be moved now            */
	uint32_t moved, failed; /* hubs                                  */
	bool alone;		/* told: no other node takes calls       */
	bool told_end;
};

struct waiting {
	struct le le;
	struct drain *drain; /* NULL: it is over                      */
	char hub[ULID_LEN + 1];
	char not_id[64]; /* refused it last                       */
	uint64_t at_ms;	 /* not before                            */
	bool failed;	 /* before                                */
};

static void waiting_destructor(void *data)
{
	struct waiting *w = data;

	list_unlink(&w->le);
}

static void destructor(void *data)
{
	struct drain *d = data;
	struct le *le;

	tmr_cancel(&d->tmr);
	list_flush(&d->queue);
	/* The moves that have them as arguments free them. */
	while ((le = list_head(&d->tries))) {
		struct waiting *w = le->data;

		list_unlink(&w->le);
		w->drain = NULL;
	}
}

static bool enqueue(struct le *le, void *arg)
{
	const struct hub *hub = le->data;
	struct drain *d = arg;
	struct waiting *w;

	if (hub_is_over(hub))
		return false;

	w = mem_zalloc(sizeof(*w), waiting_destructor);
	if (!w)
		return true;

	w->drain = d;
	str_ncpy(w->hub, hub->id, sizeof(w->hub));
	list_append(&d->queue, &w->le, w);

	return false;
}

static void tell_alone(struct drain *d, const struct move_result *res)
{
	if (res->code != SY__RESULT_CODE__UNAVAILABLE || d->alone)
		return;

	d->alone = true;
	log_warn("draining: a call waits for a node that takes it",
		 LOG_S("why", res->error), LOG_U("hubs", d->m->node->hubc));
}

static void moved_handler(const struct move_result *res, void *arg)
{
	struct waiting *w = arg;
	struct drain *d = w->drain;

	if (!d) {
		mem_deref(w);
		return;
	}

	list_unlink(&w->le);
	if (res->code == SY__RESULT_CODE__OK ||
	    res->code == SY__RESULT_CODE__NOT_FOUND) {
		d->moved += res->code == SY__RESULT_CODE__OK;
		mem_deref(w);
		return;
	}

	d->failed += !w->failed;
	w->failed = true;
	tell_alone(d, res);
	str_ncpy(w->not_id, res->node ? res->node : "", sizeof(w->not_id));
	w->at_ms = tmr_jiffies() + AGAIN_MS;
	list_append(&d->queue, &w->le, w);
}

/* @return false: not now. */
static bool begin(struct drain *d, struct waiting *w, uint64_t now)
{
	struct hub *hub = node_hub(d->m->node, w->hub);
	const struct move_conf conf = {
	    .not_id = w->not_id[0] ? w->not_id : NULL,
	    .wait_ms = WAIT_MS,
	    .again = w->failed,
	    .h = moved_handler,
	    .arg = w,
	};

	if (!hub || hub_is_over(hub)) {
		mem_deref(w);
		return true;
	}
	if (w->at_ms > now)
		return false;

	list_unlink(&w->le);
	if (move_start(d->m, hub, &conf)) {
		w->at_ms = now + AGAIN_MS;
		list_append(&d->queue, &w->le, w);
		return true;
	}

	d->room -= hub_legs(hub);
	list_append(&d->tries, &w->le, w);
	return true;
}

static void refill(struct drain *d, uint64_t now)
{
	const uint32_t rate = d->m->node->conf.adopt_rate;

	d->room += (double)rate * (double)(now - d->turn_ms) / 1000;
	if (d->room > BURST_LEGS)
		d->room = BURST_LEGS;
	d->turn_ms = now;

	if (d->queue.head || d->tries.head || now < d->fill_ms)
		return;

	d->fill_ms = now + AGAIN_MS;
	hash_apply(d->m->node->hubs, enqueue, d);
}

static void tell(struct drain *d, uint64_t now)
{
	const struct node *n = d->m->node;
	const bool end = !n->hubc && mover_is_idle(d->m);

	if (end ? d->told_end : now < d->tell_ms)
		return;

	d->told_end = end;
	d->tell_ms = now + TELL_MS;
	log_info(end ? "drained" : "draining", LOG_U("hubs", n->hubc),
		 LOG_U("moved", d->moved), LOG_U("failed", d->failed),
		 LOG_U("departures", list_count(&d->m->departures.list)),
		 LOG_F("seconds", (double)(now - d->start_ms) / 1000));
}

static void turn_handler(void *arg)
{
	struct drain *d = arg;
	const uint64_t now = tmr_jiffies();
	uint32_t left;

	tmr_start(&d->tmr, TURN_MS, turn_handler, d);
	refill(d, now);

	/* Each is looked at once a turn. */
	left = list_count(&d->queue);
	while (left-- && d->queue.head && d->room > 0 &&
	       list_count(&d->tries) < MOVE_MANY) {
		struct waiting *w = d->queue.head->data;

		if (begin(d, w, now))
			continue;
		list_unlink(&w->le);
		list_append(&d->queue, &w->le, w);
	}

	tell(d, now);
}

int drain_alloc(struct drain **dp, struct mover *m)
{
	struct drain *d = mem_zalloc(sizeof(*d), destructor);

	if (!d)
		return ENOMEM;

	d->m = m;
	d->wall_ms = timestamp_now_ms();
	d->start_ms = d->turn_ms = tmr_jiffies();
	d->tell_ms = d->start_ms + TELL_MS;
	d->room = BURST_LEGS;
	tmr_init(&d->tmr);
	tmr_start(&d->tmr, 0, turn_handler, d);
	*dp = d;

	return 0;
}

uint64_t drain_started_ms(const struct drain *d)
{
	return d->wall_ms;
}
