/* SPDX-License-Identifier: MIT */
/*
 * Checkpoints: see checkpoint.h.
 *
 *   touch -> dirty list -> (end of turn) -> store_hub_put -> reply
 *                                             |    ENOTCONN ... -> whole, later
 *                                             +--- ESTALE -> adopt.c lets go
 *   ended -> farewell (record, Call-IDs, room) -> store_hub_drop -> gone
 */

#include <string.h>
#include "node/adopt.h"
#include "node/checkpoint.h"
#include "node/farewell.h"
#include "node/history.h"
#include "node/hub_state.h"
#include "node/quality.h"
#include "node/record.h"
#include "node/room.h"
#include "node/toll.h"
#include "proto/log.h"
#include "proto/store.h"

enum {
	RETRY_MS = 1000,
	ROOM_KEEP_MS = 10000,
	SETUP_MS = 3, /* what a call's beginning is gathered for */
};

struct checkpoint {
	struct node *node;        /* borrowed: its owner                */
	struct list dirty;        /* struct hub, by dirty_le            */
	struct list puts;         /* struct put, on their way           */
	struct list farewells;    /* struct farewell                    */
	struct tmr flush;         /* end of this turn, or soon          */
	struct alarm retry;
	struct alarm rooms;
	uint64_t sent;            /* writes                             */
	uint64_t whole_no;        /* of the last one that was to be whole */
	bool whole;               /* a write failed: all anew           */
	bool marked;              /* all is to be written, at the flush */
	bool soon;                /* flush runs, and not at this turn's end */
};

/* A checkpoint on its way; names its hub, which may end meanwhile. */
struct put {
	struct le le;
	struct checkpoint *cp;
	uint64_t no;
	char hub[ULID_LEN + 1];
	uint32_t epoch;
};

static void destructor(void *data)
{
	struct checkpoint *cp = data;

	tmr_cancel(&cp->flush);
	alarm_stop(&cp->node->alarms, &cp->retry);
	alarm_stop(&cp->node->alarms, &cp->rooms);
	list_clear(&cp->dirty);
	list_flush(&cp->puts);
	list_flush(&cp->farewells);
}

static void put_destructor(void *data)
{
	struct put *put = data;

	list_unlink(&put->le);
}

/* --------------------------------------------------------------- the record */

static void replaced_handler(uint32_t instance, void *arg)
{
	const struct put *put = arg;

	adopt_replaced(put->cp->node->adopt, put->hub, put->epoch, instance);
}

static void put_handler(int err, void *arg)
{
	struct put *put = arg;
	struct checkpoint *cp = put->cp;

	if (err && err != ESTALE && err != ENOENT) {
		metric_inc(cp->node->met.put_errors);
		cp->whole = true;
	}
	adopt_written(cp->node->adopt, put->hub, put->epoch, err);

	mem_deref(put);
}

/* What of a hub goes into one write; arrays sized for all its legs. */
struct batch {
	struct record_leg *recv;
	Sy__DialogState *statev;
	const Sy__Leg **legv;
	const Sy__DialogState **dlgv;
	const char **dropv;
	size_t legc, dlgc, dropc;
};

static void batch_close(struct batch *b)
{
	mem_deref(b->recv);
	mem_deref(b->statev);
	mem_deref((void *)b->legv);
	mem_deref((void *)b->dlgv);
	mem_deref((void *)b->dropv);
}

static int batch_alloc(struct batch *b, size_t legs, size_t drops)
{
	memset(b, 0, sizeof(*b));
	b->recv = mem_zalloc((legs + 1) * sizeof(*b->recv), NULL);
	b->statev = mem_zalloc((legs + 1) * sizeof(*b->statev), NULL);
	b->legv = mem_zalloc((legs + 1) * sizeof(*b->legv), NULL);
	b->dlgv = mem_zalloc((legs + 1) * sizeof(*b->dlgv), NULL);
	b->dropv = mem_zalloc((drops + 1) * sizeof(*b->dropv), NULL);

	return b->recv && b->statev && b->legv && b->dlgv && b->dropv ?
		       0 : ENOMEM;
}

static void batch_dialog(struct batch *b, const struct leg *leg)
{
	Sy__DialogState *ds = &b->statev[b->dlgc];

	if (!leg->ops->checkpoint)
		return;

	record_dialog_init(ds, leg);
	b->dlgv[b->dlgc++] = ds;
}

static void batch_legs(struct batch *b, struct hub *hub, bool whole)
{
	struct le *le;

	for (le = list_head(&hub->legs); le; le = le->next) {
		struct leg *leg = le->data;

		if (whole || leg->dirty) {
			record_leg_init(&b->recv[b->legc], &leg->info);
			b->legv[b->legc] = &b->recv[b->legc].msg;
			b->legc++;
		}
		if (whole || leg->dirty_dialog)
			batch_dialog(b, leg);
	}
}

