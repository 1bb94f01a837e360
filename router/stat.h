/* SPDX-License-Identifier: MIT */
/*
 * Counters of the router.  Each thread counts in plain memory of its own;
 * once a second it adds what came to the process's metrics.
 */

#ifndef SY_ROUTER_STAT_H
#define SY_ROUTER_STAT_H

#include <stdint.h>

enum stat_id {
	STAT_RX_UDP,                       /* + enum wire_kind           */
	STAT_RX_TCP,
	STAT_RX_TLS,
	STAT_RX_WS,
	STAT_RX_WSS,
	STAT_TX_UDP,                       /* + enum wire_kind           */
	STAT_TX_TCP,
	STAT_TX_TLS,
	STAT_TX_WS,
	STAT_TX_WSS,

	STAT_REQUEST,                   /* + enum view_method (15)       */
	STAT_RESPONSE = STAT_REQUEST + 15, /* + class 1..6, less 1       */
	STAT_ANSWER = STAT_RESPONSE + 6,   /* + index of stat_code()     */
	STAT_FWD_NODE = STAT_ANSWER + 25,
	STAT_FWD_PEER,
	STAT_FWD_ROUTER,
	STAT_FWD_RESPONSE,

	STAT_DROP_JUNK,       /* not SIP, or nobody to answer to          */
	STAT_DROP_BAD,        /* a broken response or ACK                 */
	STAT_DROP_FOREIGN,    /* a response to a request not of ours      */
	STAT_DROP_ACK,        /* an ACK to an answer of ours, or astray   */
	STAT_DROP_REPEAT,     /* a retransmission of what is being done   */
	STAT_DROP_FLOW,       /* its connection is gone                   */
	STAT_DROP_SEND,       /* the kernel did not take it               */
	STAT_DROP_FULL,       /* no room: buffers, queues                 */
	STAT_DROP_NO_OWNER,   /* an ACK whose node is gone                */

	STAT_AUTH_OK,
	STAT_AUTH_CHALLENGE,
	STAT_AUTH_STALE,
	STAT_AUTH_FAILED,

	STAT_GUARD_DENIED,    /* dropped unread: the deny list             */
	STAT_GUARD_BANNED,    /* ... banned                                */
	STAT_GUARD_RATE,      /* ... over its rate                         */
	STAT_GUARD_SCANNER,   /* dropped for its User-Agent                */
	STAT_GUARD_USER,      /* refused: user banned at that address      */
	STAT_GUARD_ACCOUNT,   /* ... account over its rate                 */
	STAT_GUARD_REPLAY,    /* ... credentials were used before          */
	STAT_GUARD_URI,       /* ... credentials for another Request-URI   */
	STAT_GUARD_ADDRESS,   /* ... address of another user               */
	STAT_GUARD_TOLL,      /* ... costly number                         */
	STAT_GUARD_BAN,       /* + enum guard_reason (4)                   */

	STAT_PLACED = STAT_GUARD_BAN + 4,
	STAT_PLACE_AGAIN,
	STAT_PLACE_FAILED,
	STAT_PLACE_CACHED,
	STAT_REGISTERED,
	STAT_SUBSCRIBED,
	STAT_NOTIFY,
	STAT_MESSAGE_TAKEN,   /* MESSAGEs: a phone has it                  */
	STAT_MESSAGE_ABSENT,  /* ... nobody could be reached               */
	STAT_MESSAGE_REFUSED, /* ... phones, or we, did not want it        */
	STAT_ORPHAN_FOUND,    /* for a node that is gone: to its heir      */
	STAT_ORPHAN_LATE,     /* ... there was none in time                */

	STAT_TCP_ACCEPTED,
	STAT_TCP_CONNECTED,
	STAT_TCP_CLOSED,
	STAT_TCP_REFUSED,     /* at a limit of connections                */
	STAT_TCP_NO_ROOM,     /* ... + enum wire_room (3), less 1         */
	STAT_TCP_LATE = STAT_TCP_NO_ROOM + 3, /* closed: a handshake was not
						 done in time          */
	STAT_TCP_SILENT,      /* ... no first message                     */
	STAT_TCP_IDLE,        /* ... none for long                        */
	STAT_TLS_DONE,        /* handshakes                                */
	STAT_TLS_FAILED,      /* ... refused, broken, or not in time       */
	STAT_WS_OPENED,       /* WebSocket connections                     */
	STAT_WS_REFUSED,
	STAT_TARGET_OK,       /* next hops: a connection was opened        */
	STAT_TARGET_FAILED,   /* ... it was not, or nobody is there        */
	STAT_TARGET_NONE,     /* no target left: 503                       */
	STAT_RING,            /* handed to another thread                 */
	STAT_KEEPALIVE,
	STAT_STUN,            /* + enum stun_result (3)                    */
	STAT_QUALIFY_UP = STAT_STUN + 3, /* contacts asked: there          */
	STAT_QUALIFY_DOWN,    /* ... not there                             */
	STAT_COUNT,
};

/** Counters of one thread. */
struct stats {
	uint64_t n[STAT_COUNT];
	uint64_t told[STAT_COUNT]; /* what the metrics know already */
};

/** Register the metrics.  Once, before threads. @return 0 or ENOMEM. */
int stat_init(unsigned threads);

/** Add to the metrics what came since the last call.  Any thread, its own. */
void stat_publish(struct stats *st);

/** Gauges, set by thread. */
void stat_gauges(unsigned thread, uint32_t pending, uint32_t connections);

enum stat_kind { STAT_ROUTERS, STAT_NODES, STAT_KINDS };

/** How many members of a kind a thread knows. */
void stat_members(unsigned thread, enum stat_kind kind, uint32_t n);

/** Index of an answer's status code, 0..24; unknown codes share the last. */
unsigned stat_code(uint16_t code);

static inline void stat_inc(struct stats *st, unsigned id)
{
	++st->n[id];
}

#endif
