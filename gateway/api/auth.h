/* SPDX-License-Identifier: MIT */
/*
 * From a request's header to who asks: bearer tokens (RFC 6750) and session
 * cookies.  Only hashes of tokens are kept; they are compared in constant
 * time, and all of them whichever matches.
 */

#ifndef SY_GATEWAY_API_AUTH_H
#define SY_GATEWAY_API_AUTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/account/principal.h"
#include "proto/schema.h"

struct account;
struct web_req;

/** The configuration, with its tokens, or NULL; borrowed. */
typedef const Sy__Config *(auth_config_h)(void *arg);

enum { AUTH_HASH_BYTES = 32 };

struct auth {
	auth_config_h *confh;
	void *arg;
	struct account *acct;           /* borrowed; NULL: none, in tests */
	bool has_admin;
	uint8_t admin[AUTH_HASH_BYTES]; /* SHA-256 of its token */
};

enum auth_out {
	AUTH_OK,
	AUTH_MISSING,   /* no credentials: 401                           */
	AUTH_UNKNOWN,   /* no such token or session (any more): 401      */
	AUTH_CSRF,      /* a page of another site may have sent it, or the
			   X-CSRF-Token of the session is missing: 403   */
	AUTH_AWAY,      /* Redis must be asked, and does not answer: 503 */
	AUTH_LATER,     /* the handler will be called                    */
};

/** A question under way; mem_deref() takes it back. */
struct auth_ask;

/**
 * The answer.
 *
 * @param out  Not AUTH_LATER.
 * @param who  On AUTH_OK; borrowed for the call.
 */
typedef void(auth_h)(enum auth_out out, const struct principal *who,
		     void *arg);

/** @param admin_token  NULL or "": there is none. */
int auth_init(struct auth *au, auth_config_h *confh, void *arg,
	      const char *admin_token);

/**
 * Who sends this request, by its Authorization or its cookie?  What a cookie
 * alone allows is refused when the request may come from another site's page
 * (unsafe methods, WebSocket).
 *
 * @param who   Set on AUTH_OK, else cleared.
 * @param askp  On AUTH_LATER set to the question, owned by the caller, who
 *              drops it when he goes first, or in the handler or after it.
 * @param h     Called on AUTH_LATER once, never from within this call.
 */
enum auth_out auth_request(struct auth *au, const struct web_req *req,
			   struct principal *who, struct auth_ask **askp,
			   auth_h *h, void *arg);

/** The same for a token alone, without "Bearer". */
enum auth_out auth_token(struct auth *au, const char *token,
			 struct principal *who, struct auth_ask **askp,
			 auth_h *h, void *arg);

/**
 * Do these credentials still hold?  For who was let in and stays (WebSocket,
 * streams): ask every second or so, it costs little.
 *
 * @param who  Its scopes and its device are brought up to date.
 */
bool auth_valid(struct auth *au, struct principal *who);

/**
 * The text of the session's cookie, "ID.SECRET".
 *
 * @return false: there is none.
 */
bool auth_cookie(const struct web_req *req, char *text, size_t size);

/** Name of that cookie, on this connection. */
const char *auth_cookie_name(const struct web_req *req);

/** False if a browser says that the page of another site sends it. */
bool auth_is_own_site(const struct web_req *req);

/** What to say of a failure. @return static text for a person. */
const char *auth_text(enum auth_out out);

#endif
