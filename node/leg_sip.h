/* SPDX-License-Identifier: MIT */
/*
 * A SIP leg: a dialog, its session description, and an RTP leg in the hub's
 * mix; this glue is all that knows the three of them.
 */

#ifndef SY_NODE_LEG_SIP_H
#define SY_NODE_LEG_SIP_H

#include "node/node.h"

/** Codec names in order of preference; borrowed. None: the default. */
struct codec_list {
	char *const *namev;
	size_t namec;
};

/** A call to make. Strings are borrowed for the call. */
struct leg_sip_call {
	Sy__LegKind kind;          /* DEVICE, TRUNK                        */
	const char *user;          /* shown: device or number              */
	const char *name;          /* shown: display name, or NULL         */
	const char *uri;           /* Request-URI                          */
	const char *to_uri;
	const char *from_uri;
	const char *from_name;     /* or NULL                              */
	const char *path;          /* URI for its Route, or NULL           */
	const char *router;        /* preferred router, or NULL            */
	struct codec_list codecs;
	const char *srtp;          /* configured; NULL, "": the default    */
	const char *dtmf;          /* the same: how digits are sent to it  */
};

/**
 * Call somebody; the leg joins its hub.
 *
 * @param lp  Set on success; the hub's.
 *
 * @return 0, EHOSTUNREACH (no live router), EADDRINUSE (no RTP port),
 *         EINVAL, EAGAIN, ENOMEM.
 */
int leg_sip_call(struct leg **lp, struct node *n, struct hub *hub,
		 const struct leg_sip_call *call);

/**
 * Take a call in; the leg joins its hub, unanswered.
 *
 * @param lp     Set on success; the hub's.
 * @param d      Taken on success.
 * @param sdp    Offer, or NULL; borrowed.
 * @param place  What its router said of it.
 * @param whyp   Set with a code that says too little: reason phrase, static.
 *
 * @return 0, or the SIP code to refuse it with.
 */
uint16_t leg_sip_take(struct leg **lp, struct node *n, struct hub *hub,
		      struct dialog *d, struct mbuf *sdp,
		      const Sy__PlaceHub *place, const char **whyp);

#endif
