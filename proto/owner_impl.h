/* SPDX-License-Identifier: MIT */
/* What the files of the ownership protocol share; nobody else includes it. */

#ifndef SY_PROTO_OWNER_IMPL_H
#define SY_PROTO_OWNER_IMPL_H

#include <re.h>
#include "proto/owner.h"
#include "proto/ulid.h"

enum owned_state {
	OWNED_OURS,
	OWNED_QUEUED, /* a claim of it waits for its turn           */
	OWNED_CLAIMING,
	OWNED_TAKING, /* claimed by a move: not our matter          */
	OWNED_ENDED,  /* remembered until until_ms                  */
};

/* A hub that is ours, or nearly. */
struct owned {
	struct le le;	    /* in owner->hubs, by id              */
	struct le state_le; /* in owner->queue or owner->ended    */
	char id[ULID_LEN + 1];
	enum owned_state state;
	uint32_t epoch; /* ours                               */
	uint32_t from;	/* whom we claim it from              */
	uint64_t until_ms;
	bool dropped;            /* once more, since it ended          */
	uint64_t seq;  /* counts what began here             */
	uint64_t seen; /* the check that found it in our set */
};

/* The hubs of a process that is no more. */
struct estate {
	struct le le; /* in owner->estates                  */
	uint32_t instance;
	uint64_t due_ms; /* when its set is listed             */
	unsigned round;
	bool asked; /* the list is on its way             */
	bool empty; /* as it was found last               */
};

struct owner {
	const struct owner_ops *ops;
	void *arg;
	struct hash *hubs; /* struct owned                       */
	struct list queue; /* of these, OWNED_QUEUED, by age     */
	struct list ended; /* ... OWNED_ENDED, by age            */
	struct list estates;
	uint64_t rnd;
	uint64_t now_ms;
	uint32_t self; /* our instance; 0: not known         */
	bool up;       /* Redis can be asked                 */
	bool settled;  /* as it was at the last run          */
	uint64_t seq, check_seq, check;
	uint64_t check_ms;	 /* when our own set is compared       */
	uint64_t scan_ms;	 /* when sy:owners is read             */
	bool checking, scanning; /* ... is on its way                  */
	size_t ours, claiming;	 /* claims under way                   */
	uint32_t claims_s, burst, window;
	uint32_t scan_every_ms, check_every_ms;
	double tokens;	    /* claims that may start now          */
	uint64_t tokens_ms; /* as of                              */
};

/* owner.c */

/** A hub by id; NULL: unknown. */
struct owned *owner_find(const struct owner *o, const char *hub);

/** Claim it when its turn comes; no memory: it is found again. */
void owner_queue(struct owner *o, const char *hub, uint32_t from);

/** A queued claim has left. */
void owner_claim_sent(struct owner *o, struct owned *h);

/** Free it. */
void owner_remove(struct owner *o, struct owned *h);

/** 0..max-1, other for each node. */
uint32_t owner_random(struct owner *o, uint32_t max);

/* owner_check.c */

/** Our own set was listed. */
void owner_checked(struct owner *o, int err, const char *const *hubv,
		   size_t hubc);

/** Compare it before its time: something is not known. */
void owner_check_soon(struct owner *o);

/** Ask for it, when it is time. */
void owner_check_run(struct owner *o);

/** Read who the owners are, when it is time. */
void owner_scan_run(struct owner *o);

/* owner_estate.c */

/** Look at a dead process' hubs at due_ms, if nobody does yet. */
void owner_estate_add(struct owner *o, uint32_t instance, uint64_t due_ms);

/** List the sets that are due. */
void owner_estates_run(struct owner *o);

/** Start the claims whose turn it is. */
void owner_claims_run(struct owner *o);

/** Until when the two have nothing to do [ms]. */
uint64_t owner_estates_due(const struct owner *o);

#endif
