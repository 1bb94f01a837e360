/* SPDX-License-Identifier: MIT */
/*
 * SIP legs: see leg_sip.h.
 *
 * Media follows the description: nothing is sent before both sides are
 * negotiated.  An inbound offer is negotiated when it comes (so that a caller
 * without a common codec hears so at once) and put into force when the call
 * is answered.
 */

#include "node/leg_sip.h"
#include "node/sip/session.h"
#include "proto/log.h"

struct leg_sip {
	struct leg leg;           /* first: the hub knows only this     */
	struct node *node;        /* borrowed                           */
	struct dialog *dlg;       /* owned, as all below                */
	struct session *ses;
	struct media_leg *media;
	struct mbuf *answer;      /* to the INVITE's offer, until sent  */
	char *local_sdp, *remote_sdp; /* last, for the checkpoint       */
	bool late;                /* the peer answers our offer in ACK  */
	bool local_hold;          /* we hold the peer                   */
	bool was_held;            /* ... before the offer under way     */
};

static struct leg_sip *self(struct leg *leg)
{
	return (struct leg_sip *)leg;
}

static void destructor(void *data)
{
	struct leg_sip *ls = data;

	leg_close(&ls->leg);
	mem_deref(ls->dlg);
	mem_deref(ls->media);
	mem_deref(ls->ses);
	mem_deref(ls->answer);
	mem_deref(ls->local_sdp);
	mem_deref(ls->remote_sdp);
}

static void keep_sdp(char **textp, const struct mbuf *mb)
{
	*textp = mem_deref(*textp);
	if (mb)
		(void)re_sdprintf(textp, "%b", mb->buf + mb->pos,
				  mb->end - mb->pos);
}

/* Who is on hold, by either side, is out of the talk.  A phone that holds
 * may still send: its music must not fill a conference. */
static int put_mute(struct leg_sip *ls)
{
	const struct leg_info *info = &ls->leg.info;

	if (!ls->media)
		return 0;

	return media_leg_mute(ls->media, info->muted || info->held,
			      info->deaf || ls->local_hold);
}

/* Put what was negotiated into force. */
static int apply(struct leg_sip *ls)
{
	struct leg_info *info = &ls->leg.info;
	struct media_rtp_params prm;
	int err;

	info->held = ls->local_hold || session_remote_hold(ls->ses);
	err = session_params(ls->ses, &prm);
	if (!err)
		err = media_leg_rtp_set(ls->media, &prm);
	if (!err)
		err = put_mute(ls);
	if (err) {
		log_warn("media not set", LOG_S("call", ls->leg.hub->id),
			 LOG_S("leg", info->id), LOG_E(err));
		return err;
	}

	str_ncpy(info->codec, session_codec(ls->ses), sizeof(info->codec));
	leg_changed(&ls->leg);

	return 0;
}

/* The call cannot go on: end the dialog, and with it the leg. */
static void fail(struct leg_sip *ls, uint16_t code, const char *reason)
{
	leg_hangup(&ls->leg, code, reason);
}

static void note_router(struct leg_sip *ls)
{
	const char *id = dialog_router(ls->dlg);

	if (id && !ls->leg.info.router[0])
		str_ncpy(ls->leg.info.router, id,
			 sizeof(ls->leg.info.router));
}

/* ------------------------------------------------------------ dialog events */

static void progress_handler(struct dialog *d, uint16_t code,
			     const char *reason, struct mbuf *sdp, void *arg)
{
	struct leg_sip *ls = arg;

	(void)d;
	(void)reason;
	(void)sdp;
	note_router(ls);
	leg_ringing(&ls->leg, code);
}

static void established_out(struct leg_sip *ls, struct mbuf *sdp)
{
	int err = sdp ? session_answered(ls->ses, sdp) : EBADMSG;

	if (!err) {
		keep_sdp(&ls->remote_sdp, sdp);
		err = apply(ls);
	}
	if (err)
		fail(ls, 488, "answer cannot be used");
	else
		leg_answered(&ls->leg);
}

