/* SPDX-License-Identifier: MIT */
/*
 * A hub of another node goes on here: see restore.h.  Its legs wait in one
 * queue of the node, in the order in which their hubs came, so that thousands
 * of re-INVITEs do not leave in one burst.
 */

#include <string.h>
#include "node/app/app.h"
#include "node/app/hunts.h"
#include "node/checkpoint.h"
#include "node/history.h"
#include "node/hub_state.h"
#include "node/leg_player.h"
#include "node/leg_sip.h"
#include "node/record.h"
#include "node/restore.h"
#include "proto/log.h"

enum {
	PACE_MS = 10,
	CLAIM_CSEQS = 100, /* as the margin over a checkpoint's */
	CLAIMS_MAX = 1000,
};

struct restores {
	struct node *node; /* borrowed: its owner                    */
	struct list queue; /* struct restore_leg, by qle             */
	struct list list;  /* struct restore that is not done        */
	struct tmr tmr;	   /* runs while there is something to do    */
	uint32_t rate;	   /* legs a second                          */
	uint32_t tokens;   /* thousandths of a leg                   */
	uint64_t filled_ms;
};

enum leg_step {
	STEP_WAITS, /* in the queue                                  */
	STEP_ASKED, /* re-INVITE sent, or not needed                 */
	STEP_ANSWERED,
	STEP_OVER, /* heard or lost                                 */
};

/* A leg that had been answered, or one that is lost from the begin. */
struct restore_leg {
	struct le le;  /* in restore->legs                       */
	struct le qle; /* in restores->queue                     */
	struct restore *rs;
	char id[ULID_LEN + 1];
	enum leg_step step;
	uint64_t answered_ms; /* since 1970                             */
	bool gone;	      /* lost from the begin: yet to be told    */
};

/* The hub's: freed after its legs, whose argument it is. */
struct restore {
	struct le le; /* in restores->list                      */
	struct restores *all;
	struct hub *hub; /* borrowed: its owner                    */
	struct list legs;
	uint64_t alive_ms;
	char from[64];
	bool moved;
	restore_h *h;
	void *arg;
};

static void restores_destructor(void *data)
{
	struct restores *r = data;

	tmr_cancel(&r->tmr);
	list_clear(&r->queue);
	list_clear(&r->list);
}

static void leg_destructor(void *data)
{
	struct restore_leg *rl = data;

	list_unlink(&rl->le);
	list_unlink(&rl->qle);
}

static void restore_destructor(void *data)
{
	struct restore *rs = data;

	list_unlink(&rs->le);
	list_flush(&rs->legs);
}

/* ------------------------------------------------------------ what is told */

static void tell(struct restore *rs, const char *leg, enum restore_event ev)
{
	if (rs->h)
		rs->h(rs->hub, leg, ev, rs->arg);
}

/* Who is not heard has been without us until it knew where we are.  0: not
 * known, since nobody knows when the last owner died. */
static uint32_t gap_ms(const struct restore_leg *rl, bool heard)
{
	const struct restore *rs = rl->rs;
	const uint64_t at_ms =
	    heard ? rs->hub->env->wall_ms() : rl->answered_ms;
	/* Who gave it was heard, and heard it, until then. */
	const uint64_t from_ms = rs->moved ? rl->answered_ms : rs->alive_ms;

	return from_ms && at_ms > from_ms ? (uint32_t)(at_ms - from_ms) : 0;
}

static bool is_done(const struct restore *rs)
{
	const struct le *le;

	for (le = list_head(&rs->legs); le; le = le->next) {
		const struct restore_leg *rl = le->data;

		if (rl->step != STEP_OVER || rl->gone)
			return false;
	}

	return true;
}

static void check_done(struct restore *rs)
{
	if (!rs->le.list || !is_done(rs))
		return;

	list_unlink(&rs->le);
	tell(rs, "", RESTORE_DONE);
}

static void over(struct restore_leg *rl)
{
	rl->step = STEP_OVER;
	rl->gone = false;
	list_unlink(&rl->qle);
}

static void count_lost(const struct restore *rs, uint16_t code)
{
	struct node *n = rs->all->node;

	n->lost_legs_total++;
	metric_inc(code == 408 || code == 481 ? n->met.lost_silent
		   : code == 503	      ? n->met.lost_no_room
					      : n->met.lost_refused);
}

