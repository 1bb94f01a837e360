/* SPDX-License-Identifier: MIT */
/* Messages for a node that is gone; see orphan.h. */

#include "router/answer.h"
#include "router/core.h"
#include "router/forward.h"
#include "router/orphan.h"

/* The node of the token, should it be there after all. */
static const Sy__Member *itself(const struct pending *p)
{
	const Sy__Member *m =
	    member_by_instance(p->w->members, p->tok.instance);

	return m && m->kind == SY__MEMBER_KIND__NODE ? m : NULL;
}

/* ------------------------------------------------------------- requests */

static void request_found(enum seek_end end, const Sy__Member *node,
			  const struct store_where *where, void *arg)
{
	struct pending *p = arg;
	(void)where;

	(void)pending_resume(p);
	/* who ended it takes the ACK to its failure, and no new request */
	if (end == SEEK_GONE && p->m.v->method != VIEW_ACK)
		node = NULL;
	if (!node)
		node = itself(p);
	if (node) {
		stat_inc(&p->w->stats, STAT_ORPHAN_FOUND);
		forward_to_node(&p->m, &p->tok, node, p->record_route);
	} else if (p->m.v->method == VIEW_ACK) {
		stat_inc(&p->w->stats, STAT_DROP_NO_OWNER);
	} else if (end == SEEK_GONE) {
		answer(&p->m, 481, NULL, NULL);
	} else {
		stat_inc(&p->w->stats, STAT_ORPHAN_LATE);
		answer_later(&p->m, NULL);
	}
	pending_end(p);
}

static void seek(struct pending *p, const struct token *tok, uint32_t ms)
{
	const enum view_method method = p->m.v->method;
	const struct seek_conf conf = {
	    .hub = tok->hub,
	    .limit_ms = ms,
	    .urgent = method == VIEW_INVITE || method == VIEW_CANCEL,
	    .h = request_found,
	    .arg = p,
	};

	p->tok = *tok;
	pending_unlimit(p);
	if (!bus_is_up(p->w->bus) || seek_start(p->w->seeks, &p->wait, &conf))
		request_found(SEEK_LATE, NULL, NULL, p);
}

void orphan_wait(struct pending *p, const struct token *tok)
{
	seek(p, tok, ORPHAN_REQUEST_MS);
}

void orphan_look(struct pending *p, const struct token *tok)
{
	seek(p, tok, ORPHAN_LOOK_MS);
}

void orphan_request(struct msg *m, const struct token *tok)
{
	const Sy__Member *node = m->v->method == VIEW_ACK ?
		seek_known(m->w->seeks, tok->hub) : NULL;
	struct pending *p;

	if (pending_is(m)) {
		stat_inc(&m->w->stats, STAT_DROP_REPEAT);
		return;
	}
	if (node) {
		stat_inc(&m->w->stats, STAT_ORPHAN_FOUND);
		forward_to_node(m, tok, node, false);
		return;
	}
	if (pending_hold(&p, m)) {
		answer_later(m, NULL);
		return;
	}
	orphan_wait(p, tok);
}

/* ------------------------------------------------------------ responses */

static void response_found(enum seek_end end, const Sy__Member *node,
			   const struct store_where *where, void *arg)
{
	struct pending *p = arg;
	struct flow to = p->to;
	(void)where;

	(void)pending_resume(p);
	if (node && !forward_member_flow(p->w, &to, node))
		stat_inc(&p->w->stats, STAT_ORPHAN_FOUND);
	else if (end == SEEK_LATE)
		stat_inc(&p->w->stats, STAT_ORPHAN_LATE);
	forward_response_to(p->w, &p->view, &to);
	pending_end(p);
}

void orphan_response(struct msg *m, const struct token *tok,
		     const struct flow *to)
{
	struct seek_conf conf = {
	    .hub = tok->hub,
	    .limit_ms = ORPHAN_RESPONSE_MS,
	    .urgent = m->v->method == VIEW_INVITE,
	    .h = response_found,
	};
	const Sy__Member *node = seek_known(m->w->seeks, tok->hub);
	struct flow there = *to;
	struct pending *p;

	if (pending_is(m)) {
		stat_inc(&m->w->stats, STAT_DROP_REPEAT);
		return;
	}
	if (node && !forward_member_flow(m->w, &there, node)) {
		stat_inc(&m->w->stats, STAT_ORPHAN_FOUND);
		forward_response_to(m->w, m->v, &there);
		return;
	}
	if (pending_hold_response(&p, m)) {
		stat_inc(&m->w->stats, STAT_DROP_FULL);
		return;
	}
	p->to = *to;
	conf.arg = p;
	if (seek_start(m->w->seeks, &p->wait, &conf))
		pending_end(p);
}
