/* SPDX-License-Identifier: MIT */
/* Stateless forwarding; see forward.h and proto/SIP.md. */

#include <string.h>
#include "router/answer.h"
#include "router/core.h"
#include "router/forward.h"
#include "router/guard.h"
#include "router/hide.h"
#include "router/orphan.h"
#include "router/target.h"
#include "router/uac.h"
#include "router/wire_impl.h"

enum {
	CTX_MAX = 2048,    /* what goes under a branch's MAC [bytes] */
	TEXT_MAX = 640,
	MAX_FORWARDS = 70,
};

static const char cookie[] = "z9hG4bK";

/* Text of the headers that are put on top. */
struct txt {
	char *p;
	size_t n;
};

static void put(struct txt *t, const char *p, size_t n)
{
	memcpy(t->p + t->n, p, n);
	t->n += n;
}

#define PUT(t, lit) put(t, lit, sizeof(lit) - 1)

static const char vias[][4] = {[WIRE_UDP] = "UDP",
			       [WIRE_TCP] = "TCP",
			       [WIRE_TLS] = "TLS",
			       [WIRE_WS] = "WS",
			       [WIRE_WSS] = "WSS"};

static int put_via(struct msg *m, struct txt *t, const struct hop *hop,
		   const struct wire_port *port, bool hide)
{
	struct token tok = hop->tok;
	char ctx[CTX_MAX];
	struct pl told;
	size_t n;

	n = msg_branch_ctx(ctx, sizeof(ctx), m->v, &m->v->via);
	if (!n)
		return EMSGSIZE;
	tok.kind = TOKEN_BRANCH;

	PUT(t, "Via: SIP/2.0/");
	put(t, vias[port->kind], strlen(vias[port->kind]));
	PUT(t, " ");
	told = wire_told(&m->w->router->wires, port, &hop->to);
	put(t, told.p, told.l);
	PUT(t, ";branch=z9hG4bK");
	token_print(t->p + t->n, m->w->router->key, &tok, ctx, n);
	t->n += TOKEN_LEN;
	PUT(t, ";fl=");
	t->n += flow_print(t->p + t->n, m->w->router->key, &m->reply);
	if (hide) {
		const struct pl nb = hide_branch(m->v);

		PUT(t, ";nb=");
		put(t, nb.p, nb.l);
	}
	PUT(t, "\r\n");

	return 0;
}

/* What the sender's Via becomes: marked with where it came from; gone, if it
 * is a node's. */
static int below(struct msg *m, bool hide)
{
	const struct view_field *f = view_first(m->v, VIEW_VIA);

	if (!hide)
		return msg_mark_via(m);

	return edit_put(&m->ed, f->line, f->next - f->line, NULL, 0);
}

static bool is_sips(const struct pl *uri)
{
	return uri->l > 5 && !strncasecmp(uri->p, "sips:", 5);
}

static void put_record_route(struct msg *m, struct txt *t,
			     const struct hop *hop, int out)
{
	const int in = hop->rr_port < 0 ? out : hop->rr_port;
	const struct wire_port *port = &m->w->router->wires.portv[in];
	/* who will send to it */
	const struct pl told =
		wire_told(&m->w->router->wires, port,
			  hop->rr_port < 0 ? &hop->to : &m->from);
	struct token tok = hop->tok;

	tok.kind = TOKEN_ROUTE;
	PUT(t, "Record-Route: <sip");
	if (wire_kind_is_tls(port->kind) && is_sips(&m->v->uri))
		PUT(t, "s");
	PUT(t, ":");
	token_print(t->p + t->n, m->w->router->key, &tok, NULL, 0);
	t->n += TOKEN_LEN;
	if (hop->rr_flow) {
		PUT(t, ".");
		t->n += flow_print(t->p + t->n, m->w->router->key,
				   hop->rr_flow);
	}
	PUT(t, "@");
	put(t, told.p, told.l);
	put(t, wire_kind_param(port->kind),
	    strlen(wire_kind_param(port->kind)));
	PUT(t, ";lr>\r\n");
}

