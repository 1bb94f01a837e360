/* SPDX-License-Identifier: MIT */
/*
 * Nonces of digest authentication that any router can verify: time, a random
 * number and a MAC, so that nobody has to remember them.
 */

#ifndef SY_ROUTER_NONCE_H
#define SY_ROUTER_NONCE_H

#include <stddef.h>
#include <stdint.h>
#include "proto/token.h"

enum {
	NONCE_LEN = 22,     /* characters                               */
	NONCE_SKEW_S = 30,  /* by so much may routers' clocks disagree  */
};

enum nonce_state {
	NONCE_GOOD,
	NONCE_STALE, /* ours, but too old                              */
	NONCE_FORGED,
};

/**
 * Make a nonce.  Any thread.
 *
 * @param str    NONCE_LEN characters; no final zero.
 * @param now_s  Seconds since 1970.
 * @param rnd    Random number.
 */
void nonce_print(char str[NONCE_LEN], const struct token_key *key,
		 uint32_t now_s, uint32_t rnd);

/** Verify a nonce. @param age_s  It is stale after so long. */
enum nonce_state nonce_check(const struct token_key *key, const char *str,
			     size_t len, uint32_t now_s, uint32_t age_s);

#endif
