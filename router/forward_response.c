/* SPDX-License-Identifier: MIT */
/*
 * Responses, back by their Vias alone: ours tells by its branch that it is
 * ours, and by its flow where the request came from; see forward.h.
 */

#include <string.h>
#include "router/core.h"
#include "router/forward.h"
#include "router/forward_impl.h"
#include "router/guard.h"
#include "router/hide.h"
#include "router/orphan.h"
#include "router/uac.h"
#include "router/wire_impl.h"

static const char cookie[] = "z9hG4bK";

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
	char ctx[FORWARD_CTX_MAX], str[HIDE_VALUE_MAX];
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
	router = to.tcp ? forward_other_router(w, &to) : NULL;
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
