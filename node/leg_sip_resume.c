/* SPDX-License-Identifier: MIT */
/*
 * A SIP leg that another node had, and its peer is told where it is: see
 * leg_sip.h.  How it is made of its record is in leg_sip_revive.c.
 *
 *   answered:  hushed --leg_sip_reoffer()--> re-INVITE --200--> known --> heard
 *                ^                               |491, 500, 503
 *                +-------- some time later ------+--else--> lost
 *   rings:     as any other leg, until it is answered.  Then its peer knows
 *              where we are by our 200 (inbound, not early), or is told by
 *              re-INVITE as above: our offer had the former address.  Whose
 *              offer and answer were exchanged reliably (PRACK) is told at
 *              once, by UPDATE, if it takes that.
 *
 * Hushed: nothing is sent, since it may be that the former owner lives and
 * sends still; a peer must not get two streams.  A peer by WebRTC that has
 * answered is not known before it has found us and has our keys: until then a
 * former owner that lives is what it hears.
 */

#include <string.h>

#include "node/leg_sip_words.h"
#include "node/sip/strans.h"
#include "proto/log.h"

enum {
	TRIES = 3,
	GLARES = 30,	 /* 491 of a peer that waits for the ACK of a
			    node that died: for 32 s at most        */
	SOON = 10,	 /* ... of them soon after another, since its
			    answer comes again within T1 and we ACK */
	SOON_MS = 150,
	BUSY_MS = 200,	 /* another transaction ends soon           */
	LATER_MS = 1000, /* 503 without Retry-After; no router      */
	LATER_MAX_MS = 10000,
	HEARD_MS = 1000, /* who sends nothing until then, sends none */
};

/* -------------------------------------------------------------- telling */

static void tell(struct leg_sip *ls, enum leg_sip_resume_event ev,
		 uint16_t code, const char *reason)
{
	struct leg_sip_resumed *r = &ls->resumed;
	leg_sip_resume_h *h = r->h;

	if (ev != LEG_SIP_ANSWERED)
		r->h = NULL;
	if (h)
		h(&ls->leg, ev, code, reason ? reason : "", r->arg);
}

static void tell_heard(struct leg_sip *ls)
{
	alarm_stop(&ls->node->alarms, &ls->resumed.tmr);
	tell(ls, LEG_SIP_HEARD, ls->resumed.heard ? 200 : 0, NULL);
}

static void silent_handler(void *arg)
{
	tell_heard(arg);
}

static bool will_send(const struct leg_sip *ls)
{
	struct media_rtp_params prm;
	bool recv;

	if (session_params(ls->ses, &prm))
		return false;

	recv = prm.recv;
	media_srtp_wipe(&prm.srtp_tx);
	media_srtp_wipe(&prm.srtp_rx);

	return recv;
}

/* It is sent to from now on. */
static void speak(struct leg_sip *ls)
{
	struct leg_sip_resumed *r = &ls->resumed;

	if (r->spoke)
		return;

	r->spoke = true;
	ls->hushed = false;
	(void)leg_sip_send(ls);
	tell(ls, LEG_SIP_ANSWERED, 200, NULL);
}

/* ... and is to be heard. */
static void expect_media(struct leg_sip *ls)
{
	struct leg_sip_resumed *r = &ls->resumed;

	if (!r->h)
		return;

	r->known = true;
	if (r->heard || !will_send(ls))
		tell_heard(ls);
	else
		alarm_start(&ls->node->alarms, &r->tmr, HEARD_MS,
			    silent_handler, ls);
}

void leg_sip_speak(struct leg_sip *ls)
{
	ls->resumed.unkeyed = !leg_sip_is_keyed(ls);
	if (ls->resumed.unkeyed)
		return;

	speak(ls);
	expect_media(ls);
}

void leg_sip_keyed(struct leg_sip *ls)
{
	if (ls->resumed.unkeyed)
		leg_sip_speak(ls);
}

