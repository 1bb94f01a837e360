/* SPDX-License-Identifier: MIT */
/*
 * Tickets: logins and short-lived tokens.  Each is a key of its own in Redis
 * that ends by itself; an id that everybody may know, and a secret of 256 bits
 * of which only the SHA-256 is kept.
 *
 *   sy:{acct}:t:ID        string  Ticket, with a time to live
 *   sy:{acct}:of:HOLDER   zset    ids by expiry: "user:jo" (logins),
 *                                 "token:ci" (tokens that it made)
 *   sy:{acct}:logins, sy:{acct}:passes   zset  all of them
 *
 * What was seen in Redis counts for 5 s without asking again, and for 60 s
 * while Redis is away.
 */

#ifndef SY_GATEWAY_ACCOUNT_TICKET_H
#define SY_GATEWAY_ACCOUNT_TICKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/bus.h"
#include "proto/ulid.h"

struct tickets;
struct directory;

enum {
	TICKET_SECRET_LEN = 2 * ULID_LEN,
	TICKET_TEXT_SIZE = ULID_LEN + 1 + TICKET_SECRET_LEN + 1,
	TICKET_LIFE_S = 7 * 86400,     /* of a login, at last             */
	TICKET_IDLE_S = 12 * 3600,     /* of a login that nobody uses     */
	TICKET_PASS_MAX_S = 7 * 86400, /* of a short-lived token          */
};

enum ticket_out {
	TICKET_OK,
	TICKET_GONE,    /* there is none, or another secret               */
	TICKET_AWAY,    /* Redis does not answer                          */
	TICKET_LATER,   /* the handler will be called                     */
};

/** @param tp         Owned by the caller.
 *  @param directory  Borrowed: says when Redis is settled. */
int tickets_alloc(struct tickets **tp, struct bus *bus,
		  const struct directory *directory);

/** Make a secret of 52 characters. */
void ticket_secret(char secret[TICKET_SECRET_LEN + 1]);

/** SHA-256 of a text. @return 0, ENOMEM. */
int ticket_hash(uint8_t md[32], const char *text);

/**
 * The answer.
 *
 * @param t  On TICKET_OK; borrowed for the call.
 */
typedef void(ticket_h)(enum ticket_out out, const Sy__Ticket *t, void *arg);

/** A question under way; mem_deref() takes it back. */
struct ticket_ask;

/**
 * Find a ticket.
 *
 * @param text  "ID.SECRET".
 * @param tp    On TICKET_OK set; borrowed until the loop's next turn.
 * @param askp  On TICKET_LATER set; owned by the caller, also when it was
 *              answered.
 * @param h     Called on TICKET_LATER once, never from within this call.
 */
enum ticket_out ticket_find(struct tickets *t, const char *text,
			    const Sy__Ticket **tp, struct ticket_ask **askp,
			    ticket_h *h, void *arg);

/** Does one that was found before still hold?  Asks Redis by the way. @return
 * it, borrowed until the loop's next turn, or NULL. */
const Sy__Ticket *ticket_holds(struct tickets *t, const char *id);

/** It was ended or changed, at whatever gateway: Redis is asked before it
 * counts again. */
void ticket_ended(struct tickets *t, const char *id);

/** Redis has lost them: it gets back what we saw. */
void tickets_give(struct tickets *t);

/**
 * The outcome.
 *
 * @param err    0, ENOSPC (as many as may be), or of Redis.
 * @param endv   Ids that gave way.
 */
typedef void(ticket_put_h)(int err, char *const *endv, size_t endc,
			   void *arg);

/**
 * Write a new one: a login (user is set; the oldest of 20 gives way) or a
 * token (10,000 of whoever made it, at most).
 *
 * @param tk  With id, hash, expires_at; borrowed for the call.
 */
int ticket_put(struct tickets *t, const Sy__Ticket *tk, ticket_put_h *h,
	       void *arg);

/** Write one that is in memory again with another epoch: it outlives a change
 * of its user. */
void ticket_renew(struct tickets *t, const char *id, uint32_t epoch);

typedef void(ticket_done_h)(int err, void *arg);

/**
 * End one.  Tell the gateways by directory_end().
 *
 * @param tk  Borrowed for the call.
 * @param h   err ENOENT: it was not there.
 */
int ticket_drop(struct tickets *t, const Sy__Ticket *tk, ticket_done_h *h,
		void *arg);

/** @param tk  NULL: there is none (err ENOENT); borrowed for the call. */
typedef void(ticket_get_h)(int err, const Sy__Ticket *tk, void *arg);

/** Read one by its id. */
int ticket_get(struct tickets *t, const char *id, ticket_get_h *h, void *arg);

typedef void(ticket_list_h)(int err, Sy__Ticket *const *v, size_t n,
			    const char *next, void *arg);

/**
 * List some.
 *
 * @param holder  "user:jo": of him; NULL: all logins.
 * @param cursor  "" or the last page's next.
 */
int ticket_list(struct tickets *t, const char *holder, const char *cursor,
		size_t limit, ticket_list_h *h, void *arg);

#endif
