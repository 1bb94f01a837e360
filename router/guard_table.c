/* SPDX-License-Identifier: MIT */
/* The table of the guard; see guard_table.h. */

#include <errno.h>
#include <string.h>
#include <re.h>
#include "proto/config_net.h"
#include "router/guard_table.h"

enum { SETS = GUARD_ENTRIES / GUARD_WAYS };

struct guard_table {
	uint64_t seed;
	struct guard_entry *last;  /* found last: often asked for again */
	uint8_t handv[SETS];
	struct guard_entry v[GUARD_ENTRIES];
};

int guard_table_alloc(struct guard_table **tp, uint64_t seed)
{
	struct guard_table *t = mem_zalloc(sizeof(*t), NULL);

	if (!t)
		return ENOMEM;
	t->seed = seed | 1;
	*tp = t;

	return 0;
}

/* The finalizer of MurmurHash3 (public domain): every bit changes all. */
static uint64_t mix(uint64_t x)
{
	x ^= x >> 33;
	x *= 0xff51afd7ed558ccdULL;
	x ^= x >> 33;
	x *= 0xc4ceb9fe1a85ec53ULL;
	x ^= x >> 33;

	return x;
}

uint64_t guard_hash(const struct guard_table *t, const char *p, size_t len)
{
	uint64_t h = t->seed;

	for (size_t i = 0; i < len; i++)
		h = (h ^ (uint8_t)p[i]) * 0x100000001b3ULL;

	return mix(h ^ len);
}

void guard_key_source(struct guard_key *key, const struct sa *sa)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	struct config_net net;

	memset(key, 0, sizeof(*key));
	key->kind = GUARD_SOURCE;
	if (config_net_from_sa(&net, sa))
		return;
	memcpy(key->addr, net.addr, sizeof(key->addr));
	if (memcmp(key->addr, mapped, sizeof(mapped)))
		memset(key->addr + 8, 0, 8);
}

static size_t set_of(const struct guard_table *t, const struct guard_key *key)
{
	uint64_t a, b;

	memcpy(&a, key->addr, 8);
	memcpy(&b, key->addr + 8, 8);

	return mix(mix(mix(a ^ t->seed) ^ b) ^ key->name ^ key->kind) % SETS;
}

static bool is_equal(const struct guard_key *a, const struct guard_key *b)
{
	return !memcmp(a, b, sizeof(*a));
}

static struct guard_entry *find(struct guard_table *t, size_t set,
				const struct guard_key *key)
{
	struct guard_entry *e = t->v + set * GUARD_WAYS;

	for (unsigned i = 0; i < GUARD_WAYS; i++, e++) {
		if (is_equal(&e->key, key))
			return t->last = e;
	}

	return NULL;
}

/* Who is banned stays for one more turn of the hand than who is not. */
static struct guard_entry *victim(struct guard_table *t, size_t set,
				  uint64_t now_ms)
{
	struct guard_entry *v = t->v + set * GUARD_WAYS;

	for (unsigned turn = 0; turn < 3 * GUARD_WAYS; turn++) {
		struct guard_entry *e = v + t->handv[set];

		t->handv[set] = (uint8_t)((t->handv[set] + 1) % GUARD_WAYS);
		if (!e->key.kind)
			return e;
		if (e->seen)
			e->seen = false;
		else if (e->until_ms <= now_ms || turn >= 2 * GUARD_WAYS)
			return e;
	}

	return v;
}

struct guard_entry *guard_table_find(struct guard_table *t,
				     const struct guard_key *key)
{
	if (t->last && is_equal(&t->last->key, key))
		return t->last;

	return find(t, set_of(t, key), key);
}

struct guard_entry *guard_table_get(struct guard_table *t,
				    const struct guard_key *key,
				    uint64_t now_ms)
{
	struct guard_entry *e = guard_table_find(t, key);
	size_t set;

	if (!e) {
		set = set_of(t, key);
		e = victim(t, set, now_ms);
		memset(e, 0, sizeof(*e));
		e->key = *key;
		t->last = e;
	}
	e->seen = true;

	return e;
}

void guard_table_apply(struct guard_table *t, guard_entry_h *h, void *arg)
{
	for (size_t i = 0; i < GUARD_ENTRIES; i++) {
		if (t->v[i].key.kind)
			h(&t->v[i], arg);
	}
}
