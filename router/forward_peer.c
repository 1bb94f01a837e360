/* SPDX-License-Identifier: MIT */
/*
 * Requests of nodes to peers: by the flow that our Route value names, or to
 * where the next URI leads; see forward.h.
 */

#include "router/answer.h"
#include "router/core.h"
#include "router/forward.h"
#include "router/forward_impl.h"
#include "router/target.h"
#include "router/wire_impl.h"

static bool forms_dialog(const struct view *v)
{
	return !v->to_tag.p &&
	       (v->method == VIEW_INVITE || v->method == VIEW_SUBSCRIBE ||
		v->method == VIEW_REFER);
}

/* Take our own Route values off; the last one's flow stays. */
static int own_routes(struct msg *m, struct flow *f, bool *have)
{
	const struct token_key *key = m->w->router->key;
	const struct pl *route;
	struct token tok;
	struct pl user;
	int err;

	*have = false;
	while ((route = msg_route(m))) {
		msg_user(&user, route);
		if (token_read(&tok, key, TOKEN_ROUTE, user.p, user.l, NULL,
			       0))
			break;
		if (user.l > TOKEN_LEN + 1)
			*have = !flow_read(f, key, user.p + TOKEN_LEN + 1,
					   user.l - TOKEN_LEN - 1);
		err = msg_route_take(m);
		if (err)
			return err;
	}

	return msg_routes_done(m);
}

/* To the connection, or through the NAT, that a flow names. */
static void by_flow(struct msg *m, struct hop *hop, const struct flow *f)
{
	struct wire *wire = m->w->wire;
	const Sy__Member *router = forward_other_router(m->w, f);

	if (router) {
		forward_to_router(m, router);
		return;
	}
	if (f->tcp && f->thread != m->w->index &&
	    f->thread < m->w->router->wires.threads) {
		if (wire_hand_over(wire, f->thread, &m->from, m->v->p,
				   m->v->len))
			stat_inc(&m->w->stats, STAT_DROP_FULL);
		return;
	}
	hop->to = *f;
	hop->rr_flow = &hop->to;
	forward_request(m, hop);
}

void forward_from_node(struct msg *m, const struct token *tok)
{
	struct hop hop = {
		.tok = *tok,
		.record_route = forms_dialog(m->v),
		.rr_port = -1,
		.stat = STAT_FWD_PEER,
	};
	const struct pl *route;
	struct view_addr a;
	struct flow f;
	bool have;
	int err;

	msg_from_node(m);
	err = msg_route_take(m); /* the NODE token */
	if (!err)
		err = own_routes(m, &f, &have);
	if (err) {
		stat_inc(&m->w->stats, STAT_DROP_FULL);
		return;
	}
	if (have) {
		by_flow(m, &hop, &f);
		return;
	}
	route = msg_route(m);
	if (route && view_addr_read(&a, route)) {
		answer(m, 400, "Bad Route", NULL);
		return;
	}
	target_forward(m, &hop, route ? &a.uri : &m->v->uri);
}
