/* SPDX-License-Identifier: MIT */
/*
 * Streams of the feed's events: server-sent events (WHATWG HTML 9.2), what GET
 * /api/events gives, or gRPC's.  A client that comes back with the id of the
 * last event that it saw, at any gateway, misses none.
 */

#ifndef SY_GATEWAY_FEED_STREAM_H
#define SY_GATEWAY_FEED_STREAM_H

#include <stddef.h>

#include "gateway/account/principal.h"
#include "gateway/feed/event_types.h"
#include "gateway/feed/feed.h"
#include "gateway/feed/log.h"
#include "proto/store.h"

enum stream_why {
	STREAM_GONE,              /* the peer went                        */
	STREAM_STOPPED,           /* the process ends                     */
	STREAM_SLOW,              /* the peer does not take it            */
	STREAM_DENIED,            /* it is nobody any more                */
};

/** How it looks; static. */
struct stream_form {
	enum stream_form_id id;
	const char *type;         /* Content-Type                         */
	const char *hello;        /* its first bytes, or ""               */
	const char *comment;      /* now and then when all is quiet; or
				     NULL                                 */

	/** An event, from its JSON for /ws. @return owned by the caller. */
	struct ws_frame *(*make)(const struct ws_frame *ws, const char *id,
				 Sy__EventType type);

	/** End it, with the words that its form has for that. */
	void (*finish)(struct web_req *req, enum stream_why why);
};

extern const struct stream_form stream_sse;

struct stream_conf {
	const struct stream_form *form;
	char after[STORE_EVENT_ID_SIZE]; /* "": from now on               */
	char call[ULID_LEN + 1];  /* this call's only; "": all            */
	struct event_types types; /* these only                           */
	struct principal who;     /* it ends when he is nobody any more   */
	void (*endh)(int err, void *arg); /* once; err: nothing was
				     answered yet, and this is why        */
	void *arg;
};

/**
 * Answer a request by a stream.
 *
 * @param req   Held until endh.
 * @param conf  Copied.
 *
 * @return 0: endh will be called, never from within this call; or an errno:
 *         nothing was answered (ENOTCONN: Redis is away, or we end).
 */
int feed_stream(struct feed *f, struct web_req *req,
		const struct stream_conf *conf);

#endif
