/* SPDX-License-Identifier: MIT */
/*
 * Server transactions (RFC 3261 17.2, 13.3.1.4) behind stateless routers.
 *
 * libre's own do not serve here.  Routers keep no state, so the copies of
 * one request may come through several of them: same branch (it is a token
 * made from the peer's own transaction), another sent-by.  libre takes such
 * a copy for a loop and answers 482, which would end the call.  Here a
 * transaction is known by its branch alone, remembers every path that it
 * was asked by, and answers on all of them: a router that dies in between
 * takes nothing with it.
 *
 *   INVITE:  PROCEEDING --2xx--> ACCEPTED --ACK--> CONFIRMED --> gone
 *                       --else-> COMPLETED --ACK--^
 *   other:   PROCEEDING --final-> COMPLETED --> gone
 *
 * ACCEPTED repeats the 2xx until its user says strans_acked(), because the
 * ACK to a 2xx is a request of its own; COMPLETED repeats until the ACK,
 * which strans_recv() takes.  Signalling thread.
 */

#ifndef SY_NODE_SIP_STRANS_H
#define SY_NODE_SIP_STRANS_H

#include <re.h>

#include "node/sip/path.h"
#include "node/sip/wheel.h"

struct stranss; /* the table of them */
struct strans;

/** Outcomes of strans_recv(). */
enum strans_recv {
	STRANS_NEW,      /* unknown: check its token, then strans_alloc()  */
	STRANS_DONE,     /* a copy, or the ACK to a failure: dealt with    */
	STRANS_CANCELED, /* a CANCEL that met its INVITE; 200 is sent, and
			    the cancel handler was called                  */
};

/** The peer cancels an INVITE that has no final answer: answer it 487.
 * @param msg  The CANCEL. */
typedef void(strans_cancel_h)(const struct sip_msg *msg, void *arg);

/** No ACK came for a 2xx within 64*T1. */
typedef void(strans_noack_h)(void *arg);

/**
 * @param t1_ms  RFC 3261's T1; 0: 500.
 * @param wayh   Asked before an answer that comes late: path.h.
 */
int stranss_alloc(struct stranss **tp, struct sip *sip, struct wheel *wheel,
		  uint32_t t1_ms, path_way_h *wayh, void *arg);

/** How long copies of a message may come: 64*T1 [ms]. */
uint32_t stranss_span_ms(const struct stranss *t);

/** Transactions that exist now. */
uint32_t stranss_count(const struct stranss *t);

/** Offer a request to the transactions that there are. */
enum strans_recv strans_recv(struct stranss *t, const struct sip_msg *msg);

/**
 * Begin a transaction.
 *
 * @param stp  Set to it; borrowed: it belongs to the table, which keeps it
 *             until strans_reply() with a final code and for as long after
 *             as copies of the request may come.
 * @param msg  Request; referenced until the final reply.
 */
int strans_alloc(struct strans **stp, struct stranss *t,
		 const struct sip_msg *msg);

/** Forget the transaction of a request that another node had meanwhile. */
void strans_forget(struct stranss *t, const struct sip_msg *msg);

/** Who is to be told.  NULL handlers, or user == NULL: nobody any more. */
void strans_set_user(struct strans *st, strans_cancel_h *cancelh,
		     strans_noack_h *noackh, void *arg);

/** What a reply says beside its start line and what it copies. */
struct strans_reply {
	uint16_t code;
	const char *reason;    /* NULL: the standard phrase        */
	const char *tag;       /* To tag, or NULL: none is added   */
	bool rec_route;        /* copy Record-Route (dialog-forming) */
	const char *hdrs;      /* further headers with CRLFs, or NULL */
	const char *ctype;     /* of the body                      */
	struct mbuf *body;     /* or NULL; borrowed, position kept */
};

/**
 * Reply on all paths.  After a final reply the transaction is no longer
 * its user's, except for a 2xx to INVITE: that one until strans_acked() or
 * the noack handler.
 *
 * @return 0, ENOMEM, or the error of sending on the only path.
 */
int strans_reply(struct strans *st, const struct strans_reply *r);

/** Send the last reply once more (RFC 3262 3: a reliable provisional one). */
void strans_repeat(const struct strans *st);

/** The ACK to the 2xx came: stop repeating it. */
void strans_acked(struct strans *st);

/** Say no more, repeat nothing more (somebody else owns the call). */
void strans_silence(struct strans *st);

/** True once anything was replied. */
bool strans_is_replied(const struct strans *st);

/** Its request; NULL after the final reply. */
const struct sip_msg *strans_msg(const struct strans *st);

/** Standard reason phrase of a code. */
const char *sip_reason(uint16_t code);

#endif