static void established_in(struct leg_sip *ls, struct mbuf *sdp)
{
	if (!ls->late)
		return;

	ls->late = false;
	if (!sdp || session_answered(ls->ses, sdp)) {
		fail(ls, 488, "answer cannot be used");
		return;
	}

	keep_sdp(&ls->remote_sdp, sdp);
	if (apply(ls))
		fail(ls, 500, "no media");
}

static void established_handler(struct dialog *d, struct mbuf *sdp, void *arg)
{
	struct leg_sip *ls = arg;

	(void)d;
	note_router(ls);
	if (ls->leg.info.direction == SY__DIRECTION__OUTBOUND)
		established_out(ls, sdp);
	else
		established_in(ls, sdp);
}

static void offer_handler(struct dialog *d, struct mbuf *sdp, void *arg)
{
	struct leg_sip *ls = arg;
	struct mbuf *mb = NULL;
	int err;

	ls->was_held = ls->local_hold;
	if (sdp)
		err = session_answer(ls->ses, sdp, &mb);
	else
		err = session_offer(ls->ses, ls->local_hold, &mb);
	if (err) {
		(void)dialog_refuse(d, err == ENOMEM ? 500 : 488, NULL);
		return;
	}

	if (!dialog_accept(d, mb)) {
		keep_sdp(&ls->local_sdp, mb);
		if (sdp) {
			keep_sdp(&ls->remote_sdp, sdp);
			(void)apply(ls);
		}
	}

	mem_deref(mb);
}

/* To our re-INVITE, or in the ACK to the offer that the peer asked for. */
static void answered_handler(struct dialog *d, int err, uint16_t code,
			     struct mbuf *sdp, void *arg)
{
	struct leg_sip *ls = arg;

	(void)d;
	if (!err)
		err = sdp ? session_answered(ls->ses, sdp) : EBADMSG;
	if (err) {
		log_warn("offer refused", LOG_S("call", ls->leg.hub->id),
			 LOG_S("leg", ls->leg.info.id), LOG_U("code", code));
		ls->local_hold = ls->was_held;
		ls->leg.info.held = ls->local_hold ||
				    session_remote_hold(ls->ses);
		(void)put_mute(ls);
		leg_changed(&ls->leg);
		return;
	}

	keep_sdp(&ls->remote_sdp, sdp);
	(void)apply(ls);
}

/* RFC 2976 digits of phones that know no RFC 4733: "Signal=5". */
static void info_handler(struct dialog *d, const char *ctype,
			 struct mbuf *body, void *arg)
{
	struct leg_sip *ls = arg;
	struct pl pl, digit, ms = PL_INIT;

	(void)d;
	if (str_casecmp(ctype, "application/dtmf-relay"))
		return;

	pl_set_mbuf(&pl, body);
	if (re_regex(pl.p, pl.l, "Signal[ ]*=[ ]*[0-9A-Da-d*#]1", NULL, NULL,
		     &digit))
		return;
	(void)re_regex(pl.p, pl.l, "Duration[ ]*=[ ]*[0-9]+", NULL, NULL,
		       &ms);

	hub_dtmf(ls->leg.hub, &ls->leg, digit.p[0],
		 pl_isset(&ms) ? pl_u32(&ms) : 160);
}

static void closed_handler(struct dialog *d, uint16_t code,
			   const char *reason, bool remote, void *arg)
{
	struct leg_sip *ls = arg;

	(void)d;
	(void)remote;
	leg_ended(&ls->leg, code, reason);
}

static void changed_handler(struct dialog *d, void *arg)
{
	struct leg_sip *ls = arg;

	(void)d;
	leg_touched(&ls->leg);
}

static const struct dialog_handlers handlers = {
	.progress = progress_handler,
	.established = established_handler,
	.offer = offer_handler,
	.answered = answered_handler,
	.info = info_handler,
	.closed = closed_handler,
	.changed = changed_handler,
};

static void media_handler(struct media_leg *media,
			  const struct media_event *ev, void *arg)
{
	struct leg_sip *ls = arg;

	(void)media;
	if (ev->type == MEDIA_EV_DTMF &&
	    leg_is(&ls->leg, SY__LEG_STATE__LEG_ANSWERED))
		hub_dtmf(ls->leg.hub, &ls->leg, ev->digit,
			 ev->duration_ms);
}

