/* SPDX-License-Identifier: MIT */
/*
 * SIP dialogs of a node, on libre's transactions, behind proto/SIP.md's rules.
 *
 * A dialog is one leg's signalling: an INVITE in either direction, what
 * became of it, and everything in it until BYE.  It knows no hub and no
 * media: session descriptions go in and out as text, events by handlers.
 *
 *   inbound:   INCOMING --progress--> EARLY --answer--> ANSWERED --> ENDED
 *   outbound:  CALLING  --1xx-------> EARLY --2xx-----> ANSWERED --> ENDED
 *
 * An outbound INVITE that forks downstream (several To tags) has an early dialog
 * a tag, and keeps the first 2xx; any further one is ACKed and ended by BYE at once.
 *
 * All on the signalling thread.  Handlers may mem_deref() the dialog, also
 * the one they were called for.  mem_deref() of a dialog that was not ended
 * is the same as dialog_hangup(d, 0, NULL) before it.
 */

#ifndef SY_NODE_SIP_DIALOG_H
#define SY_NODE_SIP_DIALOG_H

#include <re.h>
#include "proto/member.h"
#include "proto/token.h"

struct sipua;  /* the node's SIP endpoint: sockets, transactions, tokens */
struct dialog;
struct referto;
struct redirect;

/** Events of one dialog.  Any may be NULL.  Strings and SDP are borrowed. */
struct dialog_handlers {
	/** Outbound: 1xx other than 100. @param sdp  Early media, or NULL. */
	void (*progress)(struct dialog *d, uint16_t code, const char *reason,
			 struct mbuf *sdp, void *arg);

	/** Outbound: 2xx to the INVITE. sdp: the answer (also one that came
	 * early only; NULL: there was none); or the offer, when
	 * the INVITE had none: then dialog_ack() must be called with the
	 * answer.  Inbound: the ACK came; sdp: the answer to a late offer,
	 * or NULL. */
	void (*established)(struct dialog *d, struct mbuf *sdp, void *arg);

	/** Inbound: the PRACK came to a provisional answer of ours that had a
	 * description.
	 * @param sdp   The answer, where that was an offer (the INVITE had
	 *              none); NULL: it brought none.
	 * @param ours  It was an offer. */
	void (*acked)(struct dialog *d, struct mbuf *sdp, bool ours,
		      void *arg);

	/** In-dialog offer: answer it by dialog_accept() or dialog_refuse();
	 * that of a re-INVITE now or later, that of an UPDATE or PRACK (these
	 * come before the answer, too) before the handler returns, else it is
	 * refused (504).
	 * @param sdp  The offer; NULL: the peer wants us to offer. */
	void (*offer)(struct dialog *d, struct mbuf *sdp, void *arg);

	/** Our own re-INVITE was answered; or the ACK came to a re-INVITE of
	 * the peer that had let us offer. err: 0; ECONNREFUSED with the code
	 * of the failure, the former session stays; EBADMSG: no answer in
	 * it (sdp is NULL).  The same of our UPDATE before the answer. */
	void (*answered)(struct dialog *d, int err, uint16_t code,
			 struct mbuf *sdp, void *arg);

	/** The session is to be refreshed (RFC 4028) by a re-INVITE that
	 * changes nothing: dialog_offer() with our last description.  Asked
	 * again after a while if there was none, or it failed. */
	void (*refresh)(struct dialog *d, void *arg);

	/** INFO with a body.
	 * @param causep  Set to why it is refused; static.
	 * @return what it is answered with: 200, 400, 415. */
	uint16_t (*info)(struct dialog *d, const char *ctype,
			 struct mbuf *body, const char **causep, void *arg);

	/** MESSAGE with text, within the call.
	 * @return what it is answered with: 200; 405: nobody takes it. */
	uint16_t (*message)(struct dialog *d, const char *ctype,
			    const struct mbuf *body, void *arg);

	/**
	 * The peer asks us to call somebody else in its place (REFER).
	 *
	 * @param to  Borrowed.
	 * @param by  Its Referred-By, or "".
	 *
	 * @return 0: it is begun, and told by dialog_referred() and
	 *         dialog_refer_over(); else why it is not.  Not to be ended
	 *         from within.
	 */
	uint16_t (*refer)(struct dialog *d, const struct referto *to,
			  const char *by, void *arg);

