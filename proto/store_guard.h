/* SPDX-License-Identifier: MIT */
/*
 * Bans and costly calls in Redis.  As in store.h: handlers are called on the
 * loop's thread, exactly once, unless the call itself returned an error.
 *
 *   sy:{bans}                     hash  id -> since, until, count, Ban
 *   sy:{bans}:until               zset  ids by when they are forgotten [ms]
 *   sy:costly:{ACCOUNT}:hour      zset  calls by when they began [ms]
 *   sy:costly:{ACCOUNT}:now       zset  calls by when their lease ends [ms]
 */

#ifndef SY_PROTO_STORE_GUARD_H
#define SY_PROTO_STORE_GUARD_H

#include "proto/store.h"

struct sa;

enum {
	STORE_BANS_MAX = 20000,         /* the one that ends first goes    */
	STORE_BAN_MEMORY_MS = 86400000, /* after its end: the next one is
					   longer                          */
	STORE_BAN_ID_SIZE = 200,
	STORE_BAN_SOURCE_SIZE = 48,
	STORE_COSTLY_LEASE_MS = 90000,  /* store_costly_take() again before */
};

/* --------------------------------------------------------------- bans */

/** An address as bans name it: of IPv6 its /64 ("2001:db8:0:1::"), for who has
 * one address there has all. */
void store_ban_source(char text[STORE_BAN_SOURCE_SIZE], const struct sa *sa);

/** Id of a ban: "source" or "source,user". @return 0 or ENAMETOOLONG. */
int store_ban_id(char id[STORE_BAN_ID_SIZE], const char *source,
		 const char *user);

struct store_ban_put {
	const Sy__Ban *ban;   /* times and count are made by Redis          */
	uint64_t first_ms;    /* how long; twice that the second time ...   */
	uint64_t max_ms;
	bool exact;           /* first_ms, and in place of one that stands  */
};

/**
 * @param ban    As it stands there now; borrowed for the call.
 * @param fresh  It was made by this very call.
 */
typedef void(store_ban_h)(int err, const Sy__Ban *ban, bool fresh, void *arg);

int store_ban_put(struct redis *r, const struct store_ban_put *put,
		  store_ban_h *h, void *arg);

/**
 * @param banv  Borrowed for the call.
 * @param next  Cursor of the next page, or NULL.
 */
typedef void(store_bans_h)(int err, const Sy__Ban *const *banv, size_t banc,
			   const char *next, void *arg);

/** Those that are banned now. @param cursor  As returned, or NULL.
 * @param limit  1..1000. */
int store_ban_list(struct redis *r, const char *cursor, size_t limit,
		   store_bans_h *h, void *arg);

/** Lift a ban; by the id of a source also those of its users.  The handler
 * gets what was lifted. */
int store_ban_drop(struct redis *r, const char *id, store_bans_h *h,
		   void *arg);

/* ------------------------------------------------------- costly calls */

/** What an account may; 0: any number. */
struct store_costly {
	const char *account;     /* "device:1001"                          */
	const char *call;        /* id of the hub: counted once            */
	uint32_t calls_per_hour;
	uint32_t calls_at_a_time;
};

/**
 * Count a call, or renew its lease.
 *
 * @param h  err EDQUOT: too many in this hour; EBUSY: too many at a time.
 */
int store_costly_take(struct redis *r, const struct store_costly *c,
		      store_h *h, void *arg);

/** It has ended.  No handler. */
int store_costly_give(struct redis *r, const char *account, const char *call);

#endif
