/* SPDX-License-Identifier: MIT */
/* For adopt.c, the protocol, and adopt_claim.c, what it claims. */

#ifndef SY_NODE_ADOPT_IMPL_H
#define SY_NODE_ADOPT_IMPL_H

#include "node/adopt.h"
#include "proto/owner.h"
#include "proto/store.h"

/* A process that died: when it was last heard of. */
struct death {
	struct le le;
	uint32_t instance;
	uint64_t alive_ms; /* since 1970 */
};

/* Of which node a process was, for the log. */
struct named {
	struct le le;
	uint32_t instance;
	char node[64]; /* member id */
};

struct adopt {
	struct node *node; /* borrowed: its owner                 */
	struct owner *owner;
	struct unsure *unsure;
	struct tmr tmr;
	struct list deaths; /* struct death, oldest first          */
	struct list names;  /* struct named, of the dead           */
	struct list asked;  /* struct asked: questions to Redis    */
	const char *taker;  /* while HubTaken is dealt with: whose */
	bool self;	    /* our instance was told               */
};

/* A question to Redis under way. */
struct asked {
	struct le le;
	struct adopt *a;
	uint32_t instance;
	uint32_t epoch; /* of our hub, that may be another's           */
	char hub[ULID_LEN + 1];
};

/**
 * Note a question to Redis.
 *
 * @param hub  Id; NULL: it is of none.
 *
 * @return the handler's to mem_deref(); NULL: no memory.
 */
struct asked *adopt_ask(struct adopt *a, const char *hub, uint32_t instance);

/** Run the protocol after an input; not from within it. */
void adopt_kick(struct adopt *a);

/** owner_ops.claim: claim a hub, and build it. */
int adopt_claim(const char *hub, uint32_t from, void *arg);

/** Within member_change_h: remember when a process was last heard of. */
void adopt_note_death(struct adopt *a, uint32_t instance);

#endif
