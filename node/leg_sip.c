/* SPDX-License-Identifier: MIT */
/*
 * SIP legs: see leg_sip.h.
 *
 * Media follows the description: nothing is sent before both sides are
 * negotiated.  An inbound offer is negotiated when it comes (so that a caller
 * without a common codec hears so at once) and put into force when the call
 * is answered, or when early media is to be heard.
 */

#include <string.h>
#include <openssl/crypto.h>

#include "node/leg_sip_priv.h"
#include "node/page.h"
#include "node/talk.h"
#include "proto/log.h"

static void destructor(void *data)
{
	struct leg_sip *ls = data;

	leg_close(&ls->leg);
	alarm_stop(&ls->node->alarms, &ls->probe);
	alarm_stop(&ls->node->alarms, &ls->again);
	alarm_stop(&ls->node->alarms, &ls->attempt);
	alarm_stop(&ls->node->alarms, &ls->tell);
	mem_deref(ls->dlg);
	mem_deref(ls->page);
	mem_deref(ls->rtc);
	mem_deref(ls->media);
	mem_deref(ls->door);
	mem_deref(ls->ses);
	mem_deref(ls->identity);
	mem_deref(ls->answer);
	leg_sip_resume_close(ls);
	leg_sip_keep(&ls->local_sdp, NULL);
	leg_sip_keep(&ls->remote_sdp, NULL);
}

void leg_sip_keep(char **textp, const struct mbuf *mb)
{
	if (*textp) /* maybe with keys */
		OPENSSL_cleanse(*textp, strlen(*textp));
	*textp = mem_deref(*textp);
	if (mb)
		(void)re_sdprintf(textp, "%b", mb->buf + mb->pos,
				  mb->end - mb->pos);
}

/* Who is on hold, by either side, is out of the talk.  A phone that holds
 * may still send: its music must not fill a conference. */
int leg_sip_mute(struct leg_sip *ls)
{
	const struct leg_info *info = &ls->leg.info;

	if (!ls->media)
		return 0;

	return media_leg_mute(ls->media,
			      info->muted || info->held || ls->leg.silent,
			      info->deaf || ls->local_hold || ls->leg.silent);
}

/* Put what was negotiated into force. */
int leg_sip_apply(struct leg_sip *ls)
{
	struct leg_info *info = &ls->leg.info;
	struct media_rtp_params prm;
	int err;

	/* Early media that is sendonly is an announcement, not a hold. */
	info->held = ls->local_hold ||
		     (!ls->leg.early && session_remote_hold(ls->ses));
	memset(&prm, 0, sizeof(prm));
	err = session_params(ls->ses, &prm);
	prm.dtmf = ls->dtmf;
	if (ls->resumed.begun)
		prm.jitter_start_ms = LEG_SIP_RESUMED_JITTER_MS;
	prm.srtp_seek = ls->resumed.begun;
	if (!err)
		err = leg_sip_rtp_set(ls, &prm);
	str_ncpy(info->srtp, media_srtp_name(prm.srtp_tx.suite),
		 sizeof(info->srtp));
	media_srtp_wipe(&prm.srtp_tx);
	media_srtp_wipe(&prm.srtp_rx);
	if (!err)
		err = leg_sip_mute(ls);
	if (err) {
		log_warn("media not set", LOG_S("call", ls->leg.hub->id),
			 LOG_S("leg", info->id), LOG_E(err));
		return err;
	}

	str_ncpy(info->codec, session_codec(ls->ses), sizeof(info->codec));
	info->webrtc = session_is_rtc(ls->ses);
	leg_changed(&ls->leg);

	return 0;
}

void leg_sip_name(struct leg_sip *ls)
{
	const char *call_id, *ltag, *rtag;

	if (!ls->dlg)
		return;
	dialog_names(ls->dlg, &call_id, &ltag, &rtag);
	leg_dialog_set(&ls->leg.info.dialog, call_id, ltag, rtag);
}

