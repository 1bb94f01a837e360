/* SPDX-License-Identifier: MIT */
/*
 * Bearer tokens (RFC 6750) and their scopes.  Only hashes are kept, of the
 * configured tokens and of the administrator's; they are compared in
 * constant time, and all of them whichever matches.
 */

#ifndef SY_GATEWAY_API_AUTH_H
#define SY_GATEWAY_API_AUTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/schema.h"

enum { AUTH_HASH_BYTES = 32, AUTH_ID_SIZE = 64 };

struct auth {
	bool has_admin;
	uint8_t admin[AUTH_HASH_BYTES]; /* SHA-256 of its token */
};

enum auth_out {
	AUTH_OK,
	AUTH_MISSING,   /* no bearer token: 401          */
	AUTH_UNKNOWN,   /* no such token: 401            */
	AUTH_DENIED,    /* it lacks the scope: 403       */
};

/** @param admin_token  NULL or "": there is none. */
int auth_init(struct auth *au, const char *admin_token);

/**
 * Check a request.
 *
 * @param conf    Configuration with tokens, or NULL.
 * @param header  Value of Authorization, or NULL.
 * @param scope   What is needed.
 * @param id      Set to the token's id ("admin" for the administrator's)
 *                unless it is missing or unknown.
 */
enum auth_out auth_check(const struct auth *au, const Sy__Config *conf,
			 const char *header, const char *scope,
			 char id[AUTH_ID_SIZE]);

#endif
