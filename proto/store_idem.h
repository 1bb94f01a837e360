/* SPDX-License-Identifier: MIT */
/*
 * Requests that their senders may send again by the same key, at any gateway:
 * done once, answered the same.
 *
 *   sy:idem:{SENDER}:KEY  hash  fingerprint of the request, until when it may
 *                               run, its answer; expires.  KEY is a hash.
 *   sy:idem:{SENDER}      zset  these keys by age; bounded
 */

#ifndef SY_PROTO_STORE_IDEM_H
#define SY_PROTO_STORE_IDEM_H

#include "proto/redis.h"

enum {
	STORE_IDEM_TTL_S = 24 * 3600,
	STORE_IDEM_RUN_MS = 60000, /* longer than any request takes       */
	STORE_IDEM_MAX = 10000,    /* keys of one sender; the oldest goes */
	STORE_IDEM_HASH_SIZE = 65, /* hex of SHA-256                      */
};

/** Which request; strings borrowed. */
struct store_idem {
	const char *sender; /* without braces: "token:ci"             */
	const char *key;    /* hex of a hash                          */
	const char *mark;   /* fingerprint: hex of a hash             */
};

enum store_idem_out {
	STORE_IDEM_NEW,     /* do it, then store_idem_put()             */
	STORE_IDEM_OTHER,   /* the key was for another request          */
	STORE_IDEM_RUNNING,
	STORE_IDEM_UNKNOWN, /* it began; how it ended was never told    */
	STORE_IDEM_DONE,
};

/** An answer. */
struct store_idem_answer {
	unsigned status;
	const char *type;     /* "": no body */
	const char *location; /* ""          */
	const char *body;
	size_t len;
};

/** @param ans  On STORE_IDEM_DONE; borrowed for the call. */
typedef void(store_idem_h)(int err, enum store_idem_out out,
			   const struct store_idem_answer *ans, void *arg);

/** A request begins. */
int store_idem_take(struct redis *r, const struct store_idem *idem,
		    store_idem_h *h, void *arg);

/** It was answered.  No handler: what is lost is not known. */
int store_idem_put(struct redis *r, const struct store_idem *idem,
		   const struct store_idem_answer *ans);

/** It was not done: the same key may try again.  No handler. */
int store_idem_drop(struct redis *r, const struct store_idem *idem);

/** Nobody knows whether it was done.  No handler. */
int store_idem_lose(struct redis *r, const struct store_idem *idem);

#endif
