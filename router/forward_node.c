/* SPDX-License-Identifier: MIT */
/*
 * Into the cluster: requests of peers to the nodes of their calls, and what
 * another router has the connection for, to that one; see forward.h.
 */

#include <string.h>
#include "router/answer.h"
#include "router/core.h"
#include "router/forward.h"
#include "router/forward_impl.h"
#include "router/orphan.h"
#include "router/wire_impl.h"

int forward_member_flow(struct worker *w, struct flow *f,
			const Sy__Member *to)
{
	struct sa sa;
	int err;

	if (!to->address || sa_decode(&sa, to->address, strlen(to->address)))
		return EINVAL;
	err = wire_udp(w->wire, f, &sa);
	f->node = !err; /* of ours: such a message is not traced */

	return err;
}

/*
 * Whether later requests to this peer must go by the flow that it has now:
 * by its connection, or through its NAT.  Only a peer that sends from the
 * address that its Contact names is reached without.
 */
static bool needs_flow(const struct msg *m)
{
	const struct view_field *f = view_first(m->v, VIEW_CONTACT);
	struct view_addr a;
	struct view_uri u;
	struct pl val, rest;
	struct sa sa;

	if (m->from.tcp)
		return true;
	if (!f)
		return false;
	view_val(m->v, f, &rest);
	if (!view_list(&rest, &val) || view_addr_read(&a, &val) ||
	    view_uri_read(&u, &a.uri))
		return false;

	/* who says so wants it to be kept, RFC 5626 4.3 */
	if (view_param(&u.params, "ob", &val))
		return true;

	return msg_host_sa(&sa, &u.host, 0) ||
	       !sa_cmp(&sa, &m->from.peer, SA_ADDR);
}

void forward_to_node(struct msg *m, const struct token *tok,
		     const Sy__Member *node, bool record_route)
{
	struct hop hop = {
		.tok = *tok,
		.record_route = record_route,
		.rr_port = m->from.listener,
		.rr_flow = record_route && needs_flow(m) ? &m->from : NULL,
		.stat = STAT_FWD_NODE,
	};

	if (forward_member_flow(m->w, &hop.to, node)) {
		answer_later(m, NULL);
		return;
	}
	forward_request(m, &hop);
}

void forward_to_owner(struct msg *m, const struct token *tok)
{
	const Sy__Member *node = worker_node(m->w, tok->instance);

	trace_call(&m->w->trace, tok);
	if (node)
		forward_to_node(m, tok, node, false);
	else
		orphan_request(m, tok);
}

/* ------------------------------------------------------ to another router */

void forward_to_router(struct msg *m, const Sy__Member *router)
{
	struct iovec *iov = wire_iov(m->w->wire);
	struct flow to;

	if (!iov || forward_member_flow(m->w, &to, router)) {
		stat_inc(&m->w->stats, STAT_DROP_FULL);
		return;
	}
	iov->iov_base = (void *)(uintptr_t)m->v->p;
	iov->iov_len = m->v->len;
	if (wire_send(m->w->wire, &to, iov, 1))
		stat_inc(&m->w->stats, STAT_DROP_FULL);
	else
		stat_inc(&m->w->stats, STAT_FWD_ROUTER);
}

const Sy__Member *forward_other_router(const struct worker *w,
				       const struct flow *f)
{
	const Sy__Member *r;

	if (!f->router || f->router == w->router->wires.instance)
		return NULL;
	r = member_by_instance(w->members, f->router);

	return r && r->kind == SY__MEMBER_KIND__ROUTER ? r : NULL;
}