static int put_max_forwards(struct msg *m, struct txt *t)
{
	const struct view_field *f = view_first(m->v, VIEW_MAX_FORWARDS);
	char *num;
	int n;

	if (!f) {
		PUT(t, "Max-Forwards: 70\r\n");
		return 0;
	}
	num = wire_text(m->w->wire, 8);
	if (!num)
		return ENOSPC;
	n = re_snprintf(num, 8, "%d", m->v->max_forwards - 1);

	return edit_put(&m->ed, f->val, f->vallen, num, (size_t)n);
}

/* A stream needs Content-Length, RFC 3261 18.3. */
static void put_length(struct msg *m, struct txt *t, const struct hop *hop)
{
	int n;

	if (!hop->to.tcp || m->v->has_length)
		return;
	n = re_snprintf(t->p + t->n, 32, "Content-Length: %u\r\n",
			m->v->len - m->v->body);
	if (n > 0)
		t->n += (size_t)n;
}

static int build(struct msg *m, const struct hop *hop)
{
	struct wire *wire = m->w->wire;
	const struct wire_set *set = &m->w->router->wires;
	struct txt t = {wire_text(wire, TEXT_MAX), 0};
	const int af = sa_af(&hop->to.peer);
	int port = hop->to.listener, err;
	struct iovec *iov = wire_iov(wire);
	const bool hide = hide_fits(m->v, &m->reply);

	if (!t.p || !iov)
		return ENOSPC;
	if ((size_t)port >= set->portc ||
	    (set->portv[port].kind != WIRE_UDP) != hop->to.tcp ||
	    sa_af(&set->portv[port].sa) != af)
		port = wire_port_find(set, hop->to.tcp ? WIRE_TCP : WIRE_UDP,
				      af);
	if (port < 0)
		return EAFNOSUPPORT;

	err = put_via(m, &t, hop, &set->portv[port], hide);
	if (err)
		return err;
	if (hop->record_route)
		put_record_route(m, &t, hop, port);
	err = put_max_forwards(m, &t);
	put_length(m, &t, hop);
	if (!err)
		err = below(m, hide);
	if (!err)
		err = edit_put(&m->ed, m->v->headers, 0, t.p, t.n);
	if (err)
		return err;

	return wire_send(wire, &hop->to, iov,
			 edit_splice(&m->ed, iov, m->v->p, m->v->len, NULL));
}

/* What begins a call, or had to wait, tells whose its Call-ID is. */
static void trace_request(struct msg *m, const struct hop *hop)
{
	struct trace *t = &m->w->trace;

	trace_call(t, &hop->tok);
	if (!t->busy ||
	    (hop->stat == STAT_FWD_NODE && m->v->method == VIEW_INVITE &&
	     !m->v->to_tag.p))
		trace_claim(t, m->v, &hop->tok);
}

void forward_request(struct msg *m, const struct hop *hop)
{
	struct stats *st = &m->w->stats;

	trace_request(m, hop);
	if (!m->v->max_forwards) {
		answer(m, 483, NULL, NULL);
		return;
	}

	switch (build(m, hop)) {
	case 0:
		stat_inc(st, hop->stat);
		break;
	case ENOTCONN:
		answer(m, 430, NULL, NULL);
		break;
	case EAFNOSUPPORT:
		answer(m, 503, "No Transport For Target", NULL);
		break;
	case EMSGSIZE:
		answer(m, 513, NULL, NULL);
		break;
	default:
		stat_inc(st, STAT_DROP_FULL);
		break;
	}
}

/* ---------------------------------------------------------- peer to node */

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

/* ---------------------------------------------------------- node to peer */

static bool forms_dialog(const struct view *v)
{
	return !v->to_tag.p &&
	       (v->method == VIEW_INVITE || v->method == VIEW_SUBSCRIBE ||
		v->method == VIEW_REFER);
}

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

