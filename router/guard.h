/* SPDX-License-Identifier: MIT */
/*
 * The guard: what a thread takes from strangers, and whom it does not listen
 * to.  Without I/O; time is passed in; guard_share.h brings Redis and the bus.
 *
 *   datagram --> guard_look() --> read --> token? --> its way, unlimited
 *                  |                        | no
 *                  | denied, banned,        v
 *                  | over its rate      guard_work() --> auth.c
 *                  v                        |              | wrong password,
 *                dropped unread           dropped          v user unknown
 *                                                     guard_failed() --> ban
 *
 * A message costs something only if it carries no token of this cluster and
 * no password: who is authenticated gets back what the challenge had cost.
 * So any number of phones behind one address may register, and calls that run
 * are never limited.  Addresses of which a token or a password was seen
 * lately are *known*: should one be banned or over its rate, what carries a
 * token still passes.  Nothing here allocates, locks or logs.
 */

#ifndef SY_ROUTER_GUARD_H
#define SY_ROUTER_GUARD_H

#include <re.h>
#include "proto/schema.h"
#include "router/guard_table.h"

struct nets;

enum {
	GUARD_KNOWN_MS = 3600000,  /* known for so long                   */
	GUARD_WINDOW_MS = 600000,  /* users that were guessed are counted */
	GUARD_FORGIVE_MS = 300000, /* a wrong password is forgotten after */
	GUARD_PROBES = 20,         /* unknown users until a ban           */
	GUARD_KNOWN_FACTOR = 4,    /* so many times more of a known address */
};

enum guard_standing {
	GUARD_PLAIN,
	GUARD_ALLOWED,   /* by the list; a trunk; a member of the cluster */
	GUARD_PORTS,     /* ports of it are a trunk's                     */
	GUARD_MEMBER,    /* members and others share it (loopback): known */
	GUARD_DENIED,
};

enum guard_reason {
	GUARD_PASSWORD,  /* wrong ones                                    */
	GUARD_SCANNER,   /* its User-Agent says so                        */
	GUARD_PROBE,     /* asked for users that do not exist             */
	GUARD_MANUAL,
	GUARD_REASON_COUNT,
};

/** "password" ... */
const char *guard_reason_name(enum guard_reason reason);
enum guard_reason guard_reason_read(const char *name);

/** Somebody was banned here; strings borrowed for the call. */
struct guard_ban {
	const struct sa *source;
	struct pl user;          /* empty: all that comes from there       */
	struct pl agent;         /* User-Agent, of scanners                */
	enum guard_reason reason;
	uint64_t first_ms, max_ms; /* as the settings say                  */
};

typedef void(guard_ban_h)(const struct guard_ban *ban, void *arg);

/** Is a port of an address, some of which are a trunk's, one of these? */
typedef bool(guard_trunk_h)(const struct sa *sa, void *arg);

struct guard;

int guard_alloc(struct guard **gp, uint64_t seed, guard_ban_h *banh,
		guard_trunk_h *trunkh, void *arg);

/** New settings, from then on.  @return 0 or ENOMEM (the old ones hold). */
int guard_configure(struct guard *g, const Sy__Config *conf);

/** The members' addresses. @param n  Taken; NULL: none. */
void guard_members(struct guard *g, struct nets *n);

/* -------------------------------------------------------------- messages */

enum guard_look {
	GUARD_READ,
	GUARD_DROP_DENIED,
	GUARD_DROP_BANNED,
	GUARD_DROP_RATE,
};

/** Before a message is read. */
enum guard_look guard_look(struct guard *g, const struct sa *from,
			   uint64_t now_ms);

/**
 * A request without a token: count it.
 *
 * @param credentials  It brings a password.
 *
 * @return GUARD_READ: go on; else drop it.
 */
enum guard_look guard_work(struct guard *g, const struct sa *from,
			   bool credentials, uint64_t now_ms);

/**
 * A keepalive: STUN, or a few bytes that mean nothing.  A known address has a
 * bucket of its own for them, GUARD_KNOWN_FACTOR times as large: the phones
 * behind it are to keep their flows, and to have their REGISTERs read all the
 * same.
 *
 * @return GUARD_READ: take it, answer it; else drop it.
 */
enum guard_look guard_keepalive(struct guard *g, const struct sa *from,
				uint64_t now_ms);

/** What was no SIP, or broken, or answers nothing that we asked. */
void guard_junk(struct guard *g, const struct sa *from, uint64_t now_ms);

/** It showed a token of ours. */
void guard_known(struct guard *g, const struct sa *from, uint64_t now_ms);

/** Its User-Agent is a scanner's: it is banned, if it is not known.
 * @return true: drop it. */
bool guard_scanner(struct guard *g, const struct sa *from,
		   const struct pl *agent, uint64_t now_ms);

/* -------------------------------------------------------- authentication */

/** A hash that nobody outside can foresee. */
uint64_t guard_hash_bytes(const struct guard *g, const void *p, size_t len);

/** Is this user, or all, of that address banned? */
bool guard_user_is_banned(struct guard *g, const struct sa *from,
			  const struct pl *user, uint64_t now_ms);

/** A password was right: what it had cost is given back. */
void guard_good(struct guard *g, const struct sa *from, uint64_t now_ms);

/** A password was wrong, or its user does not exist; for a nonce that was
 * made for that address (so the address is no forgery), and is not stale. */
void guard_failed(struct guard *g, const struct sa *from,
		  const struct pl *user, uint64_t now_ms);

/** A request without a password names a user that does not exist. */
void guard_probe(struct guard *g, const struct sa *from,
		 const struct pl *user, uint64_t now_ms);

enum guard_act { GUARD_REGISTER, GUARD_CALL, GUARD_MESSAGE };

/** May this account do one more of it? */
bool guard_account(struct guard *g, const char *account, enum guard_act act,
		   uint64_t now_ms);

/* ---------------------------------------------------------- bans of others */

/** What the cluster has agreed on. */
struct guard_shared {
	const char *source;     /* as store_ban_source()                  */
	const char *user;
	enum guard_reason reason;
	uint64_t left_ms;
	uint32_t count;
};

void guard_set(struct guard *g, const struct guard_shared *ban,
	       uint64_t now_ms);

/** Lifted: also of the users there, if there is none given. */
void guard_lift(struct guard *g, const char *source, const char *user);

/** All of the list is told by guard_set() between these two: a ban that was
 * shared and is not in it any more was lifted. */
void guard_list_begin(struct guard *g);
void guard_list_end(struct guard *g);

#endif
