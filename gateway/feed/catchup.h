/* SPDX-License-Identifier: MIT */
/*
 * From an event that was seen long ago, or at another gateway, to the log:
 * what lies between is read from the stream, a page at a time, when the
 * client has taken the page before.
 */

#ifndef SY_GATEWAY_FEED_CATCHUP_H
#define SY_GATEWAY_FEED_CATCHUP_H

#include <stdbool.h>
#include <stdint.h>

#include "gateway/http/ws.h"
#include "proto/schema.h"

struct catchup;
struct feed;

struct catchup_conf {
	struct feed *f;           /* borrowed                             */
	const char *after;        /* id; "0-0": all that are kept         */
	bool exact;               /* it must be in the stream             */

	/** An event as it is sent, owned by the callee; NULL: not wanted. */
	struct ws_frame *(*makeh)(const char *id, const Sy__Event *ev,
				  void *arg);
	void (*wakeh)(void *arg); /* ask again                            */
	void *arg;
};

enum catchup_out {
	CATCHUP_WAIT,    /* wakeh will be called                          */
	CATCHUP_FRAME,   /* *fp is to be sent                             */
	CATCHUP_JOINED,  /* go on in the log, at *numberp                 */
	CATCHUP_LOST,    /* `after` is not in the stream (any more)       */
};

/** @param cp  Owned by the caller; mem_deref() at any time. */
int catchup_alloc(struct catchup **cp, const struct catchup_conf *conf);

/** What is next. */
enum catchup_out catchup_next(struct catchup *c, struct ws_frame **fp,
			      uint64_t *numberp);

#endif
