/* SPDX-License-Identifier: MIT */
/*
 * From a web request to the handler of a resource.  What can be refused by
 * its header alone (path, method, token, type of the body) is refused before
 * the body is read.
 */

#include <errno.h>
#include <string.h>
#include <strings.h>
#include <re.h>

#include "gateway/api/api.h"
#include "gateway/api/audit.h"
#include "gateway/api/body.h"
#include "gateway/api/check.h"
#include "gateway/api/cors.h"
#include "gateway/api/limit.h"
#include "gateway/api/once.h"
#include "gateway/site/site.h"
#include "gateway/api/wire.h"
#include "gateway/feed/feed.h"
#include "gateway/http/ws.h"
#include "proto/log.h"

static void destructor(void *arg)
{
	struct api_req *a = arg;

	mem_deref(a->ask);
	mem_deref(a->once);
	if (a->body)
		protobuf_c_message_free_unpacked(a->body, NULL);
}

/* It was answered: once for each request. */
static void finish(struct api_req *a)
{
	const struct web_req *req = a->web;
	unsigned class = req->res.status / 100;

	if (a->counted || !req->res.status)
		return;

	a->counted = true;
	if (class >= 1 && class <= 5)
		metric_inc(a->api->met.class[class - 1]);
	once_end(a);
	audit_request(a);
	log_debug("request", LOG_S("method", req->method),
		  LOG_S("path", req->path), LOG_U("status", req->res.status),
		  LOG_S("id", a->id), LOG_S("who", a->who.id),
		  LOG_S("peer", req->peer));
}

static const Sy__Config *config_of(void *arg)
{
	const struct api *api = arg;

	return view_config(api->view);
}

int api_init(struct api *api, struct view *view, const char *admin_token)
{
	static const char *const labels[] = {
		"class=\"1xx\"", "class=\"2xx\"", "class=\"3xx\"",
		"class=\"4xx\"", "class=\"5xx\"",
	};

	*api = (struct api){.view = view};
	for (size_t i = 0; i < sizeof(labels) / sizeof(labels[0]); i++)
		api->met.class[i] = metric_add(
			METRIC_COUNTER, "sy_gateway_responses_total",
			"Responses by class of their status", labels[i]);
	api->met.unauthorized = metric_add(
		METRIC_COUNTER, "sy_gateway_unauthorized_total",
		"Requests without a known token", NULL);
	api->met.forbidden = metric_add(
		METRIC_COUNTER, "sy_gateway_forbidden_total",
		"Requests whose token lacked the scope", NULL);
	api->met.again = metric_add(
		METRIC_COUNTER, "sy_gateway_commands_again_total",
		"Commands for which the owner of a call was looked up again: "
		"it moved, or its node died", NULL);
	api->met.unserved = metric_add(
		METRIC_COUNTER, "sy_gateway_commands_unserved_total",
		"Commands given up because no node served the call in time",
		NULL);
	if (!api->met.class[0] || !api->met.unauthorized ||
	    !api->met.forbidden || !api->met.again || !api->met.unserved)
		return ENOMEM;
	if (audit_init(api) || limit_init(api))
		return ENOMEM;

	return auth_init(&api->auth, config_of, api, admin_token);
}

void api_close(struct api *api)
{
	limit_close(api);
}

/* ---------------------------------------------------------- the header */

static bool find_route(struct api_req *a, struct web_req *req)
{
	char allow[ROUTE_ALLOW_SIZE];
	size_t n;
	const struct api_route *routev = api_routes(&n);

	switch (route_find(&a->route, &a->params, allow, routev, n,
			   req->method, req->path)) {
	case ROUTE_FOUND:
		return true;
	case ROUTE_NO_PATH:
		if (site_answer(a->api->site, req))
			return false;
		(void)problem(req, 404, "not-found",
			      "there is nothing at this path");
		return false;
	default:
		break;
	}

	(void)web_head(req, "allow", "%s", allow);
	if (!strcmp(req->method, "OPTIONS"))
		(void)web_reply(req, 204, NULL, NULL, 0);
	else
		(void)problem(req, 405, "method-not-allowed",
			      "%s is not possible here, only %s", req->method,
			      allow);

	return false;
}

static const char *scope_of(const struct api_req *a)
{
	if (a->route->handler == api_metrics_get &&
	    a->api->metrics == API_METRICS_TOKEN)
		return "nodes:read";

	return a->route->scope;
}

