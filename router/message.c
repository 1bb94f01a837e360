/* SPDX-License-Identifier: MIT */
/*
 * MESSAGE outside of calls: see message.h.
 *
 *   known source? --> whom the number means --> courier.c
 *   (a page's is)            |
 *        |                   |
 *       407          404; 403: by a trunk that takes none
 */

#include <errno.h>
#include <string.h>
#include "proto/costly.h"
#include "proto/dialplan.h"
#include "router/answer.h"
#include "router/auth.h"
#include "router/caller.h"
#include "router/core.h"
#include "router/courier.h"
#include "router/guard_share.h"
#include "router/message.h"
#include "router/toll.h"
#include "router/trunk_mark.h"
#include "router/wire_impl.h"

enum { HOPS_MAX = 70 };

/* Who writes, and as what. */
struct writer {
	Sy__Source src;
	char user[NUMBER_SIZE];  /* shown */
	const char *name;
	const Sy__Trunk *trunk;  /* NULL: a device writes */
	const Sy__Device *dev;
};

/* A trunk's are taken where it is configured so: they cost nothing, and
 * nobody is there to be asked for a password.
 * @return false: answered */
static bool from_trunk(struct msg *m, struct writer *wr, const Sy__Trunk *t)
{
	struct caller who;

	if (!t->messages) {
		answer(m, 403, "This Trunk May Not Send Messages", NULL);
		return false;
	}
	if (!guard_account(m->w->guard, t->id, GUARD_MESSAGE, wire_now_ms())) {
		answer_later(m, "Too Many Messages");
		return false;
	}
	caller_read(&who, m->v, t);
	wr->trunk = t;
	wr->src.kind_case = SY__SOURCE__KIND_TRUNK;
	wr->src.trunk = t->id;
	wr->name = "";
	str_ncpy(wr->user, who.number[0] && !who.private ? who.number :
							   "anonymous",
		 sizeof(wr->user));

	return true;
}

/* From is what was authenticated, whatever it says else.
 * @return false: answered */
static bool identify(struct msg *m, struct writer *wr)
{
	const Sy__Trunk *trunk = NULL;
	const Sy__Device *dev;

	sy__source__init(&wr->src);
	if (!view_first(m->v, VIEW_PROXY_AUTHORIZATION))
		trunk = trunk_of(m);
	if (trunk)
		return from_trunk(m, wr, trunk);
	if (caller_user(wr->user, sizeof(wr->user), &m->v->from.uri)) {
		answer(m, 403, NULL, NULL);
		return false;
	}
	dev = auth_device(m, wr->user);
	if (!dev || guard_share_limited(m, dev, GUARD_MESSAGE))
		return false;
	str_ncpy(wr->user, dev->id, sizeof(wr->user));
	wr->name = dev->display_name;
	wr->dev = dev;
	wr->src.kind_case = SY__SOURCE__KIND_DEVICE;
	wr->src.device = dev->id;

	return true;
}

/* ------------------------------------------------------------ whom to reach */

/* Why it is brought to nobody. */
struct refusal {
	uint16_t code;
	const char *phrase;   /* NULL: that of the code                 */
	char account[COSTLY_ACCOUNT_SIZE]; /* who may not: it costs; "": all
					      else                      */
};

static bool refuse(struct refusal *no, uint16_t code, const char *phrase)
{
	no->code = code;
	no->phrase = phrase;
	no->account[0] = '\0';

	return false;
}

static bool one(struct courier_conf *conf, const struct config *c,
		const char *device)
{
	const Sy__Device *dev = config_device(c, device, strlen(device));

	if (!dev)
		return false;
	conf->devicev[conf->devicec++] = dev->id;

	return true;
}

static bool members(struct courier_conf *conf, const struct config *c,
		    const char *group)
{
	const Sy__Group *g = config_group(c, group);

	for (size_t i = 0; g && i < g->n_members &&
			   conf->devicec < COURIER_DEVICES_MAX; i++)
		(void)one(conf, c, g->members[i]);

	return conf->devicec > 0;
}

/* What a device may not call it may not write to. */
static bool by_trunk(const struct config *c, const struct writer *wr,
		     struct courier_conf *conf, char number[NUMBER_SIZE],
		     const Sy__External *ext, struct refusal *no)
{
	const Sy__Trunk *t = config_trunk(c, ext->trunk);
	Sy__Destination dest = SY__DESTINATION__INIT;
	struct costly costly;

	if (!t || !t->enabled || !t->messages_out || wr->trunk)
		return refuse(no, 403, "This Trunk Takes No Messages");
	dest.kind_case = SY__DESTINATION__KIND_EXTERNAL;
	dest.external = (Sy__External *)(uintptr_t)ext;
	if (costly_check(&costly, c, &dest, &wr->src) == COSTLY_DENIED) {
		(void)refuse(no, 403, COSTLY_NO_PERMISSION);
		str_ncpy(no->account, costly.account, sizeof(no->account));
		return false;
	}
	conf->trunk = t;
	conf->device = wr->dev;
	str_ncpy(number, ext->number, NUMBER_SIZE);

	return true;
}