	/** What became of dialog_refer() so far. @param code  100, 180 ...
	 * 200 or more: the last one, and how it went. */
	void (*referred)(struct dialog *d, uint16_t code, void *arg);

	/** It is over: refused, cancelled, BYE, timed out.  Last event; the
	 * owner mem_deref()s.  Not called for our own dialog_hangup().
	 * @param code  Final code of the INVITE (200 and BYE: 200); 487:
	 *              cancelled by the peer; 408, 481 ...
	 * @param reason  Its phrase; or the Reason of the peer's BYE, CANCEL.
	 * @param remote  True: the peer ended it. */
	void (*closed)(struct dialog *d, uint16_t code, const char *reason,
		       bool remote, void *arg);

	/** State changed in a way that a checkpoint should know. */
	void (*changed)(struct dialog *d, void *arg);
};

/**
 * An initial INVITE for this node with a valid token.  Call
 * dialog_set_handlers(), then progress, answer or refuse it, now or later.
 *
 * @param d    Owned by the handler.
 * @param tok  Hub, leg and epoch of its token.
 * @param sdp  Offer, or NULL.
 */
typedef void(sipua_incoming_h)(struct dialog *d, const struct token *tok,
			       const struct sip_msg *msg, struct mbuf *sdp,
			       void *arg);

/**
 * Is a hub here, or has one just ended here, that another instance made a
 * token for?  Asked for requests whose branch names the node that the hub had
 * before.
 *
 * @param epoch  Of the token: the hub's must not be lower.
 */
typedef bool(sipua_owns_h)(const uint8_t hub[ULID_BYTES], uint32_t epoch,
			   void *arg);

enum { SIPUA_USER_SIZE = 128, SIPUA_PASSWORD_SIZE = 257 };

/** Whom we say we are; wiped after use. */
struct sipua_account {
	char user[SIPUA_USER_SIZE];
	char password[SIPUA_PASSWORD_SIZE];
};

/**
 * A request of ours was challenged.
 *
 * @param acc      Zeroed; to be filled in.
 * @param account  Of the dialog.
 *
 * @return 0; else there is nothing to answer with.
 */
typedef int(sipua_account_h)(struct sipua_account *acc, const char *account,
			     void *arg);

struct sipua_conf {
	const char *addr;             /* "host:port" to listen on, UDP and TCP;
					 port 0: any                         */
	const struct token_key *key;  /* borrowed, outlives it               */
	const struct members *members; /* borrowed: live routers             */
	sipua_incoming_h *incomingh;
	sipua_owns_h *ownsh;          /* NULL: none but our own              */
	sipua_account_h *accounth;    /* NULL: there are none                */
	void *arg;
	uint32_t t1_ms;               /* RFC 3261's T1 of our answers; 0: 500 */
};

/** @return 0, EINVAL (address), EADDRINUSE ..., ENOMEM. */
int sipua_alloc(struct sipua **uap, const struct sipua_conf *conf);

/** Where it listens; after port 0 was given, the real port. */
const struct sa *sipua_laddr(const struct sipua *ua);

struct sipua_stat {
	uint64_t requests, responses;  /* received                          */
	uint64_t no_token;             /* dropped: no or wrong token         */
	uint32_t dialogs;
	uint32_t abandoned;            /* of these: say nothing more        */
	uint32_t transactions;         /* of both sides, now, if known       */
};

void sipua_stat(const struct sipua *ua, struct sipua_stat *st);

/**
 * Nobody knows whether our hubs are still ours (cut off from Redis for longer
 * than a lease): while that is so, no dialog is ended here for want of an
 * answer or because its peer does not know it, for it may be another node's.
 */
void sipua_set_unsure(struct sipua *ua, bool unsure);
bool sipua_is_unsure(const struct sipua *ua);

/**
 * Session timers (RFC 4028) of what is sent from now on.
 *
 * @param expires_s  Interval that we ask for, and the longest that we agree to;
 *                   0: we ask for none, and take what the peer asks for.
 * @param min_s      The shortest that we agree to; at least 90.
 */
void sipua_set_session(struct sipua *ua, uint32_t expires_s, uint32_t min_s);

