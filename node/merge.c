/* SPDX-License-Identifier: MIT */
/* Two hubs become one: see merge.h. */

#include <string.h>
#include <openssl/crypto.h>
#include "node/checkpoint.h"
#include "node/leg_player.h"
#include "node/leg_sip.h"
#include "node/merge.h"
#include "node/mover.h"
#include "node/record.h"
#include "proto/log.h"
#include "proto/schema_copy.h"
#include "proto/store.h"

enum { LINGER_MS = DEPARTURE_LINGER_MS + 20 };

/* What is still to be heard of a hub that was merged. */
struct merge {
	struct le le; /* in node->merges                       */
	struct node *node;
	struct hub *into; /* borrowed; see merge_hub_closed()      */
	char from[ULID_LEN + 1];
	struct media_leg *link; /* owned; in the mix of "into"           */
	uint32_t waits;		/* legs that are not heard yet           */
	struct tmr tmr;
};

/* A leg on its way: all that it had, in memory of its own. */
struct parcel {
	struct le le;
	Sy__Leg *leg;
	Sy__DialogState *dialog; /* NULL: it plays        */
	Sy__PlayerState *player;
};

static void merge_destructor(void *data)
{
	struct merge *mg = data;

	tmr_cancel(&mg->tmr);
	list_unlink(&mg->le);
	mem_deref(mg->link);
}

static void wipe(char *text)
{
	if (text)
		OPENSSL_cleanse(text, strlen(text));
}

static void parcel_destructor(void *data)
{
	struct parcel *p = data;

	list_unlink(&p->le);
	if (p->leg)
		sy__leg__free_unpacked(p->leg, NULL);
	if (p->player)
		sy__player_state__free_unpacked(p->player, NULL);
	if (p->dialog) { /* maybe with keys */
		wipe(p->dialog->local_sdp);
		wipe(p->dialog->remote_sdp);
		sy__dialog_state__free_unpacked(p->dialog, NULL);
	}
}

/* ------------------------------------------------------------------ packing */

static int pack_state(struct parcel *p, const struct leg *leg)
{
	Google__Protobuf__Timestamp started;
	Sy__PlayerState player = SY__PLAYER_STATE__INIT;
	Sy__DialogState dialog;

	if (leg->ops->checkpoint) {
		record_dialog_init(&dialog, leg);
		p->dialog = schema_copy(&dialog.base);
		return p->dialog ? 0 : ENOMEM;
	}
	if (!leg->ops->played)
		return 0;

	google__protobuf__timestamp__init(&started);
	player.started_at = &started;
	leg->ops->played(leg, &player);
	p->player = schema_copy(&player.base);

	return p->player ? 0 : ENOMEM;
}

static int pack_leg(struct list *parcels, const struct leg *leg)
{
	struct parcel *p = mem_zalloc(sizeof(*p), parcel_destructor);
	struct record_leg rec;
	int err;

	if (!p)
		return ENOMEM;

	list_append(parcels, &p->le, p);
	record_leg_init(&rec, &leg->info);
	p->leg = schema_copy(&rec.msg.base);
	err = p->leg ? pack_state(p, leg) : ENOMEM;

	return err;
}

static int pack(struct list *parcels, const struct hub *from,
		const struct leg *but)
{
	const struct le *le;
	int err = 0;

	for (le = list_head(&from->legs); le && !err; le = le->next) {
		const struct leg *leg = le->data;

		if (leg != but)
			err = pack_leg(parcels, leg);
	}

	return err;
}

/* ---------------------------------------------------------------- arriving */

static void done_handler(void *arg)
{
	struct merge *mg = arg;
	struct departure *d =
	    departure_find(&mg->node->mover->departures, mg->from);

	if (d)
		departure_step(d, "", SY__MOVE_STEP__MOVE_DONE);
	mem_deref(mg);
}

static void step(struct merge *mg, const char *leg, Sy__MoveStep what)
{
	struct departure *d =
	    departure_find(&mg->node->mover->departures, mg->from);

	if (d)
		departure_step(d, leg, what);
}

static void check_done(struct merge *mg)
{
	if (!mg->waits)
		tmr_start(&mg->tmr, LINGER_MS, done_handler, mg);
}

static void leg_handler(struct leg *leg, enum leg_sip_resume_event ev,
			uint16_t code, const char *reason, void *arg)
{
	struct merge *mg = arg;

	if (ev == LEG_SIP_ANSWERED) {
		step(mg, leg->info.id, SY__MOVE_STEP__MOVE_ANSWERED);
		return;
	}

	if (ev == LEG_SIP_LOST && code >= 300)
		log_warn("leg lost", LOG_S("call", mg->into->id),
			 LOG_S("leg", leg->info.id), LOG_S("reason", reason));
	step(mg, leg->info.id, SY__MOVE_STEP__MOVE_HEARD);
	if (mg->waits)
		--mg->waits;
	check_done(mg);
}

/* A leg that cannot be resumed goes into the call's record. */
static void lose(struct hub *into, const struct parcel *p, int err)
{
	struct leg_info info;

	record_leg_read(&info, p->leg);
	info.state = SY__LEG_STATE__LEG_ENDED;
	info.ended_ms = into->env->wall_ms();
	info.end_code = 500;
	(void)re_snprintf(info.end_reason, sizeof(info.end_reason),
			  "not merged: %m", err);
	hub_remember(into, &info);
	log_warn("leg lost", LOG_S("call", into->id), LOG_S("leg", info.id),
		 LOG_E(err));
}