static void resumed(struct restore_leg *rl, struct leg *leg, bool heard)
{
	struct restore *rs = rl->rs;
	struct node *n = rs->all->node;
	const uint32_t gap = gap_ms(rl, heard);

	if (!rs->moved)
		metric_inc(n->met.adopted_legs);
	if (!rs->moved && gap)
		histogram_put(n->met.adoption_gap, gap / 1000.0);
	history_resumed(n, rs->hub, leg, gap);
	log_debug("leg resumed", LOG_S("call", rs->hub->id),
		  LOG_S("leg", rl->id), LOG_U("gap_ms", gap));
}

static struct restore_leg *find(const struct restore *rs, const char *id)
{
	const struct le *le;

	for (le = list_head(&rs->legs); le; le = le->next) {
		struct restore_leg *rl = le->data;

		if (!strcmp(rl->id, id))
			return rl;
	}

	return NULL;
}

static void lost(struct restore *rs, const struct leg_info *info, uint16_t code,
		 const char *reason)
{
	struct node *n = rs->all->node;

	log_warn("leg lost", LOG_S("call", rs->hub->id), LOG_S("leg", info->id),
		 LOG_S("reason", reason));
	count_lost(rs, code);
	history_lost(n, rs->hub, info, reason);
}

/* Legs that ring are told of only where they are lost. */
static void leg_handler(struct leg *leg, enum leg_sip_resume_event ev,
			uint16_t code, const char *reason, void *arg)
{
	struct restore *rs = arg;
	struct restore_leg *rl = find(rs, leg->info.id);

	if (ev == LEG_SIP_LOST && code >= 300)
		lost(rs, &leg->info, code, reason);
	if (!rl || rl->step == STEP_OVER)
		return;

	switch (ev) {

	case LEG_SIP_ANSWERED:
		rl->step = STEP_ANSWERED;
		rl->answered_ms = rs->hub->env->wall_ms();
		list_unlink(&rl->qle);
		tell(rs, rl->id, RESTORE_ANSWERED);
		break;

	case LEG_SIP_HEARD:
		over(rl);
		resumed(rl, leg, code != 0);
		tell(rs, rl->id, RESTORE_HEARD);
		break;

	case LEG_SIP_LOST:
		over(rl);
		tell(rs, rl->id, RESTORE_LOST);
		break;
	}

	check_done(rs);
}

void restore_leg_removed(struct hub *hub, const struct leg *leg)
{
	struct restore *rs = hub->restore;
	struct restore_leg *rl = rs ? find(rs, leg->info.id) : NULL;

	if (!rl || rl->step == STEP_OVER)
		return;

	over(rl);
	tell(rs, rl->id, RESTORE_LOST);
	check_done(rs);
}

/* --------------------------------------------------------------- the pace */

static void fill(struct restores *r)
{
	const uint64_t now_ms = tmr_jiffies();
	const uint64_t more = (now_ms - r->filled_ms) * r->rate;
	const uint64_t full = RESTORE_BURST * 1000;

	r->tokens = (uint32_t)MIN(r->tokens + more, full);
	r->filled_ms = now_ms;
}

static void ask(struct restore_leg *rl)
{
	struct leg *leg = hub_leg(rl->rs->hub, rl->id);

	rl->step = STEP_ASKED;
	list_unlink(&rl->qle);
	if (leg)
		(void)leg_sip_reoffer(leg);
}

/* What was lost from the begin is told here, never from node_restore(). */
static void tell_gone(struct restore *rs)
{
	struct le *le = list_head(&rs->legs);

	while (le) {
		struct restore_leg *rl = le->data;

		le = le->next;
		if (!rl->gone)
			continue;

		over(rl);
		tell(rs, rl->id, RESTORE_LOST);
	}

	check_done(rs);
}

static void pace_handler(void *arg)
{
	struct restores *r = arg;
	struct le *le = list_head(&r->list);

	fill(r);
	while (r->queue.head && r->tokens >= 1000) {
		r->tokens -= 1000;
		ask(r->queue.head->data);
	}

	while (le) {
		struct restore *rs = le->data;

		le = le->next;
		tell_gone(rs);
	}

	if (r->queue.head)
		tmr_start(&r->tmr, PACE_MS, pace_handler, r);
}

int restores_alloc(struct restores **rp, struct node *n, uint32_t rate)
{
	struct restores *r = mem_zalloc(sizeof(*r), restores_destructor);

	if (!r)
		return ENOMEM;

	r->node = n;
	r->rate = rate ? rate : RESTORE_RATE;
	r->tokens = RESTORE_BURST * 1000;
	r->filled_ms = tmr_jiffies();
	tmr_init(&r->tmr);
	*rp = r;

	return 0;
}

uint32_t restores_count(const struct restores *r)
{
	return list_count(&r->list);
}

/* -------------------------------------------------------------- the legs */