/* All that are gone, not only the newest: a write in between may have been
 * lost. */
static void batch_drops(struct batch *b, struct hub *hub)
{
	struct le *le;

	if (!hub->gone.head && !hub->dirty)
		return;

	for (le = list_head(&hub->past); le; le = le->next) {
		const struct leg_past *past = le->data;

		b->dropv[b->dropc++] = past->info.id;
	}
}

static int put_send(struct checkpoint *cp, struct hub *hub,
		    const struct store_hub_put *prm)
{
	struct put *put = mem_zalloc(sizeof(*put), put_destructor);
	int err;

	if (!put)
		return ENOMEM;

	put->cp = cp;
	put->no = ++cp->sent;
	put->epoch = hub->epoch;
	str_ncpy(put->hub, hub->id, sizeof(put->hub));
	list_append(&cp->puts, &put->le, put);

	metric_inc(cp->node->met.puts);
	err = store_hub_put(bus_redis(cp->node->bus), prm, put_handler, put);
	if (err)
		mem_deref(put);

	return err;
}

/* @param whole  Also what has not changed. */
static int save(struct checkpoint *cp, struct hub *hub, bool whole)
{
	struct node *n = cp->node;
	struct record_call rec;
	struct store_hub_put prm = {
		.hub = hub->id,
		.epoch = hub->epoch,
		.node = n->conf.id,
		.instance = member_instance(n->members),
		.replacedh = replaced_handler,
	};
	struct hub_state st;
	struct batch b;
	uint64_t sum;
	int err;

	err = batch_alloc(&b, hub_legs(hub), list_count(&hub->past));
	err |= record_call_init(&rec, hub, n->conf.id, RECORD_BARE);
	err |= hub_state_init(&st, hub);
	if (err)
		goto out;

	batch_legs(&b, hub, whole);
	batch_drops(&b, hub);
	sum = hub_state_sum(&st);
	if (!hub->owned)
		adopt_begun(n->adopt, hub);
	hub->owned = true;
	prm.first = whole || !hub->state_sum;
	prm.state = whole || hub->state_sum != sum ? &st.msg : NULL;
	prm.call = whole || hub->dirty ? &rec.msg : NULL;
	prm.legv = b.legv;
	prm.legc = b.legc;
	prm.dlgv = b.dlgv;
	prm.dlgc = b.dlgc;
	prm.dropv = b.dropv;
	prm.dropc = b.dropc;
	if (prm.call || prm.state || prm.legc || prm.dlgc || prm.dropc)
		err = put_send(cp, hub, &prm);
	hub->state_sum = err ? 0 : sum;

out:
	hub_state_close(&st);
	record_call_close(&rec);
	batch_close(&b);
	return err;
}

static void clear_dirty(struct hub *hub)
{
	struct le *le;

	hub->dirty = false;
	for (le = list_head(&hub->legs); le; le = le->next) {
		struct leg *leg = le->data;

		leg->dirty = leg->dirty_dialog = false;
	}
}

/* ----------------------------------------------------------- the turn's end */

static void say_goodbye(struct checkpoint *cp, struct hub *hub)
{
	struct farewell *fw;

	quality_hub_ended(cp->node, hub);
	toll_give(cp->node, hub);
	if (hub->owned)
		adopt_ended(cp->node->adopt, hub->id);
	if (!farewell_alloc(&fw, &cp->farewells, cp->node, hub))
		farewell_send(fw);
	node_hub_close(cp->node, hub);
}

/* A conference may live for days: the placement of who left goes now. */
static void drop_places(struct checkpoint *cp, struct hub *hub)
{
	struct redis *r = bus_redis(cp->node->bus);
	struct le *le;

	for (le = list_head(&hub->gone); le; le = le->next) {
		const struct leg *leg = le->data;
		const char *cid = leg->ops->call_id ? leg->ops->call_id(leg) :
						      NULL;

		if (cid && !store_place_drop(r, cid, hub->id))
			hub_call_id_remove(hub, cid);
	}
}

static void save_or_later(struct checkpoint *cp, struct hub *hub, bool whole)
{
	if (save(cp, hub, whole)) {
		metric_inc(cp->node->met.put_errors);
		cp->whole = true;
	}
}

void checkpoint_save(struct checkpoint *cp, struct hub *hub)
{
	save_or_later(cp, hub, false);
}

void checkpoint_save_whole(struct checkpoint *cp, struct hub *hub)
{
	save_or_later(cp, hub, true);
}

static void flush_hub(struct checkpoint *cp, struct hub *hub)
{
	if (hub->came)
		history_hub(cp->node, hub);

	if (hub_is_over(hub)) {
		say_goodbye(cp, hub);
		return;
	}

	toll_sweep(cp->node, hub);
	if (hub->came)
		checkpoint_save(cp, hub);
	clear_dirty(hub);
	drop_places(cp, hub);
	hub_purge(hub);
}

