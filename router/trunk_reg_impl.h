/* SPDX-License-Identifier: MIT */
/* Internal to trunk_reg*.c. */

#ifndef SY_ROUTER_TRUNK_REG_IMPL_H
#define SY_ROUTER_TRUNK_REG_IMPL_H

#include "router/trunk_reg.h"

struct trunk_reg {
	/* as configured */
	char *domain, *user, *contact, *mark, *proxy, *username, *password;
	uint32_t expires_s;        /* more after a 423                     */

	/* the dialog that it is not */
	char *uri, *from, *to, *call_id;
	uint32_t cseq;             /* last one used                        */
	struct digest_client *digest;
	struct mbuf *headers;      /* of the last request                  */

	bool asking;               /* an answer is awaited                 */
	bool again;                /* what is due is the same once more    */
	bool cleaning;             /* ... is about the old contact         */
	bool leaving;              /* it is to be removed ...              */
	bool left;                 /* ... what was sent last asks for that */
	bool gone;
	unsigned rounds;           /* of one request                       */
	unsigned failures;         /* in a row                             */
	size_t target;
	uint64_t due_ms;

	bool registered;
	uint64_t expires_ms, refresh_ms;
	char *stands;              /* contact that is registered           */
	char *old;                 /* one that is to be removed            */
	uint16_t last_code;
	char reason[TRUNK_REG_REASON_SIZE];
	char *routev[TRUNK_REG_ROUTES_MAX];
	size_t routec;
};

/** As whom we answer a challenge; its texts are borrowed from r. */
struct digest_credentials trunk_reg_credentials(const struct trunk_reg *r);

/** A header's number, up to max; 0: none, or not a number. */
uint32_t trunk_reg_number(const struct view *v, const char *name,
			  uint32_t max);

/** The values of all headers of a name. @return how many, up to max. */
size_t trunk_reg_values(struct pl *valv, size_t max, const struct view *v,
			const char *name);

/** For how long a 200 has our contact [s]. */
uint32_t trunk_reg_granted(const struct trunk_reg *r, const struct view *v);

/** The URI of a contact in a 200 that is ours, but not where we are.
 * @return NULL, or owned by the caller */
char *trunk_reg_stranger(const struct trunk_reg *r, const struct view *v);

/** Take the Service-Route of a 200 (RFC 3608): also none. */
void trunk_reg_routes(struct trunk_reg *r, const struct view *v);
void trunk_reg_routes_clear(struct trunk_reg *r);

#endif
