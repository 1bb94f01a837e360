/* SPDX-License-Identifier: MIT */
/* Requests of the router itself; see uac.h. */

#include <stdlib.h>
#include <string.h>
#include "proto/random.h"
#include "router/core.h"
#include "router/forward.h"
#include "router/uac.h"

enum {
	T1_MS = 500,
	T2_MS = 4000,
};

static const char cookie[] = "z9hG4bK";

struct uac {
	struct uacs *t;      /* borrowed; NULL: it is over               */
	uint32_t slot, gen;
	struct flow to;      /* next hop                                 */
	struct mbuf *mb;     /* the request as it is sent                */
	enum view_method method;
	uint32_t cseq;
	uint32_t wait_ms;    /* to the next copy                         */
	uint64_t until_ms;   /* tmr_jiffies()                            */
	bool sent;
	struct tmr tmr;
	uac_h *h;
	void *arg;
};

struct uacs {
	struct worker *w;        /* borrowed                             */
	struct uac *v[UAC_MAX];
	uint32_t freev[UAC_MAX]; /* stack of free places                 */
	uint32_t freec;
	uint32_t gen;
};

/* ------------------------------------------------------------------ table */

static void uacs_destructor(void *arg)
{
	struct uacs *t = arg;

	for (uint32_t i = 0; i < UAC_MAX; i++) {
		if (!t->v[i])
			continue;
		tmr_cancel(&t->v[i]->tmr);
		t->v[i]->t = NULL;
	}
}

int uacs_alloc(struct uacs **tp, struct worker *w)
{
	struct uacs *t = mem_zalloc(sizeof(*t), uacs_destructor);

	if (!t)
		return ENOMEM;
	t->w = w;
	random_bytes(&t->gen, sizeof(t->gen));
	for (uint32_t i = 0; i < UAC_MAX; i++)
		t->freev[t->freec++] = UAC_MAX - 1 - i;
	*tp = t;

	return 0;
}

uint32_t uacs_count(const struct uacs *t)
{
	return t ? UAC_MAX - t->freec : 0;
}

/* Its place is free for others. */
static void leave(struct uac *u)
{
	struct uacs *t = u->t;

	tmr_cancel(&u->tmr);
	if (!t)
		return;
	t->v[u->slot] = NULL;
	t->freev[t->freec++] = u->slot;
	u->t = NULL;
}

static void uac_destructor(void *arg)
{
	struct uac *u = arg;

	leave(u);
	mem_deref(u->mb);
}

/* Over; the handler may let go of u. */
static void finish(struct uac *u, uint16_t code, const struct view *v)
{
	uac_h *h = u->h;

	leave(u);
	h(code, v, u->arg);
}

/* ---------------------------------------------------------------- sending */

static int transmit(struct uac *u)
{
	struct wire *wire = u->t->w->wire;
	struct iovec *iov;
	int err;

	wire_begin(wire);
	iov = wire_iov(wire);
	if (!iov)
		return ENOSPC;
	iov->iov_base = u->mb->buf;
	iov->iov_len = u->mb->end;
	err = wire_send(wire, &u->to, iov, 1);
	wire_flush(wire);

	return err;
}

/* A copy is due, or it is too late, or the connection is gone. */
static void tick(void *arg)
{
	struct uac *u = arg;
	struct worker *w = u->t->w;
	const uint64_t now_ms = tmr_jiffies();

	if (now_ms >= u->until_ms) {
		finish(u, 408, NULL);
		return;
	}
	if (u->to.tcp && u->sent && !wire_is_open(w->wire, &u->to)) {
		finish(u, 503, NULL);
		return;
	}
	if ((!u->to.tcp || !u->sent) && transmit(u) && !u->sent) {
		finish(u, 503, NULL);
		return;
	}
	if (u->sent && !u->to.tcp)
		u->wait_ms = u->wait_ms * 2 < T2_MS ? u->wait_ms * 2 : T2_MS;
	u->sent = true;
	if (now_ms + u->wait_ms > u->until_ms)
		u->wait_ms = (uint32_t)(u->until_ms - now_ms);
	tmr_start(&u->tmr, u->wait_ms, tick, u);
}

