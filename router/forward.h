/* SPDX-License-Identifier: MIT */
/*
 * Forwarding without state (RFC 3261 16.11): a Via with a BRANCH token on
 * top, Record-Route where a dialog begins, Max-Forwards less one, and the
 * message goes on.  Responses find their way back by the Via alone.
 */

#ifndef SY_ROUTER_FORWARD_H
#define SY_ROUTER_FORWARD_H

#include "proto/schema.h"
#include "router/msg.h"

/** How a request goes on. */
struct hop {
	struct token tok;        /* of the call; its kind does not matter  */
	struct flow to;
	bool record_route;
	int rr_port;             /* our port that Record-Route names; -1:
				    the one that it leaves by               */
	const struct flow *rr_flow; /* the peer's flow, to go with it; NULL:
				       the peer can be reached by itself   */
	enum stat_id stat;       /* what to count                          */
};

/**
 * Forward a request; answers it itself if that cannot be done (483, 430,
 * 503 ...).
 */
void forward_request(struct msg *m, const struct hop *hop);

/** To the node that owns a call, which is live.  The token stays what it is,
 * also when it names an earlier owner: the branch is made of it. */
void forward_to_node(struct msg *m, const struct token *tok,
		     const Sy__Member *node, bool record_route);

/** A request of a node, with a good NODE token on top of its Route. */
void forward_from_node(struct msg *m, const struct token *tok);

/** Send a message as it came to another router. */
void forward_to_router(struct msg *m, const Sy__Member *router);

/** A response: back to where its request came from, or to who has taken over
 * the hub of the node that sent it. */
void forward_response(struct worker *w, const struct view *v,
		      const struct flow *from);

/** A response, verified, to where it goes: with our Via taken off. */
void forward_response_to(struct worker *w, const struct view *v,
			 const struct flow *to);

/** The flow to a member's address. @return 0, EINVAL, EAFNOSUPPORT. */
int forward_member_flow(struct worker *w, struct flow *f,
			const Sy__Member *to);

/**
 * To the owner of a call that a token names: at once if it is live, else when
 * the hub's record names one that is (see orphan.h).
 */
void forward_to_owner(struct msg *m, const struct token *tok);

#endif
