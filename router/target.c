/* SPDX-License-Identifier: MIT */
/* Where requests of nodes go; see target.h. */

#include <string.h>
#include "router/answer.h"
#include "router/core.h"
#include "router/target_impl.h"

enum {
	UDP_MAX = 1300,  /* RFC 3261 18.1.1 [bytes]                       */
	ON_TOP = 200,    /* about what we put on top                      */
	TRIES_MAX = 2 * LOCATE_TARGETS_MAX,
};

const enum wire_kind target_kinds[LOCATE_TRANSPORTS] = {
	[LOCATE_UDP] = WIRE_UDP,
	[LOCATE_TCP] = WIRE_TCP,
	[LOCATE_TLS] = WIRE_TLS,
};

/* What to try, in order. */
struct targets {
	struct locate_target v[TRIES_MAX];
	size_t n;
};

/* -------------------------------------------------------------- starting */

int target_start(struct worker *w, const char *servers)
{
	const struct wire_set *set = &w->router->wires;
	struct locate_conf conf;
	int err;

	memset(&conf, 0, sizeof(conf));
	err = locate_servers_read(&conf, servers ? servers : "", NULL);
	if (err)
		return err;
	for (int t = LOCATE_UDP; t < LOCATE_TRANSPORTS; t++) {
		if (wire_port_find(set, target_kinds[t], AF_INET) >= 0)
			conf.canv[t] |= LOCATE_IP4;
		if (wire_port_find(set, target_kinds[t], AF_INET6) >= 0)
			conf.canv[t] |= LOCATE_IP6;
	}
	err = attempts_alloc(&w->attempts);
	if (!err)
		err = locate_alloc(&w->locate, &conf);

	return err;
}

/* --------------------------------------------------------------- the URI */

/* The transport that a URI asks for. @return 0 or EAFNOSUPPORT */
static int uri_transport(enum locate_transport *tp, const struct view_uri *u)
{
	struct pl name;

	*tp = LOCATE_NONE;
	if (!view_param(&u->params, "transport", &name))
		return 0;
	for (int t = LOCATE_UDP; t < LOCATE_TRANSPORTS; t++) {
		if (pl_strcasecmp(&name, locate_transport_name(t)))
			continue;
		*tp = t;
		return 0;
	}

	return EAFNOSUPPORT;
}

/* @return 0, EINVAL, EAFNOSUPPORT */
static int read_uri(struct locate_uri *lu, const struct pl *uri)
{
	struct view_uri u;

	if (view_uri_read(&u, uri))
		return EINVAL;
	memset(lu, 0, sizeof(*lu));
	lu->host = u.host;
	lu->port = u.port;
	lu->sips = !pl_strcasecmp(&u.scheme, "sips");
	if (uri_transport(&lu->transport, &u))
		return EAFNOSUPPORT;
	/* sips means TLS, whatever else it says (RFC 3261 26.2.2) */
	if (lu->sips)
		lu->transport = LOCATE_NONE;

	return 0;
}

bool target_is_large(const struct msg *m)
{
	const Sy__Config *conf = config_get(m->w->config);
	const uint32_t max = conf && conf->settings->udp_max_bytes
				 ? conf->settings->udp_max_bytes
				 : UDP_MAX;

	return m->v->len + ON_TOP > max;
}

/* ------------------------------------------------------------ candidates */

static void add(struct targets *ts, const struct locate_target *t)
{
	if (ts->n < TRIES_MAX)
		ts->v[ts->n++] = *t;
}

/* The same address by TCP; unless it failed lately. */
static void add_twin(struct targets *ts, const struct worker *w,
		     const struct locate_target *t)
{
	struct locate_target twin = *t;

	if (wire_port_find(&w->router->wires, WIRE_TCP, sa_af(&t->sa)) < 0)
		return;
	twin.transport = LOCATE_TCP;
	if (!locate_has_failed(w->locate, &twin))
		add(ts, &twin);
}

static void candidates(struct targets *ts, const struct msg *m,
		       const struct locate_found *found)
{
	const bool large = target_is_large(m);

	ts->n = 0;
	for (size_t i = 0; i < found->n; i++) {
		const struct locate_target *t = &found->v[i];

		if (large && t->transport == LOCATE_UDP)
			add_twin(ts, m->w, t);
		add(ts, t);
	}
}

static const struct locate_target *untried(const struct targets *ts,
					   const struct attempt *a)
{
	for (size_t i = 0; i < ts->n; i++) {
		if (!attempt_has(a, &ts->v[i]))
			return &ts->v[i];
	}

	return NULL;
}

/* --------------------------------------------------------------- attempts */

/* Is it plain that the target that is tried will not answer? */
static bool is_lost(const struct worker *w, const struct attempt *a)
{
	const struct locate_target *t = attempt_target(a);

	if (locate_failed_since(w->locate, t, a->sent_ms))
		return true;

	return t->transport != LOCATE_UDP &&
	       a->copies >= ATTEMPT_OPEN_COPIES &&
	       !wire_is_through(w->wire, &a->flow);
}

