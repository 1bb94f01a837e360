/* SPDX-License-Identifier: MIT */
/*
 * A SIP leg whose media is WebRTC: what was agreed on goes into its transport
 * first; the engine gets it when the transport knows the peer's address and
 * has keys, which takes the peer some round trips.
 */

#include <string.h>
#include <openssl/crypto.h>

#include "node/leg_sip_priv.h"
#include "proto/log.h"

/* A peer that was never told to begin fails nobody's call. */
static void failed(struct leg_sip *ls)
{
	log_warn("WebRTC media failed", LOG_S("call", ls->leg.hub->id),
		 LOG_S("leg", ls->leg.info.id),
		 LOG_S("cause", rtc_why(ls->rtc)));
	leg_hangup(&ls->leg, 500, rtc_why(ls->rtc));
}

static void rtc_handler(enum rtc_event ev, void *arg)
{
	struct leg_sip *ls = arg;

	if (!ls->media || ls->departed)
		return;

	if (ev == RTC_FAILED) {
		if (leg_is(&ls->leg, SY__LEG_STATE__LEG_ANSWERED))
			failed(ls);
		return;
	}

	/* A page that is there checks; it gets its call back sooner. */
	if (ev == RTC_SILENT && ls->page && !sipua_is_unsure(ls->node->ua) &&
	    leg_is(&ls->leg, SY__LEG_STATE__LEG_ANSWERED)) {
		leg_hangup(&ls->leg, 408, "the page has gone");
		return;
	}
	if (ev == RTC_SILENT)
		log_info("WebRTC peer does not answer",
			 LOG_S("call", ls->leg.hub->id),
			 LOG_S("leg", ls->leg.info.id));
	if (!leg_sip_apply(ls) && ev == RTC_READY)
		leg_sip_keyed(ls);
}

bool leg_sip_is_keyed(const struct leg_sip *ls)
{
	return !session_is_rtc(ls->ses) || rtc_is_ready(ls->rtc);
}

struct dtls_identity *leg_sip_identity(const struct leg_sip *ls)
{
	return ls->identity ? ls->identity : ls->node->identity;
}

int leg_sip_identity_new(struct leg_sip *ls, const char *local)
{
	if (!local || !strstr(local, "a=fingerprint:"))
		return 0;

	return dtls_identity_alloc(&ls->identity);
}

static int transport_make(struct leg_sip *ls)
{
	int err = rtc_alloc(&ls->rtc, leg_sip_identity(ls), ls->media,
			    rtc_handler, ls);

	if (!err && ls->door)
		rtc_set_door(ls->rtc, ls->door);

	return err;
}

static int transport_set(struct leg_sip *ls)
{
	struct rtc_params prm;
	int err;

	err = session_rtc(ls->ses, &prm);
	if (!err && !ls->rtc)
		err = transport_make(ls);
	if (!err)
		err = rtc_set(ls->rtc, &prm);
	OPENSSL_cleanse(&prm, sizeof(prm));

	return err;
}

void leg_sip_expect(struct leg_sip *ls)
{
	struct ice_cred local;
	const char *former;
	int err = 0;

	if (!ls->media || session_rtc_offered(ls->ses, &local, &former))
		return;

	if (!ls->rtc)
		err = transport_make(ls);
	if (!err)
		(void)rtc_expect(ls->rtc, &local, former);
	OPENSSL_cleanse(&local, sizeof(local));
}

int leg_sip_rtp_set(struct leg_sip *ls, struct media_rtp_params *prm)
{
	int err;

	if (!session_is_rtc(ls->ses))
		return media_leg_rtp_set(ls->media, prm);

	err = transport_set(ls);
	if (!err)
		err = rtc_fill(ls->rtc, prm);
	if (err)
		return err == EAGAIN ? 0 : err;

	return media_leg_rtp_set(ls->media, prm);
}

struct media_leg *leg_sip_take_media(struct leg_sip *ls)
{
	struct media_leg *media = ls->media;

	rtc_detach(ls->rtc);
	ls->media = NULL;

	return media;
}

/* A contact over WebSocket is a browser (RFC 7118), unless it is configured
 * to be something else. */
static bool is_browser(const char *text)
{
	struct uri uri;
	struct pl pl, val;

	pl_set_str(&pl, text);
	if (uri_decode(&uri, &pl) ||
	    msg_param_decode(&uri.params, "transport", &val))
		return false;

	return !pl_strcasecmp(&val, "ws") || !pl_strcasecmp(&val, "wss");
}

void leg_sip_media_mode(struct leg_sip *ls, const char *media, const char *uri)
{
	const bool said = media && *media && strcmp(media, "auto");

	ls->no_rtc = said && !strcmp(media, "rtp");
	ls->offer_rtc =
	    said ? !strcmp(media, "webrtc") : uri && is_browser(uri);
}
