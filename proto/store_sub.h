/* SPDX-License-Identifier: MIT */
/*
 * Subscriptions of phones in Redis, and messages that wait for them.
 *
 *   sy:{subs}          hash    id -> Subscription
 *   sy:{subs}:owner    hash    id -> instance of the router that serves it
 *   sy:{subs}:seq      hash    id -> CSeq of its last NOTIFY
 *   sy:{subs}:expiry   zset    id by its expiry [ms since 1970]
 *   sy:{subs}:of       hash    watcher -> how many it has; id:ID -> watcher
 *   sy:mwi:{DEVICE}    string  "new old": messages in its mailbox
 */

#ifndef SY_PROTO_STORE_SUB_H
#define SY_PROTO_STORE_SUB_H

#include <stdbool.h>
#include "proto/store.h"

enum {
	STORE_SUBS_MAX = 50000,
	STORE_SUBS_OF_MAX = 200, /* of one watcher: a reception's key field */
};

/** err: 0; ENOENT (not there), ENOSPC (too many); EBADMSG, ENOTCONN ... */
typedef void(store_sub_h)(int err, void *arg);

/** @param known  It must be there already. @return 0, ENOTCONN ... */
int store_sub_put(struct redis *r, const Sy__Subscription *sub,
		  uint32_t instance, bool known, store_sub_h *h, void *arg);

/** @param cseq  0: another router has it, or it is gone. */
typedef void(store_sub_next_h)(int err, uint32_t cseq, void *arg);

/** Number its next NOTIFY. @param last  Forget it with that. */
int store_sub_next(struct redis *r, const char *id, uint32_t instance,
		   bool last, store_sub_next_h *h, void *arg);

/** @param sub  Owned by the handler (sy__subscription__free_unpacked); NULL:
 * another one has it. */
typedef void(store_sub_claim_h)(int err, Sy__Subscription *sub, void *arg);

int store_sub_claim(struct redis *r, const char *id, uint32_t from,
		    uint32_t to, store_sub_claim_h *h, void *arg);

/** Who serves what. Called once for each, then with id NULL. */
typedef void(store_sub_owner_h)(int err, const char *id, uint32_t instance,
				void *arg);

int store_sub_owners(struct redis *r, store_sub_owner_h *h, void *arg);

enum { STORE_SUBS_PAGE_MAX = 1000, STORE_SUB_CURSOR_SIZE = 64 };

/**
 * @param subv  By when they lapse; instance is that of who serves it; borrowed
 *              for the call.
 * @param next  Cursor of the next page, or NULL.
 */
typedef void(store_sub_list_h)(int err, Sy__Subscription *const *subv,
			       size_t n, const char *next, void *arg);

/**
 * A page of all, for people.  What is refreshed between two pages may come
 * twice; nothing is missed.
 *
 * @param cursor  As returned, or NULL.
 * @param limit   1 to STORE_SUBS_PAGE_MAX.
 *
 * @return 0, ENOTCONN ..., EINVAL (limit), EBADMSG (that is no cursor).
 */
int store_sub_list(struct redis *r, const char *cursor, size_t limit,
		   store_sub_list_h *h, void *arg);

/** @param fresh, old  Messages; 0 and 0 if nothing is known. */
typedef void(store_mwi_h)(int err, uint32_t fresh, uint32_t old, void *arg);

int store_mwi_get(struct redis *r, const char *device, store_mwi_h *h,
		  void *arg);

/** Note them; who does also publishes resource_changed on
 * BUS_CHANNEL_SUBS. */
int store_mwi_put(struct redis *r, const char *device, uint32_t fresh,
		  uint32_t old);

#endif
