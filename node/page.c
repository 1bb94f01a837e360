/* SPDX-License-Identifier: MIT */
/* Signalling of a browser page: see page.h. */

#include <string.h>
#include "node/leg_browser.h"
#include "node/page_priv.h"

enum {
	OFFER_MS = 15000, /* a page answers ours within */
};

static void destructor(void *data)
{
	struct page *pg = data;

	page_close(pg);
	mem_deref(pg->offer);
	mem_deref(pg->answer);
	mem_deref(pg->received);
	mem_deref(pg->from);
	mem_deref(pg->from_name);
	mem_deref(pg->called);
}

static int keep(char **p, const char *text)
{
	return str_dup(p, text ? text : "");
}

int page_alloc(struct page **pp, const struct page_conf *conf)
{
	struct page *pg;
	int err;

	if (!conf->phone[0] || strlen(conf->phone) >= PAGE_PHONE_SIZE ||
	    strlen(conf->gateway) >= LEG_TEXT_MAX)
		return EINVAL;

	pg = mem_zalloc(sizeof(*pg), destructor);
	if (!pg)
		return ENOMEM;

	pg->node = conf->node;
	pg->leg = conf->leg;
	pg->h = conf->h;
	pg->arg = conf->arg;
	str_ncpy(pg->phone, conf->phone, sizeof(pg->phone));
	str_ncpy(pg->gateway, conf->gateway, sizeof(pg->gateway));
	err = keep(&pg->received, conf->received);
	err |= keep(&pg->from, conf->from);
	err |= keep(&pg->from_name, conf->from_name);
	err |= keep(&pg->called, conf->called);
	if (err)
		mem_deref(pg);
	else
		*pp = pg;

	return err;
}

static struct mbuf *mbuf_of(const char *text)
{
	const size_t len = strlen(text);
	struct mbuf *mb = mbuf_alloc(len + 1);

	if (mb && !mbuf_write_mem(mb, (const uint8_t *)text, len))
		mb->pos = 0;

	return mb;
}

int page_resume(struct page **pp, const struct page_conf *conf,
		const Sy__DialogState *ds)
{
	const Sy__BrowserState *st = ds->browser;
	struct page_conf pc = *conf;
	int err;

	pc.phone = st->phone;
	pc.gateway = st->gateway;
	pc.received = st->received;
	pc.from = st->from;
	pc.from_name = st->from_name;
	pc.called = st->called;
	err = page_alloc(pp, &pc);
	if (err)
		return err == EINVAL ? EBADMSG : err;

	(*pp)->described = st->described;
	if (ds->direction == SY__DIRECTION__OUTBOUND && ds->local_sdp &&
	    ds->local_sdp[0])
		(*pp)->offer = mbuf_of(ds->local_sdp);

	return 0;
}

void page_close(struct page *pg)
{
	pg->ended = true;
	alarm_stop(&pg->node->alarms, &pg->away_tmr);
	alarm_stop(&pg->node->alarms, &pg->offer_tmr);
	page_forget(pg);
}

bool page_is_over(const struct page *pg)
{
	return pg->ended || leg_is(pg->leg, SY__LEG_STATE__LEG_ENDED);
}

static bool is_answered(const struct page *pg)
{
	return leg_is(pg->leg, SY__LEG_STATE__LEG_ANSWERED);
}

void page_closed(struct page *pg, uint16_t code, const char *reason,
		 bool remote)
{
	if (page_is_over(pg))
		return;

	page_close(pg);
	pg->h->closed(NULL, code, reason, remote, pg->arg);
}

char *page_text(const struct mbuf *sdp)
{
	char *text = NULL;

	if (sdp)
		(void)re_sdprintf(&text, "%b", sdp->buf + sdp->pos,
				  sdp->end - sdp->pos);

	return text;
}

/* A message with a description. */
static int say_sdp(struct page *pg, struct page_words *w,
		   const struct mbuf *sdp)
{
	char *text = page_text(sdp);

	if (sdp && !text)
		return ENOMEM;

	w->sdp = text ? text : (char *)"";
	page_say(pg, w);
	mem_deref(text);

	return 0;
}

static void hold_text(struct mbuf **mbp, struct mbuf *sdp)
{
	mem_deref(*mbp);
	*mbp = mem_ref(sdp);
}

/* ------------------------------------------------------------- it is called */

static int say_incoming(struct page *pg)
{
	struct page_words w = {.what = PAGE_INCOMING};

	return say_sdp(pg, &w, pg->offer);
}

int page_ring(struct page *pg, struct mbuf *sdp)
{
	hold_text(&pg->offer, sdp);

	return say_incoming(pg);
}

/* ---------------------------------------------------------------- it calls */

static int say_progress(struct page *pg)
{
	struct page_words w = {.what = PAGE_PROGRESS, .code = pg->code};

	return say_sdp(pg, &w, pg->described ? pg->answer : NULL);
}

int page_progress(struct page *pg, uint16_t code, struct mbuf *sdp)
{
	pg->code = code;
	if (sdp) {
		hold_text(&pg->answer, sdp);
		pg->described = true;
	}

	return say_progress(pg);
}

static int say_answer(struct page *pg)
{
	struct page_words w = {.what = PAGE_ANSWER};

	return say_sdp(pg, &w, pg->answer);
}

