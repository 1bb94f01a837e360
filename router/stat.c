/* SPDX-License-Identifier: MIT */
/* Counters of the router as metrics; see stat.h. */

#include <errno.h>
#include <stdio.h>
#include "proto/metrics.h"
#include "router/stat.h"
#include "router/view.h"

enum { THREADS_MAX = 64 };

static const uint16_t codes[] = {
	100, 200, 400, 401, 403, 404, 405, 407, 408, 416, 420, 423,
	430, 439, 480, 481, 483, 489, 500, 501, 503, 504, 505, 513,
};

static struct metric *metrics[STAT_COUNT];      /* RO after stat_init() */
static struct metric *pendings[THREADS_MAX];    /* RO after stat_init() */
static struct metric *connections[THREADS_MAX]; /* RO after stat_init() */
static struct metric *members[THREADS_MAX][STAT_KINDS]; /* likewise       */

/* The counters of a family follow each other in enum stat_id. */
static const struct family {
	enum stat_id first;
	const char *name, *help;
	const char *label;      /* NULL: one counter, without a label */
	const char *values[12]; /* of the label                       */
} families[] = {
	{STAT_RX_UDP, "sy_router_received_total",
	 "Messages received, by transport", "transport",
	 {"udp", "tcp", "tls", "ws", "wss"}},
	{STAT_TX_UDP, "sy_router_sent_total",
	 "Messages sent, by transport", "transport",
	 {"udp", "tcp", "tls", "ws", "wss"}},
	{STAT_FWD_NODE, "sy_router_forwarded_total",
	 "Messages forwarded, by where to", "to",
	 {"node", "peer", "router", "back"}},
	{STAT_DROP_JUNK, "sy_router_dropped_total",
	 "Messages dropped, by reason", "reason",
	 {"junk", "broken", "foreign", "ack", "repeat", "flow", "send", "full",
	  "no_owner"}},
	{STAT_AUTH_OK, "sy_router_auth_total",
	 "Requests authenticated, by result", "result",
	 {"ok", "challenge", "stale", "failed"}},
	{STAT_GUARD_DENIED, "sy_guard_dropped_total",
	 "Messages dropped by the guard, by reason", "reason",
	 {"denied", "banned", "rate", "scanner"}},
	{STAT_GUARD_USER, "sy_guard_refused_total",
	 "Requests refused by the guard, by reason", "reason",
	 {"banned", "account", "replay", "uri", "address", "toll"}},
	{STAT_GUARD_BAN, "sy_guard_bans_total",
	 "Bans made by this router, by reason", "reason",
	 {"password", "scanner", "probe", "manual"}},
	{STAT_PLACED, "sy_router_placed_total",
	 "INVITEs placed on nodes, by result", "result",
	 {"ok", "again", "failed", "cached"}},
	{STAT_REGISTERED, "sy_router_registers_total", "REGISTERs done", NULL,
	 {NULL}},
	{STAT_SUBSCRIBED, "sy_router_subscribes_total", "SUBSCRIBEs done",
	 NULL, {NULL}},
	{STAT_NOTIFY, "sy_router_notifies_total", "NOTIFYs sent", NULL,
	 {NULL}},
	{STAT_MESSAGE_TAKEN, "sy_router_messages_total",
	 "MESSAGEs to devices, by what came of them", "result",
	 {"taken", "absent", "refused"}},
	{STAT_ORPHAN_FOUND, "sy_router_orphans_total",
	 "Messages for a node that is gone, by what came of them", "result",
	 {"found", "late"}},
	{STAT_TCP_ACCEPTED, "sy_router_tcp_total",
	 "TCP connections, by what happened", "event",
	 {"accepted", "connected", "closed", "refused"}},
	{STAT_TCP_NO_ROOM, "sy_router_tcp_refused_total",
	 "TCP connections refused, by the limit that was reached", "limit",
	 {"all", "source", "handshakes"}},
	{STAT_TCP_LATE, "sy_router_tcp_timeouts_total",
	 "TCP connections closed for what did not come in time", "wait",
	 {"handshake", "first", "next"}},
	{STAT_TLS_DONE, "sy_router_tls_handshakes_total",
	 "TLS handshakes, by result", "result", {"ok", "failed"}},
	{STAT_WS_OPENED, "sy_router_websockets_total",
	 "WebSocket connections asked for, by result", "result",
	 {"ok", "refused"}},
	{STAT_TARGET_OK, "sy_router_targets_total",
	 "Next hops of requests of nodes, by what came of them", "result",
	 {"connected", "failed", "none_left"}},
	{STAT_RING, "sy_router_handed_over_total",
	 "Messages handed to the thread that has the connection", NULL,
	 {NULL}},
	{STAT_KEEPALIVE, "sy_router_keepalives_total",
	 "Keep-alives received that are no STUN", NULL, {NULL}},
	{STAT_STUN, "sy_router_stun_total",
	 "STUN messages received, by what came of them", "result",
	 {"silent", "mapped", "refused"}},
	{STAT_QUALIFY_UP, "sy_router_qualify_total",
	 "Contacts asked whether they are there, by result", "result",
	 {"reachable", "unreachable"}},
};

