/* SPDX-License-Identifier: MIT */
/* A hub of another node is built here: see restore.h. */

#include <string.h>
#include "node/app/app.h"
#include "node/app/hunts.h"
#include "node/app/park.h"
#include "node/checkpoint.h"
#include "node/history.h"
#include "node/hub_state.h"
#include "node/leg_player.h"
#include "node/page.h"
#include "node/record.h"
#include "node/restore_impl.h"
#include "proto/log.h"

enum {
	CLAIM_CSEQS = 100, /* as the margin over a checkpoint's */
	CLAIMS_MAX = 1000,
};

/* -------------------------------------------------------------- the legs */

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

	if (ds->browser) {
		page_say_ended(n, ds, hub->id, code, "the call is lost");
		return;
	}
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
	restore_lost(rs, &info, info.end_code, info.end_reason);
	if (ds)
		say_bye(rs->all->node, rs->hub, ds, info.end_code);
	(void)restore_add_leg(rs, info.id, true);
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
		err = leg_sip_resume(&leg, n, rs->hub, rec, ds,
				     restore_leg_handler, rs);
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
	    restore_add_leg(rs, rec->id, false)) {
		restore_lost(rs, &leg->info, 500, why(ENOMEM));
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
	hub_check(hub, 503, HUB_PARTY_LOST);
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

	park_restore(n, hub, conf->call->parked);
	hub->restore = rs;
	hub->owned = !conf->moved; /* the protocol claimed it */
	log_info(conf->moved ? "call moved here" : "call adopted",
		 LOG_S("call", hub->id), LOG_S("from", rs->from),
		 LOG_U("epoch", hub->epoch),
		 LOG_U("legs", (uint32_t)conf->call->n_legs));
	history_restored(n, hub, rs->from, conf->moved);
	build(rs, conf);
	checkpoint_hub_whole(n->checkpoint, hub);
	restores_kick(n->restores);
	*hp = hub;

	return 0;
}
