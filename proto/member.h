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
 */

#ifndef SY_PROTO_MEMBER_H
#define SY_PROTO_MEMBER_H

#include "proto/bus.h"

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

struct member_conf {
	struct loop *loop;
	struct bus *bus;         /* borrowed, outlives it                 */
	const Sy__Member *self;  /* copied: id, kind, version, addresses;
				    NULL: only watch                      */
	member_load_h *loadh;
	member_change_h *changeh;
	void *arg;
	uint32_t beat_ms;        /* 0: MEMBER_BEAT_MS; the same in all of a
				    cluster                           */
	uint32_t lease_ms;       /* 0: MEMBER_LEASE_MS                    */
};

int member_alloc(struct members **mp, const struct member_conf *conf);

/** Leave the table at once (end in order); then mem_deref(). */
void member_leave(struct members *m);

/** Beat now, outside the rhythm: the state changed. */
void member_beat(struct members *m);

/** Our own instance number; 0: not yet known (Redis was never there). */
uint32_t member_instance(const struct members *m);

/** True once the table was read. */
bool member_is_ready(const struct members *m);

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

#endif
