/* SPDX-License-Identifier: MIT */
/*
 * What the files of this folder share; nobody else includes it.
 *
 *   sipua.c       sockets, and who gets a message
 *   ua_token.c    is a request from a router of ours?
 *   ua_router.c   live routers
 *   strans.c      server transactions
 *   dialog.c      life and state of a dialog
 *   dialog_api.c  what its owner asks
 *   dialog_in.c   the peer's INVITE and our answers to it
 *   dialog_within.c its ACK, re-INVITE, BYE ... within the dialog
 *   dialog_update.c  UPDATE, both ways
 *   dialog_reliable.c  provisional answers of ours that want a PRACK
 *   dialog_early.c  the early dialogs that our INVITE made, and PRACK to them
 *   dialog_timer.c  session timers
 *   dialog_out.c  what we ask: INVITE, CANCEL, re-INVITE
 *   dialog_end.c  ACK to a 2xx, BYE, and 2xx that come again or forked
 *   dialog_checkpoint.c  what another node needs to continue it
 *   dialog_resume.c  ... and how it does
 *   dialog_move.c a dialog that leaves for another node
 *   relay.c       what comes for such a one
 *   dialog_refer.c  REFER and its NOTIFYs, both ways
 *   referto.c     whom it names
 *   redirect.c    whom a 3xx names
 *   histinfo*.c   History-Info and Diversion, as texts
 *   request.c     the text of our requests
 *   dialog_auth.c credentials in them
 *   client.c      sending them, and again by another router
 *   ctrans.c      client transactions
 *
 * Life of a dialog.  Its owner holds the only reference.  When the owner
 * lets go of it while something is still to be exchanged (a BYE waits for
 * its answer, a CANCEL for the 487), the destructor takes the reference over
 * (orphan) and dialog_settle() gives it back when nothing is pending any
 * more.  So a dialog with `pending` != 0 is never freed, and the transactions
 * that point to it need no reference of their own.
 */

#ifndef SY_NODE_SIP_UA_H
#define SY_NODE_SIP_UA_H

#include <re.h>

#include "node/sip/body.h"
#include "node/sip/ctrans.h"
#include "node/sip/dialog.h"
#include "node/sip/reason.h"
#include "node/sip/redirect.h"
#include "node/sip/relay.h"
#include "node/sip/sestimer.h"
#include "node/sip/strans.h"
#include "node/sip/wheel.h"
#include "proto/schema.h"

enum {
	TAG_SIZE = TOKEN_LEN + 1,
	ROUTER_ID_SIZE = 64,
	ADDR_SIZE = 96,
	EARLY_MAX = 8, /* early dialogs of an INVITE that are PRACKed */
};

struct sipua {
	struct sipua_conf conf;     /* addr is not kept */
	struct sip *sip;
	struct sip_lsnr *lsnr_req;
	struct sip_lsnr *lsnr_resp;
	struct wheel *wheel;
	struct stranss *stranss;
	struct ctranss *ctranss;
	struct relays *relays;
	struct hash *ht;            /* dialogs by Call-ID */
	struct sa laddr;
	uint64_t requests, responses, no_token;
	uint32_t dialogs;
	uint32_t abandoned;         /* of these, only remembered */
	uint32_t clients;           /* client transactions under way */
	bool closing;               /* nothing is sent any more */
	bool unsure;                /* sipua_set_unsure() */
	struct {
		struct sestimer_wish wish;
		uint32_t second_ms; /* tests: a shorter second */
	} session;                  /* timers: sipua_set_session() */
	enum sip_prack prack;       /* sipua_set_prack() */
	const Sy__Member *const *routerv; /* tests: instead of members */
	size_t routerc;
	uint32_t instance;                /* tests */
};

/** How a peer is reached by its router. */
enum ua_transport {
	UA_UDP,
	UA_TCP,
	UA_TLS,
	UA_WS,   /* WebSocket; by its URI also with TLS */
	UA_WSS,  /* WebSocket with TLS, as is known of its connection */
	UA_SIPS, /* TLS, and the peer wants sips: URIs (RFC 3261 12.1.1) */
};

/** The transport that a URI asks for. */
enum ua_transport ua_transport_of(const struct pl *uri);

/** "udp", "tcp", "tls", "ws", "wss", "sips": as a checkpoint says it. */
const char *ua_transport_name(enum ua_transport tp);

