/* SPDX-License-Identifier: MIT */
/*
 * A SIP leg that another node had: see leg_sip.h.
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
 * sends still; a peer must not get two streams.
 */

#include <string.h>

#include "node/leg_sip_priv.h"
#include "node/record.h"
#include "node/sip/strans.h"
#include "proto/log.h"

enum {
	TRIES = 3,
	GLARES = 20,	 /* 491 of a peer that waits for the ACK of a
			    node that died: for 32 s at most        */
	SOON_MS = 1,	 /* once this answer is dealt with          */
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

void leg_sip_known(struct leg_sip *ls)
{
	struct leg_sip_resumed *r = &ls->resumed;

	if (!r->wanted)
		return;

	r->wanted = r->busy = false;
	alarm_stop(&ls->node->alarms, &r->tmr);
	speak(ls);
	expect_media(ls);
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

static void ask_later(struct leg_sip *ls, uint32_t ms)
{
	alarm_start(&ls->node->alarms, &ls->resumed.tmr, ms, offer_handler, ls);
}

/* Again, if that may help. @return false: three times are enough. */
static bool again(struct leg_sip *ls, uint32_t ms, bool glare)
{
	struct leg_sip_resumed *r = &ls->resumed;

	if (glare ? ++r->glares >= GLARES : ++r->tries >= TRIES)
		return false;

	ask_later(ls, MIN(ms, (uint32_t)LATER_MAX_MS));

	return true;
}

static int offer_send(struct leg_sip *ls)
{
	struct leg_sip_resumed *r = &ls->resumed;
	int err;

	r->offer = mem_deref(r->offer);
	ls->was_held = ls->local_hold;
	err = session_offer(ls->ses, ls->local_hold, &r->offer);
	if (!err)
		err = dialog_offer(ls->dlg, r->offer);
	if (!err)
		r->busy = true;

	return err;
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
		ask_later(ls, BUSY_MS);
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
	return dialog_is_ours(ls->dlg) ? 2100 + rand_u16() % 191 * 10u
				 : rand_u16() % 201 * 10u;
}

/* @return when to ask again [ms]; 0: it will not take it. */
static uint32_t retry_ms(const struct leg_sip *ls, uint16_t code)
{
	const uint32_t s = MIN(dialog_retry_after(ls->dlg), LATER_MAX_MS / 1000u);

	if (code == 491)
		return 1 + leg_sip_glare_ms(ls);

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
	ask_later(ls, SOON_MS);

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
	ask_later(ls, SOON_MS);
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

/* --------------------------------------------------------------- resume */

static struct mbuf *mbuf_of(const char *text)
{
	const size_t len = str_len(text);
	struct mbuf *mb = len ? mbuf_alloc(len) : NULL;

	if (mb && !mbuf_write_mem(mb, (const uint8_t *)text, len))
		mb->pos = 0;

	return mb;
}

static int peer_af(struct mbuf *offer, const Sy__DialogState *ds)
{
	struct mbuf *mb = offer ? mem_ref(offer) : mbuf_of(ds->remote_sdp);
	int af;

	if (!mb)
		mb = mbuf_of(ds->local_sdp);
	af = mb ? session_offer_af(mb) : AF_UNSPEC;
	mem_deref(mb);

	return af;
}

static int session_make(struct leg_sip *ls, const Sy__DialogState *ds,
			bool pending_in)
{
	const bool out = ds->direction == SY__DIRECTION__OUTBOUND;
	const struct session_state st = {
	    .local_sdp = pending_in ? NULL : ds->local_sdp,
	    .remote_sdp = pending_in ? NULL : ds->remote_sdp,
	    .id = ds->sdp_session_id,
	    .version = ds->sdp_version,
	    .local_hold = ds->local_hold,
	    .pending = (out && ds->state != SY__LEG_STATE__LEG_ANSWERED) ||
		       (ds->reliable && ds->reliable->offered),
	};
	struct session_conf sc;
	int err;

	ls->srtp = leg_sip_srtp_mode(ds->srtp, node_settings(ls->node));
	ls->dtmf = leg_sip_dtmf_mode(ds->dtmf ? ds->dtmf : "");
	ls->local_hold = ds->local_hold;
	ls->inside = ds->inside;
	err = leg_sip_identity_new(ls, ds->local_sdp);
	if (err)
		return err;

	leg_sip_session_conf(&sc, ls);
	if (ds->n_codecs) {
		sc.codecv = (const char *const *)ds->codecs;
		sc.codecc = ds->n_codecs;
	}

	err = session_resume(&ls->ses, &sc, &st);
	if (err)
		return err == EINVAL ? EBADMSG : err;

	ls->codecc = session_codecs(ls->ses, ls->codecv, LEG_SIP_CODECS);

	return 0;
}

static void keep_text(char **textp, const char *text)
{
	struct mbuf *mb = mbuf_of(text);

	if (mb)
		leg_sip_keep(textp, mb);
	mem_deref(mb);
}

/* The peer waits for our answer: it is made as at first, for our address. */
static int answer_make(struct leg_sip *ls, struct mbuf *offer)
{
	int err = 0;

	if (offer) {
		err = session_answer(ls->ses, offer, &ls->answer);
		leg_sip_keep(&ls->remote_sdp, offer);
	} else {
		ls->late = true;
	}

	return err;
}

/* It was answered, but the ACK had not come: nobody repeats that answer. */
static int answer_again(struct leg_sip *ls)
{
	struct mbuf *mb = NULL;
	int err = 0;

	if (ls->late)
		err = session_offer(ls->ses, ls->local_hold, &mb);
	else
		mb = mem_ref(ls->answer);
	if (!err)
		err = dialog_answer(ls->dlg, mb);
	if (!err)
		leg_sip_keep(&ls->local_sdp, mb);
	ls->answer = mem_deref(ls->answer);
	mem_deref(mb);

	return err;
}

/* It was told by our 183, if it believes a second one; by re-INVITE later. */
static void early_handler(void *arg)
{
	speak(arg);
	expect_media(arg);
}

static int ring_again(struct leg_sip *ls, const Sy__DialogState *ds)
{
	if (ds->state != SY__LEG_STATE__LEG_RINGING)
		return 0;

	if (!ds->early || ls->late)
		return dialog_progress(ls->dlg, 180, NULL, NULL);

	leg_sip_keep(&ls->local_sdp, ls->answer);
	alarm_start(&ls->node->alarms, &ls->resumed.tmr, 0, early_handler, ls);

	return dialog_progress(ls->dlg, 183, NULL, ls->answer);
}

/* What was agreed on is in force, but nothing is sent. */
static int media_make(struct leg_sip *ls)
{
	struct media_rtp_params prm;
	int err;

	ls->hushed = true;
	err = leg_sip_send(ls);
	if (!err)
		err = session_params(ls->ses, &prm);
	if (err)
		return err == EPROTO ? 0 : err; /* nothing agreed on yet */
	if (session_is_rtc(ls->ses))
		return 0; /* its address and keys are to be found anew */

	prm.dtmf = ls->dtmf;
	prm.jitter_start_ms = LEG_SIP_RESUMED_JITTER_MS;
	prm.srtp_seek = true;
	err = media_leg_rtp_set(ls->media, &prm);
	media_srtp_wipe(&prm.srtp_tx);
	media_srtp_wipe(&prm.srtp_rx);

	return err;
}

/* What we described reliably holds, whatever its INVITE said: it was the only
 * description.  Its PRACK may have come, or not. */
static int describe_again(struct leg_sip *ls, const Sy__DialogState *ds)
{
	const Sy__ReliableState *rel = ds->reliable;
	const bool answered = ds->state == SY__LEG_STATE__LEG_ANSWERED;
	struct mbuf *mb = mbuf_of(ds->local_sdp);
	int err = 0;

	ls->late = rel->offered;
	ls->resumed.asked = true;
	if (rel->code)
		err = dialog_progress_again(ls->dlg, (uint16_t)rel->code,
					    rel->has_sdp ? mb : NULL);
	if (!err && answered)
		err = dialog_answer(ls->dlg, NULL);
	if (!err && !answered && !rel->code)
		ask_later(ls, SOON_MS);
	mem_deref(mb);

	return err ? err : media_make(ls);
}

/* @param pending_in  The peer's INVITE waits for our answer, or its ACK. */
static int bring_up(struct leg_sip *ls, const Sy__DialogState *ds,
		    bool pending_in, struct mbuf *offer)
{
	const bool answered = ds->state == SY__LEG_STATE__LEG_ANSWERED;
	const bool described =
		pending_in && ds->reliable && ds->reliable->described;
	int err = session_make(ls, ds, pending_in && !described);

	if (err)
		return err;

	/* Early media of a callee goes to where our INVITE said: it only rings
	 * from now on, until it is told by UPDATE, if it can be. */
	ls->leg.early = ds->early && !answered && pending_in;
	ls->resumed.begun = ls->resumed.wanted = true;
	if (!pending_in || described) {
		keep_text(&ls->local_sdp, ds->local_sdp);
		keep_text(&ls->remote_sdp, ds->remote_sdp);
	}
	if (described)
		return describe_again(ls, ds);

	if (!pending_in) {
		ls->resumed.asked = !answered;
		if (ds->early && !answered)
			ask_later(ls, SOON_MS);

		return media_make(ls);
	}

	err = answer_make(ls, offer);
	if (!err)
		err = answered ? answer_again(ls) : ring_again(ls, ds);
	if (err)
		return err;

	/* Who may know another address of ours is told anew. */
	ls->resumed.asked = ls->leg.early;
	if (answered || ls->leg.early)
		err = media_make(ls);

	return err;
}

static int make(struct leg_sip **lsp, struct node *n, struct hub *hub,
		const Sy__Leg *rec, const Sy__DialogState *ds, struct dialog *d)
{
	struct mbuf *offer = NULL;
	struct leg_info info;
	struct leg_sip *ls;
	bool pending_in;
	int err;

	err = dialog_pending_offer(d, &offer);
	if (err && err != ENOENT)
		return err;

	pending_in = err == 0;
	err = leg_sip_alloc(&ls, n, hub, peer_af(offer, ds));
	if (err)
		goto out;

	record_leg_read(&info, rec);
	leg_restore(&ls->leg, hub, &leg_sip_ops, &info, ds->ref);
	ls->dlg = mem_ref(d);
	dialog_set_handlers(d, &leg_sip_handlers, ls);
	leg_sip_voice(ls);
	err = bring_up(ls, ds, pending_in, offer);
	if (!err)
		err = leg_sip_mute(ls);
	if (err)
		mem_deref(ls);
	else
		*lsp = ls;

out:
	mem_deref(offer);
	return err;
}

int leg_sip_resume(struct leg **lp, struct node *n, struct hub *hub,
		   const Sy__Leg *rec, const Sy__DialogState *ds,
		   leg_sip_resume_h *h, void *arg)
{
	struct dialog_resume prm = {
	    .ds = ds,
	    .tok =
		{
		    .kind = TOKEN_NODE,
		    .leg = ds->ref,
		    .epoch = hub->epoch,
		    .instance = member_instance(n->members),
		},
	};
	struct dialog *d;
	struct leg_sip *ls;
	int err;

	err = ulid_read(prm.tok.hub, hub->id, ULID_LEN);
	if (!err)
		err = dialog_resume(&d, n->ua, &prm, NULL, NULL);
	if (err)
		return err;

	err = make(&ls, n, hub, rec, ds, d);
	mem_deref(d);
	if (err)
		return err;

	ls->resumed.h = h;
	ls->resumed.arg = arg;
	hub_add(hub, &ls->leg);
	if (leg_is(&ls->leg, SY__LEG_STATE__LEG_ANSWERED))
		leg_sip_watch(ls);
	*lp = &ls->leg;

	return 0;
}
