/* SPDX-License-Identifier: MIT */
/* Changes that requests have in common; see msg.h. */

#include <string.h>
#include "router/core.h"
#include "router/msg.h"

int msg_host_sa(struct sa *sa, const struct pl *host, uint16_t port)
{
	struct pl pl = *host;

	if (pl.l > 2 && *pl.p == '[') {
		++pl.p;
		pl.l -= 2;
	}
	/* most hosts are numeric; do not ask inet_pton() about names */
	if (!pl.l || !(memchr(pl.p, ':', pl.l) ||
		       (pl.p[pl.l - 1] >= '0' && pl.p[pl.l - 1] <= '9')))
		return EINVAL;

	return sa_set(sa, &pl, port);
}

static bool is_host(const struct pl *host, const char *hostport, size_t len)
{
	struct pl at = {hostport, len};
	struct sa sa, told;

	while (at.l && at.p[--at.l] != ':')
		;
	if (msg_host_sa(&sa, host, 0))
		return !pl_casecmp(host, &at);

	return !msg_host_sa(&told, &at, 0) && sa_cmp(&sa, &told, SA_ADDR);
}

bool msg_host_is_port(const struct pl *host, const struct wire_port *p)
{
	struct sa sa;

	if (!msg_host_sa(&sa, host, 0) &&
	    (sa_is_any(&p->sa) || sa_cmp(&sa, &p->sa, SA_ADDR)))
		return true;

	return is_host(host, p->adv, p->advlen) ||
	       is_host(host, p->pub, p->publen);
}

/*
 * Where answers go, RFC 3261 18.2.2 and RFC 3581 4: to the source; yet a
 * sender that names its own address and asks for no rport gets them at the
 * port that it names.  Behind a NAT, where the two addresses differ, only the
 * source port can be right.
 */
static void reply_flow(struct msg *m)
{
	const struct view_via *via = &m->v->via;
	struct sa sa;

	m->reply = m->from;
	if (m->from.tcp || view_param(&via->params, "rport", NULL))
		return;
	if (msg_host_sa(&sa, &via->host, via->port ? via->port : 5060) ||
	    !sa_cmp(&sa, &m->from.peer, SA_ADDR))
		return;
	m->reply.peer = sa;
}

static void routes_line(struct msg_routes *r, const struct view *v)
{
	while (r->f) {
		view_val(v, r->f, &r->rest);
		while (view_list(&r->rest, &r->top)) {
			if (r->top.l)
				return;
		}
		r->f = view_next(v, r->f);
	}
}

void msg_init(struct msg *m, struct worker *w, const struct view *v,
	      const struct flow *from)
{
	m->w = w;
	m->v = v;
	m->from = *from;
	m->tag = NULL;
	edit_init(&m->ed);
	reply_flow(m);
	m->routes.f = view_first(v, VIEW_ROUTE);
	m->routes.taken = false;
	routes_line(&m->routes, v);
}

void msg_from_node(struct msg *m)
{
	const struct view_via *via = &m->v->via;
	struct sa sa;

	if (!m->from.tcp &&
	    !msg_host_sa(&sa, &via->host, via->port ? via->port : 5060))
		m->reply.peer = sa;
	m->reply.node = true;
}

static int put_received(struct msg *m)
{
	const struct view_via *via = &m->v->via;
	char *txt = wire_text(m->w->wire, 64);
	struct pl val;
	int n;

	if (!txt)
		return ENOSPC;
	if (view_param(&via->params, "received", &val) && val.l) {
		n = re_snprintf(txt, 64, "%j", &m->from.peer);
		return edit_put(&m->ed, (uint32_t)(val.p - m->v->p),
				(uint32_t)val.l, txt, (size_t)n);
	}
	n = re_snprintf(txt, 64, ";received=%j", &m->from.peer);

	return edit_put(&m->ed, (uint32_t)(via->all.p + via->all.l - m->v->p),
			0, txt, (size_t)n);
}

static int put_rport(struct msg *m, const struct pl *val)
{
	const bool equals = val->p[-1] == '=';
	char *txt = wire_text(m->w->wire, 16);
	int n;

	if (!txt)
		return ENOSPC;
	n = re_snprintf(txt, 16, "%s%u", equals ? "" : "=",
			sa_port(&m->from.peer));

	return edit_put(&m->ed, (uint32_t)(val->p - m->v->p),
			(uint32_t)val->l, txt, (size_t)n);
}

int msg_mark_via(struct msg *m)
{
	const struct view_via *via = &m->v->via;
	const bool rport = view_param(&via->params, "rport", NULL);
	struct pl val;
	struct sa sa;
	int err = 0;

	if (rport && view_param(&via->params, "rport", &val))
		err = put_rport(m, &val);
	if (!err && (rport || msg_host_sa(&sa, &via->host, 0) ||
		     !sa_cmp(&sa, &m->from.peer, SA_ADDR)))
		err = put_received(m);

	return err;
}

const struct pl *msg_route(const struct msg *m)
{
	return m->routes.f ? &m->routes.top : NULL;
}

int msg_route_take(struct msg *m)
{
	struct msg_routes *r = &m->routes;
	int err = 0;

	if (!r->f)
		return 0;
	r->taken = true;
	while (view_list(&r->rest, &r->top)) {
		if (r->top.l)
			return 0;
	}

	/* that was the last value of its line */
	err = edit_put(&m->ed, r->f->line, r->f->next - r->f->line, NULL, 0);
	r->taken = false;
	r->f = view_next(m->v, r->f);
	routes_line(r, m->v);

	return err;
}

int msg_routes_done(struct msg *m)
{
	struct msg_routes *r = &m->routes;

	if (!r->f || !r->taken)
		return 0;
	r->taken = false;

	return edit_put(&m->ed, r->f->val,
			(uint32_t)(r->top.p - m->v->p) - r->f->val, NULL, 0);
}

static size_t add(char *buf, size_t size, size_t at, const struct pl *pl)
{
	if (!at || at + pl->l + 1 > size)
		return 0;
	if (pl->l)
		memcpy(buf + at - 1, pl->p, pl->l);
	buf[at - 1 + pl->l] = 0;

	return at + pl->l + 1;
}

size_t msg_branch_ctx(char *buf, size_t size, const struct view *v,
		      const struct view_via *via)
{
	char num[16];
	struct pl cseq = {num, 0};
	size_t at = 1; /* one more than is used, so that 0 says "too long" */

	cseq.l = (size_t)re_snprintf(num, sizeof(num), "%u", v->cseq);
	at = add(buf, size, at, &via->sentby);
	at = add(buf, size, at, &via->branch);
	at = add(buf, size, at, &v->call_id);
	at = add(buf, size, at, &v->from_tag);
	at = add(buf, size, at, &cseq);

	return at ? at - 1 : 0;
}

enum wire_kind msg_kind(const struct msg *m)
{
	const struct wire_set *set = &m->w->router->wires;

	if (!m->from.tcp || m->from.listener >= set->portc)
		return WIRE_UDP;

	return set->portv[m->from.listener].kind;
}

void msg_user(struct pl *user, const struct pl *val)
{
	struct view_addr a;
	struct view_uri u;

	*user = pl_null;
	if (!view_addr_read(&a, val) && !view_uri_read(&u, &a.uri))
		*user = u.user;
}
