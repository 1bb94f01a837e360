/* SPDX-License-Identifier: MIT */
/*
 * What happens, to all who watch: one reader of sy:events a gateway, one
 * piece of JSON an event, any number of clients that take it at their own
 * speed.
 *
 *   sy:events --reader--> log (the newest events) --+--> WebSocket clients
 *                          |                        +--> event streams
 *                          +--> table of calls
 *
 * A client has a place in the log, not a copy of it: one that is slow costs
 * what is its own (WS_QUEUE_MAX), and is shed when its place is gone.
 *
 * All on the loop's thread.
 */

#ifndef SY_GATEWAY_FEED_FEED_H
#define SY_GATEWAY_FEED_FEED_H

#include <stdbool.h>
#include <stdint.h>

#include "gateway/api/auth.h"
#include "gateway/feed/ws_client.h"
#include "gateway/http/engine.h"
#include "gateway/view.h"

struct feed;
struct web_req;

struct feed_conf {
	struct view *view;      /* borrowed; may go before the feed, after
				   feed_stop()                            */
	struct auth *auth;      /* borrowed, outlives the feed            */
	web_request_h *geth;    /* serves a GET of our own (api/own.h)    */
	void *arg;              /* of it                                  */
};

/** @param fp  Owned by the caller; mem_deref() when its clients are gone. */
int feed_alloc(struct feed **fp, const struct feed_conf *conf);

/** Who is a phone is another's business (signal/): hear its messages. */
void feed_phones(struct feed *f, ws_phone_h *h, void *arg);

/** A request for /ws, in the head handler: it is answered here. */
void feed_open(struct feed *f, struct web_req *req);

/** The process ends: clients are told to come back elsewhere. */
void feed_stop(struct feed *f);

struct feed_stat {
	unsigned h1, h2;        /* WebSocket clients now                  */
	uint64_t opened;        /* since start, as what follows           */
	uint64_t shed;          /* clients that were too slow             */
	uint64_t events;        /* read                                   */
	uint64_t gaps;          /* times that events were missing         */
};

void feed_stat(const struct feed *f, struct feed_stat *st);

#endif
