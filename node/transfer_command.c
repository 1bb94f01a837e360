/* SPDX-License-Identifier: MIT */
/* Transfers that the API asks for: see transfer.h. */

#include <string.h>
#include "node/leg_sip.h"
#include "node/transfer_impl.h"
#include "proto/log.h"

static Sy__ResultCode result_of(uint16_t code)
{
	switch (code) {

	case 404:
	case 481:
	case 484:
		return SY__RESULT_CODE__NOT_FOUND;
	case 503:
		return SY__RESULT_CODE__UNAVAILABLE;
	case 500:
		return SY__RESULT_CODE__INTERNAL;
	default:
		return SY__RESULT_CODE__CONFLICT;
	}
}

static const char *why(uint16_t code)
{
	switch (code) {

	case 403:
		return "leg: is not answered";
	case 404:
		return "to: not known";
	case 481:
		return "call: not known";
	case 484:
		return "to: is too long";
	case 491:
		return "leg: is being transferred already";
	case 503:
		return "not now";
	default:
		return "cannot be done";
	}
}

/* What it would be in a header: nothing that ends one. */
static bool is_uri(const char *str)
{
	return !re_regex(str, strlen(str), "sip[s]*:", NULL) &&
	       !strpbrk(str, " <>\"\r\n\t");
}

/* @return 0, or a code. */
static uint16_t refer(struct node *n, struct leg *leg, const char *to)
{
	const Sy__Settings *set = node_settings(n);
	char uri[512];
	struct pl pl;
	int err;

	if (!leg_is(leg, SY__LEG_STATE__LEG_ANSWERED))
		return 403;

	pl_set_str(&pl, to);
	if (is_uri(to))
		str_ncpy(uri, to, sizeof(uri));
	else if (re_snprintf(
		     uri, sizeof(uri), "sip:%H@%s", uri_user_escape, &pl,
		     set && set->realm[0] ? set->realm : "switchyard") < 0)
		return 484;

	err = leg_sip_refer(leg, uri, NULL);

	return !err ? 0 : err == EBUSY ? 491 : err == EPROTO ? 403 : 500;
}

static uint16_t start(struct node *n, struct bus_request *req, struct hub *hub,
		      struct leg *leg, const Sy__TransferCall *msg)
{
	const struct transfer_conf conf = {
	    .hub = hub,
	    .leg = leg,
	    .number = msg->to,
	    .by = "",
	    .src = msg->source,
	    .req = req,
	};
	uint16_t code;

	if (msg->mode == SY__TRANSFER_MODE__TRANSFER_ATTENDED)
		return transfer_join(n, &conf, msg->other);
	if (msg->mode != SY__TRANSFER_MODE__TRANSFER_REFER)
		return transfer_start(n, &conf);

	code = refer(n, leg, msg->to);
	if (!code)
		control_reply_call(n, req, hub, leg->info.id);

	return code;
}

void control_transfer(struct node *n, struct bus_request *req,
		      const Sy__Envelope *env)
{
	const Sy__TransferCall *msg = env->transfer_call;
	struct hub *hub = node_hub(n, msg->call);
	struct leg *leg;
	uint16_t code;

	if (!hub || hub_is_over(hub)) {
		bus_replyf(req, SY__RESULT_CODE__NOT_FOUND,
			   "no such call here");
		return;
	}

	leg = hub_leg(hub, msg->leg);
	if (!leg && (msg->leg[0] ||
		     msg->mode != SY__TRANSFER_MODE__TRANSFER_ATTENDED)) {
		bus_replyf(req, SY__RESULT_CODE__NOT_FOUND, "no such leg");
		return;
	}

	code = start(n, req, hub, leg, msg);
	if (code)
		bus_replyf(req, result_of(code), "%s", why(code));
}
