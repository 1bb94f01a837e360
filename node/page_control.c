/* SPDX-License-Identifier: MIT */
/* Commands of gateways, for their pages: see page.h. */

#include <string.h>
#include "node/app/app.h"
#include "node/app/limit.h"
#include "node/app/pickup.h"
#include "node/control.h"
#include "node/incoming.h"
#include "node/leg_browser.h"
#include "proto/log.h"

enum { CALLS_MAX = 64 }; /* of one page */

/* ------------------------------------------------------------- a page calls */

static const char *check(const Sy__BrowserCall *msg)
{
	if (!msg->place || !msg->place->source ||
	    msg->place->source->kind_case != SY__SOURCE__KIND_DEVICE)
		return "place.source: a device is wanted";
	if (!msg->phone[0] || !msg->gateway[0])
		return "phone, gateway: missing";
	if (!msg->sdp[0] || strlen(msg->sdp) > PAGE_SDP_MAX)
		return "sdp: 1 to 32768 characters";

	return NULL;
}

static void reply(struct bus_request *req, const struct leg *leg)
{
	Sy__Result res = SY__RESULT__INIT;
	Sy__Call call = SY__CALL__INIT;

	call.id = leg->hub->id;
	res.code = SY__RESULT_CODE__OK;
	res.call = &call;
	res.leg = (char *)leg->info.id;
	bus_reply(req, &res);
}

void control_browser_call(struct node *n, struct bus_request *req,
			  const Sy__Envelope *env)
{
	const Sy__BrowserCall *msg = env->browser_call;
	const char *wrong = check(msg);
	struct hub *hub;
	struct leg *leg;
	uint16_t code;

	if (wrong) {
		bus_replyf(req, SY__RESULT_CODE__BAD_REQUEST, "%s", wrong);
		return;
	}
	hub = control_place(n, req, msg->place);
	if (!hub)
		return;

	hub->came = true;
	code = leg_browser_take(&leg, n, hub, msg, &wrong);
	if (code) {
		metric_inc(n->met.refused);
		bus_replyf(req,
			   code == 488 ? SY__RESULT_CODE__BAD_REQUEST
				       : SY__RESULT_CODE__UNAVAILABLE,
			   "%s", wrong);
		hub_check(hub, code, wrong);
		return;
	}

	/* First this, so that the page knows the leg when it hears of it. */
	reply(req, leg);
	incoming_serve(n, leg, msg->place);
}

/* ---------------------------------------------------------- of a leg of its */

static struct leg *find(struct node *n, struct bus_request *req,
			const Sy__BrowserSignal *msg)
{
	struct hub *hub = node_hub(n, msg->call);
	struct leg *leg = hub ? hub_leg(hub, msg->leg) : NULL;
	struct page *pg = leg ? leg_browser_page(leg) : NULL;

	if (!hub || hub_is_over(hub))
		bus_replyf(req, SY__RESULT_CODE__NOT_FOUND,
			   "no such call here");
	else if (!pg || !page_is(pg, msg->phone))
		bus_replyf(req, SY__RESULT_CODE__CONFLICT,
			   "the leg has ended, or is not this phone's");
	else
		return leg;

	return NULL;
}

void control_browser_signal(struct node *n, struct bus_request *req,
			    const Sy__Envelope *env)
{
	const Sy__BrowserSignal *msg = env->browser_signal;
	struct leg *leg = find(n, req, msg);
	const char *why = NULL;
	int err;

	if (!leg)
		return;

	err = page_signal(leg_browser_page(leg), msg, &why);
	bus_replyf(req,
		   !err ? SY__RESULT_CODE__OK
		   : err == EPROTO ? SY__RESULT_CODE__CONFLICT
				   : SY__RESULT_CODE__BAD_REQUEST,
		   "%s", err ? why : "");
}

/* -------------------------------------------------------------- it is there */

/* What it is answered with. */
struct calls {
	const Sy__BrowserHere *msg;
	Sy__PhoneCallState v[CALLS_MAX], *pv[CALLS_MAX];
	Google__Protobuf__Timestamp atv[CALLS_MAX];
	struct leg *renewv[CALLS_MAX];
	size_t n, renewc;
};

static bool has(const Sy__BrowserHere *msg, const char *leg)
{
	if (msg->n_legs == 1 && !strcmp(msg->legs[0], "*"))
		return true;
	for (size_t i = 0; i < msg->n_legs; i++) {
		if (!strcmp(msg->legs[i], leg))
			return true;
	}

	return false;
}

static void look_at(struct page *pg, void *arg)
{
	struct leg *leg = page_leg(pg);
	struct calls *c = arg;

	if (!leg || c->n == CALLS_MAX)
		return;

	if (page_here(pg, c->msg, has(c->msg, leg->info.id)))
		c->renewv[c->renewc++] = leg;
	if (!page_leg(pg))
		return;
	page_call_state(pg, &c->v[c->n], &c->atv[c->n]);
	c->pv[c->n] = &c->v[c->n];
	c->n++;
}

static void left_handler(struct page *pg, void *arg)
{
	page_left(pg, arg);
}

void control_browser_here(struct node *n, struct bus_request *req,
			  const Sy__Envelope *env)
{
	Sy__Result res = SY__RESULT__INIT;
	struct calls *c;

	if (!env->browser_here->gateway[0]) {
		page_apply(n, env->browser_here->phone, left_handler,
			   env->from);
		bus_replyf(req, SY__RESULT_CODE__OK, "%s", "");
		return;
	}

	c = mem_zalloc(sizeof(*c), NULL);
	if (!c) {
		bus_replyf(req, SY__RESULT_CODE__INTERNAL, "no memory");
		return;
	}

	c->msg = env->browser_here;
	page_apply(n, c->msg->phone, look_at, c);
	res.code = SY__RESULT_CODE__OK;
	res.phone_calls = c->pv;
	res.n_phone_calls = c->n;
	bus_reply(req, &res);
	for (size_t i = 0; i < c->renewc; i++)
		leg_browser_renew(c->renewv[i]);
	mem_deref(c);
}
