/* SPDX-License-Identifier: MIT */
/*
 * Ownership of hubs: the protocol of one process, without I/O.  Time, Redis'
 * answers and news of others are put in; what is to be done comes out by
 * struct owner_ops.  Nothing here looks at a clock, so the same code runs in
 * a node (node/adopt.c) and, a thousand times over, in a simulation
 * (tests/unit/owner_model_test.c).
 *
 * A hub as one process sees it:
 *
 *            owner_begun()                      owner_ended()
 *   (none) ----------------> OURS ---------------------------> ENDED
 *      |                      ^ |  another owns it: let_go()     | 120 s
 *      | dead owner's,        | +------------------------> (none)+-> (none)
 *      | or owner_take()      | claimed
 *      +----------------> CLAIMING ---- refused --> (none)
 *
 * The hubs of a process that died are its estate.  Every live node that has
 * room goes through it in rounds:
 *
 *   owner_died() --> list the set --+--> empty, twice --> forget the process
 *        ^                          |
 *        | next round, 1 s later    +--> claim our share --+
 *        +-------------------------------------------------+
 *
 * Round 0 claims what rendezvous hashing, weighted by room, gives to us;
 * later rounds what it gives us as the second, then as one of four, then
 * everything: so a node that dies while it adopts, or that sees another
 * cluster than we do, leaves nothing behind.  hub_claim.lua decides.
 *
 * Nobody has to see a death: sy:owners is read every 10 s, and who stands
 * there and is not live is dead.  Our own set is compared with our table
 * every 30 s: it names what we own and do not know (a claim whose reply was
 * lost), or misses what we do own (it was taken, or Redis lost it).
 *
 * Invariants
 *   - A process claims only while ops->is_settled(): Redis has answered for a
 *     full lease.  So an outage of Redis looks like nobody's death.
 *   - Of two claims of a hub from one owner one is granted; each raises the
 *     epoch; who has a lower epoch, or the same and is not the owner, writes
 *     nothing and lets go when it is told.
 *   - The set of a process names a hub before it is written or claimed; a
 *     name goes from it only after it was found to be another's or gone.
 *
 * All calls on one thread.  owner_ops are called from within owner_run() and
 * the inputs, but those under "our hubs" call none, save owner_departed()
 * ops->forget.
 */

#ifndef SY_PROTO_OWNER_H
#define SY_PROTO_OWNER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct owner;

enum {
	OWNER_ROUND_MS = 1000,     /* until an estate is looked at again  */
	OWNER_ROUND_MAX_MS = 8000, /* it doubles when that does not help  */
	OWNER_EMPTY_MS = 2000,     /* from empty to forgotten             */
	OWNER_SCAN_MS = 10000,     /* default: sy:owners is read          */
	OWNER_CHECK_MS = 30000,    /* ... and our own set                 */
	OWNER_ENDED_MS = 120000,   /* an ended hub is remembered          */
	OWNER_CLAIMS_S = 1000,     /* default: hubs a second              */
	OWNER_BURST = 100,         /* ... and at once                     */
	OWNER_WINDOW = 64,         /* claims under way                    */
};

/** A node that may take hubs. */
struct owner_peer {
	uint32_t instance;
	float room; /* of any unit, the same for all: a node of
		       twice the room gets twice the hubs; 0:
		       takes none (draining)                    */
	bool last;  /* overloaded, or just started: only when
		       nobody else is there                     */
};

/**
 * What is to be done.  Each of the questions (list_owned, list_owners, claim)
 * is answered by the input named, once, later; a return value other than 0
 * (ENOTCONN, ENOMEM) means that it was not asked and will not be answered.
 */
struct owner_ops {
	/** Every live node, ourselves too. @return how many were filled in. */
	size_t (*peers)(struct owner_peer *peerv, size_t max, void *arg);

	/** Is this process a live member? */
	bool (*is_live)(uint32_t instance, void *arg);

	/** Has Redis answered for a full lease (member_is_settled())? */
	bool (*is_settled)(void *arg);

	/** store_owned_list(): answered by owner_owned(). */
	int (*list_owned)(uint32_t instance, void *arg);

	/** store_owners_list(): answered by owner_owners(). */
	int (*list_owners)(void *arg);

	/** store_hub_claim(): answered by owner_claimed(). */
	int (*claim)(const char *hub, uint32_t from, void *arg);

	/** The hub is another's, or has ended elsewhere: free it in silence (no
	 * BYE, no write). It is not ours any more when this is called. */
	void (*let_go)(const char *hub, void *arg);

