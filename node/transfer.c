/* SPDX-License-Identifier: MIT */
/* Blind transfers, and what all of them share: see transfer.h. */

#include <string.h>
#include "node/app/dial.h"
#include "node/app/hunts.h"
#include "node/app/number.h"
#include "node/app/originate.h"
#include "node/app/ringback.h"
#include "node/history.h"
#include "node/leg_player.h"
#include "node/leg_sip.h"
#include "node/transfer_impl.h"
#include "proto/log.h"

/* A target is being rung. */
struct transfer {
	struct node *node;
	struct hub *hub;	 /* alive while the hunt is             */
	char leg[ULID_LEN + 1];	 /* transferor, who may be gone         */
	struct ringback *tone;	 /* owned: what the others hear         */
	struct bus_request *req; /* owned; NULL: answered, or a REFER   */
};

static void destructor(void *data)
{
	struct transfer *t = data;

	mem_deref(t->tone);
	if (t->req)
		bus_replyf(t->req, SY__RESULT_CODE__CONFLICT, "call has ended");
}

static bool is_party(const struct leg *leg)
{
	return leg->ops->party && leg_is(leg, SY__LEG_STATE__LEG_ANSWERED);
}

struct leg *transfer_other(const struct leg *leg)
{
	struct leg *found = NULL;
	const struct le *le;

	for (le = list_head(&leg->hub->legs); le; le = le->next) {
		struct leg *other = le->data;

		if (other == leg || !is_party(other))
			continue;
		if (found)
			return NULL;
		found = other;
	}

	return found;
}

void transfer_told(struct node *n, struct leg *leg)
{
	log_info("call transferred", LOG_S("call", leg->hub->id),
		 LOG_S("leg", leg->info.id));
	history_transferred(n, leg->hub, leg);
	leg_sip_refer_over(leg, 200);
}

void transfer_done(struct node *n, struct leg *leg)
{
	transfer_told(n, leg);
	leg_hangup(leg, 200, "transferred");
}

/* ------------------------------------------------------------------ ringing */

static void failed(struct transfer *t, struct leg *leg, uint16_t code)
{
	log_info("call not transferred", LOG_S("call", t->hub->id),
		 LOG_S("leg", t->leg), LOG_U("code", code));
	if (leg)
		leg_sip_refer_over(leg, code);
	if (!t->req)
		return;

	bus_replyf(t->req,
		   code == 404 ? SY__RESULT_CODE__NOT_FOUND
			       : SY__RESULT_CODE__CONFLICT,
		   "to: %s", originate_why(code));
	t->req = NULL;
}

/* Who waits hears it ring, unless the target itself is heard. */
void transfer_handler(struct hunt *hunt, enum hunt_event ev, struct leg *branch,
		      uint16_t code, void *arg)
{
	struct transfer *t = arg;
	struct leg *leg = hub_leg(t->hub, t->leg);

	switch (ev) {

	case HUNT_STARTED:
		if (t->req)
			control_reply_call(t->node, t->req, t->hub,
					   branch->info.id);
		t->req = NULL;
		break;

	case HUNT_PROGRESS:
	case HUNT_EARLY:
		ringback_set(t->tone, !hunt->heard);
		if (leg)
			leg_sip_referred(leg, code ? code : 183);
		break;

	case HUNT_ANSWERED:
		ringback_set(t->tone, false);
		if (leg)
			transfer_done(t->node, leg);
		break;

	case HUNT_FAILED:
		ringback_set(t->tone, false);
		failed(t, leg, code);
		break;
	}
}

int transfer_arg(void **argp, struct node *n, struct hub *hub,
		 const Sy__HuntState *what)
{
	struct transfer *t = mem_zalloc(sizeof(*t), destructor);
	int err;

	if (!t)
		return ENOMEM;

	t->node = n;
	t->hub = hub;
	if (what)
		str_ncpy(t->leg, what->leg, sizeof(t->leg));
	err = ringback_alloc(&t->tone, n, hub);
	if (err)
		mem_deref(t);
	else
		*argp = t;

	return err;
}

