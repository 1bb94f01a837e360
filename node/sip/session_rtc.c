/* SPDX-License-Identifier: MIT */
/*
 * WebRTC in offer and answer (RFC 8829's subset that one audio line needs):
 * UDP/TLS/RTP/SAVPF with ICE (RFC 8839), DTLS-SRTP (RFC 5763, RFC 8842),
 * rtcp-mux, and BUNDLE of the one line.
 *
 * ICE.  We are lite, with one host candidate: the address of the leg.  The
 * peer's candidates are not looked at; its checks tell where it is.  Our
 * names stay as long as the peer's stay: others in its offer are a restart,
 * and get others of ours (RFC 8839 4.4.1.1.1).  A session that another node
 * had gets new ones, so that its next offer is a restart.
 *
 * DTLS.  Passive wherever the choice is ours: ICE has proved the peer's
 * address before its ClientHello.  In offers actpass (RFC 8842 5.2); within a
 * call each keeps its role.
 */

#include <string.h>
#include <re.h>
#include <openssl/crypto.h>

#include "node/sip/session_impl.h"

#define RTC_PROTO "UDP/TLS/RTP/SAVPF"

enum {
	/* RFC 8445 5.1.2.1: host, one address, component 1 */
	PRIORITY = (126 << 24) + (65535 << 8) + 255,
};

bool session_rtc_can(const struct session *s)
{
	return s->conf.fingerprint != NULL;
}

const char *session_rtc_proto(void)
{
	return RTC_PROTO;
}

/* Early browsers wrote RTP/SAVPF. */
bool session_rtc_takes(const struct session *s, const struct sdptext_media *m)
{
	if (!session_rtc_can(s) || !sdprtc_is_whole(&m->rtc) || m->rtc.lite)
		return false;

	return sdprtc_is_proto(m->proto) ||
	       (!strcmp(m->proto, "RTP/SAVPF") && !m->cryptoc);
}

const char *session_rtc_why(const struct session *s,
			    const struct sdptext_media *m)
{
	if (!session_rtc_can(s))
		return "302 switchyard \"WebRTC is switched off for this "
		       "party\"";

	if (!m->rtc.fp.len)
		return "399 switchyard \"no a=fingerprint that can be used\"";

	return m->rtc.lite ? "399 switchyard \"ICE: both sides are lite\""
			   : "399 switchyard \"no a=ice-ufrag and a=ice-pwd\"";
}

/* --- our description */

/* What is in it for the whole session; only our line is in the group. */
static int print_session(const struct round *r)
{
	int err = sdp_session_set_lattr(r->sdp, true, "ice-lite", NULL);

	if (!err && r->bundled)
		err = sdp_session_set_lattr(r->sdp, true, "group", "BUNDLE %s",
					    r->mid);

	return err;
}

/* RFC 8445 5.1.2.1: of two addresses the first one is preferred. */
static int print_candidates(const struct session *s, struct sdp_media *m)
{
	const struct sa *v[] = {&s->conf.laddr, &s->conf.also};
	int err = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(v) && !err; i++) {
		if (!sa_isset(v[i], SA_ALL))
			continue;
		err = sdp_media_set_lattr(m, i == 0, "candidate",
					  "%u 1 udp %u %j %u typ host", i + 1,
					  (unsigned)PRIORITY - (i << 8), v[i],
					  sa_port(v[i]));
	}

	return err;
}

static int print(const struct session *s, const struct round *r,
		 enum sdprtc_setup setup)
{
	struct sdp_media *m = r->audio;
	int err = print_session(r);

