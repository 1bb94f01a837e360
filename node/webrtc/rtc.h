/* SPDX-License-Identifier: MIT */
/*
 * The transport of a WebRTC peer's media (RFC 8834, RFC 8835): ICE and
 * DTLS-SRTP on the socket of an RTP leg.  It knows no signalling: who offers,
 * and in which words, is its owner's business.
 *
 *   owner --rtc_set()--> ICE: the peer's address --+
 *                        DTLS: keys                +--> rtc_fill(), ready
 *                                                       -> media_leg_rtp_set()
 *
 * Signalling thread.
 */

#ifndef SY_NODE_WEBRTC_RTC_H
#define SY_NODE_WEBRTC_RTC_H

#include "node/media/media.h"
#include "node/webrtc/door.h"
#include "node/webrtc/dtls.h"
#include "node/webrtc/ice.h"

/** What both sides have said. Secret: whoever holds one wipes it. */
struct rtc_params {
	struct ice_cred local, remote;
	struct dtls_fingerprint fp; /* the peer's                           */
	bool active;		    /* we are DTLS' client (a=setup:active) */
};

enum rtc_event {
	RTC_READY, /* rtc_fill() has something, or something else than before */
	RTC_SILENT, /* no consent for 30 s: the peer has lost its way. Nothing
		       is to be sent until RTC_READY                         */
	RTC_FAILED, /* there are no keys for want of ICE or DTLS, told every
		       few seconds after 30 s; or the peer's DTLS is of no
		       use: see rtc_why()                                    */
};

/** Told of a transport; it must not be freed in it, but may be detached. */
typedef void(rtc_event_h)(enum rtc_event ev, void *arg);

struct rtc;

/**
 * Make a transport on an RTP leg.
 *
 * @param rp     Set on success; owned.
 * @param id     Our certificate; a reference is kept.
 * @param media  Borrowed, until rtc_detach().
 *
 * @return 0, EINVAL, ENOMEM, EAGAIN.
 */
int rtc_alloc(struct rtc **rp, struct dtls_identity *id,
	      struct media_leg *media, rtc_event_h *h, void *arg);

/**
 * Its leg shares a port (media_leg_shared_alloc()): its peer comes to this
 * door, and what we say leaves by it.  Before rtc_set().
 *
 * @param door  A reference is kept.
 */
void rtc_set_door(struct rtc *rtc, struct door *door);

/**
 * An offer with these names is on its way: who has it is answered by ICE before
 * its answer is here, so that it can begin.  Until rtc_set() nothing else
 * changes.
 *
 * @param local   Copied.
 * @param former  The peer's name as it was: see ice_expect().
 *
 * @return 0, EINVAL, ENOMEM.
 */
int rtc_expect(struct rtc *rtc, const struct ice_cred *local,
	       const char *former);

/**
 * Put into force what was agreed on.  The same again changes nothing; other
 * names are an ICE restart; another fingerprint or role is a new DTLS
 * association (RFC 8842 5.5), and until it is there the old keys hold.
 *
 * @return 0, EINVAL (no fingerprint), ENOMEM, EIO.
 */
int rtc_set(struct rtc *rtc, const struct rtc_params *prm);

/**
 * Fill in what a leg needs to send and receive.
 *
 * @param prm  raddr, keys and RTCP are set, all else is left alone; its
 *             holder wipes the keys.
 *
 * @return 0; EAGAIN: not yet, RTC_READY will tell.
 */
int rtc_fill(const struct rtc *rtc, struct media_rtp_params *prm);

/** Does rtc_fill() have something? @param rtc  NULL: no. */
bool rtc_is_ready(const struct rtc *rtc);

/** Its leg goes, or goes to somebody else: nothing is said or heard any
 * more. */
void rtc_detach(struct rtc *rtc);

/** It has keys, and its peer consents: it is there, whatever its signalling
 * does. */
bool rtc_is_alive(const struct rtc *rtc);

/** What RTC_FAILED means; static. */
const char *rtc_why(const struct rtc *rtc);

#endif
