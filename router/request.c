/* SPDX-License-Identifier: MIT */
/*
 * What to do with a message: the first look, the checks that RFC 3261 16.3
 * wants of a proxy, and the way that it goes.
 *
 *   response ------------------------------> by its Via (forward_response.c)
 *   request  Route NODE token -------------> to a peer (forward_peer.c)
 *            Request-URI CONTACT token ----> to the owner (forward_node.c)
 *            To tag TAG token -------------> to the owner
 *            CANCEL -----------------------> by its Call-ID (invite.c)
 *            INVITE -----------------------> placed (invite.c)
 *            REGISTER ---------------------> registrar.c
 *            OPTIONS ----------------------> answered here
 *            SUBSCRIBE --------------------> subscribe.c
 *            MESSAGE ----------------------> message.c
 *            else -------------------------> 405, 501, 481
 */

#include <string.h>
#include "router/answer.h"
#include "router/core.h"
#include "router/domain.h"
#include "router/forward.h"
#include "router/guard_share.h"
#include "router/invite.h"
#include "router/message.h"
#include "router/registrar.h"
#include "router/stun.h"
#include "router/subscribe.h"
#include "router/wire_impl.h"

/* A node's socket takes 8,192 bytes (libre); this leaves room for what is put
 * on top.  What would be cut there is refused here. */
enum { REQUEST_MAX = 7168 };

/* No SIP is so short: CRLF, CRLFCRLF, four zeros, nothing at all. */
enum { KEEPALIVE_MAX = 4 };

/* What identifies a transaction goes under our MACs whole (msg_branch_ctx());
 * who brings more of it than that takes would share keys with others. */
enum { IDS_MAX = 1536 };

#define ALLOW                                                                 \
	"Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, REGISTER, INFO, "          \
	"MESSAGE, NOTIFY, PRACK, REFER, SUBSCRIBE, UPDATE\r\n"

/* ---------------------------------------------------------- own answers */

static void options(struct msg *m)
{
	if (answer_unsupported(m, VIEW_REQUIRE, NULL))
		return;
	answer(m, 200, NULL,
	       ALLOW "Accept: application/sdp\r\n"
		     "Accept-Encoding: identity\r\n"
		     "Accept-Language: en\r\n"
		     "Supported: path, outbound\r\n" SUBSCRIBE_ALLOW);
}

static void not_allowed(struct msg *m)
{
	answer(m, 405, NULL, ALLOW);
}

static void no_such_call(struct msg *m)
{
	answer(m, 481, NULL, NULL);
}

static void not_known(struct msg *m)
{
	answer(m, 501, NULL, ALLOW);
}

/* An ACK without any token: to one of our own answers, or astray. */
static void ack(struct msg *m)
{
	stat_inc(&m->w->stats, STAT_DROP_ACK);
}

static void invite(struct msg *m)
{
	if (m->v->to_tag.p)
		no_such_call(m);
	else
		invite_handle(m);
}

/* Requests without a token of a node. */
static void (*const handlers[VIEW_METHOD_COUNT])(struct msg *m) = {
	[VIEW_UNKNOWN] = not_known,    [VIEW_INVITE] = invite,
	[VIEW_ACK] = ack,              [VIEW_BYE] = no_such_call,
	[VIEW_CANCEL] = invite_cancel, [VIEW_OPTIONS] = options,
	[VIEW_REGISTER] = registrar_handle,
	[VIEW_INFO] = no_such_call,    [VIEW_UPDATE] = no_such_call,
	[VIEW_PRACK] = no_such_call,   [VIEW_SUBSCRIBE] = subscribe_handle,
	[VIEW_NOTIFY] = no_such_call,  [VIEW_PUBLISH] = not_allowed,
	[VIEW_MESSAGE] = message_handle, [VIEW_REFER] = not_allowed,
};

/* --------------------------------------------------------------- checks */

/* We know no extension that a proxy must know, RFC 3261 16.3 5.
 * @return true: answered */
