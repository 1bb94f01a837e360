/* SPDX-License-Identifier: MIT */
/*
 * A WebSocket of a server (RFC 6455), the same over HTTP/1.1 and over HTTP/2
 * (RFC 8441): text messages in, frames out.
 *
 * What goes out is pulled: the owner is asked for the next frame when the
 * peer has room, so what waits is the owner's to bound.  A frame may be
 * shared by any number of connections.
 *
 * All on the loop's thread.
 */

#ifndef SY_GATEWAY_HTTP_WS_H
#define SY_GATEWAY_HTTP_WS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/http/ws_in.h"

struct web_req;
struct ws;

/** A message with its head, ready to be sent; counted (mem_ref). */
struct ws_frame {
	struct ws_frame *packed; /* the same, compressed; NULL: not (yet)  */
	bool shared;           /* may be compressed                       */
	size_t len;            /* of p [bytes]                            */
	size_t head;           /* of these, before the text               */
	uint8_t p[];
};

/** A message; borrowed for the call. */
typedef void(ws_message_h)(const char *text, size_t len, void *arg);

/** The peer has room. @return a reference for the callee, or NULL: nothing
 * now (ws_wake() when there is). */
typedef struct ws_frame *(ws_next_h)(void *arg);

/**
 * It is over, also when we closed it; called once, and nothing after it.
 *
 * @param code  The peer's, or what it was closed with; WS_CODE_LOST: it
 *              went without a word.
 */
typedef void(ws_close_h)(uint16_t code, void *arg);

struct ws_conf {
	size_t message_bytes;  /* that are taken, at most                 */
	unsigned frames;       /* of the peer a second, of any kind       */
	const char *protocol;  /* subprotocol to name, or NULL            */
	ws_message_h *messageh;
	ws_next_h *nexth;
	ws_close_h *closeh;
	void *arg;
};

/** The request wants a WebSocket. */
bool ws_is_wanted(const struct web_req *req);

/**
 * Open it; in the head handler.
 *
 * @param wp   Set on success; owned by the caller; mem_deref() closes it
 *             without a word if it is open.
 *
 * @return 0; EPROTO: it was answered, there is something wrong with the
 *         handshake; ENOMEM.
 */
int ws_accept(struct ws **wp, struct web_req *req,
	      const struct ws_conf *conf);

/** Make a frame of a text. @param fp  Owned by the caller. */
int ws_frame_text(struct ws_frame **fp, const char *text, size_t len);

/**
 * Make a frame of a text that goes to many, and holds no secret: it is
 * compressed, once, for all who speak permessage-deflate.  What is one
 * client's own is not: its secrets might be guessed by its length.
 */
int ws_frame_shared(struct ws_frame **fp, const char *text, size_t len);

/** Bytes that are shared as frames are, without a head.  Owned by the caller;
 * NULL: no memory. */
struct ws_frame *ws_frame_raw(const void *p, size_t len);

/** Let a frame go; NULL is none. */
void ws_frame_drop(struct ws_frame *f);

/** There is something for the peer again. */
void ws_wake(struct ws *ws);

/** Send a ping when the frame that is under way is out. */
void ws_ping(struct ws *ws);

/** Close in order; what waits is not sent any more.  closeh is called once
 * the close frame is out, maybe before this returns. @param reason  Static. */
void ws_close(struct ws *ws, enum ws_code code, const char *reason);

/** End it at once: what is under way is cut off. closeh is called. */
void ws_abort(struct ws *ws);

/** What has passed so far: whoever looks now and then sees who is silent, and
 * who takes nothing. */
struct ws_stat {
	uint64_t heard;        /* times that something came               */
	uint64_t sent_bytes;
	bool busy;             /* a frame is under way                    */
};

void ws_stat(const struct ws *ws, struct ws_stat *st);

/** Its request: header, peer, version; borrowed. */
const struct web_req *ws_req(const struct ws *ws);

#endif
