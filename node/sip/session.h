/* SPDX-License-Identifier: MIT */
/*
 * Session descriptions: offer and answer (RFC 3264, 4566) for one audio
 * stream by libre's SDP, and what follows from them for the media engine.
 * No I/O, so that every negotiation can be tested by text alone.
 */

#ifndef SY_NODE_SIP_SESSION_H
#define SY_NODE_SIP_SESSION_H

#include <re.h>
#include "node/media/media.h"
#include "node/webrtc/rtc.h"

struct session;

enum session_srtp {
	SESSION_SRTP_OPTIONAL, /* where the peer can                        */
	SESSION_SRTP_OFF,
	SESSION_SRTP_REQUIRED, /* or no call                                */
};

struct session_conf {
	struct sa laddr;             /* media address and port, as told     */
	struct sa also;              /* WebRTC: a second candidate, tried
					after that; unset: none             */
	const char *const *codecv;   /* names in order of preference: "opus",
					"G722", "PCMU", "PCMA", "L16"; NULL:
					opus G722 PCMU PCMA                 */
	size_t codecc;
	uint32_t opus_bitrate_bps;
	enum session_srtp srtp;
	const char *fingerprint;     /* ours (dtls_identity_fingerprint()),
					outlives the session; NULL: WebRTC is
					neither offered nor taken           */
	bool offer_rtc;              /* our first offer is WebRTC           */
};

/** @return 0, EINVAL (unknown codec), ENOMEM. */
int session_alloc(struct session **sp, const struct session_conf *conf);

/**
 * The next offer is an ICE restart: the peer has lost its transport.  Until it
 * is answered all is as before.
 */
void session_renew(struct session *s);

/**
 * From the next description on another address is told, of the same family.
 *
 * @param laddr  As in session_conf.
 * @param also   The same.
 */
void session_move(struct session *s, const struct sa *laddr,
		  const struct sa *also);

/** Where a session stood at another node. Borrowed for the call. */
struct session_state {
	const char *local_sdp;   /* our last description, "" or NULL: none   */
	const char *remote_sdp;  /* the peer's, the same                     */
	uint64_t id, version;    /* of our o line                            */
	bool local_hold;
	bool pending;            /* ours is an offer without an answer yet   */
};

/**
 * Continue a session.  What was agreed is agreed: payload types, codecs,
 * direction, keys.  The next description has the version after the last, and
 * the address of conf.
 *
 * @param conf  As for a new one; codecv as it was allowed then.
 * @param st    With neither description it is a new one with that id.
 *
 * @return 0, EBADMSG (a description cannot be read), ENOTSUP (no codec of it
 *         is known here, or conf's address has another family), EINVAL,
 *         ENOMEM.
 */
int session_resume(struct session **sp, const struct session_conf *conf,
		   const struct session_state *st);

/**
 * Make an offer: the first, or, with what was negotiated before, the next
 * (same payload types, version + 1 if anything changed).
 *
 * @param hold  True: a=sendonly (or inactive, if the peer holds too).
 * @param mbp   Set to the SDP; owned by the caller.
 */
int session_offer(struct session *s, bool hold, struct mbuf **mbp);

/**
 * From now on offer nothing but the codec in use, and the telephone events
 * that were agreed on: for a peer that refuses what it once agreed to.
 *
 * @return 0; ENOENT: nothing is in use, or nothing else would be offered.
 */
int session_narrow(struct session *s);

/**
 * Offer what our last description says, as it stands: to refresh a session
 * changes nothing in it, not even its version (RFC 4028 7.4).
 *
 * @param mbp  Set to the SDP; owned by the caller.
 *
 * @return 0, EPROTO (nothing was agreed on yet), EBADMSG, ENOMEM.
 */
int session_repeat(struct session *s, struct mbuf **mbp);

/**
 * Take an offer and make its answer.  On any error the session is as before.
 *
 * @return 0, EBADMSG (no SDP), ENOTSUP (no common codec, or no audio: the
 *         caller answers 488), EPROTONOSUPPORT (the same: SRTP is required
 *         and not there, or only in ways that we do not have).
 */
int session_answer(struct session *s, struct mbuf *offer, struct mbuf **mbp);

/** Why the last session_answer() failed: the value of a Warning (RFC 3261
 * 20.43), as `305 switchyard "no codec in common"`; static. */
const char *session_why(const struct session *s);

/** Take the answer to our offer. @return as session_answer(). */
int session_answered(struct session *s, struct mbuf *answer);

/**
 * The address family that an offer wants its audio by.
 *
 * @return AF_INET, AF_INET6, or AF_UNSPEC: it does not say, or is no offer.
 */
int session_offer_af(const struct mbuf *offer);

/**
 * The first answer is final: until now one of another branch might have come,
 * also after an offer of the first one (UPDATE before the answer).
 */
void session_settle(struct session *s);

/** What was negotiated, for media_leg_rtp_set(). EPROTO: nothing yet.
 *  There are keys in it: wipe them (media_srtp_wipe()). */
int session_params(const struct session *s, struct media_rtp_params *prm);

/** Is it WebRTC that was agreed on?  Then session_params() has neither address
 * nor keys: they come of rtc_fill(). */
bool session_is_rtc(const struct session *s);

/** What was agreed on of ICE and DTLS, for rtc_set(). ENOENT: none.
 *  There are passwords in it: wipe them. */
int session_rtc(const struct session *s, struct rtc_params *prm);

/**
 * By which names a peer that has our last offer looks for us: rtc_expect().
 *
 * @param local    Set; the holder wipes it.
 * @param formerp  Set to what the peer calls itself so far, or ""; of the
 *                 session.
 *
 * @return 0; ENOENT: we made no offer, or none of WebRTC.
 */
int session_rtc_offered(const struct session *s, struct ice_cred *local,
			const char **formerp);

/** Name of the codec that we send, "opus"; "" before negotiation. */
const char *session_codec(const struct session *s);

/** Name of the SRTP suite in use; "": none, plain RTP. */
const char *session_srtp(const struct session *s);

/** True while the peer holds us (sendonly, inactive, or c=0.0.0.0). */
bool session_remote_hold(const struct session *s);

/** Names of its codecs, in order, for session_conf.codecv.
 * @param v  Set to static strings.  @return how many, at most max. */
size_t session_codecs(const struct session *s, const char **v, size_t max);

uint64_t session_id(const struct session *s);
uint64_t session_version(const struct session *s);

#endif
