/* SPDX-License-Identifier: MIT */
/*
 * The live table: who is a member, by what was heard of them, and when nobody
 * may be declared dead.  Without I/O; time is passed in [us, monotonic].
 * member.c drives it, and the simulation of the ownership protocol.
 *
 * A member is live for a lease after its last beat.  While Redis does not
 * answer nobody's lease runs out, nor for a full lease after it answered
 * again: "settled".
 */

#ifndef SY_PROTO_MEMBER_TABLE_H
#define SY_PROTO_MEMBER_TABLE_H

#include <re.h>
#include "proto/member.h"

/** A live member. */
struct member_entry {
	struct le le; /* in the table, by ascending id       */
	Sy__Member *m;
	uint64_t beat_us;      /* when we last heard of it            */
	uint64_t since_us;     /* when we first heard of this process */
	uint64_t alive_us;     /* its last sign of life, as far as known */
	uint32_t placed;       /* by us, and on their way             */
	uint32_t recent;       /* of these, placed since its beat     */
	uint32_t placed_total; /* as its last beat said               */
};

struct member_table {
	struct list l; /* struct member_entry                 */
	uint64_t lease_us;
	uint64_t silent_us;   /* no answer for so long: Redis is away */
	uint64_t answered_us; /* when Redis answered us last         */
	uint64_t gone_us;     /* last sign of life of who is told as gone */
	uint64_t up_us;	      /* since when it answers; 0: away      */
	member_change_h *changeh;
	void *arg;
};

void member_table_init(struct member_table *t, uint32_t lease_ms,
		       uint32_t silent_ms, member_change_h *h, void *arg);

void member_table_close(struct member_table *t);

/**
 * A record was heard of; it stays the caller's.
 *
 * @param age_us  How long ago that beat was.  Its lease counts from now on all
 *                the same: who is found in a list may be about to beat.
 */
void member_table_learn(struct member_table *t, const Sy__Member *heard,
			uint64_t now_us, uint64_t age_us);

/**
 * It was found dead.
 *
 * @param seen_us  When its command channel was last there; 0: not known.  Taken
 *                 for a sign of life if it beat then, too: the channel of a
 *                 process that is stopped is there as well.
 */
void member_table_died(struct member_table *t, const char *id,
		       uint32_t instance, uint64_t seen_us);

/** It left. */
void member_table_forget(struct member_table *t, const char *id,
			 uint32_t instance);

/** Redis answered us. */
void member_table_answered(struct member_table *t, uint64_t now_us);

/** Look at Redis: is the connection up, and does it answer? */
void member_table_redis(struct member_table *t, bool up, uint64_t now_us);

/** Forget whose lease ran out. */
void member_table_expire(struct member_table *t, uint64_t now_us);

/** Has Redis answered for a full lease?  Only then somebody is dead. */
bool member_table_is_settled(const struct member_table *t, uint64_t now_us);

/** By id; NULL: not live. */
struct member_entry *member_table_find(const struct member_table *t,
				       const char *id);

/** By instance; NULL: not live. */
const Sy__Member *member_table_instance(const struct member_table *t,
					uint32_t instance);

/** See member_place(). @param rnd  64 random bits. */
const Sy__Member *member_table_place(struct member_table *t, const char *not_id,
				     uint64_t rnd);

/** See member_peers(). */
size_t member_table_peers(const struct member_table *t, uint64_t now_us,
			  struct owner_peer *peerv, size_t max);

#endif
