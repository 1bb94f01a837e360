/* SPDX-License-Identifier: MIT */
/*
 * Dialling by trunks: the first that can, in order.
 *
 *   costs? -> dial_toll.c ... may not -> 403
 *   trunk off, unknown -----------------------------------> next trunk
 *   routers say that it does not answer, another does ----> next trunk
 *   limit? -> store_limit_take() ... no room -------------> next trunk
 *   INVITE -> 408, 5xx, silence, failoverCodes -----------> next trunk
 *          -> anything else: the hunt's outcome
 *
 * Which trunk a hunt is at stands in its HuntState, so another node goes on
 * there.  A hunt between two trunks is not sealed.
 */

#include <string.h>
#include "node/app/chain.h"
#include "node/app/dial_impl.h"
#include "node/app/trunk.h"
#include "node/app/trunk_route.h"
#include "proto/log.h"

enum { ATTEMPT_S = 4 };

static const Sy__External *external(const struct hunt *hunt)
{
	return hunt->what->target->external;
}

/* A trunk that calls is none of our devices, whatever number it shows. */
static const Sy__Device *calling_device(const struct dial_lookup *dl)
{
	const Sy__Source *src = dl->hunt->hub->source;

	if (src && src->kind_case == SY__SOURCE__KIND_TRUNK)
		return NULL;

	return config_device(dl->node->config, dl->from_user,
			     strlen(dl->from_user));
}

static bool is_callable(const Sy__Trunk *trunk)
{
	return trunk && trunk->enabled && trunk->target[0];
}

/* Is one of a hunt's trunks there, as far as is known? */
static bool any_is_up(const struct node *n, const Sy__External *ext)
{
	const char *id;

	for (uint32_t i = 0; (id = trunk_attempt(ext, i)); i++) {
		if (is_callable(config_trunk(n->config, id)) &&
		    trunk_state_usable(n->trunks, id))
			return true;
	}

	return false;
}

/* Nobody waits for a trunk that does not answer, unless none does: then it is
 * the routers' questions that may be lost. */
static bool is_skipped(const struct node *n, const Sy__External *ext,
		       const char *id)
{
	return !trunk_state_usable(n->trunks, id) && any_is_up(n, ext);
}

/* Is there a trunk to call by, from this attempt on? */
static bool has_next(const struct node *n, const Sy__External *ext,
		     uint32_t attempt)
{
	const char *id;

	for (; (id = trunk_attempt(ext, attempt)); attempt++) {
		if (is_callable(config_trunk(n->config, id)) &&
		    !is_skipped(n, ext, id))
			return true;
	}

	return false;
}

static uint32_t attempt_ms(const struct dial_lookup *dl,
			   const Sy__Trunk *trunk)
{
	if (!has_next(dl->node, external(dl->hunt),
		      dl->hunt->what->attempt + 1))
		return 0;

	return (trunk->attempt_seconds ? trunk->attempt_seconds : ATTEMPT_S) *
	       1000;
}

static bool call(struct dial_lookup *dl, const Sy__Trunk *trunk)
{
	const struct hub *hub = dl->hunt->hub;
	const struct trunk_who who = {
		.device = calling_device(dl),
		.number = dl->from_user,
		.name = dl->from_name,
		.called = dl->target,
		.domain = dial_domain(dl->node),
		.private = hub->private,
	};
	struct leg_sip_call sc = {
		.kind = SY__LEG_KIND__TRUNK,
		.user = dl->target,
		.codecs = {trunk->codecs, trunk->n_codecs},
		.srtp = trunk->srtp,
		.dtmf = trunk->dtmf,
		.trunk = trunk->id,
		.id = dl->leg[0] ? dl->leg : NULL,
		.attempt_ms = attempt_ms(dl, trunk),
	};
	struct trunk_route way;
	char chain[CHAIN_SIZE], extra[TRUNK_EXTRA_MAX + CHAIN_SIZE];
	struct trunk_call tc;

	if (trunk_call_init(&tc, trunk, &who)) {
		dl->code = 484;
		return false;
	}

	sc.uri = sc.to_uri = dl->hunt->what->uri[0] ? dl->hunt->what->uri
						    : tc.uri;
	sc.from_uri = tc.from;
	sc.from_name = tc.name;
	chain_to_trunk(chain, dl->node, dl->hunt, trunk, who.domain, sc.uri);
	if (re_snprintf(extra, sizeof(extra), "%s%s", tc.extra, chain) > 0)
		sc.extra = extra;
	trunk_route_init(&way, trunk,
			 trunk_state_get(dl->node->trunks, trunk->id));
	sc.routev = way.v;
	sc.routec = way.n;
	sc.hop = way.n ? way.hop : NULL;

	return dial_branch(dl, &sc) != NULL;
}