static int add_leg(struct restore *rs, const char *id, bool gone)
{
	struct restore_leg *rl = mem_zalloc(sizeof(*rl), leg_destructor);

	if (!rl)
		return ENOMEM;

	rl->rs = rs;
	rl->gone = gone;
	rl->step = gone ? STEP_OVER : STEP_WAITS;
	str_ncpy(rl->id, id, sizeof(rl->id));
	list_append(&rs->legs, &rl->le, rl);
	if (!gone)
		list_append(&rs->all->queue, &rl->qle, rl);

	return 0;
}

static const Sy__DialogState *dialog_of(const struct restore_conf *conf,
					const char *leg)
{
	for (size_t i = 0; i < conf->dlgc; i++) {
		if (!strcmp(conf->dlgv[i]->leg, leg))
			return conf->dlgv[i];
	}

	return NULL;
}

static const Sy__PlayerState *player_of(const struct restore_conf *conf,
					const char *leg)
{
	const Sy__HubState *st = conf->state;

	for (size_t i = 0; st && i < st->n_players; i++) {
		if (!strcmp(st->players[i]->leg, leg))
			return st->players[i];
	}

	return NULL;
}

static uint16_t code_of(int err)
{
	return err == EADDRINUSE || err == EAGAIN || err == EHOSTUNREACH ? 503
									 : 500;
}

static const char *why(int err)
{
	switch (err) {

	case EADDRINUSE:
		return "not resumed: no RTP port";
	case EHOSTUNREACH:
		return "not resumed: no router";
	case ENOENT:
		return "not resumed: no such file";
	case EBADMSG:
		return "not resumed: its record cannot be read";
	case ENOTSUP:
		return "not resumed: codec or address not here";
	default:
		return "not resumed: no memory";
	}
}

/* Its peer must not wait for ever: the last word that can be said. */
static void say_bye(struct node *n, const struct hub *hub,
		    const Sy__DialogState *ds, uint16_t code)
{
	static const struct dialog_handlers none = {0};
	struct dialog_resume prm = {
	    .ds = ds,
	    .tok =
		{
		    .kind = TOKEN_NODE,
		    .instance = member_instance(n->members),
		    .leg = ds->ref,
		    .epoch = hub->epoch,
		},
	};
	struct dialog *d;

	if (ulid_read(prm.tok.hub, hub->id, ULID_LEN) ||
	    dialog_resume(&d, n->ua, &prm, &none, NULL))
		return;

	dialog_hangup(d, code, NULL);
	mem_deref(d);
}

/* A leg that cannot be restored goes into the call's record. */
static void lose(struct restore *rs, const Sy__Leg *rec,
		 const Sy__DialogState *ds, int err)
{
	struct leg_info info;

	record_leg_read(&info, rec);
	info.state = SY__LEG_STATE__LEG_ENDED;
	info.ended_ms = rs->hub->env->wall_ms();
	info.end_code = code_of(err);
	str_ncpy(info.end_reason, why(err), sizeof(info.end_reason));
	hub_remember(rs->hub, &info);
	lost(rs, &info, info.end_code, info.end_reason);
	if (ds)
		say_bye(rs->all->node, rs->hub, ds, info.end_code);
	(void)add_leg(rs, info.id, true);
}

/*
 * Who claimed the hub and wrote nothing of it may have sent requests: each
 * owner begins above all that those before it can have used.
 */
static void skip_cseqs(Sy__DialogState *ds, const struct restore_conf *conf)
{
	const uint32_t wrote = conf->call->epoch;
	const uint32_t n =
	    wrote && conf->epoch > wrote + 1 ? conf->epoch - wrote - 1 : 0;

	ds->local_cseq += MIN(n, CLAIMS_MAX) * CLAIM_CSEQS;
}

static void restore_leg(struct restore *rs, const struct restore_conf *conf,
			const Sy__Leg *rec)
{
	const Sy__DialogState *wrote = dialog_of(conf, rec->id), *ds = wrote;
	Sy__DialogState state;
	struct node *n = rs->all->node;
	struct leg *leg = NULL;
	int err;

	if (!ulid_is_valid(rec->id) || hub_leg(rs->hub, rec->id))
		return;

	if (wrote) {
		state = *wrote;
		skip_cseqs(&state, conf);
		ds = &state;
	}
	if (ds)
		err =
		    leg_sip_resume(&leg, n, rs->hub, rec, ds, leg_handler, rs);
	else
		err = leg_player_resume(&leg, n, rs->hub, rec,
					player_of(conf, rec->id));
	if (err) {
		lose(rs, rec, ds, err == EINVAL ? EBADMSG : err);
		return;
	}

	if (!ds)
		return;

	leg->tok_instance = ds->invite_instance;
	leg->tok_epoch = ds->invite_epoch;
	if (leg_is(leg, SY__LEG_STATE__LEG_ANSWERED) &&
	    add_leg(rs, rec->id, false)) {
		lost(rs, &leg->info, 500, why(ENOMEM));
		leg_hangup(leg, 500, why(ENOMEM));
	}
}