static void unpack(struct merge *mg, const struct parcel *p)
{
	struct node *n = mg->node;
	struct hub *into = mg->into;
	struct leg *leg;
	int err;

	if (!p->dialog) {
		err = p->player
			  ? leg_player_resume(&leg, n, into, p->leg, p->player)
			  : ENOTSUP;
		if (err)
			lose(into, p, err);
		return;
	}

	/* Its own tokens stay those of the hub that it had. */
	p->dialog->ref = hub_ref(into);
	err = leg_sip_resume(&leg, n, into, p->leg, p->dialog, leg_handler, mg);
	if (err) {
		lose(into, p, err);
		return;
	}

	++mg->waits;
	(void)leg_sip_reoffer(leg);
}

/* ------------------------------------------------------------------ leaving */

static const struct sa *laddr(const struct node *n)
{
	return &n->conf.media_addrv[0];
}

/* Each mix hears the other until all legs are in one. */
static int link_up(struct merge *mg, struct departure *dep, struct sa *addr,
		   uint8_t key[MEDIA_LINK_KEY_BYTES])
{
	uint8_t theirs[MEDIA_LINK_KEY_BYTES];
	struct sa raddr;
	struct mix *mix;
	int err;

	if (!departure_link(dep, &raddr, theirs))
		return 0;

	rand_bytes(key, MEDIA_LINK_KEY_BYTES);
	err = node_mix(&mix, mg->node, mg->into);
	if (!err)
		err = media_leg_link_alloc(&mg->link, mix, laddr(mg->node),
					   NULL, NULL);
	if (!err)
		err = media_leg_link_set(mg->link, &raddr, key, theirs);
	if (!err)
		*addr = *media_leg_laddr(mg->link);
	OPENSSL_cleanse(theirs, sizeof(theirs));

	return err;
}

/* The legs that it had, as they were: for its own record. */
static void remember(struct hub *from, const char *reason,
		     const struct leg *but)
{
	const struct le *le;

	for (le = list_head(&from->legs); le; le = le->next) {
		const struct leg *leg = le->data;
		struct leg_info info = leg->info;

		if (leg == but)
			continue;
		info.state = SY__LEG_STATE__LEG_ENDED;
		info.ended_ms = from->env->wall_ms();
		info.end_code = 200;
		str_ncpy(info.end_reason, reason, sizeof(info.end_reason));
		hub_remember(from, &info);
	}
}

/* hub_abandon() has let go of all in silence; its end is to be told. */
static void end(struct hub *from, const char *reason)
{
	const struct hub_observer *obs = from->env->observer;

	from->ended_ms = from->env->wall_ms();
	from->end_code = 200;
	str_ncpy(from->end_reason, reason, sizeof(from->end_reason));
	from->dirty = true;
	if (obs->state)
		obs->state(from, from->env->arg);
	if (obs->ended)
		obs->ended(from, from->env->arg);
	hub_touch(from);
}

bool merge_is_quiet(const struct hub *from, const struct leg *but)
{
	const struct le *le;

	if (!from->came || from->expects.head || from->hunts.head)
		return false;

	for (le = list_head(&from->legs); le; le = le->next) {
		const struct leg *leg = le->data;

		if (leg != but && (!leg_is(leg, SY__LEG_STATE__LEG_ANSWERED) ||
				   !leg_sip_is_quiet(leg)))
			return false;
	}

	return true;
}

static int prepare(struct merge **mgp, struct node *n, struct hub *into,
		   const struct hub *from)
{
	struct merge *mg = mem_zalloc(sizeof(*mg), merge_destructor);

	if (!mg)
		return ENOMEM;

	mg->node = n;
	mg->into = into;
	str_ncpy(mg->from, from->id, sizeof(mg->from));
	tmr_init(&mg->tmr);
	list_append(&n->merges, &mg->le, mg);
	*mgp = mg;

	return 0;
}

int merge_hubs(struct node *n, struct hub *into, struct hub *from,
	       struct leg *but)
{
	struct list parcels = LIST_INIT;
	struct departure *dep = NULL;
	uint8_t key[MEDIA_LINK_KEY_BYTES];
	char reason[LEG_TEXT_MAX];
	struct merge *mg = NULL;
	struct sa addr;
	struct le *le;
	int err;

	err = pack(&parcels, from, but);
	if (!err)
		err = prepare(&mg, n, into, from);
	if (!err)
		err = departure_alloc(&dep, &n->mover->departures, from,
				      from->mix ? laddr(n) : NULL);
	if (!err)
		err = link_up(mg, dep, &addr, key);
	if (err) {
		mem_deref(dep);
		mem_deref(mg);
		goto out;
	}

	log_info("calls merged", LOG_S("call", into->id),
		 LOG_S("from", from->id), LOG_U("legs", list_count(&parcels)));
	(void)re_snprintf(reason, sizeof(reason), "merged into %s", into->id);
	if (but)
		leg_finish(but, 200, "transferred", true);
	remember(from, reason, but);
	departure_go(dep, from, member_instance(n->members), sipua_laddr(n->ua),
		     mg->link ? &addr : NULL, mg->link ? key : NULL);
	for (le = list_head(&parcels); le; le = le->next)
		unpack(mg, le->data);
	hub_move_tolls(into, from);
	(void)store_merged_put(bus_redis(n->bus), from->id, into->id);
	checkpoint_save_whole(n->checkpoint, into);
	end(from, reason);
	check_done(mg);

out:
	OPENSSL_cleanse(key, sizeof(key));
	list_flush(&parcels);
	return err;
}

void merge_hub_closed(struct node *n, const struct hub *hub)
{
	struct le *le = list_head(&n->merges);

	while (le) {
		struct merge *mg = le->data;

		le = le->next;
		if (mg->into == hub)
			done_handler(mg);
	}
}

void merges_close(struct node *n)
{
	list_flush(&n->merges);
}
