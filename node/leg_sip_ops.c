/* SPDX-License-Identifier: MIT */
/* What the hub wishes of a SIP leg: see leg_sip_priv.h. */

#include <string.h>

#include "node/app/chain.h"
#include "node/app/dial.h"
#include "node/connected.h"
#include "node/leg_sip_words.h"
#include "node/hub/hub.h"
#include "node/sip/reason.h"
#include "node/talk.h"

static struct leg_sip *self(struct leg *leg)
{
	return (struct leg_sip *)leg;
}

/* How the call went from one to the other, to who wants to know it; and who
 * has answered. */
static void tell_who(struct leg_sip *ls)
{
	char buf[CHAIN_SIZE] = "", who[CONNECTED_SIZE];

	if (!ls->dlg)
		return;
	if (ls->leg.hub->trail && dialog_wants_history(ls->dlg))
		chain_to_caller(buf, ls->node, &ls->leg,
				dial_domain(ls->node));
	connected_print(who, &ls->leg);
	dialog_set_told(ls->dlg, buf, who);
}

static int op_progress(struct leg *leg, uint16_t code)
{
	tell_who(self(leg));

	return words_progress(self(leg), code, NULL);
}

/* Without an offer in the INVITE ours goes in the 183; the PRACK brings its
 * answer, and only then there is something to be heard. */
static int offer_early(struct leg_sip *ls)
{
	struct mbuf *mb = NULL;
	int err;

	if (!words_is_reliable(ls))
		return ENOTSUP;

	err = session_offer(ls->ses, false, &mb);
	if (!err)
		err = words_progress(ls, 183, mb);
	if (!err) {
		ls->leg.early = true;
		leg_sip_keep(&ls->local_sdp, mb);
	}

	mem_deref(mb);
	return err;
}

static int op_early(struct leg *leg)
{
	struct leg_sip *ls = self(leg);
	int err;

	tell_who(ls);
	if (ls->late)
		return offer_early(ls);

	/* Without: a page that was loaded anew has had our offer. */
	err = words_progress(ls, 183, ls->answer);
	if (err)
		return err;

	leg->early = true;
	if (ls->answer)
		leg_sip_keep(&ls->local_sdp, ls->answer);

	return leg_sip_apply(ls);
}

static int op_answer(struct leg *leg)
{
	struct leg_sip *ls = self(leg);
	struct mbuf *mb = NULL;
	int err = 0;

	tell_who(ls);
	if (words_is_described(ls))
		mb = NULL;
	else if (ls->late)
		err = session_offer(ls->ses, false, &mb);
	else
		mb = mem_ref(ls->answer);
	if (!err)
		err = words_answer(ls, mb);
	if (!err)
		leg->early = false;
	if (!err && !ls->late)
		err = leg_sip_apply(ls);
	if (!err) {
		if (mb)
			leg_sip_keep(&ls->local_sdp, mb);
		ls->answer = mem_deref(ls->answer);
		if (!ls->late)
			leg_sip_resume_answered(ls);
	}

	mem_deref(mb);
	return err;
}

/* What an INVITE of the peer's is refused with says enough. */
static void because(struct leg_sip *ls, uint16_t code, const char *reason)
{
	const bool answered = words_is_answered(ls);
	char buf[REASON_SIZE];

	if (ls->leg.hub->because) {
		words_because(ls, ls->leg.hub->because);
	} else if (reason && !strcmp(reason, HUNT_ELSEWHERE)) {
		words_because(ls, reason_elsewhere);
	} else if (answered) {
		reason_print(buf, sizeof(buf), code);
		words_because(ls, buf);
	}
}

static void op_hangup(struct leg *leg, uint16_t code, const char *reason)
{
	struct leg_sip *ls = self(leg);

	/* The text is ours; the peer gets the standard one. */
	because(ls, code, reason);
	leg_sip_resume_stop(ls, reason);
	words_hangup(ls, code, reason);
	mem_deref(leg_sip_take_media(ls));
}

static void op_abandon(struct leg *leg)
{
	struct leg_sip *ls = self(leg);

	leg_sip_resume_stop(ls, "another node has it");
	words_abandon(ls);
	mem_deref(leg_sip_take_media(ls));
}