static void try_on(struct dial_lookup *dl);

static void limit_handler(int err, void *arg)
{
	struct dial_lookup *dl = arg;

	if (!hunt_is_on(dl->hunt)) {
		struct limit lim;
		const char *id = trunk_attempt(external(dl->hunt),
					       dl->hunt->what->attempt);

		if (!err && limit_of_trunk(&lim,
					   config_trunk(dl->node->config, id),
					   dl->leg))
			(void)store_limit_give(bus_redis(dl->node->bus),
					       lim.name, dl->leg);
		dial_lookup_end(dl, 487);
		return;
	}
	if (err) {
		dl->code = 503;
		dl->limited = false;
		++dl->hunt->what->attempt;
		log_info("trunk is full", LOG_S("call", dl->hunt->hub->id),
			 LOG_E(err));
	}
	try_on(dl);
}

/* @return true: the answer comes. */
static bool ask_room(struct dial_lookup *dl, const Sy__Trunk *trunk,
		     int *errp)
{
	struct limit lim;

	*errp = 0;
	if (dl->limited)
		return false;

	ulid_make(dl->leg);
	if (!limit_of_trunk(&lim, trunk, dl->leg))
		return false;

	dl->limited = true;
	*errp = store_limit_take(bus_redis(dl->node->bus), &lim.l,
				 limit_handler, dl);

	return !*errp;
}

/* Why it cannot be tried; 0: it can. */
static uint16_t unusable(const struct dial_lookup *dl, const Sy__Trunk *trunk)
{
	if (!trunk || !trunk->target[0])
		return 404;
	if (!trunk->enabled)
		return 480;
	if (!is_skipped(dl->node, external(dl->hunt), trunk->id))
		return 0;

	log_info("trunk does not answer, left out",
		 LOG_S("call", dl->hunt->hub->id), LOG_S("trunk", trunk->id));

	return 503;
}

static void try_on(struct dial_lookup *dl)
{
	Sy__HuntState *what = dl->hunt->what;
	const char *id;
	int err;

	while ((id = trunk_attempt(external(dl->hunt), what->attempt))) {
		const Sy__Trunk *trunk = config_trunk(dl->node->config, id);
		const uint16_t code = unusable(dl, trunk);

		if (code)
			dl->code = code;
		else if (ask_room(dl, trunk, &err))
			return;
		else if (err)
			dl->code = 503;
		else if (call(dl, trunk))
			break;

		dl->limited = false;
		++what->attempt;
	}

	hub_touch(dl->hunt->hub);
	dial_lookup_end(dl, dl->code ? dl->code : 500);
}

void dial_trunk_go(struct dial_lookup *dl)
{
	if (!hunt_is_on(dl->hunt))
		dial_lookup_end(dl, 487);
	else if (dl->code)
		dial_lookup_end(dl, dl->code);
	else
		try_on(dl);
}

static void turn_handler(void *arg)
{
	dial_trunk_go(arg);
}

static int ask(struct dial_lookup *dl)
{
	dial_resume(dl->node, dl->hunt);
	if (!dial_toll(dl))
		tmr_start(&dl->tmr, 0, turn_handler, dl);

	return 0;
}

const struct dial_row dial_trunk = {.ask = ask};

void dial_resume(struct node *n, struct hunt *hunt)
{
	const Sy__Destination *dest = hunt->what ? hunt->what->target : NULL;

	if (dest && dest->kind_case == SY__DESTINATION__KIND_EXTERNAL) {
		hunt->moreh = dial_trunk_more;
		hunt->more_arg = n;
	}
}

bool dial_trunk_more(struct hunt *hunt, uint16_t code, void *arg)
{
	struct node *n = arg;
	Sy__HuntState *what = hunt->what;
	const char *id = trunk_attempt(external(hunt), what->attempt);

	if (!id || !trunk_fails_over(config_trunk(n->config, id), code) ||
	    !has_next(n, external(hunt), what->attempt + 1))
		return false;

	log_info("next trunk", LOG_S("call", hunt->hub->id),
		 LOG_S("after", id), LOG_U("code", code));
	++what->attempt;

	return !dial_again(n, hunt);
}
