/* SPDX-License-Identifier: MIT */
/*
 * Work that one process of the cluster does at a time: the work for a trunk.
 * Who holds the lease does it, and renews it; what a dead process held is
 * anybody's after STORE_LEASE_MS.
 *
 *   sy:lease:{NAME}   string   who: an instance number
 */

#ifndef SY_PROTO_STORE_LEASE_H
#define SY_PROTO_STORE_LEASE_H

#include <stdint.h>
#include "proto/redis.h"

enum {
	STORE_LEASE_MS = 3000,
	STORE_LEASE_RENEW_MS = 1000, /* how often who has it renews it */
};

/** @param err  0: it is ours, for STORE_LEASE_MS from when it was asked;
 *              EBUSY: another one has it; ENOTCONN, ETIMEDOUT ...: not
 *              known. */
typedef void(store_lease_h)(int err, void *arg);

/**
 * Take a lease, or renew it.
 *
 * @param name      "trunk:carrier".
 * @param instance  Ours.
 * @param arg       Owned by the caller, also when the connection goes: the
 *                  handler is then not called.
 *
 * @return 0, EINVAL, ENAMETOOLONG, ENOTCONN, ENOMEM: the handler is not
 *         called.
 */
int store_lease_take(struct redis *r, const char *name, uint32_t instance,
		     store_lease_h *h, void *arg);

/** Give it back, if it is ours; no handler. @return as store_lease_take(). */
int store_lease_give(struct redis *r, const char *name, uint32_t instance);

#endif
