/* SPDX-License-Identifier: MIT */
/*
 * What a WebSocket client sends (RFC 6455 5): bytes in, messages out, without
 * I/O.  Memory is held only while a message is incomplete.
 *
 * Own code rather than wslay's: its event context has 8 KB of buffers for each
 * connection, and we have thousands that say next to nothing.
 */

#ifndef SY_GATEWAY_HTTP_WS_IN_H
#define SY_GATEWAY_HTTP_WS_IN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	WS_CONTROL_MAX = 125,    /* bytes that a control frame carries     */
	WS_FRAGMENTS_MAX = 1024, /* of one message                         */
	WS_HEAD_MAX = 14,
};

/* Why a connection ends: RFC 6455 7.4.1, and ours from 4000 on. */
enum ws_code {
	WS_CODE_NORMAL = 1000,
	WS_CODE_LEAVING = 1001,  /* we end: come back                      */
	WS_CODE_PROTOCOL = 1002,
	WS_CODE_TYPE = 1003,     /* binary                                 */
	WS_CODE_NONE = 1005,     /* never sent: a close without a code     */
	WS_CODE_LOST = 1006,     /* never sent: it ended without a close   */
	WS_CODE_UTF8 = 1007,
	WS_CODE_DENIED = 1008,   /* not allowed                            */
	WS_CODE_SIZE = 1009,
	WS_CODE_SLOW = 1013,     /* takes less than there is: come back    */
	WS_CODE_ENDED = 4401,    /* the token, or session, is no more      */
};

enum ws_in_out {
	WS_IN_MORE,    /* all was taken; nothing is complete               */
	WS_IN_TEXT,    /* a message                                        */
	WS_IN_PING,    /* to be answered by the same bytes                 */
	WS_IN_PONG,
	WS_IN_CLOSE,   /* code says which; nothing follows                 */
	WS_IN_BAD,     /* close with code; nothing more can be read        */
};

/** What is read of a connection; begin with zeroes, max_bytes and
 * deflate. */
struct ws_in {
	size_t max_bytes;      /* of a message, compressed or not         */
	bool deflate;          /* messages may be compressed (RFC 7692)   */
	uint8_t *msg;          /* its fragments so far; owned             */
	size_t len, size;      /* [bytes]                                 */
	uint64_t left;         /* of the frame's payload                  */
	uint16_t code;         /* with WS_IN_CLOSE, WS_IN_BAD             */
	uint16_t fragments;
	uint8_t head[WS_HEAD_MAX];
	uint8_t headlen, need; /* bytes of the head: had, needed          */
	uint8_t turn;          /* of the mask                             */
	bool body;             /* its payload is being read               */
	bool open;             /* a message's first frame came            */
	bool given;            /* msg, or control, was handed out         */
	bool packed;           /* the message is compressed               */
	struct {
		uint8_t left, low, high; /* bytes that must follow        */
	} utf8;
	uint8_t control[WS_CONTROL_MAX];
	uint8_t controllen;
};

/**
 * Take bytes until something is complete.
 *
 * @param pp, lenp    What is there; advanced by what was taken.
 * @param msgp, nump  Set to what was carried; borrowed until the next call.
 */
enum ws_in_out ws_in_take(struct ws_in *in, const uint8_t **pp, size_t *lenp,
			  const uint8_t **msgp, size_t *nump);

/** Free what it holds. */
void ws_in_close(struct ws_in *in);

#endif
