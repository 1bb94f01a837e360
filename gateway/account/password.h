/* SPDX-License-Identifier: MIT */
/*
 * Passwords of users: argon2id (RFC 9106), made and checked in threads of
 * libuv's pool, never on the loop.  Each takes 19 MiB and some 20 ms of a
 * core, so only two are under way at a time, and a bounded number waits.
 */

#ifndef SY_GATEWAY_ACCOUNT_PASSWORD_H
#define SY_GATEWAY_ACCOUNT_PASSWORD_H

#include <stdbool.h>
#include <stddef.h>

struct password_pool;
struct uv_loop_s;

enum {
	PASSWORD_MIN = 12,         /* characters                          */
	PASSWORD_MAX = 256,        /* bytes                               */
	PASSWORD_ENCODED_SIZE = 160,
	PASSWORD_AT_A_TIME = 2,
	PASSWORD_WAITING = 32,
};

/** @param pp  Owned by the caller; what is under way then calls nobody. */
int password_pool_alloc(struct password_pool **pp, struct uv_loop_s *uv);

/**
 * The outcome.
 *
 * @param err      0; EACCES (it is not this password); ENOMEM.
 * @param encoded  Of password_make(): what to keep; borrowed.
 */
typedef void(password_h)(int err, const char *encoded, void *arg);

/**
 * Hash a password.
 *
 * @param password  Borrowed for the call; a copy is wiped after use.
 * @param h         Called once, never from within this call.
 *
 * @return 0, EBUSY (too many wait: try later), ENOMEM.
 */
int password_make(struct password_pool *p, const char *password,
		  password_h *h, void *arg);

/**
 * Check a password.
 *
 * @param encoded  As it was kept; NULL or "": there is none, which takes as
 *                 long and is EACCES.
 */
int password_check(struct password_pool *p, const char *encoded,
		   const char *password, password_h *h, void *arg);

/**
 * May this be a password?
 *
 * @param user   Its user's name, and display name or NULL.
 *
 * @return NULL, or a static text that says what is wrong.
 */
const char *password_refuse(const char *password, const char *user,
			    const char *display);

#define PASSWORD_ALLOWED                                                      \
	"12 to 256 characters, not the user's name, not one character or a "  \
	"short piece over and over, not a well-known one"

#endif
