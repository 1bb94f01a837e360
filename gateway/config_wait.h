/* SPDX-License-Identifier: MIT */
/*
 * Who has changed the configuration answers once this gateway has loaded the
 * change: what its client reads next is what it wrote.
 */

#ifndef SY_GATEWAY_CONFIG_WAIT_H
#define SY_GATEWAY_CONFIG_WAIT_H

#include <stdint.h>

struct config_waits;
struct loop;

typedef void(config_wait_h)(void *arg);

/** @param wp  Owned by the caller; handlers that wait then are not called. */
int config_waits_alloc(struct config_waits **wp, struct loop *loop);

/** A revision was loaded. */
void config_waits_loaded(struct config_waits *w, uint64_t revision);

/**
 * Wait until a revision, or a later one, was loaded.
 *
 * @param ms  At most so long.
 * @param h   Called once, never from within this call.
 *
 * @return 0 or ENOMEM.
 */
int config_wait(struct config_waits *w, uint64_t revision, uint32_t ms,
		config_wait_h *h, void *arg);

#endif