uint16_t transfer_ring(struct node *n, const struct transfer_conf *conf,
		       const Sy__Destination *dest, uint32_t ring_ms)
{
	struct leg *other = transfer_other(conf->leg);
	struct dial_conf dc = {
	    .hub = conf->leg->hub,
	    .dest = dest,
	    .kind = SY__HUNT_KIND__HUNT_TRANSFER,
	    .caller = other,
	    .ring_ms = ring_ms,
	    .transferor = conf->leg->info.id,
	    .referred_by = conf->by,
	    .payer = conf->src,
	};
	Sy__HuntState what = SY__HUNT_STATE__INIT;

	if (other) {
		dc.from_user = other->info.user;
		dc.from_name = other->info.name;
	}
	what.leg = conf->leg->info.id;
	if (transfer_arg(&dc.arg, n, dc.hub, &what))
		return 500;
	if (dial_start(n, &dc)) {
		mem_deref(dc.arg);
		return 500;
	}

	((struct transfer *)dc.arg)->req = conf->req;
	return 0;
}

/* ------------------------------------------------------------------ others */

/* Echo, tone, file: there at once. */
static uint16_t play(struct node *n, const struct transfer_conf *conf,
		     const Sy__Destination *dest)
{
	struct hub *hub = conf->leg->hub;
	struct leg *player;
	int err = leg_player_add(&player, n, hub, dest);

	if (err)
		return err == ENOENT || err == EBADMSG ? 404 : 500;

	transfer_done(n, conf->leg);
	if (conf->req)
		control_reply_call(n, conf->req, hub, player->info.id);

	return 0;
}

static uint16_t blind(struct node *n, const struct transfer_conf *conf)
{
	struct dialplan_match m;
	uint32_t ring_ms;
	uint16_t code = app_number(&m, &ring_ms, n, conf->number, conf->src);

	if (code)
		return code;
	if (dial_can(&m.dest))
		return transfer_ring(n, conf, &m.dest, ring_ms);
	if (m.dest.kind_case == SY__DESTINATION__KIND_CONFERENCE)
		return transfer_conference(n, conf, m.dest.conference);

	return play(n, conf, &m.dest);
}

static bool is_transferring(const struct hub *hub, const struct leg *leg)
{
	const struct le *le;

	for (le = list_head(&hub->hunts); le; le = le->next) {
		const struct hunt *hunt = le->data;

		if (hunt->what && !strcmp(hunt->what->leg, leg->info.id))
			return true;
	}

	return false;
}

uint16_t transfer_start(struct node *n, const struct transfer_conf *conf)
{
	struct leg *leg = conf->leg;

	if (!leg_is(leg, SY__LEG_STATE__LEG_ANSWERED))
		return 403;
	if (is_transferring(leg->hub, leg))
		return 491;

	return conf->replaces ? transfer_attended(n, conf) : blind(n, conf);
}

uint16_t transfer_refer(struct node *n, struct leg *leg,
			const struct referto *to, const char *by)
{
	Sy__Source src = SY__SOURCE__INIT;
	const struct transfer_conf conf = {
	    .leg = leg,
	    .number = to->user,
	    .replaces = to->attended ? &to->replaces : NULL,
	    .by = by,
	    .src = &src,
	};
	uint16_t code;

	/* It calls as who asks for it: what that one may not call, it may not
	 * have called either. */
	if (leg_is_device(&leg->info)) {
		src.kind_case = SY__SOURCE__KIND_DEVICE;
		src.device = leg->info.user;
	} else if (leg->info.trunk[0]) {
		src.kind_case = SY__SOURCE__KIND_TRUNK;
		src.trunk = leg->info.trunk;
	}

	code = transfer_start(n, &conf);
	log_info(code ? "REFER not followed" : "REFER",
		 LOG_S("call", leg->hub->id), LOG_S("leg", leg->info.id),
		 LOG_S("how", to->attended ? "attended" : "blind"),
		 LOG_U("code", code));

	return code;
}

void transfer_referred(struct node *n, struct leg *leg, uint16_t code)
{
	log_debug("REFER of ours", LOG_S("call", leg->hub->id),
		  LOG_S("leg", leg->info.id), LOG_U("code", code));
	if (code < 200)
		return;

	if (code >= 300)
		log_info("call not referred", LOG_S("call", leg->hub->id),
			 LOG_S("leg", leg->info.id), LOG_U("code", code));
	else
		transfer_done(n, leg);
}
