/* SPDX-License-Identifier: MIT */
/* Messages as JSON in frames, and back.  Apart, for jansson and libre cannot
 * be in one file. */

#ifndef SY_GATEWAY_FEED_SAY_H
#define SY_GATEWAY_FEED_SAY_H

#include <stdbool.h>
#include <stddef.h>

#include "gateway/http/ws.h"
#include "proto/schema.h"

/** Of a message to a client; owned by the caller; NULL: no memory. */
struct ws_frame *say_message(const Sy__WsServer *msg);

/** Of an event, with its id in the stream. */
struct ws_frame *say_event(const char *id, const Sy__Event *ev);

/** JSON of a call; owned by the caller (free()); NULL: no memory. */
char *say_call(const Sy__Call *call);

/**
 * A snapshot of calls, or a part of it.
 *
 * @param textv  Calls in JSON. @param more  It goes on in the next message.
 */
struct ws_frame *say_calls(const char *topic, const char *seq,
			   const char *const *textv, size_t n, bool more);

/** The JSON of the event within what say_event() made; borrowed. */
const char *say_event_json(const struct ws_frame *f, const char *id,
			   size_t *lenp);

/** An event as server-sent events have it, of what say_event() made. */
struct ws_frame *say_sse(const struct ws_frame *ws, const char *id,
			 Sy__EventType type);

/** Text alone, without a frame's head. */
struct ws_frame *say_text(const char *text);

/**
 * Read a client's message.
 *
 * @param msgp    Set on success; owned by the caller (free_unpacked).
 * @param errbuf  On error: what is wrong, where, and what is allowed.
 *
 * @return 0, EBADMSG, ENOMEM.
 */
int say_read(Sy__WsClient **msgp, const char *text, size_t len, char *errbuf,
	     size_t errsize);

#endif
