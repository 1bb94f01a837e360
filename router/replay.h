/* SPDX-License-Identifier: MIT */
/*
 * Credentials that were used before: how often a nonce was used must rise
 * (RFC 7616 3.4.5).  A thread remembers its last REPLAY_ENTRIES nonces, so
 * who listened may use credentials again only at another thread or router,
 * and only as long as the nonce is fresh; all else costs an honest phone one
 * more challenge, that is stale.
 */

#ifndef SY_ROUTER_REPLAY_H
#define SY_ROUTER_REPLAY_H

#include <stdbool.h>
#include <stdint.h>

enum {
	REPLAY_ENTRIES = 16384, /* some 1 MB                              */
	REPLAY_WINDOW = 8,      /* uses that may overtake each other      */
};

struct replay;

/** @param seed  Random. */
int replay_alloc(struct replay **rp, uint64_t seed);

/**
 * A nonce is used.
 *
 * @param nonce  Names it.
 * @param nc     Its count; 0: the client counts not (RFC 2069): once only.
 * @param tx     Hash of the transaction, not 0: a retransmission is no second
 *               use.
 *
 * @return false: it was used so before.
 */
bool replay_check(struct replay *r, uint64_t nonce, uint32_t nc, uint32_t tx);

#endif
