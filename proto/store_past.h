/* SPDX-License-Identifier: MIT */
/*
 * History read backwards: entries of the streams sy:events, sy:cdr and
 * sy:audit, newest first.  All of one packed message each.
 *
 *   sy:audit   stream, capped: AuditEntry
 */

#ifndef SY_PROTO_STORE_PAST_H
#define SY_PROTO_STORE_PAST_H

#include "proto/store.h"

#define STORE_EVENTS "sy:events"
#define STORE_CDR "sy:cdr"
#define STORE_AUDIT "sy:audit"

enum { STORE_AUDIT_MAX = 100000 }; /* entries, approximately */

/** One entry; borrowed. */
struct store_past {
	char id[STORE_EVENT_ID_SIZE]; /* "1700000000000-0"  */
	const uint8_t *p;             /* the packed message */
	size_t len;
};

struct redisReply;

/**
 * An entry of a stream as Redis gives it: its id, and the name and value of
 * its one field.
 *
 * @param past  Filled in; p is borrowed from the reply.
 *
 * @return false: it is none.
 */
bool store_past_read(struct store_past *past, const struct redisReply *reply);

/** @param v  Newest first; borrowed for the call. */
typedef void(store_past_h)(int err, const struct store_past *v, size_t n,
			   void *arg);

/**
 * Read a stream backwards.
 *
 * @param before  Id: only what is older; "": from the newest on.
 * @param after   Id: only what is newer; "": all.
 *
 * @return 0, EINVAL (no such ids), or as redis_command().
 */
int store_past_list(struct redis *r, const char *stream, const char *before,
		    const char *after, size_t limit, store_past_h *h,
		    void *arg);

/** Write into the audit. */
int store_audit_put(struct redis *r, const Sy__AuditEntry *entry, store_h *h,
		    void *arg);

/** @param rec  Borrowed for the call; NULL on error; ENOENT: none (any
 * more). */
typedef void(store_record_h)(int err, const Sy__CallRecord *rec, void *arg);

/** The record of a call that has ended: found by an index, not by reading
 * the stream. */
int store_cdr_get(struct redis *r, const char *hub, store_record_h *h,
		  void *arg);

#endif