/** Reliable provisional answers (RFC 3262), of INVITEs from now on. */
enum sip_prack {
	SIP_PRACK_SUPPORTED, /* with peers that know them                   */
	SIP_PRACK_OFF,
	SIP_PRACK_REQUIRED,  /* with all: who does not is refused (421)     */
};

void sipua_set_prack(struct sipua *ua, enum sip_prack prack);

/** Set the handlers of an inbound dialog; copied. */
void dialog_set_handlers(struct dialog *d, const struct dialog_handlers *h,
			 void *arg);

/**
 * Send 180 or 183.  With a description it is sent reliably to who knows that:
 * it is then the answer to the INVITE's offer, once and for all, or, where the
 * INVITE had none, our offer (see acked); further ones are left out.  What is
 * said while one waits for its PRACK follows that; without PRACK for 64*T1 the
 * INVITE is refused and closed is called (504).
 *
 * @param sdp  Early media, or NULL. Borrowed.
 */
int dialog_progress(struct dialog *d, uint16_t code, const char *reason,
		    struct mbuf *sdp);

/**
 * Send the last reliable one again, which another node had sent and whose PRACK
 * had not come: with the RSeq that it had.
 *
 * @param sdp  What it described, to the letter; or NULL.
 */
int dialog_progress_again(struct dialog *d, uint16_t code, struct mbuf *sdp);

/** Would a provisional answer with a description be sent reliably? */
bool dialog_is_reliable(const struct dialog *d);

/** Was one? */
bool dialog_is_described(const struct dialog *d);

/** Outbound, answered: what holds came by UPDATE before the answer. */
bool dialog_is_updated(const struct dialog *d);

/**
 * Answer 200: repeated until the ACK comes (RFC 3261 13.3.1.4); without one
 * after 32 s the dialog is ended by BYE and closed is called (408).
 *
 * After a reliable 18x with a description the 200 has none, and waits for the
 * PRACK to it; the state is EARLY until then.
 *
 * @param sdp  Answer; or our offer, if the INVITE had none.  NULL: it was in
 *             a reliable 18x.
 */
int dialog_answer(struct dialog *d, struct mbuf *sdp);

/** What to call. Strings borrowed for the call. */
struct dialog_invite {
	const char *uri;          /* Request-URI                             */
	const char *to_uri;       /* To, without tag; NULL: uri              */
	const char *from_uri;     /* From: "sip:1001@switchyard"             */
	const char *from_name;    /* display name, or NULL                   */
	const char *const *routev; /* Route: Path of the binding, or the way of
				     a trunk; in order                       */
	size_t routec;
	const char *hop;          /* URI of the first of them that is no router
				     of ours: it says which transport; NULL:
				     uri does                                */
	const char *router;       /* preferred router (member id) or NULL    */
	int af;                   /* the peer's family, or AF_UNSPEC         */
	bool wss;                 /* it has a WebSocket with TLS, as no URI
				     tells (RFC 7118 5.2.4)              */
	bool inside;              /* the peer is told our addresses inside   */
	struct token tok;         /* hub, leg, epoch, our instance           */
	struct mbuf *sdp;         /* offer, or NULL: late offer              */
	const char *call_id;      /* NULL: made here                         */
	const char *extra;        /* further headers with CRLFs, or NULL     */
	uint8_t hops;             /* its Max-Forwards; 0: 70                 */
	const char *account;      /* 401 and 407 are answered with its
				     credentials; NULL: none                 */
};

/** @return 0, EINVAL (no URI), EHOSTUNREACH (no live router), ENOMEM. */
int dialog_invite(struct dialog **dp, struct sipua *ua,
		  const struct dialog_invite *inv,
		  const struct dialog_handlers *h, void *arg);

/**
 * Where the last request of the peer came from, as its router saw it; no port
 * of use.
 *
 * @return 0; ENOENT: that is not known, or none came.
 */
int dialog_peer(const struct dialog *d, struct sa *peer);

/** Whose credentials answer challenges from now on; NULL: nobody's.
 * @return 0, EINVAL, ENOMEM. */
int dialog_set_account(struct dialog *d, const char *account);

/** Outbound: has its peer said anything yet, be it 100? */
bool dialog_was_heard(const struct dialog *d);