/* Answers when it returns false. */
static bool refuse(struct api_req *a, struct web_req *req, enum auth_out out)
{
	if (out == AUTH_CSRF) {
		metric_inc(a->api->met.forbidden);
		/* A page could fill the audit with these. */
		if (limit_wrong(a))
			(void)problem(req, 403, "csrf", "%s",
				      auth_text(out));
	}
	else if (out == AUTH_AWAY) {
		api_unavailable(a, auth_text(out));
	}
	else {
		metric_inc(a->api->met.unauthorized);
		if (out == AUTH_UNKNOWN && !limit_wrong(a))
			return false;
		(void)web_head(req, "www-authenticate", "Bearer realm=\"%s\"%s",
			       "switchyard", out == AUTH_UNKNOWN ?
			       ", error=\"invalid_token\"" : "");
		(void)problem(req, 401, "unauthorized", "%s", auth_text(out));
	}

	return false;
}

static bool check_scope(struct api_req *a, struct web_req *req)
{
	const char *scope = scope_of(a);

	if (api_may(a, scope))
		return true;

	metric_inc(a->api->met.forbidden);
	(void)web_head(req, "www-authenticate", "Bearer realm=\"%s\", "
		       "error=\"insufficient_scope\", scope=\"%s\"",
		       "switchyard", scope);
	(void)problem(req, 403, "forbidden", "\"%s\" lacks the scope %s",
		      a->who.id, scope);

	return false;
}

static bool check_out(struct api_req *a, struct web_req *req)
{
	if (a->out != AUTH_OK)
		return refuse(a, req, a->out);

	return limit_request(a) && check_scope(a, req);
}

static void go(struct api_req *a);

static void on_who(enum auth_out out, const struct principal *who, void *arg)
{
	struct api_req *a = arg;

	a->ask = mem_deref(a->ask);
	a->out = out;
	if (out == AUTH_OK || out == AUTH_CSRF)
		a->who = *who;
	if (out != AUTH_OK)
		a->web->body_large = false;
	if (a->waits) {
		go(a);
		api_release(a);
	}
}

/* True too when it is not known yet. */
static bool check_who(struct api_req *a, struct web_req *req)
{
	if (!scope_of(a))
		return true;

	a->out = auth_request(&a->api->auth, req, &a->who, &a->ask, on_who, a);
	a->late = a->out == AUTH_LATER;

	return a->late || check_out(a, req);
}

void api_head(struct web_req *req, void *arg)
{
	struct api_req *a = mem_zalloc(sizeof(*a), destructor);
	struct api *api = arg;

	if (!a) {
		(void)problem(req, 500, "internal", "out of memory");
		return;
	}
	req->user = a;
	a->api = api;
	a->web = req;

	request_id_set(a->id, req);
	site_headers(req);
	cors_answer(req, api->cors);
	if (ws_is_wanted(req) && !strcmp(req->path, "/ws")) {
		feed_open(api->feed, req);
		finish(a);
		return;
	}
	if (!find_route(a, req)) {
		finish(a);
		return;
	}
	req->body_large = a->route->large;
	if (!check_who(a, req) || !check_query(a) || !check_accept(a) ||
	    !check_type(a))
		finish(a);
}

/* ------------------------------------------------------------ the request */

static bool wants_body(const struct api_req *a)
{
	size_t len = 0;

	(void)web_body(a->web, &len);

	return a->route->body && (len || !a->route->body_optional);
}

static void handle(struct api_req *a)
{
	if (!wants_body(a) || body_read(a))
		a->route->handler(a);
}

static void go(struct api_req *a)
{
	if (a->late && !check_out(a, a->web))
		return;
	if (once_is_wanted(a))
		once_begin(a, handle);
	else
		handle(a);
}

void api_request(struct web_req *req, void *arg)
{
	struct api_req *a = req->user;
	(void)arg;

	api_hold(a);
	a->waits = a->ask != NULL;
	if (a->waits)
		return;
	go(a);
	api_release(a);
}

bool api_may(const struct api_req *a, const char *scope)
{
	return principal_may(&a->who, scope);
}

void api_hold(struct api_req *a)
{
	a->api->held++;
	(void)mem_ref(a->web);
}

void api_release(struct api_req *a)
{
	struct web_req *req = a->web;

	a->api->held--;
	finish(a);
	mem_deref(req);
}
