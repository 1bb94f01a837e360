/* SPDX-License-Identifier: MIT */
/*
 * Dialling: see dial.h.
 *
 *   dial_start -> hunt_alloc -> (device) state, contacts ... -> a leg a contact
 *              |                                             -> hunt_seal
 *              +-> (group)  its order ... -> one device, or all of them
 *              +-> (trunk)  dial_trunk.c
 */

#include <string.h>
#include "node/app/app.h"
#include "node/app/dial_impl.h"
#include "node/app/follow.h"
#include "node/app/hunts.h"
#include "node/app/next.h"
#include "node/app/ringback.h"
#include "proto/log.h"

static void destructor(void *data)
{
	struct dial_lookup *dl = data;

	tmr_cancel(&dl->tmr);
	list_unlink(&dl->le);
	mem_deref(dl->hunt);
	mem_deref(dl->target);
	mem_deref(dl->from_user);
	mem_deref(dl->from_name);
}

const char *dial_domain(const struct node *n)
{
	const Sy__Settings *set = node_settings(n);

	return set && set->realm[0] ? set->realm : "switchyard";
}

int dial_uri(char *buf, size_t size, const char *user, const char *host)
{
	struct pl pl;

	pl_set_str(&pl, user);
	return re_snprintf(buf, size, "sip:%H@%s", uri_user_escape, &pl,
			   host) < 0 ? EOVERFLOW : 0;
}

/* What goes wrong with one branch, as if its peer had said it. */
static uint16_t code_of(int err)
{
	return err == EHOSTUNREACH || err == EADDRINUSE || err == EAGAIN ?
		       503 : 500;
}

/* Who wants not to be shown is not (RFC 3323 4.1). */
static int fill_from(const struct dial_lookup *dl, struct leg_sip_call *call,
		     char from[DIAL_URI_MAX])
{
	const bool private = dl->hunt->hub->private;

	call->from_uri = from;
	call->from_name = private ? "Anonymous" : dl->from_name;

	return dial_uri(from, DIAL_URI_MAX,
			private ? "anonymous" : dl->from_user,
			dial_domain(dl->node));
}

void dial_branch_failed(struct dial_lookup *dl, int err)
{
	log_warn("leg not called", LOG_S("call", dl->hunt->hub->id),
		 LOG_E(err));
	hunt_failed(dl->hunt, code_of(err));
}

struct leg *dial_branch(struct dial_lookup *dl, struct leg_sip_call *call)
{
	char from[DIAL_URI_MAX];
	struct leg *leg;
	int err = 0;

	if (!call->from_uri)
		err = fill_from(dl, call, from);
	/* A carrier is not told of our phones. */
	if (dl->hunt->what && call->kind == SY__LEG_KIND__DEVICE)
		call->referred_by = dl->hunt->what->referred_by;
	if (!err)
		err = leg_sip_call(&leg, dl->node, dl->hunt->hub, call);
	if (err) {
		dial_branch_failed(dl, err);
		return NULL;
	}

	hunt_add(dl->hunt, leg);

	return leg;
}

void dial_lookup_end(struct dial_lookup *dl, uint16_t code)
{
	struct hunt *hunt = dl->hunt;

	hunt->lookups--;
	if (hunt_is_on(hunt) && !hunt->lookups)
		hunt_seal(hunt, code);
	mem_deref(dl);
}

static void later_handler(void *arg)
{
	struct dial_lookup *dl = arg;

	dial_lookup_end(dl, hunt_is_on(dl->hunt) ? dl->row->later(dl) : 487);
}

/* -------------------------------------------------------------------- start */

/* @return NULL: it cannot be dialled. */
static const struct dial_row *row_of(const Sy__Destination *dest,
				     const char **targetp)
{
	switch (dest ? dest->kind_case : SY__DESTINATION__KIND__NOT_SET) {

	case SY__DESTINATION__KIND_DEVICE:
		*targetp = dest->device;
		return &dial_device;
	case SY__DESTINATION__KIND_EXTERNAL:
		*targetp = dest->external->number;
		return &dial_trunk;
	case SY__DESTINATION__KIND_GROUP:
		*targetp = dest->group;
		return &dial_group;
	default:
		return NULL;
	}
}

bool dial_can(const Sy__Destination *dest)
{
	const char *target;

	return row_of(dest, &target) != NULL;
}

static int lookup_init(struct dial_lookup *dl, const char *target,
		       const char *user, const char *name)
{
	int err = str_dup(&dl->target, target);

	err |= str_dup(&dl->from_user, user);
	if (name && name[0])
		err |= str_dup(&dl->from_name, name);

	return err;
}

static int lookup_alloc(struct dial_lookup **dlp, struct node *n,
			const struct dial_row *row)
{
	struct dial_lookup *dl = mem_zalloc(sizeof(*dl), destructor);

	if (!dl)
		return ENOMEM;

	dl->node = n;
	dl->row = row;
	tmr_init(&dl->tmr);
	*dlp = dl;

	return 0;
}

/* Of a hunt that is still to be set. */
static int lookup_of(struct dial_lookup **dlp, struct node *n,
		     const Sy__HuntState *what)
{
	const Sy__Destination *dest = what->target;
	const char *target = NULL;
	const struct dial_row *row = row_of(dest, &target);
	struct dial_lookup *dl;
	int err = row ? lookup_alloc(&dl, n, row) : EINVAL;

	if (err)
		return err;
	err = lookup_init(dl, target, what->from_user, what->from_name);
	if (err)
		mem_deref(dl);
	else
		*dlp = dl;

	return err;
}