static bool refuse_extensions(struct msg *m)
{
	return m->v->method != VIEW_ACK && m->v->method != VIEW_CANCEL &&
	       answer_unsupported(m, VIEW_PROXY_REQUIRE, NULL);
}

/* Is a Route value just our address, as an outbound proxy? */
static bool is_our_address(const struct worker *w, const struct pl *route)
{
	struct view_addr a;
	struct view_uri u;

	if (view_addr_read(&a, route) || view_uri_read(&u, &a.uri) || u.user.l)
		return false;

	return domain_is_router(w, &u.host, u.port);
}

enum route {
	ROUTE_NONE,  /* nothing there, or only our address */
	ROUTE_OURS,  /* there was a ROUTE token            */
	ROUTE_NODE,  /* a node sends: *tok                 */
	ROUTE_ERROR,
};

/* Take off the Route values that are ours. */
static enum route take_routes(struct msg *m, struct token *tok)
{
	const struct token_key *key = m->w->router->key;
	enum route found = ROUTE_NONE;
	const struct pl *route;
	struct pl user;

	while ((route = msg_route(m))) {
		msg_user(&user, route);
		if (found == ROUTE_NONE &&
		    !token_read(tok, key, TOKEN_NODE, user.p, user.l, NULL,
				0))
			return ROUTE_NODE;
		if (!token_read(tok, key, TOKEN_ROUTE, user.p, user.l, NULL,
				0))
			found = ROUTE_OURS;
		else if (!is_our_address(m->w, route))
			break;
		if (msg_route_take(m))
			return ROUTE_ERROR;
	}

	return msg_routes_done(m) ? ROUTE_ERROR : found;
}

static bool uri_token(const struct msg *m, struct token *tok)
{
	struct view_uri u;

	return !view_uri_read(&u, &m->v->uri) && u.user.l == TOKEN_LEN &&
	       !token_read(tok, m->w->router->key, TOKEN_CONTACT, u.user.p,
			   u.user.l, NULL, 0);
}

/* The ACK to a failure, and all requests of peers that care neither
 * for Contact nor for Record-Route (sipp's own scenarios among them) have no
 * token but the node's To tag. */
static bool tag_token(const struct msg *m, struct token *tok)
{
	return m->v->to_tag.l == TOKEN_LEN && m->v->method != VIEW_REGISTER &&
	       !token_read(tok, m->w->router->key, TOKEN_TAG, m->v->to_tag.p,
			   m->v->to_tag.l, NULL, 0);
}

static bool is_too_large(const struct view *v)
{
	return v->len > REQUEST_MAX ||
	       v->via.sentby.l + v->via.branch.l + v->call_id.l +
			       v->from_tag.l > IDS_MAX;
}

/* It showed a token: its address is known from now on. */
static void known(struct msg *m)
{
	guard_known(m->w->guard, &m->from.peer, wire_now_ms());
}

/* It belongs to a request that was counted. */
static bool is_ack_to_ours(const struct msg *m)
{
	return m->v->method == VIEW_ACK && answer_is_ours(m);
}

void request_handle(struct msg *m)
{
	struct token tok;
	enum route route = take_routes(m, &tok);

	if (route == ROUTE_NODE) {
		known(m);
		trace_inner(&m->w->trace);
		trace_call(&m->w->trace, &tok);
		forward_from_node(m, &tok);
		return;
	}
	if (route == ROUTE_ERROR) {
		stat_inc(&m->w->stats, STAT_DROP_FULL);
		return;
	}
	if (is_too_large(m->v)) {
		if (guard_share_spend(m->w, &m->from))
			answer(m, 513, NULL, NULL);
		return;
	}
	if (uri_token(m, &tok)) {
		known(m);
		if (!refuse_extensions(m))
			forward_to_owner(m, &tok);
		return;
	}
	if (route == ROUTE_OURS && m->v->method != VIEW_ACK &&
	    m->v->method != VIEW_CANCEL) {
		/* only nodes may make us send to anywhere */
		if (guard_share_spend(m->w, &m->from))
			answer(m, 403, NULL, NULL);
		return;
	}
	if (tag_token(m, &tok)) {
		known(m);
		if (!refuse_extensions(m))
			forward_to_owner(m, &tok);
		return;
	}
	if (!is_ack_to_ours(m) && !guard_share_admit(m))
		return;
	if (!refuse_extensions(m))
		handlers[m->v->method](m);
}