/** Outbound with late offer: send the ACK with our answer. */
int dialog_ack(struct dialog *d, struct mbuf *sdp);

/**
 * Offer: by re-INVITE, or before the answer by UPDATE, in the early dialog that
 * is heard.  The outcome comes by `answered`.
 *
 * @return 0, EBUSY (one is under way: glare), EPROTO; ENOTSUP: before the
 *         answer, and offer and answer were not exchanged reliably yet, or
 *         the peer takes no UPDATE.
 */
int dialog_offer(struct dialog *d, struct mbuf *sdp);

/**
 * Ask the peer by OPTIONS whether it still knows the call.  If it does not, or
 * cannot be reached, the dialog ends (BYE) and closed is called.
 *
 * @return 0, EPROTO (not answered), or an errno of sending: ask later.
 */
int dialog_probe(struct dialog *d);

/**
 * Send an INFO; it waits until those before it were answered.  When one is
 * refused, those that wait behind it are dropped.
 *
 * @param ctype  Content-Type.
 * @param text   Body.
 *
 * @return 0, EPROTO (not answered), ENOSPC (too many wait), ENOMEM.
 */
int dialog_info(struct dialog *d, const char *ctype, const char *text);

/**
 * Send a MESSAGE (RFC 3428); it waits as an INFO does, with those.
 *
 * @return as dialog_info(); ENOTSUP: the peer's Allow does not have it.
 */
int dialog_message(struct dialog *d, const char *ctype,
		   const struct mbuf *body);

/** Tell the peer how its REFER goes: 180; a code once at most, and no lower
 * one after it. Nothing to do if it does not want to know. */
void dialog_referred(struct dialog *d, uint16_t code);

/** ... and how it went; another one may come. @param code  From 200. */
void dialog_refer_over(struct dialog *d, uint16_t code);

/** Is the peer's REFER being done? */
bool dialog_refer_pending(const struct dialog *d);

/**
 * Ask the peer to call somebody else.
 *
 * @param to  URI, maybe with a Replaces in it.
 * @param by  Our Referred-By: a URI, or NULL.
 *
 * @return 0, EPROTO (not answered), EBUSY (it is asked already), EOVERFLOW,
 *         or an errno of sending.
 */
int dialog_refer(struct dialog *d, const char *to, const char *by);

/** Answer an in-dialog offer with 200. */
int dialog_accept(struct dialog *d, struct mbuf *sdp);

/**
 * Say why in the refusal that comes next, if one does.
 *
 * @param warning  Value of a Warning (RFC 3261 20.43); static.
 */
void dialog_warn(struct dialog *d, const char *warning);

/** What dialog_warn() was told last, and nobody said yet; or NULL. */
const char *dialog_warning(const struct dialog *d);

/** Refuse an in-dialog offer (488 ...); the session stays as it was. */
int dialog_refuse(struct dialog *d, uint16_t code, const char *reason);

/**
 * End it by whatever its state demands: a final response, CANCEL (a 200 that
 * crosses is ACKed and ended by BYE), BYE.  No more handler is called; what
 * is still to be exchanged goes on in the background; mem_deref() may follow
 * at once.
 *
 * @param code    For an unanswered inbound INVITE: its final code; else 0.
 * @param reason  Reason phrase; NULL: the standard one.
 */
void dialog_hangup(struct dialog *d, uint16_t code, const char *reason);

/**
 * Say why in the BYE, or CANCEL, that comes.
 *
 * @param reason  Value of a Reason (RFC 3326), as in reason.h; copied.
 */
void dialog_because(struct dialog *d, const char *reason);

/** Why the peer has ended it, as its BYE or CANCEL said: for `closed`; NULL. */
const char *dialog_peer_reason(const struct dialog *d);

/** Inbound: does the peer take History-Info in what we answer? */
bool dialog_wants_history(const struct dialog *d);

/** Headers of further answers to its INVITE but failures; copied, with CRLFs;
 * "": none. @param history  4 KB at most. @param identity  512 bytes. */
void dialog_set_told(struct dialog *d, const char *history,
		     const char *identity);

/**
 * Tell an answered peer something in headers, by UPDATE (RFC 3311).
 *
 * @param hdrs  With CRLFs; copied.
 *
 * @return 0; ENOTSUP: its Allow has no UPDATE; EBUSY: a request is under way:
 *         again in a while; EPROTO: it is not answered; ENOMEM.
 */