/* --------------------------------------------------------------- printing */

/* Thread, place and generation stand where a hub is in other tokens. */
static void put32(uint8_t *p, uint32_t n)
{
	n = htonl(n);
	memcpy(p, &n, sizeof(n));
}

static uint32_t get32(const uint8_t *p)
{
	uint32_t n;

	memcpy(&n, p, sizeof(n));

	return ntohl(n);
}

static void print_branch(char str[TOKEN_LEN], const struct uac *u)
{
	const struct worker *w = u->t->w;
	struct token tok = {.kind = TOKEN_UAC,
			    .instance = w->router->wires.instance};

	put32(tok.hub, w->index);
	put32(tok.hub + 4, u->slot);
	put32(tok.hub + 8, u->gen);
	token_print(str, w->router->key, &tok, NULL, 0);
}

/* To the router that has the connection, with its permission on top. */
static int print_route(struct mbuf *mb, const struct worker *w,
		       const struct flow *f)
{
	struct token tok = {.kind = TOKEN_NODE};
	char node[TOKEN_LEN], route[TOKEN_LEN], flow[FLOW_LEN_MAX];
	size_t n;

	token_print(node, w->router->key, &tok, NULL, 0);
	tok.kind = TOKEN_ROUTE;
	token_print(route, w->router->key, &tok, NULL, 0);
	n = flow_print(flow, w->router->key, f);

	return mbuf_printf(mb,
			   "Route: <sip:%b@cluster;lr>, "
			   "<sip:%b.%b@cluster;lr>\r\n",
			   node, (size_t)TOKEN_LEN, route, (size_t)TOKEN_LEN,
			   flow, n);
}

static const struct wire_port *port_of(const struct worker *w,
				       const struct flow *f)
{
	const struct wire_set *set = &w->router->wires;
	int port = f->listener;

	if ((size_t)port >= set->portc ||
	    (set->portv[port].kind != WIRE_UDP) != f->tcp ||
	    sa_af(&set->portv[port].sa) != sa_af(&f->peer))
		port = wire_port_find(set, f->tcp ? WIRE_TCP : WIRE_UDP,
				      sa_af(&f->peer));

	return port < 0 ? NULL : &set->portv[port];
}

static int print(struct uac *u, const struct uac_request *r,
		 const struct flow *by)
{
	static const char *const vias[] = {"UDP", "TCP", "TLS", "WS", "WSS"};
	const struct wire_port *port = port_of(u->t->w, &u->to);
	char branch[TOKEN_LEN];
	struct mbuf *mb = u->mb;
	struct pl told;
	int err;

	if (!port)
		return ENOTCONN;
	told = wire_told(&u->t->w->router->wires, port, &u->to);
	print_branch(branch, u);
	err = mbuf_printf(mb,
			  "%s %s SIP/2.0\r\n"
			  "Via: SIP/2.0/%s %r;rport;branch=%s%b\r\n",
			  r->method, r->uri, vias[port->kind], &told,
			  cookie, branch, (size_t)TOKEN_LEN);
	if (by)
		err |= print_route(mb, u->t->w, by);
	err |= mbuf_printf(mb,
			   "Max-Forwards: %u\r\n"
			   "From: %s\r\nTo: %s\r\nCall-ID: %s\r\n"
			   "CSeq: %u %s\r\n%sContent-Length: %zu\r\n\r\n",
			   r->hops ? r->hops : 70u, r->from, r->to,
			   r->call_id, r->cseq, r->method,
			   r->headers ? r->headers : "", r->bodylen);
	if (r->bodylen)
		err |= mbuf_write_mem(mb, (const uint8_t *)r->body,
				      r->bodylen);
	if (err)
		return ENOMEM;

	return mb->end > UAC_BYTES_MAX ? EMSGSIZE : 0;
}

/* ------------------------------------------------------------------ start */

/* Where it goes first: the flow, or the router that has it.
 * @param by  Set to the flow if it is another router's, else NULL */