	if (!err && r->mid[0])
		err = sdp_media_set_lattr(m, true, "mid", "%s", r->mid);
	if (!err)
		err = sdp_media_set_lattr(m, true, "msid", "switchyard audio");
	if (!err)
		err = sdp_media_set_lattr(m, true, "ice-ufrag", "%s",
					  r->cred.ufrag);
	if (!err)
		err =
		    sdp_media_set_lattr(m, true, "ice-pwd", "%s", r->cred.pwd);
	if (!err)
		err = print_candidates(s, m);
	if (!err)
		err = sdp_media_set_lattr(m, true, "end-of-candidates", NULL);
	if (!err)
		err = sdp_media_set_lattr(m, true, "fingerprint", "%s",
					  s->conf.fingerprint);
	if (!err)
		err = sdp_media_set_lattr(m, true, "setup", "%s",
					  sdprtc_setup_name(setup));

	return err;
}

int session_rtc_offer(struct session *s, struct round *r)
{
	r->cred = s->cred;
	str_ncpy(r->mid, s->ready ? s->mid : "0", sizeof(r->mid));
	r->bundled = s->ready ? s->bundled : true;

	return print(s, r, SDPRTC_ACTPASS);
}

/* --- what is agreed on */

static void agree(const struct round *r, const struct sdprtc *peer, bool active,
		  struct agreement *a)
{
	a->rtc.local = r->cred;
	a->rtc.remote = peer->cred;
	a->rtc.fp = peer->fp;
	a->rtc.active = active;
}

/* RFC 8842 5.3: who is told a role takes it; else it stays what it was. */
static bool is_active(const struct session *s, enum sdprtc_setup peer)
{
	if (peer == SDPRTC_PASSIVE)
		return true;

	return peer == SDPRTC_ACTPASS && s->ready && s->rtc.active;
}

int session_rtc_answer(const struct session *s, struct round *r,
		       const struct sdptext_media *m, struct agreement *a)
{
	const struct sdprtc *peer = &m->rtc;
	bool active;

	/* A stream that is off; it may come back. */
	if (!m->port) {
		r->cred = s->cred;
		a->rtc = s->rtc;
		return 0;
	}

	if (s->ready && !ice_cred_same(&peer->cred, &s->rtc.remote))
		ice_cred_new(&r->cred);
	else
		r->cred = s->cred;
	str_ncpy(r->mid, peer->mid, sizeof(r->mid));
	r->bundled = sdprtc_is_bundled(peer);
	active = is_active(s, peer->setup);
	agree(r, peer, active, a);

	return print(s, r, active ? SDPRTC_ACTIVE : SDPRTC_PASSIVE);
}

int session_rtc_answered(const struct session *s, const struct round *r,
			 const struct sdptext_media *m, struct agreement *a)
{
	if (!m->port) {
		a->rtc = s->rtc;
		return 0;
	}

	if (!session_rtc_takes(s, m))
		return EPROTONOSUPPORT;

	agree(r, &m->rtc, m->rtc.setup == SDPRTC_PASSIVE, a);

	return 0;
}

void session_rtc_read(const struct session *s, struct round *r,
		      const struct sdptext_media *own)
{
	r->rtc = sdprtc_is_whole(&own->rtc);
	if (!r->rtc)
		return;

	r->cred = own->rtc.cred;
	r->former = s->resuming;
	r->bundled = sdprtc_is_bundled(&own->rtc);
	str_ncpy(r->mid, own->rtc.mid, sizeof(r->mid));
}

int session_rtc(const struct session *s, struct rtc_params *prm)
{
	if (!s || !prm)
		return EINVAL;

	if (!session_is_rtc(s))
		return ENOENT;

	*prm = s->rtc;

	return 0;
}

int session_rtc_offered(const struct session *s, struct ice_cred *local,
			const char **formerp)
{
	if (!s || !local || !formerp)
		return EINVAL;

	if (!s->offer || !s->offer->rtc)
		return ENOENT;

	*local = s->offer->cred;
	*formerp = session_is_rtc(s) ? s->rtc.remote.ufrag : "";

	return 0;
}

void session_renew(struct session *s)
{
	if (s)
		ice_cred_new(&s->cred);
}

bool session_is_rtc(const struct session *s)
{
	return s && s->ready && s->is_rtc;
}