/* @param number  As written to; with a trunk what it is told. */
static bool resolve(const struct config *c, const struct writer *wr,
		    struct courier_conf *conf, char number[NUMBER_SIZE],
		    struct refusal *no)
{
	struct dialplan_match match;
	bool found = false;

	if (dialplan_find(&match, config_get(c), number, &wr->src))
		return (!wr->trunk && one(conf, c, number)) ||
		       refuse(no, 404, NULL);

	switch (match.dest.kind_case) {

	case SY__DESTINATION__KIND_DEVICE:
		found = one(conf, c, match.dest.device);
		break;
	case SY__DESTINATION__KIND_GROUP:
		found = members(conf, c, match.dest.group);
		break;
	case SY__DESTINATION__KIND_EXTERNAL:
		return by_trunk(c, wr, conf, number, match.dest.external, no);
	default:
		return refuse(no, 404, "Nobody Takes Messages There");
	}

	return found || refuse(no, 404, NULL);
}

/* ------------------------------------------------------------------- handle */

/* It goes on with one hop less, or not at all. @return false: answered */
static bool hops(struct msg *m, uint8_t *hopsp)
{
	const int n = m->v->max_forwards;

	if (!n)
		answer(m, 483, NULL, NULL);
	*hopsp = n < 0 || n > HOPS_MAX ? HOPS_MAX : (uint8_t)(n - 1);

	return n != 0;
}

void message_handle(struct msg *m)
{
	struct courier_conf conf = {.devicec = 0};
	struct writer wr = {.trunk = NULL};
	char number[NUMBER_SIZE];
	struct refusal no;

	if (courier_again(m) || !hops(m, &conf.hops))
		return;
	/* before a challenge: who is asked for a password expects an answer */
	if (!config_get(m->w->config) || !bus_is_up(m->w->bus)) {
		answer_later(m, NULL);
		return;
	}
	if (answer_unsupported(m, VIEW_REQUIRE, NULL) || !identify(m, &wr))
		return;
	if (caller_user(number, NUMBER_SIZE, trunk_called(m)) ||
	    (wr.trunk && number_called_in(number, wr.trunk, number))) {
		answer(m, 404, NULL, NULL);
		return;
	}
	if (!resolve(m->w->config, &wr, &conf, number, &no)) {
		if (no.account[0])
			toll_refuse(m, no.account, no.phrase);
		else
			answer(m, no.code, no.phrase, NULL);
		return;
	}
	conf.from_user = wr.user;
	conf.from_name = wr.name;
	conf.to_user = number;
	courier_start(m, &conf);
}

/* ------------------------------------------------------------------ by a page */

static void reply(struct bus_request *req, uint16_t code, const char *phrase)
{
	Sy__Result res = SY__RESULT__INIT;

	res.status = code;
	res.error = (char *)(uintptr_t)(phrase ? phrase : "");
	bus_reply(req, &res);
}

static void brought(uint16_t code, const char *phrase, void *arg)
{
	reply(arg, code, phrase);
}

/* @return 0, or how it is refused. */
static uint16_t begin(struct worker *w, const struct writer *wr,
		      struct courier_conf *conf, const Sy__BringMessage *b,
		      struct bus_request *req)
{
	conf->hops = HOPS_MAX;
	conf->from_user = wr->user;
	conf->from_name = wr->name;

	switch (courier_bring(w, conf, b->text, brought, req)) {

	case 0:
		return 0;
	case EMSGSIZE:
		return 413;
	default:
		return 503;
	}
}

void message_bring(struct worker *w, struct bus_request *req,
		   const Sy__BringMessage *b)
{
	struct courier_conf conf = {.devicec = 0};
	struct writer wr = {.trunk = NULL};
	char number[NUMBER_SIZE];
	struct refusal no;
	uint16_t code;

	wr.dev = config_get(w->config) ? config_device(w->config, b->device,
						       strlen(b->device))
				       : NULL;
	if (!wr.dev || !w->wire) {
		reply(req, wr.dev ? 503 : 403, NULL);
		return;
	}
	if (!guard_account(w->guard, wr.dev->id, GUARD_MESSAGE,
			   wire_now_ms())) {
		reply(req, 503, "Too Many Messages");
		return;
	}
	sy__source__init(&wr.src);
	wr.src.kind_case = SY__SOURCE__KIND_DEVICE;
	wr.src.device = wr.dev->id;
	wr.name = wr.dev->display_name;
	str_ncpy(wr.user, wr.dev->id, sizeof(wr.user));
	str_ncpy(number, b->to, sizeof(number));
	if (!resolve(w->config, &wr, &conf, number, &no)) {
		reply(req, no.code, no.phrase);
		return;
	}
	conf.to_user = number;
	code = begin(w, &wr, &conf, b, req);
	if (code)
		reply(req, code, NULL);
}