void checkpoint_flush(struct checkpoint *cp)
{
	tmr_cancel(&cp->flush);
	cp->soon = false;

	while (cp->dirty.head) {
		struct hub *hub = cp->dirty.head->data;

		list_unlink(&hub->dirty_le);
		flush_hub(cp, hub);
	}

	if (cp->marked)
		cp->whole_no = cp->sent;
	cp->marked = false;
}

static void flush_handler(void *arg)
{
	checkpoint_flush(arg);
}

/* A call begins in a burst: caller, question to the registrar, callees.  One
 * write tells of it all; what is answered or over waits for nothing. */
void checkpoint_touch(struct checkpoint *cp, struct hub *hub)
{
	const bool soon = hub->state < SY__CALL_STATE__CALL_ANSWERED;
	const bool running = tmr_isrunning(&cp->flush);

	if (!hub->dirty_le.list)
		list_append(&cp->dirty, &hub->dirty_le, hub);

	if (running && (soon || !cp->soon))
		return;

	tmr_start(&cp->flush, soon ? SETUP_MS : 0, flush_handler, cp);
	cp->soon = soon;
}

/* ------------------------------------------------------------ after trouble */

/* Who calls and has no answer yet may cancel: the router looks for the
 * placement. */
static void place_again(struct checkpoint *cp, const struct hub *hub)
{
	const struct le *le;

	room_place(cp->node, hub);
	for (le = list_head(&hub->legs); le; le = le->next) {
		const struct leg *leg = le->data;
		struct store_place pl = {
			.instance = leg->tok_instance,
			.epoch = leg->tok_epoch,
			.leg = leg->ref,
		};
		const char *cid = leg->ops->call_id ? leg->ops->call_id(leg)
						    : NULL;

		if (!cid || !pl.instance ||
		    leg_is(leg, SY__LEG_STATE__LEG_ANSWERED))
			continue;

		str_ncpy(pl.hub, hub->id, sizeof(pl.hub));
		str_ncpy(pl.node, cp->node->conf.id, sizeof(pl.node));
		(void)store_place_put(bus_redis(cp->node->bus), cid, &pl);
	}
}

void checkpoint_hub_whole(struct checkpoint *cp, struct hub *hub)
{
	struct le *le;

	place_again(cp, hub);
	hub->dirty = true;
	hub->state_sum = 0;
	for (le = list_head(&hub->legs); le; le = le->next) {
		struct leg *leg = le->data;

		leg->dirty = leg->dirty_dialog = true;
	}
	checkpoint_touch(cp, hub);
}

static bool mark_whole(struct le *le, void *arg)
{
	checkpoint_hub_whole(arg, le->data);

	return false;
}

void checkpoint_whole(struct checkpoint *cp)
{
	cp->whole = false;
	cp->marked = cp->node->hubc != 0;
	hash_apply(cp->node->hubs, mark_whole, cp);
	farewell_send_all(&cp->farewells);
}

static void retry_handler(void *arg)
{
	struct checkpoint *cp = arg;

	alarm_start(&cp->node->alarms, &cp->retry, RETRY_MS, retry_handler,
		    cp);
	if (!redis_is_up(bus_redis(cp->node->bus)))
		return;

	if (cp->whole)
		checkpoint_whole(cp);
	else
		farewell_send_all(&cp->farewells);
}

static void rooms_handler(void *arg)
{
	struct checkpoint *cp = arg;

	alarm_start(&cp->node->alarms, &cp->rooms, ROOM_KEEP_MS,
		    rooms_handler, cp);
	room_keep_all(cp->node);
	toll_renew_all(cp->node);
}

int checkpoint_alloc(struct checkpoint **cpp, struct node *n)
{
	struct checkpoint *cp = mem_zalloc(sizeof(*cp), destructor);

	if (!cp)
		return ENOMEM;

	cp->node = n;
	tmr_init(&cp->flush);
	alarm_start(&n->alarms, &cp->retry, RETRY_MS, retry_handler, cp);
	alarm_start(&n->alarms, &cp->rooms, ROOM_KEEP_MS, rooms_handler, cp);

	*cpp = cp;
	return 0;
}

bool checkpoint_is_leaving(const struct checkpoint *cp, const char *hub)
{
	return farewell_find(&cp->farewells, hub) != NULL;
}

bool checkpoint_is_whole(const struct checkpoint *cp)
{
	const struct put *put = list_ledata(list_head(&cp->puts));

	return !cp->whole && !cp->marked && (!put || put->no > cp->whole_no);
}

uint32_t checkpoint_pending(const struct checkpoint *cp)
{
	return list_count(&cp->dirty) + list_count(&cp->puts) +
	       list_count(&cp->farewells);
}
