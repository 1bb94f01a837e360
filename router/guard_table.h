/* SPDX-License-Identifier: MIT */
/*
 * What a thread remembers of addresses, of users that were guessed from
 * there, and of accounts: a table of fixed size in which a newcomer pushes
 * out who was not seen for longest among its neighbours (a clock's second
 * chance), bans last.  Nothing allocates after start.
 */

#ifndef SY_ROUTER_GUARD_TABLE_H
#define SY_ROUTER_GUARD_TABLE_H

#include "router/bucket.h"

struct sa;

enum {
	GUARD_WAYS = 8,        /* places that a key may take              */
	GUARD_ENTRIES = 16384, /* some 2 MB                               */
};

enum guard_kind {
	GUARD_FREE,
	GUARD_SOURCE,  /* an address                                      */
	GUARD_USER,    /* a user, as guessed from an address              */
	GUARD_ACCOUNT, /* an account, authenticated                       */
};

struct guard_key {
	uint8_t addr[16];  /* IPv4 as IPv4-mapped; IPv6: its /64          */
	uint64_t name;     /* guard_hash() of the user or account         */
	uint64_t kind;     /* enum guard_kind; no padding behind          */
};

struct guard_entry {
	struct guard_key key;
	uint64_t until_ms;    /* banned until                             */
	uint64_t good_ms;     /* source: showed a token or a password     */
	uint64_t window_ms;   /* source: since when the next two count    */
	uint32_t guessed;     /* ... users whose passwords were wrong     */
	uint32_t probed;      /* ... users that do not exist              */
	uint64_t guessed_ms;  /* user: when it was counted there          */
	uint64_t probed_ms;
	struct bucket work;   /* source: unauthenticated messages; account:
				 REGISTERs                                */
	struct bucket tries;  /* user: wrong passwords; account: calls;
				 known source: keepalives                 */
	uint32_t generation;  /* source: of standing                      */
	uint8_t standing;     /* source: enum guard_standing              */
	uint8_t bans;         /* so many so far                           */
	bool shared;          /* Redis knows its ban                      */
	bool seen;            /* since the clock's hand went by           */
	uint8_t round;        /* of the last list of bans that named it   */
};

struct guard_table;

/** @param seed  Random: what falls together is nobody's to foresee. */
int guard_table_alloc(struct guard_table **tp, uint64_t seed);

/** Hash of a name. */
uint64_t guard_hash(const struct guard_table *t, const char *p, size_t len);

/** Key of an address; unknown families are all one. */
void guard_key_source(struct guard_key *key, const struct sa *sa);

/** The entry of a key, made where there is none.  Borrowed until the next
 * call. @return never NULL. */
struct guard_entry *guard_table_get(struct guard_table *t,
				    const struct guard_key *key,
				    uint64_t now_ms);

/** The entry of a key, or NULL. */
struct guard_entry *guard_table_find(struct guard_table *t,
				     const struct guard_key *key);

typedef void(guard_entry_h)(struct guard_entry *e, void *arg);

/** All that there are.  Slow: when bans are lifted. */
void guard_table_apply(struct guard_table *t, guard_entry_h *h, void *arg);

#endif