unsigned stat_code(uint16_t code)
{
	const unsigned n = sizeof(codes) / sizeof(codes[0]);
	unsigned i;

	for (i = 0; i < n && codes[i] != code; i++)
		;

	return i;
}

static void add(unsigned id, const char *name, const char *help,
		const char *label, const char *value)
{
	char labels[64];

	snprintf(labels, sizeof(labels), "%s=\"%s\"", label, value);
	metrics[id] = metric_add(METRIC_COUNTER, name, help, labels);
}

static void add_family(const struct family *f)
{
	if (!f->label)
		metrics[f->first] = metric_add(METRIC_COUNTER, f->name,
					       f->help, NULL);
	for (unsigned i = 0; f->values[i]; i++)
		add(f->first + i, f->name, f->help, f->label, f->values[i]);
}

/* What has a name for each of its values already. */
static void add_known(void)
{
	const unsigned codec = sizeof(codes) / sizeof(codes[0]);
	char value[16];

	for (unsigned i = 0; i < VIEW_METHOD_COUNT; i++)
		add(STAT_REQUEST + i, "sy_router_requests_total",
		    "Requests received, by method", "method",
		    view_method_name(i));
	for (unsigned i = 0; i < 6; i++) {
		snprintf(value, sizeof(value), "%uxx", i + 1);
		add(STAT_RESPONSE + i, "sy_router_responses_total",
		    "Responses received, by class", "class", value);
	}
	for (unsigned i = 0; i <= codec; i++) {
		if (i == codec)
			snprintf(value, sizeof(value), "other");
		else
			snprintf(value, sizeof(value), "%u", codes[i]);
		add(STAT_ANSWER + i, "sy_router_answers_total",
		    "Requests answered by the router itself, by code",
		    "code", value);
	}
}

static void add_gauges(unsigned threads)
{
	static const char *const kinds[STAT_KINDS] = {"router", "node"};
	char labels[48];

	for (unsigned i = 0; i < threads && i < THREADS_MAX; i++) {
		snprintf(labels, sizeof(labels), "thread=\"%u\"", i);
		pendings[i] = metric_add(
			METRIC_GAUGE, "sy_router_pending",
			"Requests that wait for Redis or a node", labels);
		connections[i] = metric_add(METRIC_GAUGE,
					    "sy_router_connections",
					    "Open TCP connections", labels);
		for (unsigned k = 0; k < STAT_KINDS; k++) {
			snprintf(labels, sizeof(labels),
				 "kind=\"%s\",thread=\"%u\"", kinds[k], i);
			members[i][k] = metric_add(
				METRIC_GAUGE, "sy_router_members",
				"Members that this router knows, itself too",
				labels);
		}
	}
}

int stat_init(unsigned threads)
{
	add_known();
	add_gauges(threads);
	for (unsigned i = 0; i < sizeof(families) / sizeof(families[0]); i++)
		add_family(&families[i]);

	for (unsigned i = 0; i < STAT_COUNT; i++) {
		if (!metrics[i])
			return ENOMEM;
	}

	return 0;
}

void stat_publish(struct stats *st)
{
	for (unsigned i = 0; i < STAT_COUNT; i++) {
		if (st->n[i] == st->told[i])
			continue;
		metric_count(metrics[i], st->n[i] - st->told[i]);
		st->told[i] = st->n[i];
	}
}

void stat_gauges(unsigned thread, uint32_t pending, uint32_t conns)
{
	if (thread >= THREADS_MAX || !pendings[thread])
		return;
	metric_set(pendings[thread], pending);
	metric_set(connections[thread], conns);
}

void stat_members(unsigned thread, enum stat_kind kind, uint32_t n)
{
	if (thread < THREADS_MAX && members[thread][kind])
		metric_set(members[thread][kind], n);
}