int page_answer(struct page *pg, struct mbuf *sdp)
{
	if (sdp)
		hold_text(&pg->answer, sdp);
	else
		pg->answer = mem_deref(pg->answer);
	pg->described = false;

	return say_answer(pg);
}

bool page_is_described(const struct page *pg)
{
	return pg->described;
}

/* --------------------------------------------------------- offer and answer */

static void offer_handler(void *arg)
{
	struct page *pg = arg;

	if (!pg->offering || page_is_over(pg))
		return;
	if (pg->away) { /* that has an end of its own */
		alarm_start(&pg->node->alarms, &pg->offer_tmr, OFFER_MS,
			    offer_handler, pg);
		return;
	}
	pg->offering = false;
	pg->h->answered(NULL, ECONNREFUSED, 408, NULL, pg->arg);
}

static int say_offer(struct page *pg)
{
	struct page_words w = {.what = PAGE_OFFER};

	return say_sdp(pg, &w, pg->offer);
}

int page_offer(struct page *pg, struct mbuf *sdp)
{
	if (page_is_over(pg))
		return EPROTO;
	if (pg->offering)
		return EBUSY;

	hold_text(&pg->offer, sdp);
	pg->offering = true;
	alarm_start(&pg->node->alarms, &pg->offer_tmr, OFFER_MS,
		    offer_handler, pg);

	return say_offer(pg);
}

int page_accept(struct page *pg, struct mbuf *sdp)
{
	hold_text(&pg->answer, sdp);

	return say_answer(pg);
}

void page_warn(struct page *pg, const char *warning)
{
	pg->why = warning;
}

int page_refuse(struct page *pg, const char *reason)
{
	if (reason)
		pg->why = reason;
	pg->refused = true;

	return 0;
}

/* ------------------------------------------------------------------ its end */

void page_hangup(struct page *pg, uint16_t code, const char *reason)
{
	struct page_words w = {
		.what = PAGE_ENDED,
		.code = code ? code : 200,
		.reason = reason ? reason : "",
	};

	if (pg->ended)
		return;

	page_say(pg, &w);
	page_close(pg);
}

void page_abandon(struct page *pg)
{
	page_close(pg);
}

/* ------------------------------------------------------------ what is known */

int page_peer(const struct page *pg, struct sa *peer)
{
	const char *at = strchr(pg->received, ':');

	return at ? sa_decode(peer, at + 1, strlen(at + 1)) : ENOENT;
}

const char *page_gateway(const struct page *pg)
{
	return pg->gateway;
}

bool page_is(const struct page *pg, const char *phone)
{
	return !strcmp(pg->phone, phone);
}

void page_checkpoint(const struct page *pg, Sy__DialogState *out)
{
	Sy__BrowserState *st = (Sy__BrowserState *)&pg->state;

	sy__browser_state__init(st);
	st->phone = (char *)pg->phone;
	st->gateway = (char *)pg->gateway;
	st->received = pg->received;
	st->from = pg->from;
	st->from_name = pg->from_name;
	st->called = pg->called;
	st->described = pg->described;
	out->browser = st;
}

bool page_is_quiet(const struct page *pg)
{
	return !pg->offering && !pg->away;
}

/* -------------------------------------------------------- what the page says */

static struct mbuf *description(const char *sdp, const char **whyp)
{
	const size_t len = strlen(sdp);

	if (!len || len > PAGE_SDP_MAX) {
		*whyp = len ? "sdp: is too long, up to 32768 characters"
			    : "sdp: is missing";
		return NULL;
	}

	return mbuf_of(sdp);
}

static int take_answer(struct page *pg, const char *sdp, const char **whyp)
{
	const bool called =
		pg->leg->info.direction == SY__DIRECTION__OUTBOUND &&
		!is_answered(pg);
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
	if (!is_answered(pg)) {
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

	if (is_answered(pg))
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
		(void)say_offer(pg);
	else if (!is_answered(pg) &&
		 pg->leg->info.direction == SY__DIRECTION__OUTBOUND)
		(void)say_incoming(pg);
	else if (!is_answered(pg) && pg->code)
		(void)say_progress(pg);
	else if (is_answered(pg) && pg->lost_answer)
		(void)say_answer(pg);
	pg->lost_answer = false;
	pg->shown = 0;
}

void page_found(struct page *pg, const char *gateway, const char *received)
{
	char *at = NULL;

	str_ncpy(pg->gateway, gateway, sizeof(pg->gateway));
	if (!keep(&at, received)) {
		mem_deref(pg->received);
		pg->received = at;
	}
	str_ncpy(pg->leg->info.router, gateway,
		 sizeof(pg->leg->info.router));
	pg->away = false;
	alarm_stop(&pg->node->alarms, &pg->away_tmr);
	leg_changed(pg->leg);
}

bool page_here(struct page *pg, const Sy__BrowserHere *here, bool running)
{
	const bool was_calling =
		!is_answered(pg) &&
		pg->leg->info.direction == SY__DIRECTION__INBOUND;

	if (page_is_over(pg))
		return false;

	page_found(pg, here->gateway, here->received);
	if (running || pg->offering || !(is_answered(pg) || was_calling)) {
		say_again(pg);
		return false;
	}
	if (was_calling) { /* the offer that waits for our answer is no more */
		page_closed(pg, 487, "the page was loaded anew", true);
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
