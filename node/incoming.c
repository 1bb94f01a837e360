/* SPDX-License-Identifier: MIT */
/* An INVITE arrives: find its hub, make it a leg, run the destination. */

#include "node/app/app.h"
#include "node/app/chain.h"
#include "node/app/dial.h"
#include "node/app/pickup.h"
#include "node/app/limit.h"
#include "node/incoming.h"
#include "node/leg_sip.h"
#include "node/replace.h"
#include "proto/log.h"

enum { HOPS_MAX = 70 };

static void refuse(struct node *n, struct dialog *d, uint16_t code,
		   const char *why, const char *hub)
{
	const char *warning = dialog_warning(d);

	log_info("INVITE refused", LOG_S("call", hub), LOG_U("code", code),
		 LOG_S("why", warning ? warning : why ? why : ""));
	metric_inc(n->met.refused);
	dialog_hangup(d, code, why);
	mem_deref(d);
}

/* The hub that its token names, if it waits for just this leg. */
static struct hub_expect *find(struct node *n, const struct token *tok,
			       char id[ULID_LEN + 1])
{
	const struct hub *hub;

	ulid_print(id, tok->hub);
	hub = node_hub(n, id);
	if (!hub || hub_is_over(hub) || tok->epoch > hub->epoch) {
		metric_inc(n->met.incoming_unknown);
		return NULL;
	}

	return hub_expect_find(hub, tok->leg);
}

/*
 * What is left of its Max-Forwards goes on to the other side, so that a
 * spiral (a trunk that leads back to us) ends: RFC 7332.
 */
static uint8_t hops_left(const struct sip_msg *msg)
{
	uint32_t n = pl_isset(&msg->maxfwd) ? pl_u32(&msg->maxfwd) : HOPS_MAX;

	return (uint8_t)(n > HOPS_MAX ? HOPS_MAX : n);
}

/* It takes the place of a leg, instead of being served. */
static void replace(struct node *n, struct leg *leg, struct hub_expect *ex)
{
	const uint16_t code = replace_leg(leg, ex->place->replaces, n);

	mem_deref(ex);
	if (code)
		leg_hangup(leg, code, "nothing to replace");
}

void incoming_serve(struct node *n, struct leg *leg,
		    const Sy__PlaceHub *place)
{
	struct app_call call = {
		.hub = leg->hub,
		.leg = leg,
		.dest = leg->hub->dest,
		.ring_ms = node_ring_ms(n, place->ring_seconds),
	};
	Sy__Destination *pickup = NULL;
	uint16_t code;

	if (app_is_pickup(place) &&
	    !hub_destination_copy(&pickup, place->destination))
		call.dest = pickup;
	if (!limit_wait(n, &call)) {
		code = app_run(n, &call);
		if (code)
			leg_hangup(leg, code, "destination cannot be reached");
	}
	if (pickup)
		sy__destination__free_unpacked(pickup, NULL);
}

void node_incoming(struct dialog *d, const struct token *tok,
		   const struct sip_msg *msg, struct mbuf *sdp, void *arg)
{
	struct node *n = arg;
	char id[ULID_LEN + 1];
	struct hub_expect *ex = find(n, tok, id);
	struct leg *leg = NULL;
	const char *why = NULL;
	struct hub *hub;
	uint16_t code;

	if (!ex) {
		refuse(n, d, 481, NULL, id);
		return;
	}

	hub = ex->hub;
	hub->came = true; /* also a call that is refused has its record */
	hub->hops = hops_left(msg);
	code = !hub->hops && dial_can(hub->dest) ? 483 :
	       leg_sip_take(&leg, n, hub, d, sdp, ex->place, &why);
	if (code) {
		mem_deref(ex);
		refuse(n, d, code, why, id);
		hub_check(hub, code, why);
		return;
	}

	leg->tok_instance = tok->instance;
	leg->tok_epoch = tok->epoch;
	chain_came(n, hub, msg, ex->place);
	if (ex->place->replaces[0]) {
		replace(n, leg, ex);
		return;
	}
	list_unlink(&ex->le);
	incoming_serve(n, leg, ex->place);
	mem_deref(ex);
}