/* Where RTP of a family is received; a peer of a family that we do not have
 * hears so by the negotiation (488). */
static const struct sa *media_addr(const struct node_conf *conf, int af)
{
	for (size_t i = 0; i < conf->media_addrc; i++) {
		if (sa_af(&conf->media_addrv[i]) == af)
			return &conf->media_addrv[i];
	}

	return &conf->media_addrv[0];
}

static const char *const srtp_names[] = {
	[SESSION_SRTP_OPTIONAL] = "optional",
	[SESSION_SRTP_OFF] = "off",
	[SESSION_SRTP_REQUIRED] = "required",
};

const char *leg_sip_srtp_name(enum session_srtp mode)
{
	return srtp_names[mode];
}

enum session_srtp leg_sip_srtp_mode(const char *own, const Sy__Settings *set)
{
	const char *mode = own && *own ? own : set ? set->srtp : "";

	if (!strcmp(mode, "off"))
		return SESSION_SRTP_OFF;

	return !strcmp(mode, "required") ? SESSION_SRTP_REQUIRED
					 : SESSION_SRTP_OPTIONAL;
}

/* What this node cannot do (RNNoise) is no reason to lose the call. */
void leg_sip_voice(struct leg_sip *ls)
{
	struct leg_voice *voice = &ls->leg.info.voice;
	int err = talk_voice_apply(ls->media, voice);

	if (!err)
		return;

	log_warn("voice not set", LOG_S("call", ls->leg.hub->id),
		 LOG_S("leg", ls->leg.info.id), LOG_E(err));
	memset(voice, 0, sizeof(*voice));
}

int leg_sip_send(struct leg_sip *ls)
{
	return ls->media ? media_leg_send(ls->media,
					  !ls->hushed && !ls->stopped)
			 : 0;
}

int leg_sip_alloc(struct leg_sip **lsp, struct node *n, struct hub *hub,
		  int af, bool page)
{
	const struct sa *addr = media_addr(&n->conf, af);
	struct door *door = page ? node_door(n, sa_af(addr)) : NULL;
	struct leg_sip *ls;
	struct mix *mix;
	int err;

	ls = mem_zalloc(sizeof(*ls), destructor);
	if (!ls)
		return ENOMEM;

	ls->node = n;
	ls->door = mem_ref(door);
	err = node_mix(&mix, n, hub);
	if (!err && door)
		err = media_leg_shared_alloc(&ls->media, mix,
					     door_laddr(door),
					     leg_sip_media_handler, ls);
	else if (!err)
		err = media_leg_rtp_alloc(&ls->media, mix, addr,
					  leg_sip_media_handler, ls);
	if (err)
		mem_deref(ls);
	else
		*lsp = ls;

	return err;
}

void leg_sip_session_conf(struct session_conf *sc, const struct leg_sip *ls)
{
	const Sy__Settings *set = node_settings(ls->node);

	memset(sc, 0, sizeof(*sc));
	leg_sip_told(&sc->laddr, &sc->also, ls);
	sc->opus_bitrate_bps = set ? set->opus_bitrate_bps : 0;
	sc->srtp = ls->srtp;
	if (!ls->no_rtc)
		sc->fingerprint =
			dtls_identity_fingerprint(leg_sip_identity(ls));
	sc->offer_rtc = ls->offer_rtc;
}

