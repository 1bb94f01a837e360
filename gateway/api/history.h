/* SPDX-License-Identifier: MIT */
/*
 * Lists of what has been: streams in Redis, newest first, filtered.  A page
 * looks at HISTORY_LOOK entries at most: where few of many match, it may have
 * fewer than asked for, and the next one goes on from there.
 *
 * Parameters that all of them have: limit, cursor, after, before (a time as
 * RFC 3339, or an id as a cursor).
 */

#ifndef SY_GATEWAY_API_HISTORY_H
#define SY_GATEWAY_API_HISTORY_H

#include <stdbool.h>

#include <protobuf-c/protobuf-c.h>

struct api_req;

enum { HISTORY_LOOK = 20000 };

/** What the lists of history have in their queries, beside limit, cursor. */
#define HISTORY_QUERY                                                         \
	{"after", "later than this: a time as RFC 3339, or a cursor"},        \
	{"before", "earlier than this: likewise"}

/** A list. */
struct history_def {
	const char *stream;   /* key in Redis                               */
	const char *what;     /* it has: "call"                             */
	const ProtobufCMessageDescriptor *desc;
	bool (*wantedh)(const ProtobufCMessage *msg, const void *filter);
	char **(*idp)(ProtobufCMessage *msg); /* field that gets the entry's
						 id; or NULL                */
};

/**
 * Answer with a page.
 *
 * @param filter  For wantedh; memory of mem_alloc(), taken; NULL: all are
 *                wanted.
 */
void history_list(struct api_req *a, const struct history_def *def,
		  void *filter);

#endif
