/* SPDX-License-Identifier: MIT */
/* What the files of the guard share. */

#ifndef SY_ROUTER_GUARD_IMPL_H
#define SY_ROUTER_GUARD_IMPL_H

#include "router/guard.h"
#include "router/nets.h"

enum { GUARD_AGENTS_MAX = 64, GUARD_AGENT_SIZE = 132 };

/* Settings, with their defaults filled in. */
struct guard_rules {
	struct bucket_rate source, keepalives, tries, registers, calls,
		messages;
	uint32_t users;
	uint64_t ban_ms, ban_max_ms;
	bool off;
	size_t agentc;
	char agentv[GUARD_AGENTS_MAX][GUARD_AGENT_SIZE];
};

struct guard {
	struct guard_table *table;
	struct guard_rules rules;
	struct nets *allow, *deny;
	struct nets *trunks;     /* whole addresses                        */
	struct nets *ports;      /* those of which only ports are a trunk's */
	struct nets *members;
	uint32_t generation;     /* of all these                           */
	uint8_t round;           /* of the list of bans                    */
	guard_ban_h *banh;
	guard_trunk_h *trunkh;
	void *arg;
};

/** The entry of an address, with its standing. */
struct guard_entry *guard_source(struct guard *g, const struct sa *from,
				 uint64_t now_ms);

/** Is it left alone? */
bool guard_is_exempt(const struct guard *g, const struct guard_entry *e,
		     const struct sa *from);

static inline bool guard_is_known(const struct guard_entry *e,
				  uint64_t now_ms)
{
	return e->standing == GUARD_MEMBER ||
	       (e->good_ms && now_ms - e->good_ms < GUARD_KNOWN_MS);
}

#endif
