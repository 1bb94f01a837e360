/* SPDX-License-Identifier: MIT */
/*
 * SIP over WebSocket (RFC 7118): the opening of a connection and its frames
 * (RFC 6455).  No I/O and no memory of its own: frames are unmasked, and
 * fragments put together, in the buffer of the connection's stream.
 *
 * Use, as of a stream: room, read into it, put; then ws_next() until it says
 * WS_MORE, and ws_done() after each thing that it gave.
 */

#ifndef SY_ROUTER_WS_H
#define SY_ROUTER_WS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>
#include "router/stream.h"

enum {
	WS_HELLO_MAX = 8192, /* bytes of a request that opens            */
	WS_ANSWER_MAX = 512,
	WS_HEAD_MAX = 10,     /* bytes before what a frame of ours carries */
	WS_CONTROL_MAX = 125, /* bytes that a control frame carries        */
};

enum ws_opcode {
	WS_TEXT = 1,
	WS_BINARY = 2,
	WS_OP_CLOSE = 8,
	WS_OP_PING = 9,
	WS_OP_PONG = 10,
};

/** Why a connection ends, RFC 6455 7.4.1. */
enum ws_status {
	WS_NORMAL = 1000,
	WS_GOING = 1001,
	WS_PROTOCOL = 1002,
	WS_NO_UTF8 = 1007,
	WS_TOO_LARGE = 1009,
};

enum ws_out {
	WS_MORE,    /* needs more bytes                                    */
	WS_MESSAGE, /* a whole message                                     */
	WS_PING,    /* answer a pong with the same bytes                   */
	WS_PONG,    /* nothing to do                                       */
	WS_CLOSED,  /* answer with a close frame, then end                 */
	WS_BAD,	    /* tell ws->status in a close frame, then end          */
};

/** What is read of a connection. */
struct ws {
	size_t have;	 /* bytes of a message's fragments, at stream start */
	size_t cut;	 /* bytes of a control frame behind them            */
	uint8_t opcode;	 /* of the message that comes in fragments; 0: none */
	uint16_t status; /* with WS_BAD                                     */
};

enum ws_hello { WS_HELLO_MORE, WS_HELLO_OK, WS_HELLO_REFUSED };

/**
 * Read the request that opens a connection; "sip" must be among its
 * subprotocols.
 *
 * @param used    Set to its size, but for WS_HELLO_MORE.
 * @param answer  WS_ANSWER_MAX bytes: what to send, but for WS_HELLO_MORE.
 * @param n       Set to its length.
 */
enum ws_hello ws_hello(const char *p, size_t len, size_t *used, char *answer,
		       size_t *n);

/**
 * What comes next.
 *
 * @param p, len  Set to what it carries; borrowed until ws_done().
 */
enum ws_out ws_next(struct ws *ws, struct stream *st, const char **p,
		    size_t *len);

/** It was dealt with. */
void ws_done(struct ws *ws, struct stream *st);

/**
 * The head of a frame of ours.
 *
 * @return its bytes.
 */
size_t ws_head(char head[WS_HEAD_MAX], enum ws_opcode op, size_t len);

/** Whether pieces, together, are UTF-8 (RFC 3629). */
bool ws_is_utf8(const struct iovec *iov, size_t n);

#endif