int leg_sip_new(struct leg_sip **lsp, struct node *n, struct hub *hub,
		const struct leg_conf *conf, const struct codec_list *codecs,
		const struct leg_sip_peer_conf *peer, const char *uri, int af,
		const struct sa *at)
{
	const Sy__Settings *set = node_settings(n);
	struct session_conf sc;
	struct leg_sip *ls;
	int err;

	err = leg_sip_alloc(&ls, n, hub, af,
			    conf->kind == SY__LEG_KIND__BROWSER);
	if (err)
		return err;

	leg_init(&ls->leg, hub, conf);
	ls->inside = leg_sip_is_inside(n, at);
	ls->srtp = leg_sip_srtp_mode(peer->srtp, set);
	ls->dtmf = leg_sip_dtmf_mode(peer->dtmf);
	leg_sip_media_mode(ls, peer->media, uri);
	leg_sip_session_conf(&sc, ls);
	sc.codecv = (const char *const *)codecs->namev;
	sc.codecc = codecs->namec;
	if (!sc.codecc && set) {
		sc.codecv = (const char *const *)set->codecs;
		sc.codecc = set->n_codecs;
	}
	if (!sc.codecc)
		sc.codecv = NULL;
	err = session_alloc(&ls->ses, &sc);
	if (err) {
		mem_deref(ls);
		return err;
	}

	ls->codecc = session_codecs(ls->ses, ls->codecv, LEG_SIP_CODECS);
	if (talk_voice_default(&ls->leg.info.voice, set))
		leg_sip_voice(ls);
	*lsp = ls;

	return 0;
}

/* A peer that is away is not waited for as long as SIP would. */
static void attempt_handler(void *arg)
{
	struct leg_sip *ls = arg;

	if (leg_is(&ls->leg, SY__LEG_STATE__LEG_SETUP) &&
	    !dialog_was_heard(ls->dlg))
		leg_hangup(&ls->leg, 408, "no word from the peer");
}

/* What is asked for, as the dialog takes it; borrows from all of it. */
static int invite_of(struct dialog_invite *inv, const struct node *n,
		     const struct hub *hub, const struct leg_sip_call *call,
		     uint32_t ref)
{
	*inv = (struct dialog_invite){
		.uri = call->uri,
		.to_uri = call->to_uri,
		.from_uri = call->from_uri,
		.from_name = call->from_name,
		.routev = call->routev,
		.routec = call->routec,
		.hop = call->hop,
		.router = call->router && *call->router ? call->router : NULL,
		.hops = hub->hops,
		.extra = call->extra,
		.account = call->trunk,
		.wss = call->received && !strncmp(call->received, "wss:", 4),
		.tok = {
			.kind = TOKEN_NODE,
			.instance = member_instance(n->members),
			.leg = ref,
			.epoch = hub->epoch,
		},
	};

	return ulid_read(inv->tok.hub, hub->id, ULID_LEN);
}

int leg_sip_call(struct leg **lp, struct node *n, struct hub *hub,
		 const struct leg_sip_call *call)
{
	const struct leg_conf conf = {
		.ops = &leg_sip_ops,
		.kind = call->kind,
		.direction = SY__DIRECTION__OUTBOUND,
		.user = call->user,
		.name = call->name,
		.router = call->router,
		.trunk = call->trunk,
		.id = call->id,
		.ref = hub_ref(hub),
	};
	const struct leg_sip_peer_conf peer = {call->srtp, call->dtmf, call->media};
	char path[512] = "", *extra = NULL;
	const char *route = path;
	struct dialog_invite inv;
	struct leg_sip *ls;
	struct sa at;
	int err;

	err = invite_of(&inv, n, hub, call, conf.ref);
	if (err)
		return err;
	if (str_isset(call->path)) {
		if (!inv.routec)
			inv.routev = &route;
		inv.routec = 1;
		if (re_snprintf(path, sizeof(path), "<%s>", call->path) < 0)
			return EINVAL;
	}
	/* who is known by a literal address has that family; a name may have
	 * both */
	leg_sip_peer(&at, call);
	err = leg_sip_new(&ls, n, hub, &conf, &call->codecs, &peer, call->uri,
			  sa_af(&at), &at);
	if (err)
		return err;

	inv.af = sa_af(&at);
	inv.inside = ls->inside;

	if (str_isset(call->referred_by) &&
	    !re_sdprintf(&extra, "Referred-By: %s\r\n%s",
			 call->referred_by, call->extra ? call->extra : ""))
		inv.extra = extra;
	err = session_offer(ls->ses, false, &inv.sdp);
	if (!err)
		err = dialog_invite(&ls->dlg, n->ua, &inv, &leg_sip_handlers, ls);
	if (err) {
		mem_deref(ls);
		goto out;
	}

	leg_sip_keep(&ls->local_sdp, inv.sdp);
	leg_sip_expect(ls);
	leg_sip_name(ls);
	hub_add(hub, &ls->leg);
	if (call->attempt_ms)
		alarm_start(&n->alarms, &ls->attempt, call->attempt_ms,
			    attempt_handler, ls);
	*lp = &ls->leg;

out:
	mem_deref(extra);
	mem_deref(inv.sdp);
	return err;
}

