/* SPDX-License-Identifier: MIT */
/*
 * Secrets that must be read again (passwords for other people's servers), as
 * Redis may hold them: AES-256-GCM under a key derived from the cluster key.
 *
 * Sealed: version(1) nonce(12) ciphertext tag(16).
 */

#ifndef SY_PROTO_SEAL_H
#define SY_PROTO_SEAL_H

#include <stddef.h>
#include <stdint.h>
#include "proto/token.h"

enum {
	SEAL_EXTRA_BYTES = 29, /* a sealed secret is so much longer */
	SEAL_MAX_BYTES = 1024, /* of a secret                       */
};

/**
 * Seal a secret.  Any thread.
 *
 * @param out      Set to len + SEAL_EXTRA_BYTES bytes.
 * @param key      Cluster key; borrowed.
 * @param context  What it belongs to ("trunk:acme"): it opens nowhere else,
 *                 so nobody makes us show it to another server by copying.
 * @param secret   Its bytes.
 * @param len      Their number, at most SEAL_MAX_BYTES.
 *
 * @return 0, EINVAL, ENOMEM.
 */
int seal_close(uint8_t *out, const struct token_key *key, const char *context,
	       const void *secret, size_t len);

/**
 * Open a sealed secret.  Any thread.
 *
 * @param str      Set to the secret with a final zero; wipe it after use.
 * @param size     Its room.
 * @param sealed   As seal_close() made it.
 *
 * @return 0, EINVAL (not sealed, no room), EBADMSG (of another cluster key or
 *         context, or changed), ENOMEM.
 */
int seal_open(char *str, size_t size, const struct token_key *key,
	      const char *context, const void *sealed, size_t len);

#endif
