/* SPDX-License-Identifier: MIT */
/*
 * A look at a session description before libre's SDP decodes it.
 *
 * libre gives up the whole description for one line that it cannot read
 * ("b=AS:x", "a=fmtp:101", no newline at the end), and does not tell "no
 * address" from "address 0.0.0.0".  So it is given a copy of only the lines
 * that the negotiation needs, and what it does not tell is read here.
 */

#ifndef SY_NODE_SIP_SDPTEXT_H
#define SY_NODE_SIP_SDPTEXT_H

#include <re.h>

#include "node/sip/sdes.h"
#include "node/sip/sdprtc.h"

enum {
	SDPTEXT_MEDIA_MAX = 8, /* m lines; more: refused */
	SDPTEXT_SIZE_MAX = 16384,
	SDPTEXT_CRYPTO_MAX = 4, /* a=crypto lines that are kept */
};

/** What a media section says of RTCP. */
struct sdptext_rtcp {
	bool mux;         /* a=rtcp-mux (RFC 5761)                    */
	bool voip;        /* a=rtcp-xr with voip-metrics (RFC 3611 5) */
	bool no_rs, no_rr; /* b=RS:0, b=RR:0: no bandwidth (RFC 3556)  */
	uint16_t port;    /* a=rtcp (RFC 3605); 0: none               */
	struct sa addr;   /* its address, if it has one               */
};

/** One m line. */
struct sdptext_media {
	char name[16];    /* "audio"                                  */
	char proto[32];   /* "RTP/AVP"                                */
	uint16_t port;
	struct sa addr;   /* its c line or the session's; without port */
	bool has_addr;    /* there was a c line                       */
	bool named;       /* ... with a host name                     */
	struct sdptext_rtcp rtcp;
	bool crypto_seen; /* there was an a=crypto, usable or not     */
	size_t cryptoc;
	struct sdes cryptov[SDPTEXT_CRYPTO_MAX]; /* the usable ones, in
						    the peer's order  */
	struct sdprtc rtc; /* its own, else the session's           */
};

struct sdptext {
	struct mbuf *mb;  /* for sdp_decode(); owned: sdptext_close() */
	struct sdptext_media mv[SDPTEXT_MEDIA_MAX];
	size_t mc;
	uint32_t ptime_ms; /* of the session, or of the first audio line
			      that has one; 0: none                   */
	uint32_t maxptime_ms; /* the same */
};

/**
 * Read and filter a description.
 *
 * @param t    Set; to be given to sdptext_close() on success.
 * @param raw  Description, from its position to its end; borrowed,
 *             unchanged.
 *
 * @return 0, EBADMSG (no session description), ENOMEM.
 */
int sdptext_read(struct sdptext *t, const struct mbuf *raw);

/** Also wipes the keys. */
void sdptext_close(struct sdptext *t);

#endif
