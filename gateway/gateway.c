/* SPDX-License-Identifier: MIT */
/* Putting a gateway together: see gateway.h. */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <re.h>

#include "gateway/account/account.h"
#include "gateway/gateway.h"
#include "gateway/hook/hook.h"
#include "gateway/api/own.h"
#include "gateway/feed/feed.h"
#include "gateway/grpc/grpc.h"
#include "gateway/http/server.h"
#include "gateway/renew.h"
#include "gateway/signal/signal.h"
#include "gateway/site/site.h"
#include "proto/log.h"
#include "proto/loop.h"
#include "proto/token_file.h"

enum {
	GRACE_MS = 5000,   /* for requests that run when it ends          */
	LEAVE_MS = 100,    /* for the farewell to reach Redis             */
	ADDRESS_SIZE = 80,
};

struct gateway {
	struct gateway_conf conf;
	struct loop *loop;
	struct view *view;
	struct account *account;
	struct hooks *hooks;
	struct api api;
	struct grpc grpc;
	struct feed *feed;
	struct signal *signal;
	struct web_server *server;
	struct web_tls *tls;
	struct site *site;
	struct renew *renew;
	struct token_key *key;
	struct loop_timer *leave;
	char addressv[2][ADDRESS_SIZE]; /* "http:127.0.0.1:8080"          */
	size_t addressc;
	struct {
		struct metric *conns, *accepted, *refused, *crowded, *floods,
			*tls_failed, *expired, *ready, *redis, *streams,
			*ws[2], *ws_opened, *shed, *events, *gaps,
			*phones, *phone_calls, *traced, *trace_dropped;
	} met;
	uint32_t waited_ms;   /* for handlers, at the end               */
	bool stopping;
	bool hurry;           /* told to stop twice                     */
};

/* ---------------------------------------------------------------- metrics */

/* The server counts by itself: add what is new. */
static void count_to(struct metric *m, uint64_t total)
{
	metric_count(m, total - (uint64_t)metric_value(m));
}

static void sample(void *arg)
{
	struct gateway *g = arg;
	struct web_server_stat st;
	struct feed_stat fst;
	struct signal_stat pst;

	web_server_stat(g->server, &st);
	metric_set(g->met.conns, st.conns);
	count_to(g->met.accepted, st.accepted);
	count_to(g->met.refused, st.refused);
	count_to(g->met.crowded, st.crowded);
	count_to(g->met.floods, st.floods);
	count_to(g->met.tls_failed, st.tls_failed);
	count_to(g->met.expired, st.expired);
	metric_set(g->met.ready, view_is_ready(g->view, NULL));
	metric_set(g->met.redis, view_has_redis(g->view));
	metric_set(g->met.streams, g->api.streams);
	feed_stat(g->feed, &fst);
	if (g->signal) {
		signal_stat(g->signal, &pst);
		metric_set(g->met.phones, pst.phones);
		count_to(g->met.phone_calls, pst.calls);
		count_to(g->met.traced, pst.traced);
		count_to(g->met.trace_dropped, pst.trace_dropped);
	}
	metric_set(g->met.ws[0], fst.h1);
	metric_set(g->met.ws[1], fst.h2);
	count_to(g->met.ws_opened, fst.opened);
	count_to(g->met.shed, fst.shed);
	count_to(g->met.events, fst.events);
	count_to(g->met.gaps, fst.gaps);
}