void leg_sip_known(struct leg_sip *ls)
{
	struct leg_sip_resumed *r = &ls->resumed;

	if (!r->wanted)
		return;

	r->wanted = r->busy = false;
	alarm_stop(&ls->node->alarms, &r->tmr);
	leg_sip_speak(ls);
}

void leg_sip_heard(struct leg_sip *ls)
{
	struct leg_sip_resumed *r = &ls->resumed;

	r->heard = true;
	if (r->known && r->h)
		tell_heard(ls);
}

static void lost(struct leg_sip *ls, uint16_t code, const char *why)
{
	char reason[LEG_TEXT_MAX];

	ls->resumed.wanted = ls->resumed.busy = false;
	(void)re_snprintf(reason, sizeof(reason), "not resumed: %s", why);
	tell(ls, LEG_SIP_LOST, code, reason);
	leg_lost(&ls->leg, code, reason, true);
}

static void stop(struct leg_sip *ls, uint16_t code, const char *reason)
{
	struct leg_sip_resumed *r = &ls->resumed;

	alarm_stop(&ls->node->alarms, &r->tmr);
	r->wanted = r->busy = false;
	tell(ls, LEG_SIP_LOST, code, reason);
}

void leg_sip_resume_stop(struct leg_sip *ls, const char *reason)
{
	stop(ls, 0, reason);
}

void leg_sip_ended(struct leg_sip *ls, uint16_t code, const char *reason)
{
	char why[LEG_TEXT_MAX];

	if (!ls->resumed.busy || code < 300) {
		stop(ls, 0, reason);
		leg_ended(&ls->leg, code, reason);
		return;
	}

	(void)re_snprintf(why, sizeof(why), "not resumed: %u %s", code,
			  reason);
	stop(ls, code, why);
	leg_lost(&ls->leg, code, why, false);
}

void leg_sip_resume_close(struct leg_sip *ls)
{
	alarm_stop(&ls->node->alarms, &ls->resumed.tmr);
	mem_deref(ls->resumed.offer);
}

/* ------------------------------------------------------------ re-INVITE */

static void offer_handler(void *arg);

void leg_sip_ask_later(struct leg_sip *ls, uint32_t ms)
{
	alarm_start(&ls->node->alarms, &ls->resumed.tmr, ms, offer_handler, ls);
}

/* Again, if that may help. @return false: three times are enough. */
static bool again(struct leg_sip *ls, uint32_t ms, bool glare)
{
	struct leg_sip_resumed *r = &ls->resumed;

	if (glare ? ++r->glares >= GLARES : ++r->tries >= TRIES)
		return false;

	leg_sip_ask_later(ls, MIN(ms, (uint32_t)LATER_MAX_MS));

	return true;
}

static int offer_send(struct leg_sip *ls)
{
	struct leg_sip_resumed *r = &ls->resumed;
	int err;

	r->offer = mem_deref(r->offer);
	ls->was_held = ls->local_hold;
	err = session_offer(ls->ses, leg_sip_offers_hold(ls), &r->offer);
	if (!err)
		err = words_offer(ls, r->offer);
	if (err)
		return err;

	r->busy = true;
	leg_sip_expect(ls);

	return 0;
}

static bool is_answered(const struct leg_sip *ls)
{
	return leg_is(&ls->leg, SY__LEG_STATE__LEG_ANSWERED);
}

static void offer_handler(void *arg)
{
	struct leg_sip *ls = arg;
	struct leg_sip_resumed *r = &ls->resumed;
	int err;

	if (!r->wanted || r->busy || leg_is(&ls->leg, SY__LEG_STATE__LEG_ENDED))
		return;

	err = offer_send(ls);
	if (err == EBUSY)
		leg_sip_ask_later(ls, BUSY_MS);
	else if (err && is_answered(ls) && !again(ls, LATER_MS, false))
		lost(ls, 503, strerror(err));
}

int leg_sip_reoffer(struct leg *leg)
{
	struct leg_sip *ls = (struct leg_sip *)leg;

	if (leg->ops != &leg_sip_ops || !ls->resumed.wanted)
		return 0;

	ls->resumed.asked = true;
	if (!ls->resumed.tmr.le.list)
		offer_handler(ls);

	return 0;
}