	/** Write this hub whole, with `first` set; NULL: all of ours. */
	void (*write)(const char *hub, void *arg);

	/** The hub ended here, and Redis has it again (it lost its last
	 * writes): store_hub_drop() without a record. */
	void (*drop)(const char *hub, uint32_t epoch, void *arg);

	/** store_owned_remove(). */
	void (*forget)(uint32_t instance, const char *hub, void *arg);

	/** store_owners_put() of ourselves. */
	void (*announce)(void *arg);

	/** store_owners_drop(). */
	void (*forget_owner)(uint32_t instance, void *arg);

	/** The hubs of a dead process are being looked at (round 0), or none is
	 * left (done).  For logs and metrics; may be NULL. */
	void (*estate)(uint32_t instance, size_t hubs, bool done, void *arg);
};

struct owner_conf {
	const struct owner_ops *ops; /* borrowed, outlives it          */
	void *arg;
	uint64_t seed;     /* spreads the rhythms of nodes   */
	uint32_t claims_s; /* 0: OWNER_CLAIMS_S              */
	uint32_t burst;	   /* 0: OWNER_BURST                 */
	uint32_t window;   /* 0: OWNER_WINDOW                */
	uint32_t scan_ms;  /* 0: OWNER_SCAN_MS               */
	uint32_t check_ms; /* 0: OWNER_CHECK_MS              */
};

/** @param op  Set on success; mem_deref() frees it. @return 0, ENOMEM. */
int owner_alloc(struct owner **op, const struct owner_conf *conf);

/* ------------------------------------------------------------------- time */

/**
 * Do what is due.  Call it when it said, and after each input.
 *
 * @param now_ms  Monotonic clock [ms]; never goes back.
 *
 * @return until when it has nothing to do [ms from now], at most 1000.
 */
uint32_t owner_run(struct owner *o, uint64_t now_ms);

/* ------------------------------------------------------------------- news */

/** Our instance is known.  Nothing happens before. */
void owner_self(struct owner *o, uint32_t instance);

/** Redis can be asked again, or not any more (redis_state_h). */
void owner_redis(struct owner *o, bool up);

/** Our membership record was missing: we were thought to be dead, or Redis
 * was emptied (member_conf.forgottenh). */
void owner_forgotten(struct owner *o);

/** A node is not a member any more: dead, left, or replaced. */
void owner_died(struct owner *o, uint32_t instance);

/** A process says that it owns the hub now (HubTaken). */
void owner_taken(struct owner *o, const char *hub, uint32_t epoch);

/* ---------------------------------------------------------------- answers */

void owner_owned(struct owner *o, uint32_t instance, int err,
		 const char *const *hubv, size_t hubc);

void owner_owners(struct owner *o, int err, const uint32_t *instancev,
		  size_t n);

/**
 * The answer to ops->claim.  With err 0 the hub is ours, and counted so from
 * here on; the caller builds it.
 *
 * @param err    As store_claim_h.  EBADMSG: the caller drops the hub at this
 *               epoch.
 * @param epoch  With err 0.
 * @param who    With ESTALE: who owns it.
 */
void owner_claimed(struct owner *o, const char *hub, int err, uint32_t epoch,
		   uint32_t who);

/** The answer to store_hub_put(), of any hub. */
void owner_written(struct owner *o, const char *hub, uint32_t epoch, int err);

/* --------------------------------------------------------------- our hubs */

/** A hub is ours: a new call, or taken (owner_take()). @return 0, ENOMEM. */
int owner_begun(struct owner *o, const char *hub, uint32_t epoch);

/** It ended here; its record is being dropped. */
void owner_ended(struct owner *o, const char *hub);

/** It ended here not long ago: Redis takes no writes of this id yet, so none
 * may begin with it. */
bool owner_has_ended(const struct owner *o, const char *hub);

/** It is another's by our own will: a move. */
void owner_departed(struct owner *o, const char *hub);

/**
 * We are about to claim it apart from this protocol (a move): nothing here
 * touches it until owner_begun() or owner_released().
 *
 * @return 0; EBUSY: it is ours, or being claimed; ENOMEM.
 */
int owner_take(struct owner *o, const char *hub);

/** The claim after owner_take() failed, or its outcome is not known; or a hub
 * that is ours could not be built: what our set still names is claimed again,
 * from ourselves. */
void owner_released(struct owner *o, const char *hub);

/** How many hubs are ours, and how many claims wait or are under way. */
struct owner_stat {
	size_t ours;
	size_t claiming;
	size_t estates;
};

void owner_stat(const struct owner *o, struct owner_stat *st);

#endif