/* ---------------------------------------------------------------- the hub */

static bool is_caller(const struct hub *hub, const struct leg *leg)
{
	const struct le *le;

	for (le = list_head(&hub->hunts); le; le = le->next) {
		const struct hunt *hunt = le->data;

		if (hunt->conf.caller == leg)
			return true;
	}

	return false;
}

/* Who called and is served by nobody (what served it is not in the record) is
 * served anew. */
static struct leg *unserved(const struct hub *hub)
{
	const struct le *le;

	for (le = list_head(&hub->legs); le; le = le->next) {
		struct leg *leg = le->data;

		if (leg->info.direction == SY__DIRECTION__INBOUND &&
		    !leg_is(leg, SY__LEG_STATE__LEG_ANSWERED) &&
		    !is_caller(hub, leg))
			return leg;
	}

	return NULL;
}

static void serve(struct node *n, struct hub *hub)
{
	struct app_call call = {
	    .hub = hub,
	    .dest = hub->dest,
	    .ring_ms = node_ring_ms(n, 0),
	};

	while (!hub_is_over(hub) && (call.leg = unserved(hub))) {
		uint16_t code = app_run(n, &call);

		if (!code && !is_caller(hub, call.leg) &&
		    !leg_is(call.leg, SY__LEG_STATE__LEG_ANSWERED))
			code = 500;
		if (code)
			leg_hangup(call.leg, code,
				   "destination cannot be reached");
	}
}

static int restore_alloc(struct restore **rsp, struct node *n, struct hub *hub,
			 const struct restore_conf *conf)
{
	struct restore *rs = mem_zalloc(sizeof(*rs), restore_destructor);

	if (!rs)
		return ENOMEM;

	rs->all = n->restores;
	rs->hub = hub;
	rs->alive_ms = conf->alive_ms;
	rs->moved = conf->moved;
	rs->h = conf->h;
	rs->arg = conf->arg;
	str_ncpy(rs->from, conf->call->node, sizeof(rs->from));
	list_append(&n->restores->list, &rs->le, rs);
	*rsp = rs;

	return 0;
}

static int hub_make(struct hub **hp, struct node *n,
		    const struct restore_conf *conf)
{
	const Sy__Call *call = conf->call;
	const struct hub_conf hc = {
	    .id = call->id,
	    .epoch = conf->epoch,
	    .dest = conf->state ? conf->state->destination : NULL,
	    .caller = call->caller,
	    .called = call->called,
	};
	int err;

	if (!ulid_is_valid(call->id))
		return EBADMSG;
	if (node_hub(n, call->id))
		return EEXIST;

	err = node_hub_alloc(hp, n, &hc);
	if (err)
		return err;

	hub_state_restore(*hp, call, conf->state);
	if (!conf->state)
		str_ncpy((*hp)->destination, call->destination,
			 sizeof((*hp)->destination));

	return 0;
}

static void build(struct restore *rs, const struct restore_conf *conf)
{
	struct node *n = rs->all->node;
	struct hub *hub = rs->hub;

	for (size_t i = 0; i < conf->call->n_legs; i++)
		restore_leg(rs, conf, conf->call->legs[i]);

	if (conf->state)
		app_hunts_restore(n, hub, conf->state);
	serve(n, hub);
	hub_check(hub, 503, "not resumed");
}

int node_restore(struct hub **hp, struct node *n,
		 const struct restore_conf *conf)
{
	struct restore *rs;
	struct hub *hub;
	int err = hub_make(&hub, n, conf);

	if (err)
		return err;
	err = restore_alloc(&rs, n, hub, conf);
	if (err) {
		node_hub_close(n, hub);
		return err;
	}

	hub->restore = rs;
	hub->owned = !conf->moved; /* the protocol claimed it */
	log_info(conf->moved ? "call moved here" : "call adopted",
		 LOG_S("call", hub->id), LOG_S("from", rs->from),
		 LOG_U("epoch", hub->epoch),
		 LOG_U("legs", (uint32_t)conf->call->n_legs));
	history_restored(n, hub, rs->from, conf->moved);
	build(rs, conf);
	checkpoint_hub_whole(n->checkpoint, hub);
	tmr_start(&n->restores->tmr, 0, pace_handler, n->restores);
	*hp = hub;

	return 0;
}
