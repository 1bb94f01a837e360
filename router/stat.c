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

static const struct {
	enum stat_id id;
	const char *name;
	const char *labels;
	const char *help;
} table[] = {
#define RECEIVED "sy_router_received_total"
#define RECEIVED_HELP "Messages received, by transport"
	{STAT_RX_UDP, RECEIVED, "transport=\"udp\"", RECEIVED_HELP},
	{STAT_RX_TCP, RECEIVED, "transport=\"tcp\"", RECEIVED_HELP},
	{STAT_RX_TLS, RECEIVED, "transport=\"tls\"", RECEIVED_HELP},
	{STAT_RX_WS, RECEIVED, "transport=\"ws\"", RECEIVED_HELP},
	{STAT_RX_WSS, RECEIVED, "transport=\"wss\"", RECEIVED_HELP},
#define SENT "sy_router_sent_total"
#define SENT_HELP "Messages sent, by transport"
	{STAT_TX_UDP, SENT, "transport=\"udp\"", SENT_HELP},
	{STAT_TX_TCP, SENT, "transport=\"tcp\"", SENT_HELP},
	{STAT_TX_TLS, SENT, "transport=\"tls\"", SENT_HELP},
	{STAT_TX_WS, SENT, "transport=\"ws\"", SENT_HELP},
	{STAT_TX_WSS, SENT, "transport=\"wss\"", SENT_HELP},
#define FORWARDED "sy_router_forwarded_total"
#define FORWARDED_HELP "Messages forwarded, by where to"
	{STAT_FWD_NODE, FORWARDED, "to=\"node\"", FORWARDED_HELP},
	{STAT_FWD_PEER, FORWARDED, "to=\"peer\"", FORWARDED_HELP},
	{STAT_FWD_ROUTER, FORWARDED, "to=\"router\"", FORWARDED_HELP},
	{STAT_FWD_RESPONSE, FORWARDED, "to=\"back\"", FORWARDED_HELP},
#define DROPPED "sy_router_dropped_total"
#define DROPPED_HELP "Messages dropped, by reason"
	{STAT_DROP_JUNK, DROPPED, "reason=\"junk\"", DROPPED_HELP},
	{STAT_DROP_BAD, DROPPED, "reason=\"broken\"", DROPPED_HELP},
	{STAT_DROP_FOREIGN, DROPPED, "reason=\"foreign\"", DROPPED_HELP},
	{STAT_DROP_ACK, DROPPED, "reason=\"ack\"", DROPPED_HELP},
	{STAT_DROP_REPEAT, DROPPED, "reason=\"repeat\"", DROPPED_HELP},
	{STAT_DROP_FLOW, DROPPED, "reason=\"flow\"", DROPPED_HELP},
	{STAT_DROP_SEND, DROPPED, "reason=\"send\"", DROPPED_HELP},
	{STAT_DROP_FULL, DROPPED, "reason=\"full\"", DROPPED_HELP},
	{STAT_DROP_NO_OWNER, DROPPED, "reason=\"no_owner\"", DROPPED_HELP},
#define AUTH "sy_router_auth_total"
#define AUTH_HELP "Requests authenticated, by result"
	{STAT_AUTH_OK, AUTH, "result=\"ok\"", AUTH_HELP},
	{STAT_AUTH_CHALLENGE, AUTH, "result=\"challenge\"", AUTH_HELP},
	{STAT_AUTH_STALE, AUTH, "result=\"stale\"", AUTH_HELP},
	{STAT_AUTH_FAILED, AUTH, "result=\"failed\"", AUTH_HELP},
#define UNREAD "sy_guard_dropped_total"
#define UNREAD_HELP "Messages dropped by the guard, by reason"
	{STAT_GUARD_DENIED, UNREAD, "reason=\"denied\"", UNREAD_HELP},
	{STAT_GUARD_BANNED, UNREAD, "reason=\"banned\"", UNREAD_HELP},
	{STAT_GUARD_RATE, UNREAD, "reason=\"rate\"", UNREAD_HELP},
	{STAT_GUARD_SCANNER, UNREAD, "reason=\"scanner\"", UNREAD_HELP},
#define REFUSED "sy_guard_refused_total"
#define REFUSED_HELP "Requests refused by the guard, by reason"
	{STAT_GUARD_USER, REFUSED, "reason=\"banned\"", REFUSED_HELP},
	{STAT_GUARD_ACCOUNT, REFUSED, "reason=\"account\"", REFUSED_HELP},
	{STAT_GUARD_REPLAY, REFUSED, "reason=\"replay\"", REFUSED_HELP},
	{STAT_GUARD_URI, REFUSED, "reason=\"uri\"", REFUSED_HELP},
	{STAT_GUARD_ADDRESS, REFUSED, "reason=\"address\"", REFUSED_HELP},
	{STAT_GUARD_TOLL, REFUSED, "reason=\"toll\"", REFUSED_HELP},
#define BANS "sy_guard_bans_total"
#define BANS_HELP "Bans made by this router, by reason"
	{STAT_GUARD_BAN, BANS, "reason=\"password\"", BANS_HELP},
	{STAT_GUARD_BAN + 1, BANS, "reason=\"scanner\"", BANS_HELP},
	{STAT_GUARD_BAN + 2, BANS, "reason=\"probe\"", BANS_HELP},
	{STAT_GUARD_BAN + 3, BANS, "reason=\"manual\"", BANS_HELP},
#define PLACED "sy_router_placed_total"
#define PLACED_HELP "INVITEs placed on nodes, by result"
	{STAT_PLACED, PLACED, "result=\"ok\"", PLACED_HELP},
	{STAT_PLACE_AGAIN, PLACED, "result=\"again\"", PLACED_HELP},
	{STAT_PLACE_FAILED, PLACED, "result=\"failed\"", PLACED_HELP},
	{STAT_PLACE_CACHED, PLACED, "result=\"cached\"", PLACED_HELP},
	{STAT_REGISTERED, "sy_router_registers_total", NULL,
	 "REGISTERs done"},
	{STAT_SUBSCRIBED, "sy_router_subscribes_total", NULL,
	 "SUBSCRIBEs done"},
	{STAT_NOTIFY, "sy_router_notifies_total", NULL, "NOTIFYs sent"},
#define MESSAGES "sy_router_messages_total"
#define MESSAGES_HELP "MESSAGEs to devices, by what came of them"
	{STAT_MESSAGE_TAKEN, MESSAGES, "result=\"taken\"", MESSAGES_HELP},
	{STAT_MESSAGE_ABSENT, MESSAGES, "result=\"absent\"", MESSAGES_HELP},
	{STAT_MESSAGE_REFUSED, MESSAGES, "result=\"refused\"",
	 MESSAGES_HELP},
#define ORPHANS "sy_router_orphans_total"
#define ORPHANS_HELP "Messages for a node that is gone, by what came of them"
	{STAT_ORPHAN_FOUND, ORPHANS, "result=\"found\"", ORPHANS_HELP},
	{STAT_ORPHAN_LATE, ORPHANS, "result=\"late\"", ORPHANS_HELP},
#define TCP "sy_router_tcp_total"
#define TCP_HELP "TCP connections, by what happened"
	{STAT_TCP_ACCEPTED, TCP, "event=\"accepted\"", TCP_HELP},
	{STAT_TCP_CONNECTED, TCP, "event=\"connected\"", TCP_HELP},
	{STAT_TCP_CLOSED, TCP, "event=\"closed\"", TCP_HELP},
	{STAT_TCP_REFUSED, TCP, "event=\"refused\"", TCP_HELP},
#define NO_ROOM "sy_router_tcp_refused_total"
#define NO_ROOM_HELP "TCP connections refused, by the limit that was reached"
	{STAT_TCP_NO_ROOM, NO_ROOM, "limit=\"all\"", NO_ROOM_HELP},
	{STAT_TCP_NO_ROOM + 1, NO_ROOM, "limit=\"source\"", NO_ROOM_HELP},
	{STAT_TCP_NO_ROOM + 2, NO_ROOM, "limit=\"handshakes\"",
	 NO_ROOM_HELP},
#define LATE "sy_router_tcp_timeouts_total"
#define LATE_HELP "TCP connections closed for what did not come in time"
	{STAT_TCP_LATE, LATE, "wait=\"handshake\"", LATE_HELP},
	{STAT_TCP_SILENT, LATE, "wait=\"first\"", LATE_HELP},
	{STAT_TCP_IDLE, LATE, "wait=\"next\"", LATE_HELP},
#define TLS "sy_router_tls_handshakes_total"
#define TLS_HELP "TLS handshakes, by result"
	{STAT_TLS_DONE, TLS, "result=\"ok\"", TLS_HELP},
	{STAT_TLS_FAILED, TLS, "result=\"failed\"", TLS_HELP},
#define WS "sy_router_websockets_total"
#define WS_HELP "WebSocket connections asked for, by result"
	{STAT_WS_OPENED, WS, "result=\"ok\"", WS_HELP},
	{STAT_WS_REFUSED, WS, "result=\"refused\"", WS_HELP},
#define TARGETS "sy_router_targets_total"
#define TARGETS_HELP "Next hops of requests of nodes, by what came of them"
	{STAT_TARGET_OK, TARGETS, "result=\"connected\"", TARGETS_HELP},
	{STAT_TARGET_FAILED, TARGETS, "result=\"failed\"", TARGETS_HELP},
	{STAT_TARGET_NONE, TARGETS, "result=\"none_left\"", TARGETS_HELP},
	{STAT_RING, "sy_router_handed_over_total", NULL,
	 "Messages handed to the thread that has the connection"},
	{STAT_KEEPALIVE, "sy_router_keepalives_total", NULL,
	 "Keep-alives received that are no STUN"},
#define STUN "sy_router_stun_total"
#define STUN_HELP "STUN messages received, by what came of them"
	{STAT_STUN, STUN, "result=\"silent\"", STUN_HELP},
	{STAT_STUN + 1, STUN, "result=\"mapped\"", STUN_HELP},
	{STAT_STUN + 2, STUN, "result=\"refused\"", STUN_HELP},
#define QUALIFY "sy_router_qualify_total"
#define QUALIFY_HELP "Contacts asked whether they are there, by result"
	{STAT_QUALIFY_UP, QUALIFY, "result=\"reachable\"", QUALIFY_HELP},
	{STAT_QUALIFY_DOWN, QUALIFY, "result=\"unreachable\"",
	 QUALIFY_HELP},
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

static void add_families(void)
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
	add_families();
	add_gauges(threads);
	for (unsigned i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		metrics[table[i].id] =
			metric_add(METRIC_COUNTER, table[i].name,
				   table[i].help, table[i].labels);

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