static uint16_t code_of(int err)
{
	switch (err) {

	case 0:          return 0;
	case ENOTSUP:    return 488;
	case EPROTONOSUPPORT: return 488;
	case EBADMSG:    return 488;
	case EADDRINUSE: return 503;
	case EAGAIN:     return 503;
	default:         return 500;
	}
}

static struct leg_sip_peer_conf caller_conf(const struct node *n,
				      const Sy__Source *src)
{
	struct leg_sip_peer_conf cc = {NULL, NULL, NULL};

	if (src && src->kind_case == SY__SOURCE__KIND_DEVICE) {
		const Sy__Device *dev = config_device(n->config, src->device,
						      strlen(src->device));

		if (dev)
			cc = (struct leg_sip_peer_conf){dev->srtp, dev->dtmf,
						 dev->media};
	}
	else if (src && src->kind_case == SY__SOURCE__KIND_TRUNK) {
		const Sy__Trunk *trunk = config_trunk(n->config, src->trunk);

		if (trunk)
			cc = (struct leg_sip_peer_conf){trunk->srtp, trunk->dtmf,
						 NULL};
	}

	return cc;
}

uint16_t leg_sip_take(struct leg **lp, struct node *n, struct hub *hub,
		      struct dialog *d, struct mbuf *sdp,
		      const Sy__PlaceHub *place, const char **whyp)
{
	const Sy__Source *src = place->source;
	const bool device =
		src && src->kind_case == SY__SOURCE__KIND_DEVICE;
	const struct codec_list codecs = {place->codecs, place->n_codecs};
	const struct leg_sip_peer_conf cc = caller_conf(n, src);
	const struct leg_conf conf = {
		.ops = &leg_sip_ops,
		.kind = device ? SY__LEG_KIND__DEVICE : SY__LEG_KIND__TRUNK,
		.direction = SY__DIRECTION__INBOUND,
		.user = device ? src->device : place->caller,
		.name = place->caller_name,
		.router = place->router,
		.trunk = src && src->kind_case == SY__SOURCE__KIND_TRUNK
				 ? src->trunk : NULL,
		.ref = place->leg_ref,
	};
	struct leg_sip *ls;
	struct sa at;
	int err;

	if (dialog_peer(d, &at))
		sa_init(&at, AF_UNSPEC);
	err = leg_sip_new(&ls, n, hub, &conf, &codecs, &cc, NULL,
		    session_offer_af(sdp), &at);
	if (err)
		return code_of(err);

	if (sdp)
		err = session_answer(ls->ses, sdp, &ls->answer);
	else
		ls->late = true;
	if (err) {
		if (code_of(err) == 488)
			dialog_warn(d, session_why(ls->ses));
		if (err == EPROTONOSUPPORT)
			*whyp = LEG_SIP_SRTP_REQUIRED;
		mem_deref(ls);
		return code_of(err);
	}

	leg_sip_keep(&ls->remote_sdp, sdp);
	ls->dlg = d;
	leg_sip_name(ls);
	(void)dialog_set_account(d, conf.trunk);
	dialog_set_handlers(d, &leg_sip_handlers, ls);
	hub_add(hub, &ls->leg);
	*lp = &ls->leg;

	return 0;
}
