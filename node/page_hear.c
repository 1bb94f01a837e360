/* SPDX-License-Identifier: MIT */
/* What a page says of its leg, and that it is back: see page.h. */

#include <string.h>
#include "node/leg_browser.h"
#include "node/page_priv.h"

/* -------------------------------------------------------- what the page says */

static struct mbuf *description(const char *sdp, const char **whyp)
{
	const size_t len = strlen(sdp);

	if (!len || len > PAGE_SDP_MAX) {
		*whyp = len ? "sdp: is too long, up to 32768 characters"
			    : "sdp: is missing";
		return NULL;
	}

	return page_mbuf(sdp);
}

static int take_answer(struct page *pg, const char *sdp, const char **whyp)
{
	const bool called =
		pg->leg->info.direction == SY__DIRECTION__OUTBOUND &&
		!page_is_answered(pg);
	struct mbuf *mb;

	if (!called && !pg->offering) {
		*whyp = "no offer waits for an answer";
		return EPROTO;
	}
	mb = description(sdp, whyp);
	if (!mb)
		return EBADMSG;

	mem_ref(pg);
	if (pg->offering) {
		pg->offering = false;
		alarm_stop(&pg->node->alarms, &pg->offer_tmr);
		pg->h->answered(NULL, 0, 200, mb, pg->arg);
	} else {
		pg->h->established(NULL, mb, pg->arg);
	}
	mem_deref(pg);
	mem_deref(mb);

	return 0;
}

static int take_offer(struct page *pg, const char *sdp, const char **whyp)
{
	struct mbuf *mb;
	int err = 0;

	if (pg->offering) {
		*whyp = "an offer of ours is under way: answer that one";
		return EPROTO;
	}
	if (!page_is_answered(pg)) {
		*whyp = "the call is not answered yet";
		return EPROTO;
	}
	mb = description(sdp, whyp);
	if (!mb)
		return EBADMSG;

	pg->refused = false;
	pg->why = NULL;
	mem_ref(pg);
	pg->h->offer(NULL, mb, pg->arg);
	if (pg->refused) {
		*whyp = pg->why ? pg->why : "sdp: cannot be used";
		err = EBADMSG;
	}
	mem_deref(pg);
	mem_deref(mb);

	return err;
}

/* It hears of each end in one way, also of its own. */
static void end_by_page(struct page *pg, uint16_t code, const char *reason)
{
	const struct page_words w = {
		.what = PAGE_ENDED, .code = code, .reason = reason,
	};

	page_say(pg, &w);
	page_closed(pg, code, reason, true);
}

static int take_hangup(struct page *pg, uint32_t code)
{
	const bool inbound =
		pg->leg->info.direction == SY__DIRECTION__INBOUND;

	if (page_is_answered(pg))
		end_by_page(pg, 200, "hung up");
	else if (inbound)
		end_by_page(pg, 487, "given up");
	else
		end_by_page(pg,
			    code >= 400 && code < 700 ? (uint16_t)code : 486,
			    "refused");

	return 0;
}

static int take_update(struct page *pg, const Sy__PhoneUpdate *msg,
		       const char **whyp)
{
	struct leg *leg = pg->leg;
	int err = 0;

	if (msg->set_held_case == SY__PHONE_UPDATE__SET_HELD_HELD)
		err = leg->ops->hold(leg, msg->held);
	if (err) {
		*whyp = "only a call that is answered can be held";
		return EPROTO;
	}
	if (msg->set_muted_case == SY__PHONE_UPDATE__SET_MUTED_MUTED)
		(void)leg_mute(leg, msg->muted, leg->info.deaf);

	return 0;
}

static int take_dtmf(struct page *pg, const Sy__PhoneDtmf *msg,
		     const char **whyp)
{
	const uint32_t ms = msg->duration_ms ? msg->duration_ms : 100;
	const size_t len = strlen(msg->digits);

	if (!len || len > 32 ||
	    strspn(msg->digits, "0123456789*#ABCD") != len) {
		*whyp = "digits: 1 to 32 of 0-9 * # A-D";
		return EINVAL;
	}
	for (size_t i = 0; i < len && !page_is_over(pg); i++)
		leg_browser_digit(pg->leg, msg->digits[i], ms);

	return 0;
}

int page_signal(struct page *pg, const Sy__BrowserSignal *msg,
		const char **whyp)
{
	*whyp = "no memory";
	if (page_is_over(pg)) {
		*whyp = "the call has ended";
		return EPROTO;
	}

	switch (msg->body_case) {

	case SY__BROWSER_SIGNAL__BODY_ANSWER:
		return take_answer(pg, msg->answer->sdp, whyp);
	case SY__BROWSER_SIGNAL__BODY_OFFER:
		return take_offer(pg, msg->offer->sdp, whyp);
	case SY__BROWSER_SIGNAL__BODY_HANGUP:
		return take_hangup(pg, msg->hangup->code);
	case SY__BROWSER_SIGNAL__BODY_UPDATE:
		return take_update(pg, msg->update, whyp);
	case SY__BROWSER_SIGNAL__BODY_DTMF:
		return take_dtmf(pg, msg->dtmf, whyp);
	default:
		*whyp = "a page says no such thing";
		return EINVAL;
	}
}

/* ------------------------------------------------------------- it comes back */

static void say_again(struct page *pg)
{
	if (pg->offering)
		(void)page_say_offer(pg);
	else if (!page_is_answered(pg) &&
		 pg->leg->info.direction == SY__DIRECTION__OUTBOUND)
		(void)page_say_incoming(pg);
	else if (!page_is_answered(pg) && pg->code)
		(void)page_say_progress(pg);
	else if (page_is_answered(pg) && pg->lost_answer)
		(void)page_say_answer(pg);
	pg->lost_answer = false;
	pg->shown = 0;
}

void page_found(struct page *pg, const char *gateway, const char *received)
{
	char *at = NULL;

	str_ncpy(pg->gateway, gateway, sizeof(pg->gateway));
	if (!page_keep(&at, received)) {
		mem_deref(pg->received);
		pg->received = at;
	}
	str_ncpy(pg->leg->info.router, gateway,
		 sizeof(pg->leg->info.router));
	pg->away = pg->left = false;
	alarm_stop(&pg->node->alarms, &pg->away_tmr);
	leg_changed(pg->leg);
}

bool page_here(struct page *pg, const Sy__BrowserHere *here, bool running)
{
	const bool rings =
		!page_is_answered(pg) &&
		pg->leg->info.direction == SY__DIRECTION__OUTBOUND;

	if (page_is_over(pg))
		return false;

	page_found(pg, here->gateway, here->received);
	if (running || pg->offering || rings) {
		say_again(pg);
		return false;
	}
	pg->lost_answer = false;

	return true;
}

void page_came(struct page *pg)
{
	say_again(pg);
	page_update(pg->leg->hub);
}
