/* SPDX-License-Identifier: MIT */
/*
 * Client transactions (RFC 3261 17.1) towards stateless routers.
 *
 * libre's own keep their timers in its sorted list, where each stays for
 * seconds after its answer and every short timer walks past all of them; and
 * they repeat a request to the one address that they began with.  These run
 * on the wheel, and their user may lead them to another router.
 *
 *   INVITE:  CALLING --1xx--> PROCEEDING --2xx--> gone
 *               +---------------+-- 3xx..6xx --> COMPLETED --> gone
 *   other:   CALLING --final--> gone
 *
 * A final answer to anything but INVITE ends the transaction at once: its
 * copies find nobody and are dropped, which is all that timer K is for.
 * Signalling thread; UDP, as everything between a node and its routers.
 */

#ifndef SY_NODE_SIP_CTRANS_H
#define SY_NODE_SIP_CTRANS_H

#include <re.h>

#include "node/sip/wheel.h"

struct ctranss; /* the table of them */
struct ctrans;

/** A request, as it goes out. */
struct ctrans_req {
	const char *met;
	const char *uri;        /* Request-URI                             */
	const struct mbuf *mb;  /* headers and body that follow the Via    */
	const struct sa *dst;
};

/** What a transaction was begun with by another node. Borrowed. */
struct ctrans_origin {
	const char *branch;     /* of its Via                              */
	const char *sentby;     /* the same                                */
	bool heard;             /* a provisional answer came               */
};

/**
 * A response, or that there will be none.
 *
 * @param err  0; ETIMEDOUT; ECONNABORTED (the table goes).
 * @param msg  NULL on error.  A final one is the last call.
 */
typedef void(ctrans_resp_h)(int err, const struct sip_msg *msg, void *arg);

/** @param laddr  Own address, for Via; both borrowed. */
int ctranss_alloc(struct ctranss **tp, struct sip *sip, struct wheel *wheel,
		  const struct sa *laddr);

/** End all of them: ECONNABORTED to each user.  Nothing starts any more. */
void ctranss_close(struct ctranss *t);

/**
 * Send a request and repeat it until it is answered.
 *
 * @param ctp    Set to it; borrowed: it belongs to the table, and is gone
 *               with the last call of resph.
 * @param resph  NULL: nobody wants to know.
 *
 * @return 0, ECONNABORTED, ENOMEM, or the error of sending.
 */
int ctrans_request(struct ctrans **ctp, struct ctranss *t,
		   const struct ctrans_req *req, ctrans_resp_h *resph,
		   void *arg);

/**
 * Continue an INVITE of another node's.  Its answers find it by the branch,
 * and CANCEL and ACK have the Via that it had.
 *
 * @param orig  Not heard: the request is sent, as a copy, and repeated.
 *
 * @return as ctrans_request(); EINVAL (branch too long).
 */
int ctrans_resume(struct ctrans **ctp, struct ctranss *t,
		  const struct ctrans_req *req,
		  const struct ctrans_origin *orig, ctrans_resp_h *resph,
		  void *arg);

/** Forget one that runs: nothing is sent or told any more. */
void ctrans_drop(struct ctrans *ct);

/** Branch and sent-by of its Via; borrowed from it. */
const char *ctrans_branch(const struct ctrans *ct);
const char *ctrans_sentby(const struct ctrans *ct);

/** True: the INVITE is to be cancelled, or is being. */
bool ctrans_is_canceled(const struct ctrans *ct);

/** Send a request once, without transaction (ACK to a 2xx). */
int ctrans_send(struct ctranss *t, const struct ctrans_req *req);

/** Send it again, and from now on, to another address; the peer takes it for
 * a copy. */
void ctrans_lead(struct ctrans *ct, const struct sa *dst);

/** From now on it goes to another address; nothing is sent now. */
void ctrans_aim(struct ctrans *ct, const struct sa *dst);

/** CANCEL an INVITE; before a provisional answer, with that one (9.1).
 * @param why  Value of its Reason (RFC 3326), or NULL. */
void ctrans_cancel(struct ctrans *ct, const char *why);

/** Offer a response. @return false: no transaction waits for it. */
bool ctrans_recv(struct ctranss *t, const struct sip_msg *msg);

#endif
