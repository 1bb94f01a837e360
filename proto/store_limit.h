/* SPDX-License-Identifier: MIT */
/*
 * Calls at a time and calls a second, counted over the whole cluster.  Each
 * call holds its room by a lease that its owner renews; what a dead node held
 * and nobody took over lapses.
 *
 *   sy:limit:{NAME}        zset    holder -> end of its lease [ms]
 *   sy:limit:{NAME}:rate   string  see lua/limit_take.lua
 *
 * A name is "trunk:carrier" or "device:1001"; a holder is whatever names the
 * call in it, and stays the same when another node takes the call over.
 * Without a limit nothing of this is to be asked.
 */

#ifndef SY_PROTO_STORE_LIMIT_H
#define SY_PROTO_STORE_LIMIT_H

#include <stddef.h>
#include <stdint.h>
#include "proto/redis.h"

enum {
	STORE_LIMIT_LEASE_MS = 90000,
	STORE_LIMIT_RENEW_MS = 30000, /* how often owners renew */
	STORE_LIMIT_BATCH = 500,      /* holders of one renewal */
};

struct store_limit {
	const char *name;
	const char *holder;
	uint32_t calls;	     /* at a time; 0: any number */
	uint32_t per_second; /* 0: any number            */
};

/** @param err  0; EBUSY: as many calls as may be; EAGAIN: too many within a
 *              second; ENOTCONN, ETIMEDOUT ...: not known. */
typedef void(store_limit_h)(int err, void *arg);

/**
 * Take room for a call.
 *
 * @param l    Copied.
 * @param arg  Owned by the caller, also when the connection goes: the handler
 *             is then not called.
 *
 * @return 0, EINVAL, ENAMETOOLONG, ENOTCONN, ENOMEM: the handler is not
 *         called.
 */
int store_limit_take(struct redis *r, const struct store_limit *l,
		     store_limit_h *h, void *arg);

/**
 * Renew leases; no handler.
 *
 * @param holderv  At most STORE_LIMIT_BATCH.
 *
 * @return as store_limit_take().
 */
int store_limit_renew(struct redis *r, const char *name,
		      const char *const *holderv, size_t holderc);

/** Give room back; no handler. @return as store_limit_take(). */
int store_limit_give(struct redis *r, const char *name, const char *holder);

#endif
