/* SPDX-License-Identifier: MIT */
/*
 * Dialling: see dial.h.
 *
 *   dial_start -> hunt_alloc -> store_reg_get ... reply -> a leg a contact
 *              |                                           -> hunt_seal
 *              +-> (trunk)  next turn of the loop -> one leg -> hunt_seal
 *
 * The question to Redis holds a reference to the ring, which may be over when
 * the answer comes.
 */

#include <string.h>
#include "node/app/app.h"
#include "node/app/dial.h"
#include "node/app/hunts.h"
#include "node/app/ringback.h"
#include "node/leg_sip.h"
#include "proto/log.h"
#include "proto/store.h"

enum { URI_MAX = 512 };

/* A ring whose contacts are still being asked for. */
struct dial_lookup {
	struct le le;             /* in node->lookups                   */
	struct node *node;        /* borrowed                           */
	struct hunt *hunt;        /* reference                          */
	struct tmr tmr;           /* trunk: next turn of the loop       */
	char *target;             /* device, or number                  */
	char *trunk;              /* NULL: a device                     */
	char *from_user, *from_name;
};

static void destructor(void *data)
{
	struct dial_lookup *dl = data;

	tmr_cancel(&dl->tmr);
	list_unlink(&dl->le);
	mem_deref(dl->hunt);
	mem_deref(dl->target);
	mem_deref(dl->trunk);
	mem_deref(dl->from_user);
	mem_deref(dl->from_name);
}

static const char *domain(const struct node *n)
{
	const Sy__Settings *set = node_settings(n);

	return set && set->realm[0] ? set->realm : "switchyard";
}

static int user_uri(char *buf, size_t size, const char *user,
		    const char *host)
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

static void branch(struct dial_lookup *dl, struct leg_sip_call *call)
{
	struct node *n = dl->node;
	char from[URI_MAX];
	struct leg *leg;
	int err;

	err = user_uri(from, sizeof(from), dl->from_user, domain(n));
	call->from_uri = from;
	call->from_name = dl->from_name;
	if (!err)
		err = leg_sip_call(&leg, n, dl->hunt->hub, call);
	if (err) {
		log_warn("leg not called",
			 LOG_S("call", dl->hunt->hub->id), LOG_E(err));
		hunt_failed(dl->hunt, code_of(err));
		return;
	}

	hunt_add(dl->hunt, leg);
}

/* ------------------------------------------------------------------ devices */

static void ring_bindings(struct dial_lookup *dl,
			  const Sy__Registration *reg)
{
	const Sy__Device *dev = config_device(dl->node->config, dl->target,
					      strlen(dl->target));
	char to[URI_MAX];
	size_t i;

	if (user_uri(to, sizeof(to), dl->target, domain(dl->node)))
		return;

	for (i = 0; i < reg->n_bindings && hunt_is_on(dl->hunt); i++) {
		const Sy__Binding *b = reg->bindings[i];
		struct leg_sip_call call = {
			.kind = SY__LEG_KIND__DEVICE,
			.user = dl->target,
			.uri = b->contact,
			.to_uri = to,
			.path = b->path,
			.router = b->router,
		};

		if (dev) {
			call.name = dev->display_name;
			call.codecs.namev = dev->codecs;
			call.codecs.namec = dev->n_codecs;
			call.srtp = dev->srtp;
			call.dtmf = dev->dtmf;
		}
		branch(dl, &call);
	}
}

static void reg_handler(int err, const Sy__Registration *reg, void *arg)
{
	struct dial_lookup *dl = arg;
	uint16_t code = 480; /* known, not here */

	if (!hunt_is_on(dl->hunt))
		goto out;

	if (err)
		code = 503;
	else if (reg && reg->n_bindings)
		ring_bindings(dl, reg);
	else if (!config_device(dl->node->config, dl->target,
				strlen(dl->target)))
		code = 404;

	hunt_seal(dl->hunt, code);

out:
	mem_deref(dl);
}

/* ------------------------------------------------------------------- trunks */

static uint16_t ring_trunk(struct dial_lookup *dl)
{
	const Sy__Trunk *trunk = config_trunk(dl->node->config, dl->trunk);
	struct leg_sip_call call = {
		.kind = SY__LEG_KIND__TRUNK,
		.user = dl->target,
	};
	char uri[URI_MAX];

	if (!trunk || !trunk->target[0])
		return 404;
	if (!trunk->enabled)
		return 480;
	if (user_uri(uri, sizeof(uri), dl->target, trunk->target))
		return 484;

	call.uri = call.to_uri = uri;
	call.codecs.namev = trunk->codecs;
	call.codecs.namec = trunk->n_codecs;
	call.srtp = trunk->srtp;
	call.dtmf = trunk->dtmf;
	branch(dl, &call);

	return 500;
}

