/* SPDX-License-Identifier: MIT */
/* Which call of ours an INVITE with Replaces (RFC 3891) is for. */

#ifndef SY_ROUTER_REPLACES_H
#define SY_ROUTER_REPLACES_H

#include <re.h>
#include "proto/token.h"

/**
 * Read a Replaces: one of its tags is a node's, which names the hub.
 *
 * @param hub  Set on success.
 * @param val  Value of the header.
 *
 * @return 0, EBADMSG (it is none: 400), ENOENT (a dialog of others: 481).
 */
int replaces_hub(uint8_t hub[ULID_BYTES], const struct token_key *key,
		 const struct pl *val);

#endif
