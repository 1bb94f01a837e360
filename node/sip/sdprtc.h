/* SPDX-License-Identifier: MIT */
/*
 * What a session description says of ICE, DTLS and BUNDLE (RFC 8839, RFC 8842,
 * RFC 9143), for the session as a whole or for one m line.  Text in, no I/O.
 */

#ifndef SY_NODE_SIP_SDPRTC_H
#define SY_NODE_SIP_SDPRTC_H

#include <re.h>

#include "node/webrtc/dtls.h"
#include "node/webrtc/ice.h"

enum {
	SDPRTC_MID_MAX = 32,
	SDPRTC_BUNDLE_MAX = 256,
};

/** a=setup (RFC 4145, RFC 8842 5.1). */
enum sdprtc_setup {
	SDPRTC_SETUP_NONE,
	SDPRTC_ACTPASS,
	SDPRTC_ACTIVE,
	SDPRTC_PASSIVE,
	SDPRTC_HOLDCONN,
};

/** Secret: whoever holds one wipes it. */
struct sdprtc {
	struct ice_cred cred;	    /* "": not there                       */
	struct dtls_fingerprint fp; /* the strongest of those we take      */
	enum sdprtc_setup setup;
	char mid[SDPRTC_MID_MAX + 1];
	bool lite; /* a=ice-lite; of the session          */
	char bundle[SDPRTC_BUNDLE_MAX + 1]; /* mids of a=group:BUNDLE, of the
					       session                      */
};

/**
 * Take an attribute.
 *
 * @param val  pl_null: a flag.
 *
 * @return true: it is one of these, well-formed or not (what cannot be read is
 *         as if it was not there).
 */
bool sdprtc_attr(struct sdprtc *rtc, const struct pl *name,
		 const struct pl *val);

/** The name as in a=setup. */
const char *sdprtc_setup_name(enum sdprtc_setup setup);

/** Is this m line in the BUNDLE group of its description? */
bool sdprtc_is_bundled(const struct sdprtc *rtc);

/** Has it all that WebRTC needs of a peer? */
bool sdprtc_is_whole(const struct sdprtc *rtc);

/** Is this the protocol of DTLS-SRTP (RFC 5764 8)? */
bool sdprtc_is_proto(const char *proto);

#endif