/* Who made the Call-ID waits longer. */
uint32_t leg_sip_glare_ms(const struct leg_sip *ls)
{
	return words_is_ours(ls) ? 2100 + rand_u16() % 191 * 10u
				 : rand_u16() % 201 * 10u;
}

/* RFC 3261 14.1 has two that collide wait for seconds.  Here it is rarely a
 * collision: the peer waits for an ACK of a node that is gone, and hears nobody
 * meanwhile. */
static uint32_t pending_ms(const struct leg_sip *ls)
{
	return ls->resumed.glares < SOON ? SOON_MS + rand_u16() % (uint32_t)SOON_MS
					 : leg_sip_glare_ms(ls);
}

/* @return when to ask again [ms]; 0: it will not take it. */
static uint32_t retry_ms(const struct leg_sip *ls, uint16_t code)
{
	const uint32_t s = MIN(words_retry_after(ls), LATER_MAX_MS / 1000u);

	if (code == 491)
		return 1 + pending_ms(ls);

	if (code == 500)
		return s * 1000;

	return code == 503 ? s ? s * 1000 : LATER_MS : 0;
}

/* Some phones refuse an offer of more than they once agreed to. */
static bool ask_for_less(struct leg_sip *ls, uint16_t code)
{
	if ((code != 488 && code != 606) || session_narrow(ls->ses))
		return false;

	log_info("re-INVITE refused, asked again for the codec in use only",
		 LOG_S("call", ls->leg.hub->id),
		 LOG_S("leg", ls->leg.info.id), LOG_U("code", code));
	leg_sip_ask_later(ls, LEG_SIP_SOON_MS);

	return true;
}

static void refused(struct leg_sip *ls, uint16_t code)
{
	const uint32_t ms = retry_ms(ls, code);
	char why[LEG_TEXT_MAX];

	/* It is asked again when it has answered. */
	if (!is_answered(ls)) {
		if (ms)
			(void)again(ls, ms, code == 491);
		return;
	}

	if (ask_for_less(ls, code))
		return;
	if (ms && again(ls, ms, code == 491))
		return;

	(void)re_snprintf(why, sizeof(why), "%u %s", code, sip_reason(code));
	lost(ls, code, why);
}

bool leg_sip_resume_answer(struct leg_sip *ls, int err, uint16_t code,
			   struct mbuf *sdp)
{
	const bool sounds =
		ls->leg.info.direction == SY__DIRECTION__OUTBOUND;
	struct leg_sip_resumed *r = &ls->resumed;

	if (!r->busy)
		return false;

	r->busy = false;
	log_debug("re-INVITE answered", LOG_S("call", ls->leg.hub->id),
		  LOG_S("leg", ls->leg.info.id), LOG_U("code", code));
	if (code >= 300) {
		refused(ls, code);
		return true;
	}

	if (err || session_answered(ls->ses, sdp)) {
		lost(ls, 488, "answer cannot be used");
		return true;
	}

	leg_sip_keep(&ls->local_sdp, r->offer);
	leg_sip_keep(&ls->remote_sdp, sdp);
	r->offer = mem_deref(r->offer);
	ls->leg.early |= sounds && !is_answered(ls);
	if (leg_sip_apply(ls)) {
		lost(ls, 500, "no media");
	} else {
		leg_sip_known(ls);
		if (sounds && !is_answered(ls))
			leg_sounding(&ls->leg);
	}

	return true;
}

void leg_sip_resume_acked(struct leg_sip *ls)
{
	struct leg_sip_resumed *r = &ls->resumed;

	if (!r->wanted || !r->asked)
		return;

	r->tries = 0;
	leg_sip_ask_later(ls, LEG_SIP_SOON_MS);
}

void leg_sip_resume_answered(struct leg_sip *ls)
{
	struct leg_sip_resumed *r = &ls->resumed;

	if (!r->wanted)
		return;

	if (r->asked)
		offer_handler(ls);
	else if (!ls->hushed)
		leg_sip_known(ls); /* our answer has our address */
}