static int next_hop(struct uac *u, const struct flow *f,
		    const struct flow **by)
{
	struct worker *w = u->t->w;
	const Sy__Member *r;

	*by = NULL;
	u->to = *f;
	if (!f->router || f->router == w->router->wires.instance)
		return wire_is_open(w->wire, f) || !f->tcp ? 0 : ENOTCONN;

	r = member_by_instance(w->members, f->router);
	if (r && r->kind == SY__MEMBER_KIND__ROUTER) {
		*by = f;
		return forward_member_flow(w, &u->to, r) ? ENOTCONN : 0;
	}

	return f->tcp ? ENOTCONN : 0;
}

static void join(struct uac *u, struct uacs *t)
{
	u->t = t;
	u->slot = t->freev[--t->freec];
	u->gen = ++t->gen;
	t->v[u->slot] = u;
}

int uac_send(struct uac **up, struct uacs *t, const struct uac_request *r,
	     uac_h *h, void *arg)
{
	const struct flow *by;
	struct pl method;
	struct uac *u;
	int err;

	if (!up || !t || !r || !r->to_flow || !h)
		return EINVAL;
	if (!t->w->wire)
		return ENOTCONN;
	if (!t->freec)
		return ENOBUFS;

	u = mem_zalloc(sizeof(*u), uac_destructor);
	if (!u)
		return ENOMEM;
	tmr_init(&u->tmr);
	join(u, t);
	u->mb = mbuf_alloc(1024);
	err = u->mb ? next_hop(u, r->to_flow, &by) : ENOMEM;
	if (!err)
		err = print(u, r, by);
	if (err) {
		mem_deref(u);
		return err;
	}
	pl_set_str(&method, r->method);
	u->method = view_method_read(&method);
	u->cseq = r->cseq;
	u->h = h;
	u->arg = arg;
	u->wait_ms = T1_MS;
	u->until_ms = tmr_jiffies() +
		      (r->timeout_ms ? r->timeout_ms : UAC_TIMEOUT_MS);
	/* in a turn of its own: our caller may be in the midst of a message */
	tmr_start(&u->tmr, 0, tick, u);
	*up = u;

	return 0;
}

/* -------------------------------------------------------------- responses */

static void to_router(struct worker *w, const struct view *v,
		      const struct flow *from, uint32_t instance)
{
	const Sy__Member *r = member_by_instance(w->members, instance);
	struct msg m;

	if (!r || r->kind != SY__MEMBER_KIND__ROUTER) {
		stat_inc(&w->stats, STAT_DROP_FOREIGN);
		return;
	}
	msg_init(&m, w, v, from);
	forward_to_router(&m, r);
}

static void take(struct worker *w, const struct view *v, uint32_t slot,
		 uint32_t gen)
{
	struct uac *u = slot < UAC_MAX && w->uacs ? w->uacs->v[slot] : NULL;

	if (!u || u->gen != gen || u->method != v->method ||
	    u->cseq != v->cseq) {
		stat_inc(&w->stats, STAT_DROP_REPEAT);
		return;
	}
	if (v->code >= 200)
		finish(u, v->code, v);
	else if (!u->to.tcp)
		u->wait_ms = T2_MS; /* from the next copy on */
}

bool uac_response(struct worker *w, const struct view *v,
		  const struct flow *from)
{
	const struct pl *branch = &v->via.branch;
	const size_t n = sizeof(cookie) - 1;
	struct token tok;
	uint32_t thread;

	if (branch->l != n + TOKEN_LEN || memcmp(branch->p, cookie, n) ||
	    token_read(&tok, w->router->key, TOKEN_UAC, branch->p + n,
		       TOKEN_LEN, NULL, 0))
		return false;

	thread = get32(tok.hub);
	if (tok.instance != w->router->wires.instance)
		to_router(w, v, from, tok.instance);
	else if (thread == w->index)
		take(w, v, get32(tok.hub + 4), get32(tok.hub + 8));
	else if (thread >= w->router->wires.threads ||
		 wire_hand_over(w->wire, thread, from, v->p, v->len))
		stat_inc(&w->stats, STAT_DROP_FULL);

	return true;
}