/** The reverse; what is unknown is UDP. */
enum ua_transport ua_transport_read(const char *name);

/** A router as next hop. */
struct ua_router {
	char id[ROUTER_ID_SIZE];
	struct sa addr;          /* inside the cluster           */
};

/** How a peer reaches routers. */
struct ua_reach {
	enum ua_transport tp;
	int af;                  /* AF_INET, AF_INET6; AF_UNSPEC: any    */
	bool inside;             /* by the address inside, not the public */
};

/**
 * Tests: routers and our instance, instead of the live table.
 *
 * @param routerv  Borrowed, outlives the endpoint.
 */
void sipua_set_routers(struct sipua *ua, const Sy__Member *const *routerv,
		       size_t routerc, uint32_t instance);

/** Tests: how long a second of a session timer is [ms]. */
void sipua_set_second(struct sipua *ua, uint32_t ms);

/**
 * The router to send through.
 *
 * @param id   The preferred one, or NULL; another one when it is not live.
 *
 * @return 0, EHOSTUNREACH: none is live.
 */
int ua_router(const struct sipua *ua, struct ua_router *r, const char *id);

/**
 * Where a peer reaches a router, for our Contact: an address of its transport
 * and family, else of its transport, else the one inside the cluster.
 *
 * @param id   A live router's.
 * @param buf  Set to "host:port[;transport=...]".
 *
 * @return 0, EHOSTUNREACH: it is not live.
 */
int ua_contact(const struct sipua *ua, char *buf, size_t size, const char *id,
	       const struct ua_reach *reach);

/** Where a request came from, as its router saw it; no port of use.
 * @return 0, ENOENT, EINVAL: that is not known. */
int ua_peer(struct sa *peer, const struct sip_msg *msg);

/** Id of the live router that has this address, or NULL; borrowed. */
const char *ua_router_at(const struct sipua *ua, const struct pl *addr);

/** Where an answer goes that is for the router of this sent-by: to it while
 * it is live, else to any other; each can read its own kind's branches. */
path_way_h ua_way;

uint32_t ua_instance(const struct sipua *ua);

/** Did a router of ours send this request to this node?
 * @return 0 and the token; EINVAL, EBADMSG, ESTALE: drop it. */
int ua_token_check(const struct sipua *ua, const struct sip_msg *msg,
		   struct token *tok);

/** Reply to a request outside of any dialog. */
void ua_refuse(struct sipua *ua, const struct sip_msg *msg, uint16_t code,
	       const char *hdrs);

/** The body of a message as its Content-Length says; 0 and NULL: none. */
int msg_body(struct mbuf **mbp, const struct sip_msg *msg);

/** Deal with a message as if it came now. */
void ua_recv(struct sipua *ua, const struct sip_msg *msg);

extern const char sip_allow[];  /* "Allow: ...\r\n" */
extern const char sip_allow_mute[]; /* ... in a call that takes no MESSAGE */
extern const char sip_accept[]; /* "Accept: ...\r\n" */
/** "Supported: ...\r\n" */
const char *sip_supported(const struct sipua *ua);

struct client;
struct digest_client;

/* A dialog that a provisional answer to our INVITE made: one a To tag, as the
 * INVITE may have been forked.  Each has a target, a route set and an order of
 * answers of its own (RFC 3262 4, RFC 3261 12.1.2); the CSeq they share. */
struct early {
	struct le le;               /* in d->earlyl                     */
	char *tag;                  /* "": there was none               */
	char *target;
	char **routev;              /* in the order of our requests     */
	size_t routec;
	uint32_t rseq;              /* of the last reliable answer; 0: none */
	bool pracked;               /* ... and we sent its PRACK        */
	uint32_t rcseq;             /* of its last request; 0: none     */
	struct mbuf *sdp;           /* its last description, or NULL    */
	bool reliable;              /* the answer under way is it       */
	bool agreed;                /* it came reliably: offer and answer
				       are done (RFC 3262 5)            */
	bool updated;               /* ... and changed by UPDATE since  */
	bool allows_update;
	Sy__EarlyDialog state;      /* early_put()                      */
};

