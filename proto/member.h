/* SPDX-License-Identifier: MIT */
/*
 * Membership: our own heartbeat, and the live table of everybody else.
 *
 * Each process beats once a second: one script writes its Member record and
 * its lease (3 s, by Redis' clock) and publishes a Heartbeat.  The table is
 * read whole at start and after each reconnection, and then follows the
 * heartbeats.  A member is live for MEMBER_LEASE_MS after its last beat by
 * our own monotonic clock.  While Redis is away nobody's lease runs out here,
 * nor for a full lease time after it answered again.
 *
 * Nodes also look after each other: who has no subscriber on its command
 * channel for 150 ms is removed, and everybody hears that it died.  The same
 * rules hold: nobody is found dead while Redis is away, nor for a lease after.
 * Who was declared dead and lives is a member again at its next beat, with
 * the same instance, and is told (forgottenh).
 */

#ifndef SY_PROTO_MEMBER_H
#define SY_PROTO_MEMBER_H

#include "proto/bus.h"
#include "proto/owner.h"

struct members;

enum {
	MEMBER_BEAT_MS = 1000,
	MEMBER_LEASE_MS = 3000,
};

/** Fill in state and load before each beat; the rest is kept as given. */
typedef void(member_load_h)(Sy__Member *self, void *arg);

/**
 * A member came, changed its state, or went.
 *
 * @param m     Borrowed for the call.
 * @param gone  It left, its lease ran out, or its instance was replaced.
 */
typedef void(member_change_h)(const Sy__Member *m, bool gone, void *arg);

/**
 * Redis had no record of us, or an old one: the others may have thought that
 * we were dead and taken what is ours, or Redis was emptied.
 */
typedef void(member_forgotten_h)(void *arg);

struct member_conf {
	struct loop *loop;
	struct bus *bus;	/* borrowed, outlives it                 */
	const Sy__Member *self; /* copied: id, kind, version, addresses;
				   NULL: only watch                      */
	member_load_h *loadh;
	member_change_h *changeh;
	member_forgotten_h *forgottenh; /* NULL: it does not matter       */
	void *arg;
	uint32_t beat_ms;  /* 0: MEMBER_BEAT_MS; the same in all of a
			      cluster                           */
	uint32_t lease_ms; /* 0: MEMBER_LEASE_MS                    */
};

int member_alloc(struct members **mp, const struct member_conf *conf);

/** Leave the table at once (end in order); then mem_deref(). */
void member_leave(struct members *m);

/** Leave it as one that died: hubs are left behind, and the others adopt them
 * at once; then mem_deref(). */
void member_resign(struct members *m);

/** Beat now, outside the rhythm: the state changed. */
void member_beat(struct members *m);

/** Our own instance number; 0: not yet known (Redis was never there). */
uint32_t member_instance(const struct members *m);

/** True once the table was read. */
bool member_is_ready(const struct members *m);

/** True if Redis has answered for a full lease: only then somebody may be
 * taken for dead (owner_ops.is_settled). */
bool member_is_settled(const struct members *m);

/** How long Redis has not answered us [ms]; 0 also if it never did. */
uint64_t member_silent_ms(const struct members *m);

/** Redis answers our beats, and so takes writes (who only watches: it
 * answers).  False within two beats of a stall, a full memory or disk. */
bool member_redis_is_well(const struct members *m);

/** Within member_change_h of one that is gone: how long ago it last gave a
 * sign of life: a beat, or its command channel was seen [ms]. */
uint64_t member_gone_ms(const struct members *m);

/** By member id; NULL: not live.  Borrowed until the next loop turn. */
const Sy__Member *member_find(const struct members *m, const char *id);

/** By instance; the lookup of a token.  NULL: not live. */
const Sy__Member *member_by_instance(const struct members *m,
				     uint32_t instance);

typedef bool(member_h)(const Sy__Member *m, void *arg); /* true: stop */

/** Each live member of a kind (MEMBER_UNKNOWN: all), by ascending id. */
void member_apply(const struct members *m, Sy__MemberKind kind, member_h *h,
		  void *arg);

/** The node to place a new hub on, by place_choose(); NULL: none. */
const Sy__Member *member_place(struct members *m, const char *not_id);

/**
 * Every live node, ourselves too, as the ownership protocol weighs them
 * (owner_ops.peers).
 *
 * @return how many were filled in.
 */
size_t member_peers(const struct members *m, struct owner_peer *peerv,
		    size_t max);

#endif
