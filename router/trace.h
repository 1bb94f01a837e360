/* SPDX-License-Identifier: MIT */
/*
 * What a thread of the router tells of the SIP messages that pass between it
 * and its peers: each is copied into a ring (trace_ring.h), from which the
 * tracer takes it, and counted.  What passes between routers and nodes is not:
 * it is the same messages again.
 *
 *   worker_receive:  trace_received()
 *                      trace_call()     its call is known
 *                      trace_inner()    it came from a node or a router
 *                      trace_sent()     of all that is sent meanwhile
 *                    trace_handled()
 *
 * A message that waits (pending.c) is dealt with later: then trace_claim()
 * says to whose call its Call-ID belongs, also for what came before it was
 * placed, such as an INVITE without a password.
 *
 * Nothing here allocates, locks or logs.  Each thread its own.
 */

#ifndef SY_ROUTER_TRACE_H
#define SY_ROUTER_TRACE_H

#include "proto/token.h"
#include "router/trace_ring.h"
#include "router/trace_stat.h"
#include "router/view.h"
#include "router/wire.h"

struct tracer;

struct trace {
	struct trace_ring *ring;    /* borrowed; NULL: nothing is kept     */
	const struct tracer *tracer; /* borrowed: what is wanted           */
	struct trace_stat stat;
	struct trace_rec rec;       /* what is being dealt with            */
	uint32_t mark, end;         /* where it is in the ring             */
	bool busy;                  /* between received and handled        */
	bool kept;                  /* it is in the ring                   */
	bool inner;                 /* it is not from a peer               */
	enum view_method method;
};

/** A message that can be understood came. */
void trace_received(struct trace *t, const struct flow *from,
		    const struct view *v);

/** The call of what is dealt with, and of all that is sent for it. */
void trace_call(struct trace *t, const struct token *tok);

/** What is sent next is about this message. */
void trace_about(struct trace *t, const struct view *v);

/** It was not from a peer. */
void trace_inner(struct trace *t);

/** All messages of this Call-ID are of this call. */
void trace_claim(struct trace *t, const struct view *v,
		 const struct token *tok);

/** Something is sent: wire_sent_h. @param arg  struct trace. */
void trace_sent(const struct flow *to, const struct iovec *iov, size_t n,
		void *arg);

/** The message was dealt with, or waits. */
void trace_handled(struct trace *t);

#endif
