/* SPDX-License-Identifier: MIT */
/*
 * SRTP by SDES in offer and answer (RFC 4568).
 *
 * Offers.  Optional is "best effort": RTP/AVP with a=crypto, as in
 * draft-kaplan-mmusic-best-effort-srtp.  Who knows it answers with a=crypto,
 * who does not ignores an attribute that it does not know (RFC 8866 5.13).
 * RTP/SAVP would be refused by phones without SRTP, and a second m line
 * confuses more of them.  Required is RTP/SAVP.  Once SRTP is in use a new
 * offer of ours names its suite and our key only: hold changes no key.
 *
 * Answers.  A line that gives SRTP goes before one that does not; in it the
 * first a=crypto that we can use (RFC 4568 5.1.2).  The answer has the
 * protocol of the offer.
 *
 * Keys.  Those of our offers are made once for a session, one for each suite.
 * In answers ours stays as long as the peer's stays, and is new when the
 * peer's is (RFC 4568 7.1.4).  A session that another node had keeps them, too:
 * some phones take no new key for a call that is up (baresip), and hear nothing
 * after one.  Its next sender has an SSRC of its own, by which every packet of
 * it has another keystream (RFC 3711 9.1).
 */

#include <string.h>
#include <re.h>
#include <openssl/crypto.h>

#include "node/sip/session_impl.h"

/* GCM first: the least work.  The short tag comes last: a guess passes
 * once in 2^32. */
static const enum media_srtp_suite preference[SESSION_SUITES] = {
    MEDIA_SRTP_AEAD_AES_128_GCM,
    MEDIA_SRTP_AES_CM_128_HMAC_SHA1_80,
    MEDIA_SRTP_AEAD_AES_256_GCM,
    MEDIA_SRTP_AES_CM_128_HMAC_SHA1_32,
};

static bool proto_is_secure(const char *proto)
{
	return !strcmp(proto, "RTP/SAVP") || !strcmp(proto, "RTP/SAVPF");
}

static bool proto_is_plain(const char *proto)
{
	return !strcmp(proto, "RTP/AVP") || !strcmp(proto, "RTP/AVPF");
}

bool session_srtp_takes(const struct session *s, const struct sdptext_media *m,
			bool secure)
{
	const bool can = m->cryptoc && s->conf.srtp != SESSION_SRTP_OFF;

	if (session_rtc_takes(s, m))
		return secure;

	if (secure)
		return (proto_is_secure(m->proto) ||
			proto_is_plain(m->proto)) &&
		       can;

	return proto_is_plain(m->proto) && !can &&
	       s->conf.srtp != SESSION_SRTP_REQUIRED;
}

bool session_srtp_known(const struct sdptext_media *m)
{
	return proto_is_secure(m->proto) || proto_is_plain(m->proto) ||
	       sdprtc_is_proto(m->proto);
}

const char *session_srtp_proto(const struct session *s)
{
	if (s->conf.offer_rtc && session_rtc_can(s))
		return session_rtc_proto();

	return s->conf.srtp == SESSION_SRTP_REQUIRED ? "RTP/SAVP" : "RTP/AVP";
}

static int print(struct round *r, const struct sdes *line)
{
	return sdp_media_set_lattr(r->audio, false, "crypto", "%H", sdes_print,
				   line);
}

/* Once SRTP is agreed: the suite and key in use. */
static int offer_agreed(const struct session *s, struct round *r)
{
	r->cryptoc = 1;
	r->cryptov[0].tag = 1;
	r->cryptov[0].keys = s->prm.srtp_tx;

	return print(r, &r->cryptov[0]);
}

int session_srtp_offer(struct session *s, struct round *r)
{
	size_t i;
	int err = 0;

	if (s->ready && s->prm.srtp_tx.suite != MEDIA_SRTP_NONE)
		return offer_agreed(s, r);

	if (s->conf.srtp == SESSION_SRTP_OFF || s->ready)
		return 0;

	for (i = 0; i < ARRAY_SIZE(preference) && !err; i++) {
		struct media_srtp *k = &s->srtpv[i];

		if (k->suite == MEDIA_SRTP_NONE)
			err = sdes_new(k, preference[i]);
		if (err)
			break;

		r->cryptov[i].tag = (uint32_t)i + 1;
		r->cryptov[i].keys = *k;
		r->cryptoc = i + 1;
		err = print(r, &r->cryptov[i]);
	}

	return err;
}

int session_srtp_answer(const struct session *s, struct round *r,
			const struct sdptext_media *m, struct agreement *a)
{
	const struct media_srtp *own = &s->prm.srtp_tx;
	struct sdes *line = &r->cryptov[0];
	int err = 0;

	media_srtp_wipe(&a->prm.srtp_tx);
	media_srtp_wipe(&a->prm.srtp_rx);

	/* A stream that is off; it may come back. */
	if (!m->port) {
		a->prm.srtp_tx = s->prm.srtp_tx;
		a->prm.srtp_rx = s->prm.srtp_rx;
		return 0;
	}

	if (!session_srtp_takes(s, m, true))
		return 0;

	a->prm.srtp_rx = m->cryptov[0].keys;
	line->tag = m->cryptov[0].tag;
	r->cryptoc = 1;

	if (s->ready && own->suite == a->prm.srtp_rx.suite &&
	    media_srtp_same(&a->prm.srtp_rx, &s->prm.srtp_rx))
		line->keys = *own;
	else
		err = sdes_new(&line->keys, a->prm.srtp_rx.suite);
	if (err)
		return err;

	a->prm.srtp_tx = line->keys;

	return print(r, line);
}

int session_srtp_answered(const struct session *s, const struct round *r,
			  const struct sdptext_media *m, struct agreement *a)
{
	size_t i, k;

	media_srtp_wipe(&a->prm.srtp_tx);
	media_srtp_wipe(&a->prm.srtp_rx);

	if (!m->port) {
		a->prm.srtp_tx = s->prm.srtp_tx;
		a->prm.srtp_rx = s->prm.srtp_rx;
		return 0;
	}

	for (i = 0; i < m->cryptoc; i++) {
		for (k = 0; k < r->cryptoc; k++) {
			/* What is resumed may be of two rounds. */
			if ((m->cryptov[i].tag != r->cryptov[k].tag &&
			     !s->resuming) ||
			    m->cryptov[i].keys.suite !=
				r->cryptov[k].keys.suite)
				continue;

			a->prm.srtp_tx = r->cryptov[k].keys;
			a->prm.srtp_rx = m->cryptov[i].keys;
			return 0;
		}
	}

	if (s->conf.srtp == SESSION_SRTP_REQUIRED)
		return EPROTONOSUPPORT;

	/* Plain, if we offered that; never what was to be SRTP and is not. */
	return proto_is_plain(r->linev[r->ours].proto) &&
		       proto_is_plain(m->proto) &&
		       !(r->cryptoc && m->crypto_seen)
		   ? 0
		   : ENOTSUP;
}