static int add_metrics(struct gateway *g)
{
	const struct {
		struct metric **mp;
		enum metric_type type;
		const char *name, *help;
	} v[] = {
		{&g->met.conns, METRIC_GAUGE, "sy_gateway_connections",
		 "Connections open now"},
		{&g->met.accepted, METRIC_COUNTER,
		 "sy_gateway_connections_accepted_total",
		 "Connections accepted"},
		{&g->met.refused, METRIC_COUNTER,
		 "sy_gateway_connections_refused_total",
		 "Connections closed because there were too many"},
		{&g->met.crowded, METRIC_COUNTER,
		 "sy_gateway_connections_crowded_total",
		 "Connections closed because their address had too many"},
		{&g->met.floods, METRIC_COUNTER, "sy_gateway_floods_total",
		 "HTTP/2 connections cut off because of what they sent"},
		{&g->met.tls_failed, METRIC_COUNTER,
		 "sy_gateway_tls_failed_total", "TLS handshakes that failed"},
		{&g->met.expired, METRIC_COUNTER,
		 "sy_gateway_connections_expired_total",
		 "Time limits that connections ran into"},
		{&g->met.phones, METRIC_GAUGE, "sy_gateway_phones",
		 "Browser pages that are phones here now"},
		{&g->met.phone_calls, METRIC_COUNTER,
		 "sy_gateway_phone_calls_total",
		 "Calls that browser pages have made here"},
		{&g->met.traced, METRIC_COUNTER, "sy_trace_messages_total",
		 "Messages of pages that were kept with their call's trace"},
		{&g->met.trace_dropped, METRIC_COUNTER,
		 "sy_trace_dropped_total",
		 "Messages of pages that Redis did not take"},
		{&g->met.ready, METRIC_GAUGE, "sy_gateway_ready",
		 "1 when ready to serve"},
		{&g->met.redis, METRIC_GAUGE, "sy_gateway_redis_up",
		 "1 while Redis is reachable"},
		{&g->met.streams, METRIC_GAUGE, "sy_gateway_event_streams",
		 "Event streams open now"},
		{&g->met.ws_opened, METRIC_COUNTER,
		 "sy_gateway_websockets_total", "WebSocket clients that came"},
		{&g->met.shed, METRIC_COUNTER, "sy_gateway_shed_total",
		 "Clients that were cut off because they were too slow"},
		{&g->met.events, METRIC_COUNTER, "sy_gateway_events_total",
		 "Events read of the stream"},
		{&g->met.gaps, METRIC_COUNTER, "sy_gateway_event_gaps_total",
		 "Times that events were missing in the stream"},
	};

	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		*v[i].mp = metric_add(v[i].type, v[i].name, v[i].help, NULL);
		if (!*v[i].mp)
			return ENOMEM;
	}
	for (size_t i = 0; i < 2; i++) {
		g->met.ws[i] = metric_add(METRIC_GAUGE, "sy_gateway_websockets",
					  "WebSocket clients now",
					  i ? "http=\"2\"" : "http=\"1.1\"");
		if (!g->met.ws[i])
			return ENOMEM;
	}

	return 0;
}

/* ------------------------------------------------------------------ start */

static const char *reason(int err)
{
	switch (err) {
	case EADDRINUSE:
		return "the port is in use by another process";
	case EACCES:
		return "no right to listen on this port";
	case EADDRNOTAVAIL:
		return "this machine does not have this address";
	default:
		return strerror(err);
	}
}

static int listen_on(struct gateway *g, const char *scheme, const char *addr,
		     struct web_tls *tls, char *errbuf, size_t errsize)
{
	char bound[ADDRESS_SIZE - 8];
	int err;

	if (!addr || !*addr)
		return 0;

	err = web_server_listen(g->server, addr, tls, bound, sizeof(bound));
	if (err) {
		(void)snprintf(errbuf, errsize, "cannot listen on %s://%s: %s",
			       scheme, addr, reason(err));
		return err;
	}

	(void)snprintf(g->addressv[g->addressc++], ADDRESS_SIZE, "%s:%s",
		       scheme, bound);
	log_info("listening", LOG_S("scheme", scheme),
		 LOG_S("address", bound));

	return 0;
}

static int start_tls(struct gateway *g, char *errbuf, size_t errsize)
{
	const char *cert = g->conf.tls_cert, *key = g->conf.tls_key;
	bool own = cert && *cert;
	int err;

	if (!g->conf.https || !*g->conf.https)
		return 0;

	if (own != (key && *key)) {
		(void)snprintf(errbuf, errsize, "--tls-cert and --tls-key "
			       "must be given together");
		return EINVAL;
	}

	err = web_tls_alloc(&g->tls, own ? cert : NULL, own ? key : NULL,
			    errbuf, errsize);
	if (!err)
		log_info("tls certificate",
			 LOG_S("source", own ? cert : "self-signed"),
			 LOG_S("sha256", web_tls_fingerprint(g->tls)));

	return err;
}

