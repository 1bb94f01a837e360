/* SPDX-License-Identifier: MIT */
/* A set-associative table; see cache.h. */

#include <errno.h>
#include <string.h>
#include <re.h>
#include "router/cache.h"

struct slot {
	uint8_t key[CACHE_KEY_BYTES];
	uint64_t until_ms; /* 0: empty */
	struct token tok;
};

struct cache {
	struct slot v[CACHE_SETS][CACHE_WAYS];
};

int cache_alloc(struct cache **cp)
{
	*cp = mem_zalloc(sizeof(**cp), NULL);

	return *cp ? 0 : ENOMEM;
}

static size_t set_of(const uint8_t *key)
{
	uint32_t n;

	memcpy(&n, key, sizeof(n));

	return n % CACHE_SETS;
}

void cache_put(struct cache *c, const uint8_t key[CACHE_KEY_BYTES],
	       const struct token *tok, uint64_t now_ms)
{
	struct slot *set = c->v[set_of(key)], *s = set;

	for (int i = 0; i < CACHE_WAYS; i++) {
		if (!memcmp(set[i].key, key, CACHE_KEY_BYTES)) {
			s = &set[i];
			break;
		}
		if (set[i].until_ms < s->until_ms)
			s = &set[i];
	}
	memcpy(s->key, key, CACHE_KEY_BYTES);
	s->tok = *tok;
	s->until_ms = now_ms + CACHE_TTL_MS;
}

bool cache_get(const struct cache *c, const uint8_t key[CACHE_KEY_BYTES],
	       struct token *tok, uint64_t now_ms)
{
	const struct slot *set = c->v[set_of(key)];

	for (int i = 0; i < CACHE_WAYS; i++) {
		if (set[i].until_ms > now_ms &&
		    !memcmp(set[i].key, key, CACHE_KEY_BYTES)) {
			*tok = set[i].tok;
			return true;
		}
	}

	return false;
}
