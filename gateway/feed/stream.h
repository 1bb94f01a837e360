/* SPDX-License-Identifier: MIT */
/*
 * Server-sent events (WHATWG HTML 9.2) of the feed: what GET /api/events
 * gives.  A client that comes back with the id of the last event that it saw,
 * at any gateway, misses none.
 */

#ifndef SY_GATEWAY_FEED_STREAM_H
#define SY_GATEWAY_FEED_STREAM_H

#include <stddef.h>

#include "gateway/account/principal.h"
#include "gateway/feed/feed.h"
#include "proto/store.h"

enum { STREAM_TYPES_MAX = 16 };

struct stream_conf {
	char after[STORE_EVENT_ID_SIZE]; /* "": from now on               */
	char call[ULID_LEN + 1];  /* this call's only; "": all            */
	Sy__EventType typev[STREAM_TYPES_MAX]; /* these only              */
	size_t typec;             /* 0: all                               */
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