static const Sy__Member *other_router(const struct worker *w,
				      const struct flow *f)
{
	const Sy__Member *r;

	if (!f->router || f->router == w->router->wires.instance)
		return NULL;
	r = member_by_instance(w->members, f->router);

	return r && r->kind == SY__MEMBER_KIND__ROUTER ? r : NULL;
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
	const Sy__Member *router = other_router(m->w, f);

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

/* -------------------------------------------------------------- responses */

/* The Via below ours: as it came, or a node's that we took off. */
static int below_ours(struct view_via *via, char *str, const struct view *v,
		      const struct flow *to)
{
	if (hide_is(v))
		return to->node ? hide_read(via, str, v, to) : EINVAL;
	*via = v->via2;

	return via->all.p ? 0 : EINVAL;
}

static int own_via(struct worker *w, const struct view *v, struct token *tok,
		   struct flow *to)
{
	const struct pl *branch = &v->via.branch;
	const size_t cookielen = sizeof(cookie) - 1;
	char ctx[CTX_MAX], str[HIDE_VALUE_MAX];
	struct view_via via;
	struct pl fl;
	size_t n;

	if (branch->l != cookielen + TOKEN_LEN ||
	    memcmp(branch->p, cookie, cookielen) ||
	    !view_param(&v->via.params, "fl", &fl) ||
	    flow_read(to, w->router->key, fl.p, fl.l) ||
	    below_ours(&via, str, v, to))
		return EINVAL;
	n = msg_branch_ctx(ctx, sizeof(ctx), v, &via);
	if (!n)
		return EINVAL;

	return token_read(tok, w->router->key, TOKEN_BRANCH,
			  branch->p + cookielen, TOKEN_LEN, ctx, n);
}

/* Put the node's Via in place of ours. */
static int swap_via(struct worker *w, struct edits *ed, const struct view *v,
		    const struct flow *to)
{
	char *str = wire_text(w->wire, HIDE_VALUE_MAX);
	struct view_via via;
	int err;

	err = str ? hide_read(&via, str, v, to) : ENOSPC;

	return err ? err
		   : edit_put(ed, (uint32_t)(v->via.all.p - v->p),
			      (uint32_t)v->via.all.l, via.all.p, via.all.l);
}

/* Take the topmost Via off: its line, or what comes before the next value. */
static int cut_via(struct edits *ed, const struct view *v)
{
	const struct view_field *f = view_first(v, VIEW_VIA);
	const uint32_t next = (uint32_t)(v->via2.all.p - v->p);

	if (next < f->next)
		return edit_put(ed, f->val, next - f->val, NULL, 0);

	return edit_put(ed, f->line, f->next - f->line, NULL, 0);
}

void forward_response_to(struct worker *w, const struct view *v,
			 const struct flow *to)
{
	struct iovec *iov = wire_iov(w->wire);
	struct edits ed;
	int err;

	trace_about(&w->trace, v);
	edit_init(&ed);
	err = !iov         ? ENOSPC
	      : hide_is(v) ? swap_via(w, &ed, v, to)
			   : cut_via(&ed, v);
	if (!err)
		err = wire_send(w->wire, to, iov,
				edit_splice(&ed, iov, v->p, v->len, NULL));
	if (err)
		stat_inc(&w->stats, err == ENOTCONN ? STAT_DROP_FLOW
						    : STAT_DROP_FULL);
	else
		stat_inc(&w->stats, STAT_FWD_RESPONSE);
}

void forward_response(struct worker *w, const struct view *v,
		      const struct flow *from)
{
	const Sy__Member *router;
	struct token tok;
	struct flow to;
	struct msg m;

	if (!v->via2.all.p && !hide_is(v) && uac_response(w, v, from))
		return;
	if (own_via(w, v, &tok, &to)) {
		stat_inc(&w->stats, STAT_DROP_FOREIGN);
		guard_junk(w->guard, &from->peer, wire_now_ms());
		return;
	}
	if (!to.node)
		trace_inner(&w->trace);
	trace_call(&w->trace, &tok);
	router = to.tcp ? other_router(w, &to) : NULL;
	if (router) {
		msg_init(&m, w, v, from);
		forward_to_router(&m, router);
	} else if (to.node && tok.instance && !worker_node(w, tok.instance)) {
		msg_init(&m, w, v, from);
		orphan_response(&m, &tok, &to);
	} else {
		forward_response_to(w, v, &to);
	}
}
