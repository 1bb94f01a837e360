/* SPDX-License-Identifier: MIT */
/*
 * Passwords of a configuration become hashes, or are sealed, and go.
 */

#ifndef SY_PROTO_CONFIG_SECRET_H
#define SY_PROTO_CONFIG_SECRET_H

#include "proto/schema.h"
#include "proto/token.h"

enum { CONFIG_PASSWORD_MAX = 256 }; /* of a trunk [bytes] */

/**
 * Make the HA1s of all devices that have a plain password, and wipe it;
 * hexadecimal digits become small letters.
 *
 * @param conf  Checked; it was unpacked or read (its strings are its own).
 *
 * @return 0 or ENOMEM.
 */
int config_secret_hash(Sy__Config *conf);

/**
 * Seal the passwords of all trunks that have a plain one, and wipe it.
 *
 * @param conf  As above.
 * @param key   Cluster key; borrowed.  NULL: EINVAL if there is anything to
 *              seal.
 *
 * @return 0, EINVAL or ENOMEM.
 */
int config_secret_seal(Sy__Config *conf, const struct token_key *key);

/**
 * A trunk's password.
 *
 * @param str  Set to it, CONFIG_PASSWORD_MAX + 1 bytes; wipe it after use.
 *
 * @return 0, ENOENT (it has none), EBADMSG (sealed for another trunk, or under
 *         another cluster key), EINVAL, ENOMEM.
 */
int config_secret_trunk(char *str, const struct token_key *key,
			const Sy__Trunk *trunk);

/** Wipe all plain passwords. */
void config_secret_wipe(Sy__Config *conf);

#endif