/* Without Redis the outcome comes a turn later. */
void dial_lookup_start(struct dial_lookup *dl, struct hunt *hunt)
{
	struct node *n = dl->node;

	dl->hunt = mem_ref(hunt); /* ours, beside the hub's */
	str_ncpy(dl->hub, hunt->hub->id, sizeof(dl->hub));
	hunt->lookups++;
	list_append(&n->lookups, &dl->le, dl);
	if (!dl->row->ask || dl->row->ask(dl))
		tmr_start(&dl->tmr, 0, later_handler, dl);
}

int dial_lookup_member(const struct dial_lookup *dl, const char *device,
		       bool member)
{
	struct dial_lookup *other;
	int err = lookup_alloc(&other, dl->node, &dial_device);

	if (err)
		return err;
	err = lookup_init(other, device, dl->from_user, dl->from_name);
	other->member = member;
	if (err)
		mem_deref(other);
	else
		dial_lookup_start(other, dl->hunt);

	return err;
}

static const char *from_user(const struct dial_conf *conf)
{
	const char *user = conf->from_user;

	if (!user || !*user)
		user = conf->hub->caller;

	return *user ? user : "anonymous";
}

int dial_start(struct node *n, const struct dial_conf *conf)
{
	const struct app_hunt *row = app_hunt(conf->kind);
	struct hunt_conf hc = {
		.caller = conf->caller,
		.ring_ms = conf->ring_ms,
		.arg = conf->arg,
	};
	Sy__HuntState what = SY__HUNT_STATE__INIT;
	struct dial_lookup *dl;
	struct hunt *hunt;
	int err;

	if (!row || !dial_can(conf->dest))
		return EINVAL;

	what.kind = conf->kind;
	what.target = (Sy__Destination *)conf->dest;
	what.from_user = (char *)from_user(conf);
	if (conf->from_name)
		what.from_name = (char *)conf->from_name;
	if (conf->transferor)
		what.leg = (char *)conf->transferor;
	if (conf->referred_by)
		what.referred_by = (char *)conf->referred_by;
	what.to = (Sy__Destination *)conf->to;
	what.ring_seconds = (conf->ring_ms + 999) / 1000;
	next_inherit(&what, conf->after);
	if (conf->payer)
		what.payer = (Sy__Source *)conf->payer;
	follow_inherit(&what, conf->follow);
	hc.what = &what;
	hc.h = row->h;
	hc.origin = row->origin;

	err = lookup_of(&dl, n, &what);
	if (err)
		return err;
	err = hunt_alloc(&hunt, conf->hub, &hc);
	if (err) {
		mem_deref(dl);
		return err;
	}
	hunt->follow = &follow_ops;
	dial_lookup_start(dl, hunt);

	return 0;
}

int dial_again(struct node *n, struct hunt *hunt)
{
	struct dial_lookup *dl;
	int err;

	if (!hunt->what || !dial_can(hunt->what->target))
		return EINVAL;

	err = lookup_of(&dl, n, hunt->what);
	if (!err)
		dial_lookup_start(dl, hunt);

	return err;
}

/* ----------------------------------------------------- a call to be put on */

/* What a caller hears meanwhile. */
struct waiting {
	struct node *node;
	struct ringback *tone;
};

static void waiting_destructor(void *data)
{
	struct waiting *w = data;

	mem_deref(w->tone);
}

int app_dial_arg(void **argp, struct node *n, struct hub *hub,
		 const Sy__HuntState *what)
{
	struct waiting *w = mem_zalloc(sizeof(*w), waiting_destructor);
	int err;

	(void)what;
	if (!w)
		return ENOMEM;

	w->node = n;
	err = ringback_alloc(&w->tone, n, hub);
	if (err)
		mem_deref(w);
	else
		*argp = w;

	return err;
}

/* A caller that cannot have early media, or has heard nothing yet, is told
 * that it rings; one that hears the call hears it ring. */
void app_dial_handler(struct hunt *hunt, enum hunt_event ev, struct leg *leg,
		      uint16_t code, void *arg)
{
	struct leg *caller = hunt->conf.caller;
	struct waiting *w = arg;
	struct ringback *tone = w->tone;

	switch (ev) {

	case HUNT_EARLY:
		if (leg && leg_early(caller))
			(void)leg_progress(caller, 180);
		ringback_set(tone, !hunt_is_heard(hunt) && leg_talks(caller));
		break;

	case HUNT_PROGRESS:
		(void)leg_progress(caller, 180);
		ringback_set(tone, !hunt_is_heard(hunt) && leg_talks(caller));
		break;

	case HUNT_ANSWERED:
		if (leg_answer(caller))
			hub_end(caller->hub, 500, "caller not answered");
		break;

	case HUNT_FAILED:
		if (!next_start(w->node, hunt, caller->hub, code))
			hub_end(caller->hub, code, "no answer");
		break;

	default:
		break;
	}
}

uint16_t app_dial(struct node *n, const struct app_call *call)
{
	struct dial_conf conf = {
		.hub = call->hub,
		.dest = call->dest,
		.from_name = call->leg->info.name,
		.kind = SY__HUNT_KIND__HUNT_DIAL,
		.caller = call->leg,
		.ring_ms = call->ring_ms,
		.after = call->after,
		.payer = call->payer,
	};

	if (app_dial_arg(&conf.arg, n, call->hub, NULL))
		return 500;

	if (dial_start(n, &conf)) {
		mem_deref(conf.arg);
		return 500;
	}

	return 0;
}
