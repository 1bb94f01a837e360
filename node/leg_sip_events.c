/* SPDX-License-Identifier: MIT */
/* What dialog and engine tell of a SIP leg: see leg_sip_priv.h. */

#include "node/app/follow.h"
#include "node/leg_sip_words.h"
#include "node/talk.h"
#include "proto/log.h"

enum {
	BUSY_MS = 200, /* another transaction ends soon */
	GLARES = 5,    /* offers for hold that are answered 491 */
};

/* The call cannot go on: end the dialog, and with it the leg. */
static void fail(struct leg_sip *ls, uint16_t code, const char *reason)
{
	leg_hangup(&ls->leg, code, reason);
}

static void note_router(struct leg_sip *ls)
{
	const char *id = words_through(ls);

	leg_sip_name(ls);
	if (id && (ls->page || !ls->leg.info.router[0]))
		str_ncpy(ls->leg.info.router, id,
			 sizeof(ls->leg.info.router));
}

/* ------------------------------------------------------------ dialog events */

/*
 * An answer before the answer: what came last counts, a callee may be
 * forwarded while it rings.  One that cannot be used is no reason to end the
 * call.
 */
static bool take_early(struct leg_sip *ls, struct mbuf *sdp)
{
	struct media_rtp_params prm;

	if (session_answered(ls->ses, sdp) || session_params(ls->ses, &prm))
		return false;

	media_srtp_wipe(&prm.srtp_tx);
	media_srtp_wipe(&prm.srtp_rx);
	if (!prm.recv)
		return false;

	ls->leg.early = true;
	leg_sip_keep(&ls->remote_sdp, sdp);
	if (leg_sip_apply(ls))
		ls->leg.early = false;

	return ls->leg.early;
}

static void progress_handler(struct dialog *d, uint16_t code,
			     const char *reason, struct mbuf *sdp, void *arg)
{
	struct leg_sip *ls = arg;

	(void)d;
	(void)reason;
	note_router(ls);
	/* What one sounds like whose media goes elsewhere is not known. */
	if (sdp && !ls->resumed.wanted && take_early(ls, sdp))
		leg_sounding(&ls->leg);
	else
		leg_ringing(&ls->leg, code);
}

static const char *unusable(int err)
{
	return err == EPROTONOSUPPORT ? LEG_SIP_SRTP_REQUIRED
				      : "answer cannot be used";
}

/* What an UPDATE has brought meanwhile holds. */
static void established_out(struct leg_sip *ls, struct mbuf *sdp)
{
	int err = sdp ? session_answered(ls->ses, sdp)
		  : words_is_updated(ls) ? 0 : EBADMSG;

	session_settle(ls->ses);
	ls->leg.early = false;
	if (!err) {
		if (sdp)
			leg_sip_keep(&ls->remote_sdp, sdp);
		err = leg_sip_apply(ls);
	}
	if (err)
		fail(ls, 488, unusable(err));
	else
		leg_answered(&ls->leg);
}

/* The answer to the offer that the peer asked for. */
static void late_answer(struct leg_sip *ls, struct mbuf *sdp)
{
	int err;

	ls->late = false;
	err = sdp ? session_answered(ls->ses, sdp) : EBADMSG;
	if (err) {
		fail(ls, 488, unusable(err));
		return;
	}

	leg_sip_keep(&ls->remote_sdp, sdp);
	if (leg_sip_apply(ls))
		fail(ls, 500, "no media");
}

static void established_in(struct leg_sip *ls, struct mbuf *sdp)
{
	if (ls->late)
		late_answer(ls, sdp);
}

static void acked_handler(struct dialog *d, struct mbuf *sdp, bool ours,
			  void *arg)
{
	struct leg_sip *ls = arg;

	(void)d;
	if (ours)
		late_answer(ls, sdp);
	leg_sip_resume_acked(ls);
}

static void probe_handler(void *arg)
{
	struct leg_sip *ls = arg;
	struct media_stat st;

	if (!ls->media || !leg_is(&ls->leg, SY__LEG_STATE__LEG_ANSWERED))
		return;

	leg_sip_watch(ls);
	media_leg_stat(ls->media, &st);
	if (st.rx_packets == ls->heard && !sipua_is_unsure(ls->node->ua))
		words_probe(ls);
	ls->heard = st.rx_packets;
}

