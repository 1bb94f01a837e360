/* SPDX-License-Identifier: MIT */
/*
 * Limits of connections: who gets one, and how long it may be of no use.
 *
 *   connecting 5 s --+
 *   handshake  5 s --+--> nothing said 30 s --> idle --tcp-idle
 *                                                |
 *         until its binding has lapsed <---------+
 */

#include <string.h>
#include "router/wire_impl.h"
#include "router/ws.h"

enum {
	UNPROVEN_S = 30, /* for a first message                     */
	CONNECT_S = 5,
	HANDSHAKE_S = 5,
	HANDSHAKES_MIN = 2, /* of one source, at the same time         */
	CLOSING_S = 2,
};

/* Who has an IPv6 address has at least a /64 of them (RFC 6177). */
static bool same_source(const struct sa *a, const struct sa *b)
{
	if (sa_af(a) != AF_INET6 || sa_af(b) != AF_INET6)
		return sa_cmp(a, b, SA_ADDR);

	return !memcmp(&a->u.in6.sin6_addr, &b->u.in6.sin6_addr, 8);
}

bool wire_conn_is_shaking(const struct wire_conn *c)
{
	return c->handshake || c->hello;
}

/*
 * One source shall not lock all others out: when the table is half full, who
 * has a quarter of it gets no more; nor does who has a sixteenth of it in
 * handshakes that are not done.  The table is looked through only then.
 */
enum wire_room wire_room(const struct wire *w, const struct sa *peer)
{
	const uint32_t max = w->conf.tcp_max;
	const uint32_t shakes =
	    max / 16 > HANDSHAKES_MIN ? max / 16 : HANDSHAKES_MIN;
	const bool half = w->freec <= max / 2;
	uint32_t n = 0, shaking = 0;

	if (!w->freec)
		return WIRE_ROOM_NONE;
	if (!peer || (!half && w->handshakes < shakes))
		return WIRE_ROOM;
	for (uint32_t i = 0; i < max; i++) {
		const struct wire_conn *c = w->connv[i];

		if (!c || !same_source(&c->peer, peer))
			continue;
		++n;
		shaking += wire_conn_is_shaking(c);
	}
	if (shaking >= shakes)
		return WIRE_ROOM_SHAKES;

	return half && n >= max / 4 ? WIRE_ROOM_SOURCE : WIRE_ROOM;
}

static bool is_over(const struct wire_conn *c, uint64_t now_ms)
{
	const uint64_t limit_s = c->connecting		   ? CONNECT_S
				 : c->closing		   ? CLOSING_S
				 : wire_conn_is_shaking(c) ? HANDSHAKE_S
				 : c->proven ? c->w->conf.tcp_idle_s
					     : UNPROVEN_S;

	return now_ms > c->last_ms + limit_s * 1000 &&
	       (c->closing || now_ms >= c->hold_ms);
}

static void count(const struct wire_conn *c)
{
	struct stats *st = c->w->conf.stats;

	if (c->connecting || c->closing)
		return;
	if (c->handshake)
		stat_inc(st, STAT_TLS_FAILED);
	stat_inc(st, wire_conn_is_shaking(c) ? STAT_TCP_LATE
		     : c->proven	     ? STAT_TCP_IDLE
					     : STAT_TCP_SILENT);
}

void wire_tick(struct wire *w)
{
	const uint64_t now_ms = wire_now_ms();

	for (uint32_t i = 0; i < w->conf.tcp_max && w->conns; i++) {
		struct wire_conn *c = w->connv[i];

		if (!c || !is_over(c, now_ms))
			continue;
		count(c);
		if (c->web && !c->closing)
			wire_ws_bye(c, WS_GOING);
		if (c->ssl && !c->closing)
			wire_tls_shut(c);
		if (c->connecting || c->handshake)
			wire_conn_fail(c);
		else
			wire_conn_close(c);
	}
}

void wire_hold(struct wire *w, const struct flow *f, uint32_t s)
{
	struct wire_conn *c = f->tcp && f->thread == w->conf.thread
				  ? wire_conn_find(w, f)
				  : NULL;

	if (c)
		c->hold_ms = s ? wire_now_ms() + s * 1000ULL : 0;
}
