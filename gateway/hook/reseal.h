/* SPDX-License-Identifier: MIT */
/*
 * Secrets that Redis has as they are, for the cluster had no key when they
 * were made: sealed by the gateway that delivers, one after the other.
 */

#ifndef SY_GATEWAY_HOOK_RESEAL_H
#define SY_GATEWAY_HOOK_RESEAL_H

struct directory;
struct hook_reseal;
struct token_key;

/**
 * @param rp   Owned by the caller, who frees it before the directory.
 * @param d    Borrowed.
 * @param key  Of the cluster; borrowed; NULL: nothing is sealed.
 *
 * @return 0, ENOMEM.
 */
int hook_reseal_alloc(struct hook_reseal **rp, struct directory *d,
		      const struct token_key *key);

/** Look for one, and seal it.  Call again and again. */
void hook_reseal(struct hook_reseal *r);

#endif