static void later_handler(void *arg)
{
	struct dial_lookup *dl = arg;

	if (hunt_is_on(dl->hunt)) {
		const uint16_t code = dl->trunk ? ring_trunk(dl) : 503;

		hunt_seal(dl->hunt, code);
	}
	mem_deref(dl);
}

/* -------------------------------------------------------------------- start */

bool dial_can(const Sy__Destination *dest)
{
	return dest && (dest->kind_case == SY__DESTINATION__KIND_DEVICE ||
			dest->kind_case == SY__DESTINATION__KIND_EXTERNAL);
}

/* Not begun; its hunt is still to be set. */
static int lookup_alloc(struct dial_lookup **dlp, struct node *n,
			const Sy__HuntState *what)
{
	const Sy__Destination *dest = what->target;
	const bool device = dest->kind_case == SY__DESTINATION__KIND_DEVICE;
	struct dial_lookup *dl = mem_zalloc(sizeof(*dl), destructor);
	int err;

	if (!dl)
		return ENOMEM;

	dl->node = n;
	tmr_init(&dl->tmr);
	err = str_dup(&dl->from_user, what->from_user);
	err |= str_dup(&dl->target, device ? dest->device :
					     dest->external->number);
	if (!device)
		err |= str_dup(&dl->trunk, dest->external->trunk);
	if (what->from_name[0])
		err |= str_dup(&dl->from_name, what->from_name);
	if (err)
		mem_deref(dl);
	else
		*dlp = dl;

	return err;
}

/* Without Redis, and for trunks, the outcome comes a turn later. */
static void lookup_start(struct dial_lookup *dl, struct hunt *hunt)
{
	struct node *n = dl->node;

	dl->hunt = mem_ref(hunt); /* ours, beside the hub's */
	list_append(&n->lookups, &dl->le, dl);
	if (dl->trunk || store_reg_get(bus_redis(n->bus), dl->target,
				       reg_handler, dl))
		tmr_start(&dl->tmr, 0, later_handler, dl);
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
	what.to = (Sy__Destination *)conf->to;
	what.ring_seconds = (conf->ring_ms + 999) / 1000;
	hc.what = &what;
	hc.h = row->h;
	hc.origin = row->origin;

	err = lookup_alloc(&dl, n, &what);
	if (err)
		return err;
	err = hunt_alloc(&hunt, conf->hub, &hc);
	if (err)
		mem_deref(dl);
	else
		lookup_start(dl, hunt);

	return err;
}

int dial_again(struct node *n, struct hunt *hunt)
{
	struct dial_lookup *dl;
	int err;

	if (!hunt->what || !dial_can(hunt->what->target))
		return EINVAL;

	err = lookup_alloc(&dl, n, hunt->what);
	if (!err)
		lookup_start(dl, hunt);

	return err;
}

/* ----------------------------------------------------- a call to be put on */

int app_dial_arg(void **argp, struct node *n, struct hub *hub,
		 const Sy__HuntState *what)
{
	struct ringback *tone;
	int err = ringback_alloc(&tone, n, hub);

	(void)what;
	if (!err)
		*argp = tone;

	return err;
}

/* A caller that cannot have early media, or has heard nothing yet, is told
 * that it rings; one that hears the call hears it ring. */
void app_dial_handler(struct hunt *hunt, enum hunt_event ev, struct leg *leg,
		      uint16_t code, void *arg)
{
	struct leg *caller = hunt->conf.caller;
	struct ringback *tone = arg;

	switch (ev) {

	case HUNT_EARLY:
		if (leg && leg_early(caller))
			(void)leg_progress(caller, 180);
		ringback_set(tone, !leg && leg_talks(caller));
		break;

	case HUNT_PROGRESS:
		(void)leg_progress(caller, 180);
		ringback_set(tone, !hunt->heard && leg_talks(caller));
		break;

	case HUNT_ANSWERED:
		if (leg_answer(caller))
			hub_end(caller->hub, 500, "caller not answered");
		break;

	case HUNT_FAILED:
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
	};

	if (app_dial_arg(&conf.arg, n, call->hub, NULL))
		return 500;

	if (dial_start(n, &conf)) {
		mem_deref(conf.arg);
		return 500;
	}

	return 0;
}
