/* SPDX-License-Identifier: MIT */
/*
 * A SIP leg is made of the record that another node wrote of it: its session
 * as it was agreed on, its media, silent as yet, and what its peer waits for.
 * Whom it tells of that, and when, is in leg_sip_resume.c.
 */

#include <string.h>

#include "node/leg_sip_words.h"
#include "node/page.h"
#include "node/record.h"

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
	    .local_hold = ds->local_hold && !ds->browser,
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
		err = words_answer(ls, mb);
	if (!err)
		leg_sip_keep(&ls->local_sdp, mb);
	ls->answer = mem_deref(ls->answer);
	mem_deref(mb);

	return err;
}

/* It was told by our 183, if it believes a second one; by re-INVITE later. */
static void early_handler(void *arg)
{
	leg_sip_speak(arg);
}

static int ring_again(struct leg_sip *ls, const Sy__DialogState *ds)
{
	if (ds->state != SY__LEG_STATE__LEG_RINGING)
		return 0;

	if (!ds->early || ls->late)
		return words_progress(ls, 180, NULL);

	leg_sip_keep(&ls->local_sdp, ls->answer);
	alarm_start(&ls->node->alarms, &ls->resumed.tmr, 0, early_handler, ls);

	return words_progress(ls, 183, ls->answer);
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
		leg_sip_ask_later(ls, LEG_SIP_SOON_MS);
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
	 * from now on, until it is told by UPDATE, if it can be.  A caller is
	 * told at once, a page by an offer. */
	ls->leg.early = ds->early && !answered &&
			ds->direction == SY__DIRECTION__INBOUND;
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
			leg_sip_ask_later(ls, LEG_SIP_SOON_MS);

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

/* The offer of a page that waits for its answer. */
static int page_offer_of(const Sy__DialogState *ds, struct mbuf **mbp)
{
	if (ds->direction != SY__DIRECTION__INBOUND ||
	    ds->state == SY__LEG_STATE__LEG_ANSWERED ||
	    ds->browser->described)
		return ENOENT;

	*mbp = mbuf_of(ds->remote_sdp);

	return *mbp ? 0 : EBADMSG;
}

static int page_make(struct leg_sip *ls, const Sy__DialogState *ds)
{
	const struct page_conf pc = {
		.node = ls->node,
		.leg = &ls->leg,
		.h = &leg_sip_handlers,
		.arg = ls,
	};

	return page_resume(&ls->page, &pc, ds);
}

/* @param d  NULL: of a page. */
static int make(struct leg_sip **lsp, struct node *n, struct hub *hub,
		const Sy__Leg *rec, const Sy__DialogState *ds, struct dialog *d)
{
	struct mbuf *offer = NULL;
	struct leg_info info;
	struct leg_sip *ls;
	bool pending_in;
	int err;

	err = d ? dialog_pending_offer(d, &offer) : page_offer_of(ds, &offer);
	if (err && err != ENOENT)
		return err;

	pending_in = err == 0;
	err = leg_sip_alloc(&ls, n, hub, peer_af(offer, ds), !d);
	if (err)
		goto out;

	record_leg_read(&info, rec);
	leg_restore(&ls->leg, hub, &leg_sip_ops, &info, ds->ref);
	ls->connected = ds->connected;
	ls->dlg = mem_ref(d);
	if (d)
		dialog_set_handlers(d, &leg_sip_handlers, ls);
	else
		err = page_make(ls, ds);
	leg_sip_voice(ls);
	if (!err)
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
	struct dialog *d = NULL;
	struct leg_sip *ls;
	int err;

	if (!record_leg_is_live(rec))
		return EBADMSG;

	err = ulid_read(prm.tok.hub, hub->id, ULID_LEN);
	if (!err && !ds->browser)
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
