/* SPDX-License-Identifier: MIT */
/*
 * Are the contacts of devices there?  Routers ask them (OPTIONS), and write
 * down what came of it beside the bindings; store_reg_get() reads both.  Who
 * asks whom, and when, is a queue: what one router has taken no other one
 * gets while it is held, and what a dead one held is taken again later.
 *
 *   sy:qual:{DEVICE}       hash  field of sy:reg:{DEVICE} -> see qual_put.lua;
 *                                goes with the bindings
 *   sy:{qual}:due          zset  contacts that any router may ask, by when [ms]
 *   sy:{qual}:due:ROUTER   zset  those of which this router has the flow
 *   sy:{qual}:routers      set   routers that have a queue
 */

#ifndef SY_PROTO_STORE_QUAL_H
#define SY_PROTO_STORE_QUAL_H

#include "proto/store.h"

enum {
	STORE_QUAL_HOLD_MS = 12000, /* what was taken is not taken again   */
	STORE_QUAL_TAKE_MAX = 64,
	STORE_QUAL_ROUTERS_MAX = 64, /* that are told apart                */
};

/** A contact of a device. */
struct store_contact {
	const char *device;
	const char *field;    /* store_reg_field()                         */
};

enum store_qual_how {
	STORE_QUAL_NEW,   /* unless it is in that queue already            */
	STORE_QUAL_NEXT,  /* only if it is                                 */
	STORE_QUAL_DROP,  /* take it out                                   */
};

/**
 * Change when a contact is asked.  No handler.
 *
 * @param router    Id of the router that has its flow; "": any router's.
 * @param delay_ms  From now on, by the clock of Redis.
 *
 * @return 0, ENOTCONN, ENOMEM, ENAMETOOLONG.
 */
int store_qual_due(struct redis *r, const char *router,
		   enum store_qual_how how, uint32_t delay_ms,
		   const struct store_contact *contact);

struct store_qual_taken {
	struct store_contact contact;
	bool own;             /* from the router's own queue               */
};

/** @param v  Borrowed for the call. @param n  0 with an error. */
typedef void(store_qual_taken_h)(int err, const struct store_qual_taken *v,
				 size_t n, void *arg);

/**
 * Take contacts that are due, for STORE_QUAL_HOLD_MS; and make the queues of
 * routers that are gone any router's.
 *
 * @param max    1 to STORE_QUAL_TAKE_MAX.
 * @param livev  Ids of all routers that live; the first one is who takes.
 * @param livec  1 to STORE_QUAL_ROUTERS_MAX.
 */
int store_qual_take(struct redis *r, unsigned max, const char *const *livev,
		    size_t livec, store_qual_taken_h *h, void *arg);

/** What came of asking. */
struct store_qual {
	bool reachable;
	uint32_t round_trip_us;
	uint64_t checked_ms;   /* since 1970 */
	uint16_t code;
};

/**
 * @param err      ENOENT: there is no such binding any more.
 * @param changed  It is not reachable, and was or was not known; or it is
 *                 again.
 */
typedef void(store_qual_put_h)(int err, bool changed, void *arg);

int store_qual_put(struct redis *r, const struct store_contact *contact,
		   const struct store_qual *qual, store_qual_put_h *h,
		   void *arg);

#endif
