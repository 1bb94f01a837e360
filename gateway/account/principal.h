/* SPDX-License-Identifier: MIT */
/*
 * Who asks: what is known of a request's sender once its credentials were
 * found good.  A plain value: copy it, keep it; auth_valid() says whether it
 * still holds.
 */

#ifndef SY_GATEWAY_ACCOUNT_PRINCIPAL_H
#define SY_GATEWAY_ACCOUNT_PRINCIPAL_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/ulid.h"

/** Scope of a route that needs somebody, whatever he may do. */
#define SCOPE_ANY "any"

enum {
	PRINCIPAL_NAME_SIZE = 64,
	PRINCIPAL_ID_SIZE = PRINCIPAL_NAME_SIZE + 8,
};

enum principal_kind {
	PRINCIPAL_NONE,    /* nobody known                               */
	PRINCIPAL_ADMIN,   /* the token that the gateway was started with */
	PRINCIPAL_TOKEN,
	PRINCIPAL_SESSION, /* a user who logged in                       */
};

struct principal {
	enum principal_kind kind;
	char id[PRINCIPAL_ID_SIZE];     /* for people and records:
					   "token:ci", "user:jo", "admin" */
	char name[PRINCIPAL_NAME_SIZE]; /* of the token or the user       */
	char device[PRINCIPAL_NAME_SIZE]; /* his phone; "": none          */
	char ticket[ULID_LEN + 1];      /* id of the session or of the
					   short-lived token; "": none    */
	uint64_t scopes;                /* proto/scope.h                  */
	uint64_t expires_ms;            /* since 1970; 0: never           */
	char maker[PRINCIPAL_ID_SIZE];  /* of a token: the user who made it,
					   also by way of others; or ""  */
	uint32_t per_s;                 /* requests; 0: as the gateway has it */
};

/** Fill in kind, id and name; all else is cleared. */
void principal_init(struct principal *p, enum principal_kind kind,
		    const char *name);

/** @param scope  NULL: what everybody may; SCOPE_ANY: who is known. */
bool principal_may(const struct principal *p, const char *scope);

/** As the source of a call names him: a token by its id alone. */
const char *principal_source(const struct principal *p);

/** Who is said to have made what this one makes. */
const char *principal_maker(const struct principal *p);

#endif
