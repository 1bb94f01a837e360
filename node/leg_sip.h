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
	const char *referred_by;   /* who has put it through (RFC 3892): value
				      of the header; or NULL, ""           */
	const char *path;          /* URI for its Route, or NULL           */
	const char *const *routev; /* the same of a trunk, in order        */
	size_t routec;
	const char *hop;           /* where these lead first; NULL: to uri */
	const char *received;      /* where its REGISTER came from, as in a
				      Binding; or NULL                     */
	const char *router;        /* preferred router, or NULL            */
	struct codec_list codecs;
	const char *srtp;          /* configured; NULL, "": the default    */
	const char *dtmf;          /* the same: how digits are sent to it  */
	const char *media;         /* the same: auto, rtp, webrtc          */
	const char *trunk;         /* id, or NULL                          */
	const char *id;            /* of the leg; NULL: a new one          */
	const char *extra;         /* headers of its INVITE, or NULL       */
	uint32_t attempt_ms;       /* it ends without a word of its peer
				      after; 0: as SIP says (32 s)         */
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

/* -------------------------------------------------------------- transfers */

struct replaces;

/** See dialog_referred(), dialog_refer_over(): nothing for other legs. */
void leg_sip_referred(struct leg *leg, uint16_t code);
void leg_sip_refer_over(struct leg *leg, uint16_t code);

/** See dialog_refer(). @return also ENOTSUP: it is no SIP leg. */
int leg_sip_refer(struct leg *leg, const char *to, const char *by);

/** Is it the leg whose dialog this names? */
bool leg_sip_is(const struct leg *leg, const struct replaces *r);

/* ------------------------------------------------ legs that change their node */

/*
 * What becomes of a leg that was resumed, told at most once each, and in this
 * order: ANSWERED, then HEARD; or LOST at any time before HEARD.
 */
enum leg_sip_resume_event {
	/** Its peer knows where we are: by its 200 to our re-INVITE, by a
	 * re-INVITE of its own; or a leg that rang was answered.  We send to
	 * it from now on. */
	LEG_SIP_ANSWERED,

	/** Its media comes to us.  code: 200; or 0: none came, because none is
	 * to come (held), or within a second. */
	LEG_SIP_HEARD,

	/** It is not resumed, and is ended after this.  code below 300: it was
	 * hung up meanwhile, which is no failure; else why: "not resumed: 488
	 * Not Acceptable Here". */
	LEG_SIP_LOST,
};

/** @param leg  Of the event; not to be ended by the handler. */
typedef void(leg_sip_resume_h)(struct leg *leg, enum leg_sip_resume_event ev,
			       uint16_t code, const char *reason, void *arg);

/**
 * Continue a leg of another node; it joins its hub in the state that it had.
 * An answered one says nothing yet: leg_sip_reoffer().  One that rings goes on
 * by itself, and is told of only when it is answered, or lost.  But for early
 * media: a caller is told by a second 183 where we are; a callee cannot be told
 * before it answers, so it only rings from now on (leg->early is false).
 *
 * @param lp   Set on success; the hub's.
 * @param hub  With the new epoch.
 * @param rec  What is shown of it: id, user, mute, voice ...
 * @param ds   Its dialog.
 * @param h    Told of it; or NULL.  May outlive neither leg nor hub.
 *
 * @return 0, EBADMSG (record cannot be used), EALREADY (the dialog is here),
 *         ENOTSUP (codecs, address family), EADDRINUSE (no RTP port),
 *         EHOSTUNREACH (no live router), ENOMEM, EAGAIN.
 */
int leg_sip_resume(struct leg **lp, struct node *n, struct hub *hub,
		   const Sy__Leg *rec, const Sy__DialogState *ds,
		   leg_sip_resume_h *h, void *arg);

/**
 * Tell the peer of a resumed leg where we are, by re-INVITE.  What it refuses
 * for now (500 and 503) is asked again, three times in all; 491 more often,
 * since it may wait for the ACK of a node that died.  Nothing to do for a leg
 * that rings, or whose peer knows it already.
 *
 * @return 0; the outcome is told to the handler.
 */
int leg_sip_reoffer(struct leg *leg);

/** See dialog_is_quiet(); also false while it is being resumed itself, or gives
 * early media, which would be lost; true for what is no SIP leg. */
bool leg_sip_is_quiet(const struct leg *leg);

/** See dialog_freeze() and dialog_thaw(). @return 0, ENOMEM. */
int leg_sip_freeze(struct leg *leg);
void leg_sip_thaw(struct leg *leg);

/** See dialog_depart().  Its media goes on until leg_ops.hangup or abandon;
 * leg_ops.stop_sending works. */
void leg_sip_depart(struct leg *leg, const struct sa *to);

#endif