/* One INVITE of ours, from its request to the end of its transaction. */
struct dialog {
	struct le he;               /* ua->ht */
	struct sipua *ua;           /* borrowed; NULL: it is gone */
	struct dialog_handlers h;
	void *arg;
	enum dialog_state state;
	bool inbound;
	bool inside;                /* outbound: the peer is, see ua_reach */
	bool orphan;                /* owner has gone; see above */
	bool bye_wait;              /* BYE as soon as our 2xx is ACKed */
	bool abandoned;             /* say nothing more, ever */
	bool need_answer;           /* outbound, late offer: dialog_ack() */
	bool late_offer;            /* inbound: the ACK brings the answer */
	bool re_invite;             /* req or inv is one inside the dialog */
	bool was_heard;             /* its peer answered anything to INVITE */
	char *account;              /* credentials are this one's; or NULL  */
	struct digest_client *auth; /* challenges so far; or NULL           */
	const char *auth_why;       /* one was not answered; static         */
	unsigned pending;           /* what still points to us */
	bool settled;               /* dialog_settle() gave it back */
	struct wheel_tmr reap;      /* free it, or forget it */
	struct wheel_tmr ack_tmr;   /* no more copies of the 2xx */
	struct wheel_tmr gone_tmr;  /* its peer said 481: no BYE comes */

	struct token tok;
	char ltag[TAG_SIZE];
	char *rtag;                 /* NULL: not yet known */
	char *call_id;
	char *lhdr;                 /* From of our requests, without tag */
	char *rhdr;                 /* To of our requests, without tag */
	char *target;               /* remote target: URI */
	char *contact;              /* ours: value of the header */
	char **routev;
	size_t routec;
	char router[ROUTER_ID_SIZE];
	struct sa next_hop;         /* where its last message came from */
	struct sa peer;             /* ... before its router; or unset  */
	enum ua_transport tp;       /* of the peer */
	uint32_t lcseq, rcseq;
	bool rcseq_set;
	bool resumed;               /* another node had it before */
	bool rcseq_open;            /* ... and may not have answered rcseq */
	struct relay *relay;        /* while frozen; borrowed */

	struct strans *inv;         /* the peer's INVITE: pending or unACKed */
	struct client *req;         /* our INVITE: pending */
	struct mbuf *req_sdp;       /* its body ...  */
	char *req_extra;            /* ... and headers, if it is sent anew */
	struct strans *upd;         /* the peer's UPDATE, or PRACK with an
				       offer: within its handler      */
	bool upd_ok;                /* ... it was answered 200        */
	struct sip_msg *inv_msg;    /* its initial one, until the ACK */
	struct token inv_tok;       /* NODE token of our initial INVITE */
	uint8_t hops;               /* its Max-Forwards; 0: 70 */
	uint32_t retry_after_s;     /* of the last failure of a re-INVITE */
	uint32_t inv_cseq;          /* CSeq of our last INVITE */
	struct mbuf *ack;           /* its ACK, to be repeated */
	struct list infol;          /* INFOs that wait: dialog_info.c */
	bool info_busy;             /* one is under way */
	bool peer_message;          /* its Allow has MESSAGE */
	struct list earlyl;         /* outbound: its early dialogs */
	Sy__EarlyDialog *earlyv[EARLY_MAX]; /* early_put() */
	struct early *heard;        /* of these: last with a description */
	bool updated;               /* what holds came by UPDATE before the
				       answer                         */
	bool offering;              /* our UPDATE has an offer, no answer yet */
	struct {
		bool peer;          /* the peer knows 100rel            */
		bool required;      /* ... and wants it always          */
		uint32_t rseq;      /* of the last one; 0: none yet     */
		uint16_t code;      /* of the one that waits for its PRACK;
				       0: none does                     */
		bool has_sdp;       /* ... and it has a description     */
		bool described;     /* any had                          */
		bool offered;       /* ... which is our offer           */
		bool agreed;        /* offer and answer are done        */
		struct wheel_tmr tmr;
		uint32_t repeat_ms, span_ms;
		uint16_t next_code; /* what follows that PRACK; 0: nothing */
		struct mbuf *next_sdp;
		bool answered;      /* dialog_answer() waits for it     */
		struct mbuf *answer; /* its description, or NULL        */
		Sy__ReliableState state; /* reliable_put()              */
	} rel;                      /* inbound: dialog_reliable.c       */
	uint8_t forks;              /* further 2xx that were ended */
	struct {
		uint32_t id;        /* CSeq of the peer's; 0: it wants no
				       (more) NOTIFY                 */
		uint16_t told;      /* last code of a NOTIFY         */
		bool busy;          /* it is being done              */
		bool seen, more;    /* there was one, there were two */
		bool asked;         /* ours: the peer is at it       */
	} refer;
	const char *warning;        /* of the next refusal; static */
	char *why;                  /* Reason of our BYE or CANCEL, or NULL */
	char peer_why[REASON_SIZE]; /* ... of the peer's, or ""       */
	char *told;                 /* headers of our answers, or NULL */
	struct redirect *redirect;  /* of a 3xx to our INVITE, or NULL */
	struct {
		struct sestimer agreed;
		struct wheel_tmr tmr;
		uint64_t next_ms, end_ms; /* when it is due [tmr_jiffies] */
		uint64_t refreshed_ms;    /* last; wall clock             */
		uint32_t min_s;           /* what a 422 said              */
		uint8_t tries;            /* 422 in a row                 */
		bool peer_update;         /* its Allow has UPDATE         */
		bool busy;                /* our UPDATE is under way      */
	} timer;
};

