/* SPDX-License-Identifier: MIT */
/* STUN and TURN servers of the settings, and the secrets shared with them. */

#ifndef SY_PROTO_CONFIG_TURN_H
#define SY_PROTO_CONFIG_TURN_H

#include "proto/config_secret.h"

enum { CONFIG_TURN_MAX = 8, CONFIG_TURN_TTL_MIN_S = 60,
       CONFIG_TURN_TTL_MAX_S = 86400 };

/**
 * Is a server good?
 *
 * @param field  On error, set to the name of what is wrong; static.
 *
 * @return NULL, or what is wrong with it; static.
 */
const char *config_turn_wrong(const Sy__TurnServer *t, const char **field);

/**
 * Seal the secrets that are plain, and wipe them.  A no_secret without one has
 * had its effect: it is not stored.
 *
 * @param set  It was unpacked or read (its strings are its own).
 * @param key  Cluster key; borrowed.  NULL: EINVAL if there is one to seal.
 *
 * @return 0, EINVAL, ENOMEM.
 */
int config_turn_seal(Sy__Settings *set, const struct token_key *key);

/** Servers without a secret keep that of the one of the same first URL, unless
 * they say no_secret.
 * @param old  Or NULL. @return 0 or ENOMEM. */
int config_turn_keep(Sy__Settings *set, const Sy__Settings *old);

/**
 * Plain secrets that are what they were keep their seal.
 *
 * @param set  Changed; or NULL.
 * @param old  Or NULL.
 *
 * @return 0 or ENOMEM.
 */
int config_turn_again(Sy__Settings *set, const struct token_key *key,
		      const Sy__Settings *old);

/**
 * The secret of a server.
 *
 * @param str  Set to it, CONFIG_PASSWORD_MAX + 1 bytes; wipe it after use.
 *
 * @return 0, ENOENT (it has none), EBADMSG, EINVAL (no key), ENOMEM.
 */
int config_turn_secret(char *str, const struct token_key *key,
		       const Sy__Settings *set, size_t i);

/** Is there a plain secret? */
bool config_turn_is_plain(const Sy__Settings *set);

/** Leave no secret, plain or sealed. */
void config_turn_forget(Sy__Settings *set);

/** Wipe what is plain. */
void config_turn_wipe(Sy__Settings *set);

#endif