static bool is_mute(const struct attempt *a)
{
	return a->method == VIEW_INVITE && a->copies >= ATTEMPT_MUTE_COPIES;
}

void target_failed(struct worker *w, const struct locate_target *t)
{
	wire_tell(w->wire, target_kinds[t->transport], &t->sa, false);
}

/* The way to a target. @return 0 or errno */
static int open_flow(struct worker *w, struct flow *f,
		     const struct locate_target *t, const struct pl *name)
{
	if (t->transport == LOCATE_UDP)
		return wire_udp(w->wire, f, &t->sa);

	return wire_connect_name(w->wire, f, target_kinds[t->transport], &t->sa,
				 name);
}

/* To the first that can be tried. @return false: none */
static bool go_on(struct msg *m, struct hop *hop, struct attempt *a,
		  const struct targets *ts, const struct pl *name)
{
	const struct locate_target *t;

	while ((t = untried(ts, a))) {
		attempt_next(a, t, tmr_jiffies());
		if (!open_flow(m->w, &a->flow, t, name)) {
			hop->to = a->flow;
			return true;
		}
		target_failed(m->w, t);
	}

	return false;
}

/* A copy, a CANCEL, an ACK: where the first went, or on.
 * @return false: nowhere */
static bool again(struct msg *m, struct hop *hop, struct attempt *a,
		  const struct targets *ts, const struct pl *name)
{
	const struct locate_target t = *attempt_target(a);
	const bool counts = m->v->method == a->method;

	if (counts && is_lost(m->w, a)) {
		target_failed(m->w, &t);
		return go_on(m, hop, a, ts, name);
	}
	/* who is only mute may still answer, if there is nobody else */
	if (counts && is_mute(a) && untried(ts, a)) {
		target_failed(m->w, &t);
		return go_on(m, hop, a, ts, name);
	}
	if (open_flow(m->w, &a->flow, &t, name))
		return counts && go_on(m, hop, a, ts, name);
	hop->to = a->flow;

	return true;
}

struct hop target_hop(const struct pending *p)
{
	return (struct hop){
		.tok = p->tok,
		.record_route = p->record_route,
		.rr_port = -1,
		.stat = STAT_FWD_PEER,
	};
}

void target_send(struct msg *m, struct hop *hop,
		 const struct locate_found *found, const struct pl *name)
{
	struct attempt *a = attempt_get(m->w->attempts, m, tmr_jiffies());
	struct targets ts;

	candidates(&ts, m, found);
	if (!(a->tried ? again : go_on)(m, hop, a, &ts, name)) {
		stat_inc(&m->w->stats, STAT_TARGET_NONE);
		answer(m, 503, "No Target Answers", NULL);
		return;
	}
	if (a->copies == 0 && target_probe_start(m, hop, a, found, name))
		return;
	if (m->v->method == a->method && a->copies < UINT8_MAX)
		++a->copies;
	if (hop->to.tcp)
		hop->rr_flow = &hop->to;
	forward_request(m, hop);
}

/* ------------------------------------------------------------- from outside */

/* An address, by UDP, in one packet: nothing to choose, nothing to keep. */
static bool is_plain(struct msg *m, struct hop *hop,
		     const struct locate_uri *lu)
{
	struct sa sa;

	return !lu->sips && lu->transport <= LOCATE_UDP && !target_is_large(m) &&
	       !msg_host_sa(&sa, &lu->host, lu->port ? lu->port : 5060) &&
	       !wire_udp(m->w->wire, &hop->to, &sa);
}

void target_forward(struct msg *m, struct hop *hop, const struct pl *uri)
{
	struct locate_found found;
	struct locate_uri lu;
	int err = read_uri(&lu, uri);

	if (err) {
		answer(m, 503, "No Transport For Target", NULL);
		return;
	}
	if (target_probe_has(m))
		return;
	if (is_plain(m, hop, &lu)) {
		forward_request(m, hop);
		return;
	}
	err = locate_known(m->w->locate, &lu, &found);
	if (!err)
		target_send(m, hop, &found, &lu.host);
	else if (err == EAGAIN)
		target_dns_wait(m, hop, &lu);
	else
		answer(m, 503, err == EPROTONOSUPPORT
				   ? "No Transport For Target"
				   : "No Such Target", NULL);
}

void target_reached(enum wire_kind kind, const struct sa *peer, bool ok,
		    void *arg)
{
	struct worker *w = arg;
	struct locate_target t = {.sa = *peer};

	t.transport = kind == WIRE_UDP	 ? LOCATE_UDP
		      : kind == WIRE_TCP ? LOCATE_TCP
					 : LOCATE_TLS;
	stat_inc(&w->stats, ok ? STAT_TARGET_OK : STAT_TARGET_FAILED);
	if (ok)
		locate_worked(w->locate, &t);
	else
		locate_failed(w->locate, &t);
	target_probe_told(w, &t);
}
