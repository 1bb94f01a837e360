/* SPDX-License-Identifier: MIT */
/*
 * Where calls were placed a moment ago: so that a retransmitted INVITE and a
 * CANCEL need no Redis.  One thread's; a fixed size; what does not fit pushes
 * out what is older.  To lose an entry costs a question, never a call.
 */

#ifndef SY_ROUTER_CACHE_H
#define SY_ROUTER_CACHE_H

#include <stdbool.h>
#include <stdint.h>
#include "proto/token.h"

enum {
	CACHE_KEY_BYTES = 16,
	CACHE_WAYS = 4,
	CACHE_SETS = 2048,
	CACHE_TTL_MS = 32000, /* a transaction's life, RFC 3261 17 */
};

struct cache;

int cache_alloc(struct cache **cp);

/** Remember. @param key  Random bytes that name the transaction (a MAC). */
void cache_put(struct cache *c, const uint8_t key[CACHE_KEY_BYTES],
	       const struct token *tok, uint64_t now_ms);

/** @return true: *tok is where it was placed. */
bool cache_get(const struct cache *c, const uint8_t key[CACHE_KEY_BYTES],
	       struct token *tok, uint64_t now_ms);

#endif
