/* SPDX-License-Identifier: MIT */
/*
 * Requests of the router itself (REGISTER and OPTIONS to trunks, OPTIONS, NOTIFY
 * and MESSAGE to phones): client transactions, RFC 3261 17.1.2, in a bounded table
 * of each thread.  Nothing of this is on a packet's way: a response is ours
 * when it has one Via, whose branch is a token of the kind UAC.
 *
 *   uac_send --> sent again (UDP: 0.5 s, 1 s, 2 s, 4 s, 4 s ...) --> handler
 *
 * The branch names instance, thread and place in the table, so a response
 * that comes to another thread, or to another router that shares our public
 * address, is handed on.
 */

#ifndef SY_ROUTER_UAC_H
#define SY_ROUTER_UAC_H

#include "router/flow.h"
#include "router/view.h"

struct uac;
struct uacs;
struct worker;

enum {
	UAC_TIMEOUT_MS = 32000, /* 64 * T1: timer F              */
	UAC_MAX = 4000,         /* transactions of a thread      */
	UAC_BYTES_MAX = 8192,   /* of a request                  */
};

/** What is to be sent; borrowed for the call.  Via, Max-Forwards and
 * Content-Length are put in. */
struct uac_request {
	const char *method;
	const char *uri;       /* Request-URI                             */
	const char *from;      /* "<sip:a@b>;tag=1"                       */
	const char *to;        /* with tag within a dialog                */
	const char *call_id;
	uint32_t cseq;
	const char *headers;   /* further lines, each with its CRLF (Contact,
				  Route, Expires ...), or NULL            */
	const char *body;      /* its type is among the headers; or NULL  */
	size_t bodylen;
	const struct flow *to_flow; /* the way: see below                 */
	uint32_t timeout_ms;   /* 0: UAC_TIMEOUT_MS                       */
	uint8_t hops;          /* Max-Forwards; 0: 70                     */
};

/**
 * The final response.  Called once, from the loop; the transaction is over.
 *
 * @param code  Status code; 408: nobody answered in time, 503: it could not
 *              be sent, or its connection is gone (v is NULL then).
 * @param v     The response; borrowed for the call.  NULL: there was none.
 */
typedef void(uac_h)(uint16_t code, const struct view *v, void *arg);

/** The table of a thread. @param tp  Owned by the caller. */
int uacs_alloc(struct uacs **tp, struct worker *w);

/** Transactions that wait. */
uint32_t uacs_count(const struct uacs *t);

/**
 * Send a request.  Any flow will do: one of this thread, of another one, or
 * of another router (it goes there as a request of a node does).  Get one by
 * wire_udp(), wire_connect(), way_to_binding().
 *
 * @param up  Set on success; owned by the caller, who lets it go when he likes
 *            (mem_deref), in the handler too: before it was called, that means
 *            it never will be.
 *
 * @return 0, ENOBUFS (table full), EMSGSIZE, ENOTCONN (the connection, or the
 *         router that has it, is gone; or we do not serve yet), ENOMEM.
 */
int uac_send(struct uac **up, struct uacs *t, const struct uac_request *r,
	     uac_h *h, void *arg);

/** A response with one Via came. @return false: it is none of ours. */
bool uac_response(struct worker *w, const struct view *v,
		  const struct flow *from);

#endif
