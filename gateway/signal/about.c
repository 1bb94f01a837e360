/* SPDX-License-Identifier: MIT */
/* What a page says of a leg of its own, as its node is told: see
 * signal_impl.h. */

#include <string.h>

#include "gateway/signal/signal_impl.h"

/* What it says of a leg. */
struct about {
	const char *leg;
	Sy__BrowserSignal signal;
	Sy__TransferCall transfer;
	Sy__Source source;
	Sy__Envelope env;
};

static void say_signal(struct about *a, struct phone *ph,
		       const struct phone_leg *pl)
{
	a->signal.call = (char *)pl->call;
	a->signal.leg = (char *)pl->leg;
	a->signal.phone = ph->name;
	a->env.body_case = SY__ENVELOPE__BODY_BROWSER_SIGNAL;
	a->env.browser_signal = &a->signal;
}

/* @return NULL, or what is wrong. */
static const char *say_transfer(struct about *a, struct phone *ph,
				const struct phone_leg *pl,
				const Sy__PhoneTransfer *t)
{
	const struct phone_leg *with =
		t->with[0] ? phone_leg_find(ph, t->with) : NULL;

	if (!t->to[0] == !t->with[0])
		return "one of to, a number, and with, a leg of this phone, "
		       "is wanted";
	if (strlen(t->to) > 64)
		return "to: up to 64 characters";
	if (t->with[0] && !with)
		return "with: no such leg of this phone";

	sy__source__init(&a->source);
	a->source.kind_case = SY__SOURCE__KIND_DEVICE;
	a->source.device = ph->device;
	a->transfer.call = (char *)pl->call;
	a->transfer.leg = (char *)pl->leg;
	a->transfer.to = t->to;
	a->transfer.mode = with ? SY__TRANSFER_MODE__TRANSFER_ATTENDED
				: SY__TRANSFER_MODE__TRANSFER_BLIND;
	if (with)
		a->transfer.other = (char *)with->call;
	a->transfer.source = &a->source;
	a->env.body_case = SY__ENVELOPE__BODY_TRANSFER_CALL;
	a->env.transfer_call = &a->transfer;

	return NULL;
}

static const char *leg_of(const Sy__WsClient *m)
{
	switch (m->body_case) {

	case SY__WS_CLIENT__BODY_PHONE_ANSWER:
		return m->phone_answer->leg;
	case SY__WS_CLIENT__BODY_PHONE_OFFER:
		return m->phone_offer->leg;
	case SY__WS_CLIENT__BODY_PHONE_CANDIDATE:
		return m->phone_candidate->leg;
	case SY__WS_CLIENT__BODY_PHONE_HANGUP:
		return m->phone_hangup->leg;
	case SY__WS_CLIENT__BODY_PHONE_UPDATE:
		return m->phone_update->leg;
	case SY__WS_CLIENT__BODY_PHONE_TRANSFER:
		return m->phone_transfer->leg;
	case SY__WS_CLIENT__BODY_PHONE_DTMF:
		return m->phone_dtmf->leg;
	default:
		return NULL;
	}
}

/* @return NULL, or what is wrong. */
static const char *fill(struct about *a, struct phone *ph,
			const struct phone_leg *pl, const Sy__WsClient *m)
{
	switch (m->body_case) {

	case SY__WS_CLIENT__BODY_PHONE_ANSWER:
		a->signal.body_case = SY__BROWSER_SIGNAL__BODY_ANSWER;
		a->signal.answer = m->phone_answer;
		break;
	case SY__WS_CLIENT__BODY_PHONE_OFFER:
		a->signal.body_case = SY__BROWSER_SIGNAL__BODY_OFFER;
		a->signal.offer = m->phone_offer;
		break;
	case SY__WS_CLIENT__BODY_PHONE_HANGUP:
		a->signal.body_case = SY__BROWSER_SIGNAL__BODY_HANGUP;
		a->signal.hangup = m->phone_hangup;
		break;
	case SY__WS_CLIENT__BODY_PHONE_UPDATE:
		a->signal.body_case = SY__BROWSER_SIGNAL__BODY_UPDATE;
		a->signal.update = m->phone_update;
		break;
	case SY__WS_CLIENT__BODY_PHONE_DTMF:
		a->signal.body_case = SY__BROWSER_SIGNAL__BODY_DTMF;
		a->signal.dtmf = m->phone_dtmf;
		break;
	case SY__WS_CLIENT__BODY_PHONE_TRANSFER:
		return say_transfer(a, ph, pl, m->phone_transfer);
	default:
		return "unknown message";
	}
	say_signal(a, ph, pl);

	return NULL;
}

void take_about_leg(struct phone *ph, const Sy__WsClient *msg)
{
	const struct phone_leg *pl = phone_leg_find(ph, leg_of(msg));
	struct about a;
	const char *why;

	if (pl)
		trace(ph, &(struct trace_about){pl->call, pl->leg, 0, false},
		      &msg->base);
	/* Its node finds the way by the page's checks (ICE-lite). */
	if (msg->body_case == SY__WS_CLIENT__BODY_PHONE_CANDIDATE) {
		(void)ws_done(ph->client, msg->id);
		return;
	}
	if (!pl) {
		(void)ws_refuse(ph->client, msg->id, "not-found",
				"no such leg of this phone");
		return;
	}

	memset(&a, 0, sizeof(a));
	sy__browser_signal__init(&a.signal);
	sy__transfer_call__init(&a.transfer);
	sy__envelope__init(&a.env);
	why = fill(&a, ph, pl, msg);
	if (!why) {
		owner_send(ph, msg->id, pl, &a.env);
		return;
	}
	trace_refused(ph, &(struct trace_about){pl->call, pl->leg, 0, false},
		      "bad-request", why);
	(void)ws_refuse(ph->client, msg->id, "bad-request", "%s", why);
}
