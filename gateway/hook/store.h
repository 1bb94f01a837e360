/* SPDX-License-Identifier: MIT */
/* Deliveries to webhooks in Redis: see proto/lua/hook_put.lua. */

#ifndef SY_GATEWAY_HOOK_STORE_H
#define SY_GATEWAY_HOOK_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/redis.h"
#include "proto/schema.h"

enum {
	HOOK_PENDING_MAX = 10000, /* of a webhook; then the oldest give way */
	HOOK_KEPT = 200,          /* that are through                     */
	HOOK_LEASE_MS = 3000,
};

/**
 * What is due.
 *
 * @param mine  The lease is ours.
 * @param at    Id of the last event that was looked at, or "".
 * @param v     Deliveries; borrowed for the call.
 */
typedef void(hook_due_h)(int err, bool mine, const char *at,
			 Sy__WebhookDelivery *const *v, size_t n, void *arg);

/** Take or keep the lease, and read what is due.
 * @param idv  Of the webhooks. @param me  Of who asks. */
int hook_due(struct redis *r, const char *me, const char *const *idv,
	     size_t n, size_t each, hook_due_h *h, void *arg);

/** err EPERM: the lease is another's. */
typedef void(hook_done_h)(int err, void *arg);

/** Write new ones. @param me  NULL: no lease is needed.
 *  @param at  Event up to which all is written; NULL: unchanged. */
int hook_put(struct redis *r, const char *me, const char *at,
	     Sy__WebhookDelivery *const *v, size_t n, hook_done_h *h,
	     void *arg);

/** Write what came of one; err ENOENT: it is gone. */
int hook_done(struct redis *r, const Sy__WebhookDelivery *d, hook_done_h *h,
	      void *arg);

typedef void(hook_list_h)(int err, Sy__WebhookDelivery *const *v, size_t n,
			  const char *next, void *arg);

/** The newest first. @param cursor  "" or the last page's next. */
int hook_list(struct redis *r, const char *webhook, const char *cursor,
	      size_t limit, hook_list_h *h, void *arg);

/** One, or none (ENOENT). */
int hook_get(struct redis *r, const char *webhook, const char *id,
	     hook_list_h *h, void *arg);

struct hook_stat {
	uint32_t pending, status;
	const char *error;
};

/** @param v  In the order of the ids; borrowed for the call. */
typedef void(hook_stat_h)(int err, const struct hook_stat *v, size_t n,
			  void *arg);

int hook_stat(struct redis *r, const char *const *idv, size_t n,
	      hook_stat_h *h, void *arg);

/** Forget all of a webhook that was removed. */
void hook_drop(struct redis *r, const char *webhook);

#endif
