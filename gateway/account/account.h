/* SPDX-License-Identifier: MIT */
/*
 * Accounts of the gateway: the directory, tickets and passwords put together;
 * roles; how somebody logs in.
 */

#ifndef SY_GATEWAY_ACCOUNT_ACCOUNT_H
#define SY_GATEWAY_ACCOUNT_ACCOUNT_H

#include <stdint.h>

#include "gateway/account/directory.h"
#include "gateway/account/password.h"
#include "gateway/account/principal.h"
#include "gateway/account/ticket.h"

struct uv_loop_s;

#define ACCOUNT_ADMIN "admin" /* the first user, made by a start */

struct account {
	struct bus *bus;               /* borrowed                        */
	struct directory *directory;   /* RO after start, as the next two */
	struct tickets *tickets;
	struct password_pool *passwords;
	char *admin_password;          /* until it is made, or not needed */
	bool making;                   /* it is being made                */
	bool tried;                    /* the next time after a while     */
	struct loop *loop;             /* borrowed                        */
	struct loop_timer *retry;      /* to make it once more            */
};

struct account_conf {
	struct loop *loop;             /* borrowed                        */
	struct uv_loop_s *uv;          /* borrowed: its thread pool       */
	struct bus *bus;               /* borrowed                        */
	const char *admin_password;    /* of the first user, who is made where
					  there is none; NULL or "": none */
};

/** @param ap  Owned by the caller. */
int account_alloc(struct account **ap, const struct account_conf *conf);

/** The accounts were read, and the first user is there if he is to be. */
bool account_is_ready(const struct account *acct);

/** Another epoch than this one; by chance, so that a user who was removed and
 * made anew does not begin with one that he had. */
uint32_t account_epoch(uint32_t old);

/** The scopes of a role. */
uint64_t role_scopes(Sy__UserRole role);

/** Of a user's login, who asks. @return false: it holds no more. */
bool account_login_principal(const struct account *acct, struct principal *p,
			     const Sy__Ticket *tk);

#define ACCOUNT_TOKEN_LEAD "sy_" /* what our tokens begin with */

/** A short-lived token: "sy_", then the text of its ticket. */
bool account_is_pass(const char *token);

/** The lasting token of this SHA-256, or NULL; notes that it is used. */
const Sy__ApiToken *account_token(struct account *acct,
				  const uint8_t hash[32]);

/** A lasting token, or NULL. */
const Sy__ApiToken *account_token_by_id(const struct account *acct,
					const char *id);

/** Of a lasting token: what it says, and its maker may. @return false: it is
 * over, or its maker is. */
bool account_token_principal(const struct account *acct, struct principal *p,
			     const Sy__ApiToken *tok);

/** Of a short-lived one. */
bool account_pass_principal(const struct account *acct, struct principal *p,
			    const Sy__Ticket *tk);

#define ACCOUNT_KEY_SEEN "sy:{acct}:seen"

/** "x was seen": when a user logged in, or a token was used.  Best effort.
 * @param key  "user:jo", "token:ID". */
void account_seen(struct account *acct, const char *key);

/* ------------------------------------------------------------------ logins */

enum login_out {
	LOGIN_OK,
	LOGIN_WRONG,      /* user or password                             */
	LOGIN_DISABLED,   /* the password was right                       */
	LOGIN_WAIT,       /* too many tries: wait_ms                      */
	LOGIN_BUSY,       /* too many passwords are being checked         */
	LOGIN_AWAY,       /* Redis does not answer                        */
};

struct login_result {
	enum login_out out;
	uint64_t wait_ms;
	const Sy__Ticket *ticket;     /* on LOGIN_OK; borrowed            */
	const char *secret;           /* likewise                         */
};

/** @param res  Borrowed for the call. */
typedef void(login_h)(const struct login_result *res, void *arg);

struct login_from {
	const char *peer;             /* "host:port"                      */
	const char *user_agent;       /* or NULL                          */
};

/**
 * Log in by a password.
 *
 * @param h  Called once, never from within this call.
 *
 * @return 0, ENOMEM, ENOTCONN ...
 */
int login_password(struct account *acct, const char *user,
		   const char *password, const struct login_from *from,
		   login_h *h, void *arg);

/**
 * Open a login for a user who has proved who he is, in whatever way.
 *
 * @param h  Called once, never from within this call.
 */
int login_open(struct account *acct, const Sy__UserRecord *user,
	       const struct login_from *from, login_h *h, void *arg);

/** @return that of the secret, to be sent back as X-CSRF-Token. */
void login_csrf(char csrf[33], const char *secret);

#endif
