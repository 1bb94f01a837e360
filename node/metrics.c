/* SPDX-License-Identifier: MIT */
/* Counters of a node, and its small HTTP face: /metrics /healthz /readyz. */

#include <string.h>
#include <stdlib.h>
#include "node/adopt.h"
#include "node/checkpoint.h"
#include "node/mover.h"
#include "node/restore.h"
#include "node/trunk_load.h"
#include "proto/log.h"

static struct metric *counter(const char *name, const char *help,
			      const char *labels)
{
	return metric_add(METRIC_COUNTER, name, help, labels);
}

int node_metrics_init(struct node *n)
{
	struct node_metrics *m = &n->met;
	static const char calls[] = "Calls that ended, by result";
	static const char lost[] = "Legs of other nodes that could not be "
				   "resumed here";
	static const double gaps[] = {0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1,
				      1.5,  2,	 3,   4,   6,	10,   30};
	static const double moves[] = {0.01, 0.02, 0.03, 0.04, 0.06, 0.08,
				       0.1,  0.15, 0.2,	 0.3,  0.5,  1};

	m->placed = counter("sy_node_placed_total", "Hubs placed here", NULL);
	m->refused = counter("sy_node_refused_total",
			     "Placements and INVITEs refused", NULL);
	m->incoming_unknown = counter("sy_node_unknown_hub_total",
				      "INVITEs for a hub that is not here",
				      NULL);
	m->calls_answered = counter("sy_node_calls_total", calls,
				    "result=\"answered\"");
	m->calls_unanswered = counter("sy_node_calls_total", calls,
				      "result=\"unanswered\"");
	m->puts = counter("sy_node_checkpoints_total", "Checkpoints written",
			  NULL);
	m->put_errors = counter("sy_node_checkpoint_errors_total",
				"Checkpoints that were not confirmed", NULL);
	m->stale = counter("sy_node_hubs_lost_total",
			   "Hubs that another node took over", NULL);

	m->adopted_calls = counter("sy_node_adopted_calls_total",
				   "Calls taken over from dead nodes", NULL);
	m->adopted_legs = counter("sy_node_adopted_legs_total",
				  "Their legs that are heard again", NULL);
	m->lost_silent = counter("sy_node_lost_legs_total", lost,
				 "reason=\"no answer\"");
	m->lost_refused = counter("sy_node_lost_legs_total", lost,
				  "reason=\"refused\"");
	m->lost_no_room = counter("sy_node_lost_legs_total", lost,
				  "reason=\"no room\"");
	m->adoption_gap = histogram_add(
		"sy_node_adoption_gap_seconds",
		"From the last sign of life of a dead node until a leg is "
		"heard again", NULL, gaps, ARRAY_SIZE(gaps));
	m->move_gap = histogram_add(
		"sy_node_move_gap_seconds",
		"From when a leg of a living node knew us until it was heard "
		"here; the other node is heard until then", NULL, moves,
		ARRAY_SIZE(moves));
	m->moved_calls = counter("sy_node_moved_calls_total",
				 "Hubs given to other nodes", NULL);
	m->moved_legs = counter("sy_node_moved_legs_total",
				"Legs of hubs given to other nodes", NULL);

	m->tolls_refused = counter("sy_node_tolls_refused_total",
				   "Costly calls that this node was to dial "
				   "and did not", NULL);

	return m->placed && m->refused && m->incoming_unknown &&
			       m->calls_answered && m->calls_unanswered &&
			       m->puts && m->put_errors && m->stale &&
			       m->adopted_calls && m->adopted_legs &&
			       m->lost_silent && m->lost_refused &&
			       m->lost_no_room && m->adoption_gap && m->move_gap &&
			       m->moved_calls && m->moved_legs &&
			       m->tolls_refused ?
		       0 : ENOMEM;
}

static void gauge(const char *name, const char *help, double value)
{
	metric_set(metric_add(METRIC_GAUGE, name, help, NULL), value);
}

/* Counted elsewhere. */
static void total(const char *name, const char *help, uint64_t n)
{
	metric_set(metric_add(METRIC_COUNTER, name, help, NULL), (double)n);
}

struct census {
	uint32_t legs, expects;
};

static bool census_handler(struct le *le, void *arg)
{
	const struct hub *hub = le->data;
	struct census *c = arg;

	c->legs += hub_legs(hub);
	c->expects += list_count(&hub->expects);
	return false;
}

