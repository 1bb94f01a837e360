/* SPDX-License-Identifier: MIT */
/*
 * A request on its way through one thread: the view, where it came from, and
 * the changes collected so far.  Lives on the stack of the handler, or next
 * to a copy of the message while Redis or a node is asked.
 */

#ifndef SY_ROUTER_MSG_H
#define SY_ROUTER_MSG_H

#include "router/edit.h"
#include "router/view.h"
#include "router/wire.h"

struct worker;

/** Values of Route, taken off from the top. */
struct msg_routes {
	const struct view_field *f; /* line of the topmost value; NULL: none */
	struct pl rest;             /* of its line, behind the value       */
	struct pl top;              /* topmost value                       */
	bool taken;                 /* a value of this line was taken      */
};

struct msg {
	struct worker *w;       /* borrowed                               */
	const struct view *v;   /* borrowed                               */
	struct flow from;       /* who sent it                            */
	struct flow reply;      /* where answers to it go                 */
	const char *tag;        /* To tag of our answer; NULL: a keyed one */
	struct edits ed;
	struct msg_routes routes;
};

/** Start. */
void msg_init(struct msg *m, struct worker *w, const struct view *v,
	      const struct flow *from);

/** The sender is a node of ours: answers go where its Via says. */
void msg_from_node(struct msg *m);

/**
 * Put received and rport into the topmost Via (RFC 3261 18.2.1, RFC 3581 4).
 *
 * @return 0, or an error of edit_put() or wire_text().
 */
int msg_mark_via(struct msg *m);

/** Topmost value of Route; NULL: none (left). */
const struct pl *msg_route(const struct msg *m);

/** Take the topmost value off. */
int msg_route_take(struct msg *m);

/** After the last msg_route_take(). */
int msg_routes_done(struct msg *m);

/**
 * The bytes that go under the MAC of a branch, see proto/SIP.md.
 *
 * @param via  The Via below the one that carries the branch.
 *
 * @return their number, or 0: too long.
 */
size_t msg_branch_ctx(char *buf, size_t size, const struct view *v,
		      const struct view_via *via);

/** The transport that it came by. */
enum wire_kind msg_kind(const struct msg *m);

/** User part of the URI of a Route or Contact value; unset: none. */
void msg_user(struct pl *user, const struct pl *val);

/** Address of a numeric host, with or without brackets. @return 0, EINVAL. */
int msg_host_sa(struct sa *sa, const struct pl *host, uint16_t port);

/** Is a host, without brackets, that of a port: what it is bound to, or what
 * others are told, inside or outside? */
bool msg_host_is_port(const struct pl *host, const struct wire_port *p);

#endif