void leg_sip_watch(struct leg_sip *ls)
{
	const uint32_t after_s = ls->node->conf.probe_s;

	if (after_s)
		alarm_start(&ls->node->alarms, &ls->probe, after_s * 1000ull,
			    probe_handler, ls);
}

static void established_handler(struct dialog *d, struct mbuf *sdp, void *arg)
{
	struct leg_sip *ls = arg;

	(void)d;
	note_router(ls);
	leg_sip_watch(ls);
	if (ls->leg.info.direction == SY__DIRECTION__OUTBOUND)
		established_out(ls, sdp);
	else
		established_in(ls, sdp);
	leg_sip_resume_answered(ls);
}

static void offer_handler(struct dialog *d, struct mbuf *sdp, void *arg)
{
	struct leg_sip *ls = arg;
	struct mbuf *mb = NULL;
	int err;

	(void)d;
	ls->was_held = ls->local_hold;
	leg_sip_look(ls);
	if (sdp)
		err = session_answer(ls->ses, sdp, &mb);
	else
		err = session_offer(ls->ses, leg_sip_offers_hold(ls), &mb);
	if (err) {
		if (err != ENOMEM)
			words_warn(ls, session_why(ls->ses));
		(void)words_refuse(ls, err == ENOMEM ? 500 : 488,
				   err == EPROTONOSUPPORT
					   ? LEG_SIP_SRTP_REQUIRED
					   : NULL);
		return;
	}

	if (!words_accept(ls, mb)) {
		leg_sip_keep(&ls->local_sdp, mb);
		if (sdp) {
			leg_sip_keep(&ls->remote_sdp, sdp);
			(void)leg_sip_apply(ls);
			leg_sip_known(ls);
		}
	}

	mem_deref(mb);
}

static void hold_again(void *arg);

static void hold_later(struct leg_sip *ls, uint32_t ms)
{
	alarm_start(&ls->node->alarms, &ls->again, ms, hold_again, ls);
}

static void hold_again(void *arg)
{
	struct leg_sip *ls = arg;
	struct mbuf *mb = NULL;
	int err;

	if (!ls->holding || !leg_is(&ls->leg, SY__LEG_STATE__LEG_ANSWERED))
		return;

	err = session_offer(ls->ses, leg_sip_offers_hold(ls), &mb);
	if (!err)
		err = words_offer(ls, mb);
	if (!err)
		leg_sip_keep(&ls->local_sdp, mb);
	else if (err == EBUSY)
		hold_later(ls, BUSY_MS);
	mem_deref(mb);
}

/* The peer's offer crossed ours: it is asked again after that one.
 * @return false: it is refused. */
static bool crossed(struct leg_sip *ls, uint16_t code)
{
	if (!ls->holding || code != 491 || ++ls->glares > GLARES)
		return false;

	hold_later(ls, 1 + leg_sip_glare_ms(ls));

	return true;
}

/* To our re-INVITE, or in the ACK to the offer that the peer asked for. */
static void answered_handler(struct dialog *d, int err, uint16_t code,
			     struct mbuf *sdp, void *arg)
{
	struct leg_sip *ls = arg;

	(void)d;
	if (leg_sip_resume_answer(ls, err, code, sdp) || crossed(ls, code))
		return;

	ls->holding = false;
	if (!err)
		err = sdp ? session_answered(ls->ses, sdp) : EBADMSG;
	if (err) {
		log_warn("offer refused", LOG_S("call", ls->leg.hub->id),
			 LOG_S("leg", ls->leg.info.id), LOG_U("code", code));
		ls->local_hold = ls->was_held;
		ls->leg.info.held = ls->local_hold ||
				    session_remote_hold(ls->ses);
		(void)leg_sip_mute(ls);
		leg_changed(&ls->leg);
		return;
	}

	leg_sip_keep(&ls->remote_sdp, sdp);
	(void)leg_sip_apply(ls);
	leg_sip_known(ls);
}

/* The very description that is in force.  A leg that is being resumed is
 * offered its new address, which refreshes too. */