/* --------------------------------------------------------- the hub's wishes */

static int op_progress(struct leg *leg, uint16_t code)
{
	return dialog_progress(self(leg)->dlg, code, NULL, NULL);
}

static int op_answer(struct leg *leg)
{
	struct leg_sip *ls = self(leg);
	struct mbuf *mb = NULL;
	int err = 0;

	if (ls->late)
		err = session_offer(ls->ses, false, &mb);
	else
		mb = mem_ref(ls->answer);
	if (!err)
		err = dialog_answer(ls->dlg, mb);
	if (!err && !ls->late)
		err = apply(ls);
	if (!err) {
		keep_sdp(&ls->local_sdp, mb);
		ls->answer = mem_deref(ls->answer);
	}

	mem_deref(mb);
	return err;
}

static void op_hangup(struct leg *leg, uint16_t code, const char *reason)
{
	struct leg_sip *ls = self(leg);

	/* The text is ours; the peer gets the standard one. */
	(void)reason;
	dialog_hangup(ls->dlg, code, NULL);
	ls->media = mem_deref(ls->media);
}

static void op_abandon(struct leg *leg)
{
	struct leg_sip *ls = self(leg);

	dialog_abandon(ls->dlg);
	ls->media = mem_deref(ls->media);
}

static int op_mute(struct leg *leg)
{
	return put_mute(self(leg));
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

	err = session_offer(ls->ses, hold, &mb);
	if (!err)
		err = dialog_offer(ls->dlg, mb);
	if (!err) {
		/* Heard at once; taken back if the peer refuses. */
		keep_sdp(&ls->local_sdp, mb);
		ls->was_held = ls->local_hold;
		ls->local_hold = hold;
		leg->info.held = hold || session_remote_hold(ls->ses);
		(void)put_mute(ls);
		leg_changed(leg);
	}

	mem_deref(mb);
	return err;
}

static int op_dtmf(struct leg *leg, char digit, uint32_t duration_ms)
{
	struct leg_sip *ls = self(leg);

	return ls->media ? media_leg_dtmf(ls->media, digit, duration_ms) :
			   ENOTSUP;
}

static void op_stat(struct leg *leg)
{
	struct leg_sip *ls = self(leg);
	struct media_stat st;
	uint64_t total;

	if (!ls->media)
		return;

	media_leg_stat(ls->media, &st);
	total = st.rx_packets + st.rx_lost;
	leg->info.jitter_ms = st.jitter_ms;
	leg->info.loss_percent =
		total ? 100.0f * (float)st.rx_lost / (float)total : 0.0f;
}

static void op_checkpoint(const struct leg *leg, Sy__DialogState *out)
{
	const struct leg_sip *ls = (const struct leg_sip *)leg;

	dialog_checkpoint(ls->dlg, out);
	out->sdp_session_id = session_id(ls->ses);
	out->sdp_version = session_version(ls->ses);
	out->local_hold = ls->local_hold;
	out->remote_hold = session_remote_hold(ls->ses);
	if (ls->local_sdp)
		out->local_sdp = ls->local_sdp;
	if (ls->remote_sdp)
		out->remote_sdp = ls->remote_sdp;
}

static const struct leg_ops ops = {
	.party = true,
	.progress = op_progress,
	.answer = op_answer,
	.hangup = op_hangup,
	.abandon = op_abandon,
	.mute = op_mute,
	.hold = op_hold,
	.dtmf = op_dtmf,
	.stat = op_stat,
	.checkpoint = op_checkpoint,
};

/* --------------------------------------------------------------------- life */

