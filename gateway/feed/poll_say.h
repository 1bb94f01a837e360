/* SPDX-License-Identifier: MIT */
/* Answers of the API made into messages of /ws.  Apart, for jansson and libre
 * cannot be in one file. */

#ifndef SY_GATEWAY_FEED_POLL_SAY_H
#define SY_GATEWAY_FEED_POLL_SAY_H

#include <stdbool.h>
#include <stddef.h>

#include "gateway/http/ws.h"

struct known;  /* the items of a list, by their key; opaque JSON          */

/** How a topic's answers are made into messages. */
struct poll_form {
	const char *snapshot;  /* field of WsSnapshot: "status", "calls"  */
	const char *change;    /* field of WsServer: "status", "call"     */
	const char *key;       /* of an item of a list; NULL: it is none  */
	bool whole;            /* a change is told by the whole list      */
};

/** Frames; owned by the caller (poll_frames_reset()). */
struct poll_frames {
	struct ws_frame **v;
	size_t n;
};

void poll_frames_reset(struct poll_frames *fr);

/** Free. */
struct known *known_free(struct known *k);

/**
 * Add a page of a list, or the one message that there is.
 *
 * @param kp    NULL at first; owned by the caller.
 * @param next  Set to the cursor of the next page, "" if this was the last.
 *
 * @return 0, EBADMSG, ENOMEM.
 */
int known_add(struct known **kp, const struct poll_form *form,
	      const char *text, size_t len, char *next, size_t nextsize);

/** The snapshot. @param seq  "" where it is no part of the sequence. */
int known_snapshot(struct poll_frames *fr, const struct known *k,
		   const struct poll_form *form, const char *topic,
		   const char *seq);

/** What is other than before: no frames if nothing is. @param old  Or NULL. */
int known_change(struct poll_frames *fr, const struct known *k,
		 const struct known *old, const struct poll_form *form);

#endif
