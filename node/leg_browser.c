/* SPDX-License-Identifier: MIT */
/* Legs of browser pages: see leg_browser.h. */

#include <string.h>
#include "node/leg_browser.h"
#include "node/leg_sip_priv.h"
#include "proto/log.h"

static const struct leg_sip_peer_conf *peer_conf(struct leg_sip_peer_conf *pc,
						 const char *dtmf)
{
	*pc = (struct leg_sip_peer_conf){.dtmf = dtmf, .media = "webrtc"};

	return pc;
}

struct page *leg_browser_page(const struct leg *leg)
{
	return leg->ops == &leg_sip_ops ?
		       ((const struct leg_sip *)leg)->page : NULL;
}

bool leg_browser_is_alive(const struct leg *leg)
{
	return leg_browser_page(leg) &&
	       rtc_is_alive(((const struct leg_sip *)leg)->rtc);
}

static void received_sa(struct sa *sa, const char *received)
{
	const char *at = strchr(received, ':');

	if (!at || sa_decode(sa, at + 1, strlen(at + 1)))
		sa_init(sa, AF_UNSPEC);
}

int leg_browser_call(struct leg **lp, struct node *n, struct hub *hub,
		     const struct leg_browser_call *call)
{
	const struct leg_conf conf = {
		.ops = &leg_sip_ops,
		.kind = SY__LEG_KIND__BROWSER,
		.direction = SY__DIRECTION__OUTBOUND,
		.user = call->user,
		.name = call->name,
		.router = call->gateway,
		.ref = hub_ref(hub),
	};
	struct page_conf pc = {
		.node = n,
		.phone = call->phone,
		.gateway = call->gateway,
		.received = call->received,
		.from = call->from,
		.from_name = call->from_name,
		.called = hub->called,
		.h = &leg_sip_handlers,
	};
	struct leg_sip_peer_conf peer;
	struct mbuf *sdp = NULL;
	struct leg_sip *ls;
	struct sa at;
	int err;

	received_sa(&at, call->received);
	err = leg_sip_new(&ls, n, hub, &conf, &call->codecs,
			  peer_conf(&peer, call->dtmf), NULL, sa_af(&at), &at);
	if (err)
		return err;

	pc.leg = &ls->leg;
	pc.arg = ls;
	err = page_alloc(&ls->page, &pc);
	if (!err)
		err = session_offer(ls->ses, false, &sdp);
	if (err) {
		mem_deref(ls);
		goto out;
	}

	leg_sip_keep(&ls->local_sdp, sdp);
	leg_sip_expect(ls);
	hub_add(hub, &ls->leg);
	(void)page_ring(ls->page, sdp);
	*lp = &ls->leg;

out:
	mem_deref(sdp);
	return err;
}

/* ------------------------------------------------------------------ it calls */

static struct mbuf *mbuf_of(const char *text)
{
	const size_t len = strlen(text);
	struct mbuf *mb = mbuf_alloc(len + 1);

	if (mb && !mbuf_write_mem(mb, (const uint8_t *)text, len))
		mb->pos = 0;

	return mb;
}

/* @return 0, or a code. */
static uint16_t take_offer(struct leg_sip *ls, const char *sdp,
			   const char **whyp)
{
	struct mbuf *offer = mbuf_of(sdp);
	int err = offer ? session_answer(ls->ses, offer, &ls->answer)
			: ENOMEM;

	if (!err && !session_is_rtc(ls->ses)) {
		*whyp = "sdp: WebRTC is wanted: ICE and a fingerprint";
		err = ENOTSUP;
	} else if (err) {
		*whyp = err == ENOMEM ? "no memory" : session_why(ls->ses);
	}
	if (!err)
		leg_sip_keep(&ls->remote_sdp, offer);
	mem_deref(offer);

	return !err ? 0 : err == ENOMEM ? 500 : 488;
}

static uint16_t code_of(int err, const char **whyp)
{
	*whyp = err == EADDRINUSE ? "no RTP port is free" : strerror(err);

	return err == EADDRINUSE || err == EAGAIN ? 503 : 500;
}

uint16_t leg_browser_take(struct leg **lp, struct node *n, struct hub *hub,
			  const Sy__BrowserCall *msg, const char **whyp)
{
	const Sy__PlaceHub *place = msg->place;
	const char *user = place->source->device;
	const Sy__Device *dev = config_device(n->config, user, strlen(user));
	const struct codec_list codecs = {place->codecs, place->n_codecs};
	const struct leg_conf conf = {
		.ops = &leg_sip_ops,
		.kind = SY__LEG_KIND__BROWSER,
		.direction = SY__DIRECTION__INBOUND,
		.user = user,
		.name = place->caller_name,
		.router = msg->gateway,
		.ref = hub_ref(hub),
	};
	struct page_conf pc = {
		.node = n,
		.phone = msg->phone,
		.gateway = msg->gateway,
		.received = msg->received,
		.from = "",
		.called = place->called,
		.h = &leg_sip_handlers,
	};
	struct leg_sip_peer_conf peer;
	struct leg_sip *ls;
	uint16_t code;
	struct sa at;
	int err;

	received_sa(&at, msg->received);
	err = leg_sip_new(&ls, n, hub, &conf, &codecs,
			  peer_conf(&peer, dev ? dev->dtmf : NULL), NULL,
			  sa_af(&at), &at);
	if (err)
		return code_of(err, whyp);

	pc.leg = &ls->leg;
	pc.arg = ls;
	err = page_alloc(&ls->page, &pc);
	code = err ? code_of(err, whyp) : take_offer(ls, msg->sdp, whyp);
	if (code) {
		mem_deref(ls);
		return code;
	}

	hub_add(hub, &ls->leg);
	*lp = &ls->leg;

	return 0;
}

void leg_browser_digit(struct leg *leg, char digit, uint32_t duration_ms)
{
	leg_sip_digit((struct leg_sip *)leg, digit, duration_ms, DIGIT_INFO);
}

/* ------------------------------------------------------------ it was reloaded */

void leg_browser_renew(struct leg *leg)
{
	struct leg_sip *ls = (struct leg_sip *)leg;
	struct mbuf *mb = NULL;
	int err;

	page_begin_anew(ls->page);
	ls->answer = mem_deref(ls->answer);
	session_renew(ls->ses);
	err = session_offer(ls->ses, false, &mb);
	if (!err)
		err = page_offer(ls->page, mb);
	if (!err) {
		leg_sip_keep(&ls->local_sdp, mb);
		leg_sip_expect(ls);
	} else {
		leg_hangup(leg, 500, "no offer for the page");
	}
	mem_deref(mb);
}