static int alloc(struct leg_sip **lsp, struct node *n, struct hub *hub,
		 const struct leg_conf *conf, const struct codec_list *codecs)
{
	const Sy__Settings *set = node_settings(n);
	struct session_conf sc = {0};
	struct leg_sip *ls;
	struct mix *mix;
	int err;

	ls = mem_zalloc(sizeof(*ls), destructor);
	if (!ls)
		return ENOMEM;

	ls->node = n;
	leg_init(&ls->leg, hub, conf);

	err = node_mix(&mix, n, hub);
	if (!err)
		err = media_leg_rtp_alloc(&ls->media, mix,
					  &n->conf.media_addr, media_handler,
					  ls);
	if (err)
		goto out;

	sc.laddr = *media_leg_laddr(ls->media);
	sc.codecv = (const char *const *)codecs->namev;
	sc.codecc = codecs->namec;
	if (!sc.codecc && set) {
		sc.codecv = (const char *const *)set->codecs;
		sc.codecc = set->n_codecs;
	}
	if (!sc.codecc)
		sc.codecv = NULL;
	sc.opus_bitrate_bps = set ? set->opus_bitrate_bps : 0;
	err = session_alloc(&ls->ses, &sc);

out:
	if (err)
		mem_deref(ls);
	else
		*lsp = ls;

	return err;
}

int leg_sip_call(struct leg **lp, struct node *n, struct hub *hub,
		 const struct leg_sip_call *call)
{
	const struct leg_conf conf = {
		.ops = &ops,
		.kind = call->kind,
		.direction = SY__DIRECTION__OUTBOUND,
		.user = call->user,
		.router = call->router,
		.ref = hub_ref(hub),
	};
	char path[512] = "";
	const char *route = path;
	struct dialog_invite inv = {
		.uri = call->uri,
		.to_uri = call->to_uri,
		.from_uri = call->from_uri,
		.from_name = call->from_name,
		.routev = &route,
		.router = call->router && *call->router ? call->router : NULL,
		.tok = {
			.kind = TOKEN_NODE,
			.instance = member_instance(n->members),
			.leg = conf.ref,
			.epoch = hub->epoch,
		},
	};
	struct leg_sip *ls;
	int err;

	err = ulid_read(inv.tok.hub, hub->id, ULID_LEN);
	if (err)
		return err;
	if (call->path && *call->path) {
		inv.routec = 1;
		if (re_snprintf(path, sizeof(path), "<%s>", call->path) < 0)
			return EINVAL;
	}
	err = alloc(&ls, n, hub, &conf, &call->codecs);
	if (err)
		return err;

	err = session_offer(ls->ses, false, &inv.sdp);
	if (!err)
		err = dialog_invite(&ls->dlg, n->ua, &inv, &handlers, ls);
	if (err) {
		mem_deref(ls);
		goto out;
	}

	keep_sdp(&ls->local_sdp, inv.sdp);
	hub_add(hub, &ls->leg);
	*lp = &ls->leg;

out:
	mem_deref(inv.sdp);
	return err;
}

static uint16_t code_of(int err)
{
	switch (err) {

	case 0:          return 0;
	case ENOTSUP:    return 488;
	case EBADMSG:    return 488;
	case EADDRINUSE: return 503;
	case EAGAIN:     return 503;
	default:         return 500;
	}
}

uint16_t leg_sip_take(struct leg **lp, struct node *n, struct hub *hub,
		      struct dialog *d, struct mbuf *sdp,
		      const Sy__PlaceHub *place)
{
	const Sy__Source *src = place->source;
	const bool device =
		src && src->kind_case == SY__SOURCE__KIND_DEVICE;
	const struct codec_list codecs = {place->codecs, place->n_codecs};
	const struct leg_conf conf = {
		.ops = &ops,
		.kind = device ? SY__LEG_KIND__DEVICE : SY__LEG_KIND__TRUNK,
		.direction = SY__DIRECTION__INBOUND,
		.user = device ? src->device : place->caller,
		.name = place->caller_name,
		.router = place->router,
		.ref = place->leg_ref,
	};
	struct leg_sip *ls;
	int err;

	err = alloc(&ls, n, hub, &conf, &codecs);
	if (err)
		return code_of(err);

	if (sdp)
		err = session_answer(ls->ses, sdp, &ls->answer);
	else
		ls->late = true;
	if (err) {
		mem_deref(ls);
		return code_of(err);
	}

	keep_sdp(&ls->remote_sdp, sdp);
	ls->dlg = d;
	dialog_set_handlers(d, &handlers, ls);
	hub_add(hub, &ls->leg);
	*lp = &ls->leg;

	return 0;
}
