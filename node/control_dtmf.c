/* SPDX-License-Identifier: MIT */
/* Digits that the API sends into a call: see control.h. */

#include <string.h>
#include "node/control.h"

enum {
	DIGITS_MAX = 32, /* that a leg keeps waiting */
	DIGIT_MS = 100,
	DIGIT_MIN_MS = 40,
	DIGIT_MAX_MS = 8000,
};

static const char *check(const Sy__SendDtmf *msg)
{
	const size_t n = strlen(msg->digits);

	if (!n || n > DIGITS_MAX ||
	    strspn(msg->digits, "0123456789*#ABCDabcd") != n)
		return "digits: 1 to 32 of 0-9 * # A-D are wanted";
	if (msg->duration_ms && (msg->duration_ms < DIGIT_MIN_MS ||
				 msg->duration_ms > DIGIT_MAX_MS))
		return "durationMs: 40 to 8000 is wanted";

	return NULL;
}

static int send_to(struct leg *leg, const Sy__SendDtmf *msg)
{
	const uint32_t ms = msg->duration_ms ? msg->duration_ms : DIGIT_MS;
	const char *p;
	int err = 0;

	if (!leg->ops->dtmf)
		return ENOTSUP;
	if (!leg_talks(leg))
		return EPROTO;

	for (p = msg->digits; *p && !err; p++)
		err = leg->ops->dtmf(leg, *p, ms);

	return err;
}

/* All who are parties; an error only if nobody could be sent them. */
static int send_all(struct hub *hub, const Sy__SendDtmf *msg)
{
	int err = ENOTSUP;
	bool sent = false;
	struct le *le;

	for (le = list_head(&hub->legs); le; le = le->next) {
		struct leg *leg = le->data;
		int e = leg->ops->party ? send_to(leg, msg) : ENOTSUP;

		sent |= !e;
		if (e && e != ENOTSUP)
			err = e;
	}

	return sent ? 0 : err;
}

void control_send_dtmf(struct node *n, struct bus_request *req,
		       const Sy__Envelope *env)
{
	const Sy__SendDtmf *msg = env->send_dtmf;
	struct hub *hub = node_hub(n, msg->call);
	const char *wrong = check(msg);
	struct leg *leg = NULL;
	int err;

	if (wrong) {
		bus_replyf(req, SY__RESULT_CODE__BAD_REQUEST, "%s", wrong);
		return;
	}

	if (!hub || hub_is_over(hub)) {
		bus_replyf(req, SY__RESULT_CODE__NOT_FOUND,
			   "no such call here");
		return;
	}

	if (msg->leg[0]) {
		leg = hub_leg(hub, msg->leg);
		if (!leg) {
			bus_replyf(req, SY__RESULT_CODE__NOT_FOUND,
				   "no such leg");
			return;
		}
	}

	err = leg ? send_to(leg, msg) : send_all(hub, msg);
	if (err)
		bus_replyf(req, SY__RESULT_CODE__CONFLICT, "%s",
			   err == ENOTSUP  ? "there is no way to send digits"
			   : err == EPROTO ? "not answered"
			   : err == EAGAIN || err == ENOSPC
			       ? "too many digits wait: later"
			       : strerror(err));
	else
		control_reply_call(n, req, hub, leg ? leg->info.id : NULL);
}
