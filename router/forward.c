/* SPDX-License-Identifier: MIT */
/* How a request goes on: what is put on top.  See forward.h, proto/SIP.md. */

#include <string.h>
#include "router/answer.h"
#include "router/core.h"
#include "router/forward.h"
#include "router/forward_impl.h"
#include "router/hide.h"
#include "router/wire_impl.h"

enum {
	TEXT_MAX = 640,
};

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
	char ctx[FORWARD_CTX_MAX];
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