/* --- dialog_info.c */
void dialog_recv_info(struct dialog *d, const struct sip_msg *msg);
void dialog_recv_message(struct dialog *d, const struct sip_msg *msg);

/* --- dialog_refer.c */
void dialog_recv_refer(struct dialog *d, const struct sip_msg *msg);
void dialog_recv_notify(struct dialog *d, const struct sip_msg *msg);
void dialog_refer_put(const struct dialog *d, Sy__DialogState *out);
void dialog_refer_resume(struct dialog *d, const Sy__DialogState *ds);

/* --- dialog.c */
int dialog_alloc(struct dialog **dp, struct sipua *ua,
		 const struct token *tok);
struct dialog *dialog_find(const struct sipua *ua, const struct pl *call_id,
			   const struct pl *ltag, const struct pl *rtag);
/** A dialog of this Call-ID whose initial INVITE this is a copy of. */
struct dialog *dialog_find_merged(const struct sipua *ua,
				  const struct sip_msg *msg);
int dialog_set_call_id(struct dialog *d, const struct pl *call_id);
/** Route set, in the order of our requests. */
int dialog_set_routes(struct dialog *d, const struct sip_msg *msg, bool fwd);
/** True if a URI has nothing in it that would end it early. */
bool uri_is_clean(const struct pl *uri);
/** Take the remote target from Contact, if there is one. */
int dialog_set_target(struct dialog *d, const struct sip_msg *msg);
int dialog_set_contact(struct dialog *d, const char *hostport);
/** Remember the router that a request came through. */
void dialog_came_by(struct dialog *d, const struct sip_msg *msg);
/** Last event: tell the owner that it is over. */
void dialog_close(struct dialog *d, uint16_t code, const char *reason,
		  bool remote);
void dialog_changed(struct dialog *d);
/** Take the Reason of what ends it. @return it, or NULL: it says none. */
const char *dialog_read_reason(struct dialog *d, const struct sip_msg *msg);
/** One thing less is pending. */
void dialog_unpend(struct dialog *d);
/** After every event: free it if nobody needs it any more. */
void dialog_settle(struct dialog *d);
/** Forget one that was abandoned, at once: it is coming back. */
void dialog_forget(struct dialog *d);
/** End it as its state demands; handlers are not called any more. */
void dialog_end(struct dialog *d, uint16_t code, const char *reason);

/* --- dialog_in.c */
void dialog_recv_invite(struct sipua *ua, const struct sip_msg *msg,
			const struct token *tok);
/** Refuse what requires an extension that we lack. @return true: it was refused. */
bool dialog_refuse_require(struct sipua *ua, const struct sip_msg *msg);
/** Take the description out of an INVITE. @return not 0: it was refused. */
int dialog_take_sdp(struct sipua *ua, const struct sip_msg *msg,
		    struct mbuf **sdpp);
/** Begin the transaction of an INVITE: d->inv; NULL: no memory. */
void dialog_invite_begin(struct dialog *d, const struct sip_msg *msg,
			 struct mbuf *sdp);
/** 100, if nothing was answered yet. */
void dialog_trying(struct dialog *d);

/* --- dialog_within.c */
void dialog_recv_request(struct dialog *d, const struct sip_msg *msg);
void dialog_recv_ack(struct dialog *d, const struct sip_msg *msg);
/** 500 with Retry-After (RFC 3261 14.2). */
void dialog_retry_later(struct dialog *d, const struct sip_msg *msg);
/** Answer the peer's INVITE that is pending. */
int dialog_reply(struct dialog *d, uint16_t code, const char *reason,
		 struct mbuf *sdp, const char *hdrs);

