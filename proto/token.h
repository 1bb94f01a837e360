/* SPDX-License-Identifier: MIT */
/*
 * Keyed tokens: how a stateless router finds the owner of a call.
 *
 * A token names hub, leg, epoch and node instance, and carries an
 * HMAC-SHA256 (truncated to 64 bits) under the cluster key.  It is what the
 * node puts into the user part of its Contact, what the router puts into its
 * Record-Route and Via branch.  The kind is under the HMAC: a token that a
 * phone has seen in one place is worth nothing in another.
 *
 *   kind     where                                    who makes it, who sees it
 *   CONTACT  user part of the node's Contact          node    the peer
 *   ROUTE    user part of the router's Record-Route   router  the peer, node
 *   NODE     user part of a node's topmost Route      node    routers only
 *   BRANCH   branch of the router's Via               router  the next hop
 *   TAG      To tag of a node's answer                node    the peer
 *   UAC      branch of a router's own request         router  the peer
 *
 * Text: base64url without padding of
 *   kind(1) instance(4) hub(16) leg(4) epoch(4) mac(8) = 37 bytes: 50 chars.
 * All integers big-endian.
 */

#ifndef SY_PROTO_TOKEN_H
#define SY_PROTO_TOKEN_H

#include <stddef.h>
#include <stdint.h>
#include "proto/ulid.h"

struct token_key;

enum token_kind {
	TOKEN_CONTACT = 'C',
	TOKEN_ROUTE = 'R',
	TOKEN_NODE = 'N',
	TOKEN_BRANCH = 'B',
	TOKEN_TAG = 'T',
	TOKEN_UAC = 'U',
};

enum {
	TOKEN_BYTES = 37,
	TOKEN_LEN = 50,      /* characters, no final zero            */
	TOKEN_MAC_BYTES = 8,
};

struct token {
	enum token_kind kind;
	uint32_t instance;       /* Member.instance of the owning node   */
	uint8_t hub[ULID_BYTES];
	uint32_t leg;            /* leg reference, unique in its hub     */
	uint32_t epoch;
};

/**
 * Prepare a cluster key: derives what the MACs need once.
 *
 * @param kp      Set on success; owned by the caller (mem_deref); read-only
 *                afterwards, so any thread may use it.
 * @param secret  Cluster secret, at least 16 bytes; borrowed for the call.
 *
 * @return 0, EINVAL (too short), ENOMEM.
 */
int token_key_alloc(struct token_key **kp, const void *secret, size_t len);

/**
 * Print a token.  Any thread; allocates nothing.
 *
 * @param str     Set to TOKEN_LEN characters, no final zero.
 * @param key     Cluster key; borrowed.
 * @param tok     What it says.
 * @param ctx     Further bytes under the MAC that are not in the text (the
 *                transaction that a branch belongs to), or NULL.
 * @param ctxlen  Their number.
 */
void token_print(char str[TOKEN_LEN], const struct token_key *key,
		 const struct token *tok, const void *ctx, size_t ctxlen);

/**
 * Read and verify a token.  Any thread; allocates nothing.
 *
 * @param tok   Set on success.
 * @param kind  The kind that is expected here.
 * @param str   Text, exactly TOKEN_LEN characters are read.
 *
 * @return 0, EINVAL (not a token of that kind), EBADMSG (wrong MAC: forged,
 *         or of another cluster).
 */
int token_read(struct token *tok, const struct token_key *key,
	       enum token_kind kind, const char *str, size_t len,
	       const void *ctx, size_t ctxlen);

/**
 * HMAC-SHA256 under a key derived from the cluster key, for what else must
 * be keyed (flow tokens, nonces, tags of stateless answers).
 *
 * @param use  What for, one character of the caller's own: values made for
 *             different uses never match.
 * @param mac  Set to 32 bytes.
 */
void token_mac(uint8_t mac[32], const struct token_key *key, char use,
	       const void *p, size_t len);

/** Compare in constant time. @return 0 if equal. */
int token_memcmp(const void *a, const void *b, size_t len);

/** base64url without padding. @return characters written (no final zero). */
size_t base64url_print(char *str, const uint8_t *p, size_t len);

/** @return bytes read, or -1: not base64url, or more than size bytes. */
long base64url_read(uint8_t *p, size_t size, const char *str, size_t len);

#endif
