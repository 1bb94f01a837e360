/* SPDX-License-Identifier: MIT */
/*
 * Who a client is: by the header of its request, or, as pages cannot set one,
 * by the token of its hello.  A session's cookie counts only for pages of
 * this site (auth_request() looks at Origin).
 */

#include <errno.h>
#include <string.h>

#include "gateway/feed/feed_impl.h"
#include "gateway/http/problem.h"
#include "gateway/http/request.h"
#include "proto/scope.h"

enum { SCOPES_MAX = 64 };

static void on_known(enum auth_out out, const struct principal *who,
		     void *arg);

/* What came of it, now or later. */
static void settle(struct ws_client *c, enum auth_out out)
{
	switch (out) {
	case AUTH_OK:
		c->state = CLIENT_IN;
		hello_welcome(c);
		break;
	case AUTH_LATER:
		c->state = CLIENT_ASKED;
		break;
	case AUTH_AWAY:
		client_close(c, WS_CODE_SLOW, "Redis does not answer");
		break;
	default:
		client_close(c, WS_CODE_ENDED,
			     "the token or session is not known");
		break;
	}
}

static void on_known(enum auth_out out, const struct principal *who,
		     void *arg)
{
	struct ws_client *c = arg;

	c->ask = mem_deref(c->ask);
	if (out == AUTH_OK)
		c->who = *who;
	settle(c, out);
	if (c->state == CLIENT_IN)
		client_hear(c);
}

bool hello_request(struct ws_client *c, struct web_req *req)
{
	const enum auth_out out = auth_request(c->feed->auth, req, &c->who,
					       &c->ask, on_known, c);

	switch (out) {
	case AUTH_OK:
		c->state = CLIENT_IN;
		return true;
	case AUTH_LATER:
		c->state = CLIENT_ASKED;
		return true;
	case AUTH_MISSING:
		return true;
	case AUTH_AWAY:
		(void)web_head(req, "retry-after", "2");
		(void)problem(req, 503, "unavailable", "%s", auth_text(out));
		return false;
	case AUTH_CSRF:
		(void)problem(req, 403, "csrf", "%s", auth_text(out));
		return false;
	default:
		(void)web_head(req, "www-authenticate",
			       "Bearer realm=\"switchyard\", "
			       "error=\"invalid_token\"");
		(void)problem(req, 401, "unauthorized", "%s",
			      auth_text(out));
		return false;
	}
}

void hello_take(struct ws_client *c, const Sy__WsClient *msg)
{
	if (c->state != CLIENT_NEW) {
		(void)ws_refuse(c, msg->id, "conflict",
				"it is known already who this is");
		return;
	}

	c->hello_id = msg->id;
	settle(c, auth_token(c->feed->auth, msg->hello->token, &c->who,
			     &c->ask, on_known, c));
}

void hello_welcome(struct ws_client *c)
{
	const char *namev[SCOPES_MAX];
	Sy__WsServer msg = SY__WS_SERVER__INIT;
	Sy__WsWelcome hi = SY__WS_WELCOME__INIT;

	hi.gateway = (char *)view_id(c->feed->view);
	hi.version = SY_VERSION;
	if (scope_count() <= SCOPES_MAX)
		hi.n_scopes = scope_list(namev, c->who.scopes);
	hi.scopes = (char **)namev;
	if (c->who.kind == PRINCIPAL_SESSION)
		hi.user = c->who.name;
	hi.device = c->who.device;
	hi.idle_s = FEED_IDLE_S;
	msg.id = c->hello_id;
	msg.body_case = SY__WS_SERVER__BODY_WELCOME;
	msg.welcome = &hi;
	(void)ws_send(c, &msg);
}