/** What a response to INVITE brings. */
struct mbuf *msg_sdp(const struct sip_msg *msg);
bool pl_is(const struct pl *pl, const char *str);

/* --- dialog_update.c */
void dialog_recv_update(struct dialog *d, const struct sip_msg *msg);
/** Answer the peer's UPDATE that is being dealt with. */
int dialog_update_reply(struct dialog *d, uint16_t code, const char *reason,
			struct mbuf *sdp);
/** Send one without a body, as a refresh. */
void dialog_update(struct dialog *d);
/** Ask the owner to answer the offer of an UPDATE, or a PRACK, at once. */
void dialog_take_offer(struct dialog *d, const struct sip_msg *msg,
		       struct mbuf *sdp);
/** Offer by UPDATE, before the answer: see dialog_offer(). */
int dialog_update_offer(struct dialog *d, struct mbuf *sdp);

/* --- dialog_reliable.c */
/** What the peer's INVITE says of 100rel. @return true: it was refused. */
bool reliable_refuse(struct sipua *ua, const struct sip_msg *msg);
void reliable_learn(struct dialog *d, const struct sip_msg *msg);
/** Is a provisional answer to be sent reliably? */
bool reliable_wanted(const struct dialog *d, const struct mbuf *sdp);
/** Send it so, or after the one that waits for its PRACK. */
int reliable_progress(struct dialog *d, uint16_t code, struct mbuf *sdp);
/** A final answer is sent: none waits any more. */
void reliable_stop(struct dialog *d);
void dialog_recv_prack(struct dialog *d, const struct sip_msg *msg);
void reliable_put(struct dialog *d, Sy__DialogState *out);
void reliable_resume(struct dialog *d, const Sy__DialogState *ds);

/* --- dialog_early.c */
/**
 * Find or make the early dialog of a provisional answer, and PRACK it.
 *
 * @param ep  Set to it; NULL: there are too many.
 *
 * @return false: not to be looked at, a copy or out of order.
 */
bool early_progress(struct early **ep, struct dialog *d,
		    const struct sip_msg *msg);
struct early *early_find(const struct dialog *d, const struct pl *tag);
/** That which sounds, or came last; NULL: none. */
struct early *early_last(const struct dialog *d);
/** As a message of its peer says; else it stays. */
int early_set_target(struct early *e, const struct dialog *d,
		     const struct sip_msg *msg);
/** Its description. @param sdp  Referenced. */
void early_describe(struct dialog *d, struct early *e, struct mbuf *sdp);
void early_flush(struct dialog *d);
void early_put(struct dialog *d, Sy__DialogState *out);
/** @return 0, ENOMEM. */
int early_resume(struct dialog *d, const Sy__DialogState *ds);

/* --- dialog_timer.c */
/** Headers of a request of ours that begins or refreshes the session. */
int dialog_timer_print(struct mbuf *mb, const struct dialog *d);
/** Its failure. @return true: send it again, it asks for more now. */
bool dialog_timer_raise(struct dialog *d, const struct sip_msg *msg);
/** Its 2xx: it is refreshed. */
void dialog_timer_accepted(struct dialog *d, const struct sip_msg *msg);
/** A refresh failed, and another one may not: send it at once. */
void dialog_timer_again(struct dialog *d);
/** Refuse a request whose interval is too small. @return true: it was. */
bool dialog_timer_refuse(struct sipua *ua, const struct sip_msg *msg);
/** It gets a 2xx: it is refreshed. @param hdrs  Set to that one's headers. */
void dialog_timer_accept(struct dialog *d, const struct sip_msg *msg,
			 char *hdrs, size_t size);
/** Take from its Allow whether the peer knows UPDATE. */
void dialog_timer_learn(struct dialog *d, const struct sip_msg *msg);
void dialog_timer_put(const struct dialog *d, Sy__DialogState *out);
void dialog_timer_resume(struct dialog *d, const Sy__DialogState *ds);

/* --- dialog_out.c */
/** Take from a failure when to ask again. @param msg  Or NULL. */
void dialog_read_retry_after(struct dialog *d, const struct sip_msg *msg);
/**
 * The failure of a request within the dialog: does that end it (RFC 3261
 * 12.2.1.2)?
 *
 * @param msg  Of the failure; NULL: there was no answer.
 *
 * @return true: it is over, or will soon be.
 */