/* Gauges are brought up to date when somebody looks. */
static void refresh_calls(struct node *n)
{
	struct census c = {0};

	hash_apply(n->hubs, census_handler, &c);
	gauge("sy_node_hubs", "Hubs now", n->hubc);
	gauge("sy_node_legs", "Legs now", c.legs);
	gauge("sy_node_expected_invites", "INVITEs announced, not come",
	      c.expects);
	gauge("sy_node_lookups", "Registrations being asked for",
	      list_count(&n->lookups));
	gauge("sy_node_writes_pending", "Writes to Redis not confirmed",
	      checkpoint_pending(n->checkpoint));
	gauge("sy_node_adoptions_pending", "Calls being taken over",
	      adopt_pending(n->adopt) + restores_count(n->restores));
	gauge("sy_node_departures", "Hubs given away, whose media is here",
	      list_count(&n->mover->departures.list));
	gauge("sy_node_arrivals", "Hubs that come from another node",
	      list_count(&n->mover->arrivals));
	gauge("sy_node_settled", "May take calls over: Redis has answered for "
	      "a lease", member_is_settled(n->members));
	gauge("sy_node_alarms", "Long timers", n->alarms.count);
	gauge("sy_node_draining", "Takes no new hubs", n->draining);
	gauge("sy_node_overloaded", "Takes no new hubs for now",
	      n->overloaded);
}

static void refresh_media(const struct node *n)
{
	struct media_load load;

	media_load(n->media, &load);
	gauge("sy_media_mixes", "Mixes now", load.mixes);
	gauge("sy_media_legs", "Media legs now", load.legs);
	gauge("sy_media_ports_free", "RTP ports free", load.ports_free);
	gauge("sy_media_ports_used", "RTP ports in use", load.ports_used);
	gauge("sy_media_ports_quarantined", "RTP ports that rest",
	      load.ports_quarantined);
	gauge("sy_media_tick_p99_us", "Work of a tick, worst worker",
	      load.tick_p99_us);
	gauge("sy_media_tick_used_percent", "The same, of its time",
	      (double)load.tick_used_percent);
	gauge("sy_media_wake_p99_us", "How late ticks begin, worst worker",
	      load.wake_p99_us);
	gauge("sy_media_shed", "What is left out: 1 denoising, 2 Opus "
	      "complexity, 3 real-time priority", load.shed);
	gauge("sy_media_realtime_workers", "Media threads at real-time "
	      "priority", load.realtime);
	total("sy_media_encodes_total", "Packets encoded", load.encodes);
	total("sy_media_ticks_total", "Ticks", load.ticks);
	total("sy_media_late_ticks_total", "Late ticks", load.late_ticks);
	total("sy_media_cpu_us_total", "CPU time of the workers", load.cpu_us);
	total("sy_media_foreign_packets_total",
	      "RTP that was not from the peer's source", load.rx_foreign);
	total("sy_media_dropped_packets_total",
	      "RTP for which there was no room in memory", load.rx_dropped);
	total("sy_media_invalid_packets_total",
	      "RTP and RTCP of peers that cannot be used: malformed, payload "
	      "type not agreed, longer than 120 ms", load.rx_invalid);
	total("sy_media_srtp_refused_total",
	      "SRTP that was not authentic or came before", load.rx_refused);
}

static void refresh_sip(const struct node *n)
{
	struct sipua_stat st;

	sipua_stat(n->ua, &st);
	total("sy_sip_requests_total", "SIP requests", st.requests);
	total("sy_sip_responses_total", "SIP responses", st.responses);
	total("sy_sip_no_token_total", "SIP messages dropped: no valid token",
	      st.no_token);
	gauge("sy_sip_dialogs", "SIP dialogs now", st.dialogs);
	gauge("sy_sip_transactions", "SIP transactions now",
	      st.transactions);
}

static void reply_metrics(struct node *n, struct http_conn *conn)
{
	char *text;

	refresh_calls(n);
	refresh_media(n);
	refresh_sip(n);
	trunk_load_gauges(n);
	text = metrics_print();
	if (text)
		(void)http_creply(conn, 200, "OK",
				  "text/plain; version=0.0.4", "%s", text);
	else
		(void)http_ereply(conn, 500, "Internal Server Error");
	free(text);
}

static void http_handler(struct http_conn *conn, const struct http_msg *msg,
			 void *arg)
{
	struct node *n = arg;

	if (!pl_strcmp(&msg->path, "/metrics"))
		reply_metrics(n, conn);
	else if (!pl_strcmp(&msg->path, "/healthz"))
		(void)http_creply(conn, 200, "OK", "text/plain", "ok\n");
	else if (pl_strcmp(&msg->path, "/readyz"))
		(void)http_ereply(conn, 404, "Not Found");
	else if (node_is_ready(n))
		(void)http_creply(conn, 200, "OK", "text/plain", "ready\n");
	else
		(void)http_creply(conn, 503, "Service Unavailable",
				  "text/plain", "no Redis\n");
}

int node_http_listen(struct node *n, const char *addr)
{
	struct sa sa;
	int err = sa_decode(&sa, addr, strlen(addr));

	if (!err)
		err = http_listen(&n->http, &sa, http_handler, n);
	if (err)
		log_error("metrics: cannot listen", LOG_S("address", addr),
			  LOG_E(err));

	return err;
}