int dialog_tell(struct dialog *d, const char *hdrs);

/** Where a 3xx to our INVITE leads to: for `closed`; NULL. Borrowed. */
const struct redirect *dialog_redirect(const struct dialog *d);

/** Let go in silence: nothing is sent (somebody else owns the hub now). */
void dialog_abandon(struct dialog *d);

/* ------------------------------------------- dialogs that change their node */

/** A dialog that another node had. */
struct dialog_resume {
	const Sy__DialogState *ds; /* what it wrote; borrowed for the call   */
	struct token tok;          /* hub, leg, our instance and epoch       */
};

/**
 * Continue a dialog.  What it is in is told by its record:
 *
 *   answered              ANSWERED; its next request has a CSeq of 100 more
 *   rings, inbound        INCOMING: the stored INVITE is a transaction again,
 *                         with branch, Vias and To tag as they were; progress,
 *                         answer or refuse it.  So it is, too, when it was
 *                         answered and its ACK had not come: answer it again
 *   rings, outbound       CALLING or EARLY: responses, CANCEL and ACK go by
 *                         the branch that the INVITE had; it is sent again, as
 *                         a copy, if nobody had answered anything
 *
 * @param dp   Set on success; owned by the caller as any other.
 * @param arg  Handlers' argument; none is called from within.
 *
 * @return 0, EBADMSG (the record cannot be used), EALREADY (it is here),
 *         EHOSTUNREACH (no live router), ENOMEM.
 */
int dialog_resume(struct dialog **dp, struct sipua *ua,
		  const struct dialog_resume *prm,
		  const struct dialog_handlers *h, void *arg);

/**
 * What the peer's pending INVITE offers.
 *
 * @param mbp  Set on success; the caller's; NULL: it has no offer.
 *
 * @return 0, ENOENT (no INVITE waits for an answer), EBADMSG, ENOMEM.
 */
int dialog_pending_offer(const struct dialog *d, struct mbuf **mbp);

/**
 * Can another node continue it from its checkpoint, without loss?  Not while a
 * request within the dialog waits for its answer, or a 2xx for its ACK.
 */
bool dialog_is_quiet(const struct dialog *d);

/** Hold what comes for it from now on: 64 messages and 64 KB at most, what is
 * more is dropped.  @return 0, ENOMEM. */
int dialog_freeze(struct dialog *d);

/** Deal with what was held, in order, and with what comes from now on. The
 * dialog may be over when it returns; its owner was told then. */
void dialog_thaw(struct dialog *d);

/**
 * Let go in silence, as dialog_abandon(), and hand what was held and what
 * comes within the next ten minutes to its new owner, as it came.
 *
 * @param to  SIP address of that node (UDP).
 */
void dialog_depart(struct dialog *d, const struct sa *to);

/** What the last failure of our re-INVITE said of Retry-After [s]; 0: none. */
uint32_t dialog_retry_after(const struct dialog *d);

/** True if the Call-ID is ours: the INVITE was. */
bool dialog_is_ours(const struct dialog *d);

enum dialog_state {
	DIALOG_INCOMING, DIALOG_CALLING, DIALOG_EARLY, DIALOG_ANSWERED,
	DIALOG_ENDED,
};

/** Is it this one? @param rtag  The peer's. */
bool dialog_is(const struct dialog *d, const char *call_id, const char *ltag,
	       const char *rtag);

/** How it is named. @param rtagp  Set to the peer's tag; before the answer
 * that of its last early dialog; NULL: not known. Borrowed until its next
 * event. */
void dialog_names(const struct dialog *d, const char **call_idp,
		  const char **ltagp, const char **rtagp);

enum dialog_state dialog_state(const struct dialog *d);
const char *dialog_call_id(const struct dialog *d);
/** id of the router that its last message came through, or NULL. */
const char *dialog_router(const struct dialog *d);

/**
 * Fill what another node would need (DialogState's SIP part).  Strings are
 * borrowed from the dialog, valid until its next event; out->route_set points
 * into the dialog too.
 */
void dialog_checkpoint(struct dialog *d, Sy__DialogState *out);

#endif