static void on_head(struct web_req *req, void *arg)
{
	struct gateway *g = arg;

	if (grpc_is(req))
		grpc_head(req, &g->grpc);
	else
		api_head(req, &g->api);
}

static void on_request(struct web_req *req, void *arg)
{
	struct gateway *g = arg;

	api_request(req, &g->api);
}

static int start_server(struct gateway *g, char *errbuf, size_t errsize)
{
	struct web_server_conf sconf = {
		.loop = g->conf.loop,
		.lim = web_limits_default,
		.headh = on_head,
		.requesth = on_request,
		.arg = g,
	};
	int err;

	if (g->conf.connections) {
		sconf.lim.conns = g->conf.connections;
		sconf.lim.source_conns = g->conf.connections / 2;
	}
	err = web_server_alloc(&g->server, &sconf);
	if (!err)
		err = site_alloc(&g->site, g->conf.web, errbuf, errsize);
	if (!err)
		err = start_tls(g, errbuf, errsize);
	if (!err)
		err = listen_on(g, "http", g->conf.http, NULL, errbuf,
				errsize);
	if (!err)
		err = listen_on(g, "https", g->conf.https, g->tls, errbuf,
				errsize);

	return err;
}

static int start_feed(struct gateway *g)
{
	const struct feed_conf conf = {
		.view = g->view,
		.auth = &g->api.auth,
		.geth = api_own_get,
		.arg = &g->api,
	};
	const struct signal_conf sconf = {
		.view = g->view,
		.key = g->key,
		.http = g->conf.http,
		.https = g->conf.https,
	};
	int err = feed_alloc(&g->feed, &conf);

	g->api.feed = g->feed;
	if (!err)
		err = signal_alloc(&g->signal, &sconf);
	if (!err)
		feed_phones(g->feed, signal_receive, g->signal);

	return err;
}

static void on_command(struct bus_request *req, const Sy__Envelope *env,
		       void *arg)
{
	struct gateway *g = arg;

	if (!g->signal)
		bus_replyf(req, SY__RESULT_CODE__UNAVAILABLE, "starting");
	else if (!signal_command(g->signal, req, env))
		bus_replyf(req, SY__RESULT_CODE__BAD_REQUEST,
			   "a gateway knows no such command");
}

static int start_view(struct gateway *g)
{
	const char *addressv[2] = {g->addressv[0], g->addressv[1]};
	const struct view_conf vconf = {
		.loop = g->loop,
		.redis_url = g->conf.redis_url,
		.id = g->conf.id,
		.addressv = addressv,
		.addressc = g->addressc,
		.commandh = on_command,
		.arg = g,
	};

	return view_alloc(&g->view, &vconf);
}

static int start_key(struct gateway *g, char *errbuf, size_t errsize)
{
	const char *file = g->conf.cluster_key_file;
	const char *secret = g->conf.cluster_key;

	if ((!file || !*file) && (!secret || !*secret))
		return 0;

	return token_file_read(&g->key, file, secret, errbuf, errsize);
}

static int start_accounts(struct gateway *g)
{
	const struct account_conf aconf = {
		.loop = g->loop,
		.uv = g->conf.loop,
		.bus = view_bus(g->view),
		.admin_password = g->conf.admin_password,
	};
	struct hooks_conf hconf = {
		.loop = g->loop,
		.uv = g->conf.loop,
		.id = g->conf.id,
		.key = g->key,
		.loopback = g->conf.hook_loopback,
	};
	int err;

	err = account_alloc(&g->account, &aconf);
	if (err)
		return err;
	g->api.account = g->api.auth.acct = hconf.account = g->account;
	g->api.hook_loopback = g->conf.hook_loopback;

	return hooks_alloc(&g->hooks, &hconf);
}