bool dialog_is_lost(struct dialog *d, uint16_t code,
		    const struct sip_msg *msg);
void dialog_cancel(struct dialog *d);
/** Go on with the INVITE of another node. @param orig  As ctrans_resume(). */
int dialog_invite_resume(struct dialog *d, struct mbuf *sdp,
			 const struct ctrans_origin *orig);
/** Take tag, target and route set from a 2xx (RFC 3261 12.1.2). */
int dialog_confirm(struct dialog *d, const struct sip_msg *msg);

/* --- dialog_end.c */
/** ACK the 2xx to our INVITE, and every copy of it. @param sdp  Or NULL. */
int dialog_send_ack(struct dialog *d, struct mbuf *sdp);
/** A response that no transaction waits for: a 2xx again, or forked. */
void dialog_recv_2xx(struct sipua *ua, const struct sip_msg *msg);
int dialog_bye(struct dialog *d);

/* --- request.c */
struct request {
	const char *met;
	uint32_t cseq;
	struct mbuf *body;     /* or NULL; borrowed */
	const char *ctype;     /* of the body; NULL: SDP */
	bool contact;          /* it may set the target: send ours */
	bool session;          /* it begins or refreshes the session */
	const char *extra;     /* headers, or NULL */
	uint8_t hops;          /* Max-Forwards; 0: 70 */
	const struct token *tok; /* of its NODE token; NULL: the dialog's */
	const struct early *early; /* within this one; NULL: the dialog */
};

/** Headers and body of a request (what follows the Via). */
int request_print(struct mbuf **mbp, const struct dialog *d,
		  const struct request *r);

/* --- dialog_auth.c */
/** A new request begins. */
void dialog_auth_start(struct dialog *d);
/** Its text with what answers the challenges so far.
 * @param mbp  Set to it, the caller's.  @return 0, ENOMEM, EBADMSG. */
int dialog_auth_print(struct mbuf **mbp, struct dialog *d, const char *met,
		      const char *uri, struct mbuf *plain);
/** The same text with another CSeq. @return as above. */
int dialog_auth_renumber(struct mbuf **mbp, const struct mbuf *plain,
			 const char *met, uint32_t cseq);
bool dialog_auth_is_challenge(const struct sip_msg *msg);
/** @return 0: send it once more; else it has failed (dialog_auth_why()). */
int dialog_auth_challenge(struct dialog *d, const struct sip_msg *msg);
/** Why this challenge was not answered; static; NULL: it is none. */
const char *dialog_auth_why(const struct dialog *d, const struct sip_msg *msg);

/* --- client.c: struct client is a request under way */

/**
 * A response to a request of ours, or that there will be none.  Called with
 * the dialog held, and after a final one no longer counts as pending.
 */
typedef void(request_resp_h)(int err, const struct sip_msg *msg,
			     struct dialog *d);

/**
 * Send a request through a live router.  When that one dies before anything
 * was answered, the request goes out again by another one.
 *
 * @param reqp   Set while the client transaction is under way; or NULL.
 * @param mb     From request_print(); borrowed.
 * @param resph  NULL: no transaction (ACK).
 *
 * @return 0, EHOSTUNREACH (no router), ECONNABORTED (closing), ENOMEM.
 */
int request_send(struct client **reqp, struct dialog *d, const char *met,
		 struct mbuf *mb, request_resp_h *resph);

/** The same within an early dialog. @param e  NULL: request_send(). */
int request_send_early(struct dialog *d, const struct early *e,
		       const char *met, struct mbuf *mb,
		       request_resp_h *resph);

/** The same for a request that another node had begun: ctrans_resume(). */
int request_resume(struct client **reqp, struct dialog *d, const char *met,
		   struct mbuf *mb, const struct ctrans_origin *orig,
		   request_resp_h *resph);

/** CANCEL an INVITE that is under way (RFC 3261 9.1).
 * @param c    Or NULL.
 * @param why  Its Reason, or NULL. */
void request_cancel(struct client *c, const char *why);

/** Forget it: nothing is sent or told any more. @param c  Or NULL. */
void request_drop(struct client *c);

/** Branch and sent-by of its Via. */
const char *request_branch(const struct client *c);
const char *request_sentby(const struct client *c);
bool request_is_canceled(const struct client *c);

#endif
