/* SPDX-License-Identifier: MIT */
/*
 * How trunks are: written by the router that works for one, read by who goes
 * on after it, by nodes and by the API.
 *
 *   sy:trunks   hash   trunk id -> TrunkState
 */

#ifndef SY_PROTO_STORE_TRUNK_H
#define SY_PROTO_STORE_TRUNK_H

#include <stddef.h>
#include "proto/bus.h"

/** Write it and tell everybody (BUS_CHANNEL_TRUNKS); no handler.
 * @return 0, EINVAL, ENOTCONN, ENOMEM. */
int store_trunk_put(struct bus *b, const Sy__TrunkState *ts);

/** Nobody works for it any more. @return as store_trunk_put(). */
int store_trunk_drop(struct bus *b, const char *trunk);

/**
 * @param v  By no order; borrowed for the call.
 * @param n  Those that can be read; 0 on error.
 */
typedef void(store_trunks_h)(int err, Sy__TrunkState *const *v, size_t n,
			     void *arg);

/**
 * Read them all.
 *
 * @param arg  A libre object, taken on success: the handler owns it, or it is
 *             let go (mem_deref) should the connection go before.
 *
 * @return 0, EINVAL, ENOTCONN, ENOMEM: the handler is not called.
 */
int store_trunk_list(struct redis *r, store_trunks_h *h, void *arg);

/** One of them; none is no error. @return as store_trunk_list(). */
int store_trunk_get(struct redis *r, const char *trunk, store_trunks_h *h,
		    void *arg);

#endif