int gateway_alloc(struct gateway **gp, const struct gateway_conf *conf,
		  char *errbuf, size_t errsize)
{
	struct gateway *g;
	int err;

	if (!gp || !conf || !conf->loop || !errbuf)
		return EINVAL;

	errbuf[0] = '\0';
	g = mem_zalloc(sizeof(*g), NULL);
	if (!g)
		return ENOMEM;

	/* Ports first: they say at once when they are in use, and nothing
	 * is served before the loop runs. */
	g->conf = *conf;
	err = start_server(g, errbuf, errsize);
	if (!err)
		err = start_key(g, errbuf, errsize);
	if (!err)
		err = loop_uv_alloc(&g->loop, conf->loop);
	if (!err)
		err = start_view(g);
	if (!err)
		err = api_init(&g->api, g->view, conf->admin_token);
	if (!err)
		err = start_accounts(g);
	if (!err)
		err = renew_alloc(&g->renew, g->loop, g->tls, g->site);
	if (!err)
		err = grpc_init(&g->grpc, &g->api, g->loop);
	if (!err)
		err = start_feed(g);
	if (!err)
		err = add_metrics(g);
	if (err) {
		if (!errbuf[0])
			(void)snprintf(errbuf, errsize, "cannot start: %s",
				       strerror(err));
		gateway_stop(g);
		(void)uv_run(conf->loop, UV_RUN_DEFAULT);
		gateway_free(g);
		return err;
	}

	g->api.site = g->site;
	g->api.key = g->key;
	g->api.metrics = conf->metrics;
	g->api.cors = conf->cors;
	g->api.per_s = conf->per_s;
	g->api.sample = sample;
	g->api.arg = g;
	view_listening(g->view);
	*gp = g;

	return 0;
}

/* -------------------------------------------------------------------- end */

static void on_leave(void *arg);

/* What works with it goes first. */
static void drop_view(struct gateway *g)
{
	if (g->feed)
		feed_phones(g->feed, NULL, NULL);
	g->signal = mem_deref(g->signal);
	g->api.view = NULL;
	g->api.account = g->api.auth.acct = NULL;
	g->hooks = mem_deref(g->hooks);
	g->account = mem_deref(g->account);
	g->view = mem_deref(g->view);
}

static void leave_soon(struct gateway *g)
{
	g->leave = mem_deref(g->leave);
	if (loop_timer_start(&g->leave, g->loop, LEAVE_MS, on_leave, g))
		drop_view(g);
}

/* Handlers whose client is gone still wait for Redis or a node: each has a
 * deadline, so they end. */
static void on_leave(void *arg)
{
	struct gateway *g = arg;

	if (g->api.held && !g->hurry && g->waited_ms < GRACE_MS) {
		g->waited_ms += LEAVE_MS;
		leave_soon(g);
		return;
	}
	drop_view(g);
	g->leave = mem_deref(g->leave);
}

/* The requests are through: leave the table.  The view goes a moment later,
 * so that the farewell is on its way. */
static void on_stopped(void *arg)
{
	struct gateway *g = arg;

	if (!g->view)
		return;
	log_info("all requests are done", LOG_S("id", g->conf.id));
	if (g->loop)
		leave_soon(g);
}

void gateway_stop(struct gateway *g)
{
	if (!g)
		return;

	g->hurry = g->stopping;
	g->api.stopping = true;
	g->renew = mem_deref(g->renew);
	feed_stop(g->feed);
	if (!g->stopping && g->view)
		view_leave(g->view);
	if (g->server)
		web_server_stop(g->server, GRACE_MS, on_stopped, g);
	else
		on_stopped(g);
	g->stopping = true;
}

void gateway_reload(struct gateway *g)
{
	if (g)
		renew_now(g->renew);
}

void gateway_free(struct gateway *g)
{
	if (!g)
		return;

	mem_deref(g->leave);
	mem_deref(g->hooks);
	mem_deref(g->account);
	mem_deref(g->view);
	mem_deref(g->server);
	grpc_close(&g->grpc);
	mem_deref(g->feed);
	mem_deref(g->signal);
	mem_deref(g->tls);
	mem_deref(g->site);
	mem_deref(g->key);
	mem_deref(g->loop);
	api_close(&g->api);
	mem_deref(g);
}