static void refresh_handler(struct dialog *d, void *arg)
{
	struct leg_sip *ls = arg;
	struct mbuf *mb = NULL;

	if (ls->resumed.wanted)
		return;

	ls->was_held = ls->local_hold;
	if (!session_repeat(ls->ses, &mb))
		(void)dialog_offer(d, mb);
	mem_deref(mb);
}

static uint16_t message_handler(struct dialog *d, const char *ctype,
				const struct mbuf *text, void *arg)
{
	struct leg_sip *ls = arg;

	(void)d;

	return hub_message(ls->leg.hub, &ls->leg, ctype, text) ? 200 : 405;
}

static void closed_handler(struct dialog *d, uint16_t code,
			   const char *reason, bool remote, void *arg)
{
	struct leg_sip *ls = arg;
	struct hub *hub = ls->leg.hub;
	char why[LEG_TEXT_MAX];

	(void)remote;
	if (d && code >= 300 && code < 400) {
		follow_judge(ls->node, &ls->leg, code, dialog_redirect(d),
			     why);
		reason = why;
	}
	if (code == 401 || code == 407)
		log_warn("peer wants other credentials",
			 LOG_S("call", hub->id),
			 LOG_S("trunk", ls->leg.info.trunk),
			 LOG_S("why", reason));
	/* Who ends with it is told why, too. */
	hub->because = d ? dialog_peer_reason(d) : NULL;
	leg_sip_ended(arg, code, reason);
	hub->because = NULL;
}

static void changed_handler(struct dialog *d, void *arg)
{
	struct leg_sip *ls = arg;

	(void)d;
	leg_touched(&ls->leg);
}

const struct dialog_handlers leg_sip_handlers = {
	.progress = progress_handler,
	.established = established_handler,
	.acked = acked_handler,
	.offer = offer_handler,
	.answered = answered_handler,
	.refresh = refresh_handler,
	.info = leg_sip_info_handler,
	.message = message_handler,
	.refer = leg_sip_refer_handler,
	.referred = leg_sip_referred_handler,
	.closed = closed_handler,
	.changed = changed_handler,
};

/* Somebody tries to be heard in this call, or a NAT has moved the peer. */
static void warn_foreign(const struct leg_sip *ls)
{
	char src[64];

	(void)re_snprintf(src, sizeof(src), "%J",
			  media_leg_foreign(ls->media));
	log_warn("media of others dropped", LOG_S("call", ls->leg.hub->id),
		 LOG_S("leg", ls->leg.info.id), LOG_S("source", src));
}

/* Silence for the others, and the peer does not know: one-way audio. */
static void warn_unusable(const struct leg_sip *ls,
			  const struct media_event *ev)
{
	log_warn("media of the peer cannot be used",
		 LOG_S("call", ls->leg.hub->id),
		 LOG_S("leg", ls->leg.info.id), LOG_U("payload_type", ev->pt),
		 LOG_U("payload_bytes", ev->len));
}

void leg_sip_media_handler(struct media_leg *media,
			   const struct media_event *ev, void *arg)
{
	struct leg_sip *ls = arg;

	(void)media;
	if (ls->departed)
		return;

	if (ev->type == MEDIA_EV_RTP_START)
		leg_sip_heard(ls);
	else if (ev->type == MEDIA_EV_DTMF)
		leg_sip_digit(ls, ev->digit, ev->duration_ms,
			      ev->inband ? DIGIT_INBAND : DIGIT_EVENT);
	else if (ev->type == MEDIA_EV_TALK_START ||
		 ev->type == MEDIA_EV_TALK_STOP ||
		 ev->type == MEDIA_EV_SPEAKER)
		talk_event(ls->node, &ls->leg, ev);
	else if (ev->type == MEDIA_EV_FOREIGN)
		warn_foreign(ls);
	else if (ev->type == MEDIA_EV_UNUSABLE)
		warn_unusable(ls, ev);
	else if (ev->type == MEDIA_EV_RTP_STOP && !ls->leg.info.held &&
		 !sipua_is_unsure(ls->node->ua) &&
		 leg_is(&ls->leg, SY__LEG_STATE__LEG_ANSWERED))
		leg_hangup(&ls->leg, 200, "no media from the peer");
}