static void *op_give_media(struct leg *leg)
{
	struct leg_sip *ls = self(leg);
	struct media_leg *media = leg_sip_take_media(ls);

	media_leg_set_handler(media, NULL, NULL);

	return media;
}

static int op_mute(struct leg *leg)
{
	return leg_sip_mute(self(leg));
}

static int op_voice(struct leg *leg)
{
	return talk_voice_apply(self(leg)->media, &leg->info.voice);
}

static int op_stop_sending(struct leg *leg, bool stop)
{
	struct leg_sip *ls = self(leg);

	ls->stopped = stop;

	return leg_sip_send(ls);
}

/* A page goes on sending and receiving: who may hear what is decided here. */
static int hold_here(struct leg_sip *ls, bool hold)
{
	ls->local_hold = hold;
	ls->leg.info.held = hold || session_remote_hold(ls->ses);
	leg_changed(&ls->leg);

	return leg_sip_mute(ls);
}

static int op_hold(struct leg *leg, bool hold)
{
	struct leg_sip *ls = self(leg);
	struct mbuf *mb = NULL;
	int err;

	if (!leg_is(leg, SY__LEG_STATE__LEG_ANSWERED))
		return EPROTO;
	if (ls->local_hold == hold)
		return 0;
	if (ls->page)
		return hold_here(ls, hold);

	err = session_offer(ls->ses, hold, &mb);
	if (!err)
		err = words_offer(ls, mb);
	if (!err) {
		ls->holding = true;
		ls->glares = 0;
		/* Heard at once; taken back if the peer refuses. */
		leg_sip_keep(&ls->local_sdp, mb);
		ls->was_held = ls->local_hold;
		ls->local_hold = hold;
		leg->info.held = hold || session_remote_hold(ls->ses);
		(void)leg_sip_mute(ls);
		leg_changed(leg);
	}

	mem_deref(mb);
	return err;
}

static void op_checkpoint(const struct leg *leg, Sy__DialogState *out)
{
	const struct leg_sip *ls = (const struct leg_sip *)leg;

	words_checkpoint(ls, out);
	out->sdp_session_id = session_id(ls->ses);
	out->sdp_version = session_version(ls->ses);
	out->local_hold = ls->local_hold;
	out->remote_hold = session_remote_hold(ls->ses);
	out->early = leg->early;
	out->inside = ls->inside;
	out->late = ls->late;
	out->connected = ls->connected;
	out->codecs = (char **)ls->codecv;
	out->n_codecs = ls->codecc;
	out->srtp = (char *)leg_sip_srtp_name(ls->srtp);
	out->dtmf = (char *)leg_sip_dtmf_name(ls->dtmf);
	if (ls->local_sdp)
		out->local_sdp = ls->local_sdp;
	/* Else it is in the INVITE. */
	if (ls->remote_sdp &&
	    (!out->invite.len || words_is_described(ls)))
		out->remote_sdp = ls->remote_sdp;
}

static const char *op_call_id(const struct leg *leg)
{
	const struct leg_sip *ls = (const struct leg_sip *)leg;

	return leg->info.direction == SY__DIRECTION__INBOUND ?
		       words_call_id(ls) : NULL;
}

static int op_message(struct leg *leg, const char *ctype,
		      const struct mbuf *text)
{
	return self(leg)->dlg ? dialog_message(self(leg)->dlg, ctype, text)
			      : ENOTSUP;
}

const struct leg_ops leg_sip_ops = {
	.party = true,
	.progress = op_progress,
	.early = op_early,
	.answer = op_answer,
	.hangup = op_hangup,
	.abandon = op_abandon,
	.depart = leg_sip_depart,
	.give_media = op_give_media,
	.mute = op_mute,
	.voice = op_voice,
	.hold = op_hold,
	.stop_sending = op_stop_sending,
	.dtmf = leg_sip_op_dtmf,
	.message = op_message,
	.stat = leg_sip_stat,
	.sample = leg_sip_sample,
	.checkpoint = op_checkpoint,
	.call_id = op_call_id,
};