static void bad_request(struct worker *w, const struct view *v,
			const struct flow *from, enum view_err err)
{
	struct msg m;

	msg_init(&m, w, v, from);
	if (v->method == VIEW_ACK)
		stat_inc(&w->stats, STAT_DROP_BAD);
	else
		answer(&m, view_err_code(err), view_err_text(err), NULL);
}

static void request(struct worker *w, const struct view *v,
		    const struct flow *from, enum wire_flaw flaw,
		    enum view_err err)
{
	struct msg m;

	stat_inc(&w->stats, STAT_REQUEST + v->method);
	if (flaw == WIRE_TOO_LARGE) {
		msg_init(&m, w, v, from);
		if (guard_share_spend(w, from))
			answer(&m, 513, NULL, NULL);
	} else if (err != VIEW_OK || flaw == WIRE_NO_LENGTH) {
		if (guard_share_spend(w, from))
			bad_request(w, v, from, err ? err : VIEW_BAD_LENGTH);
	} else {
		msg_init(&m, w, v, from);
		request_handle(&m);
	}
}

/* Where the sender is seen from, RFC 5626 4.4.2. */
static void stun(struct worker *w, const struct flow *from, const char *p,
		 size_t len)
{
	uint8_t *buf = (uint8_t *)wire_text(w->wire, STUN_ANSWER_MAX);
	struct iovec *iov = wire_iov(w->wire);
	enum stun_result result;

	if (!buf || !iov) {
		stat_inc(&w->stats, STAT_DROP_FULL);
		return;
	}
	result = stun_answer(buf, &iov->iov_len, p, len, &from->peer);
	stat_inc(&w->stats, STAT_STUN + result);
	iov->iov_base = buf;
	if (result != STUN_SILENT)
		(void)wire_send_other(w->wire, from, iov, 1);
}

/* What keeps a UDP flow open, and is no SIP. @return false: none of it */
static bool keepalive(struct worker *w, const struct flow *from, const char *p,
		      size_t len)
{
	const bool is_stun = stun_is_message(p, len);

	if (from->tcp || (!is_stun && len > KEEPALIVE_MAX))
		return false;
	if (!guard_share_keepalive(w, from))
		return true;
	if (is_stun)
		stun(w, from, p, len);
	else
		stat_inc(&w->stats, STAT_KEEPALIVE);

	return true;
}

void worker_receive(const struct flow *from, enum wire_flaw flaw,
		    const char *p, size_t len, void *arg)
{
	struct worker *w = arg;
	struct view v;
	enum view_err err;

	if (!guard_share_look(w, from) || keepalive(w, from, p, len))
		return;
	err = view_read(&v, p, len);
	if (err == VIEW_EMPTY) {
		stat_inc(&w->stats, STAT_KEEPALIVE);
	} else if (err == VIEW_JUNK || err == VIEW_NO_RETURN) {
		stat_inc(&w->stats, STAT_DROP_JUNK);
		guard_junk(w->guard, &from->peer, wire_now_ms());
	} else if (v.is_request) {
		trace_received(&w->trace, from, &v);
		request(w, &v, from, flaw, err);
		trace_handled(&w->trace);
	} else if (err || flaw) {
		stat_inc(&w->stats, STAT_DROP_BAD);
		guard_junk(w->guard, &from->peer, wire_now_ms());
	} else {
		stat_inc(&w->stats, STAT_RESPONSE + v.code / 100 - 1);
		trace_received(&w->trace, from, &v);
		forward_response(w, &v, from);
		trace_handled(&w->trace);
	}
}
