/* SPDX-License-Identifier: MIT */
/*
 * Nonces of digest authentication that any router can verify: time, a random
 * number, whom it was sent to and a MAC, so that nobody has to remember them.
 */

#ifndef SY_ROUTER_NONCE_H
#define SY_ROUTER_NONCE_H

#include <stddef.h>
#include <stdint.h>
#include "proto/token.h"

struct sa;

enum {
	NONCE_LEN = 27,     /* characters                               */
	NONCE_SKEW_S = 30,  /* by so much may routers' clocks disagree  */
};

enum nonce_state {
	NONCE_GOOD,
	NONCE_STALE, /* ours, but too old                              */
	NONCE_FORGED,
};

/** What a nonce says. */
struct nonce {
	uint32_t made_s;    /* seconds since 1970                       */
	uint32_t rnd;
	uint32_t source;    /* nonce_source() of whom it was sent to    */
};

/** What stands for an address (not its port) in nonces. */
uint32_t nonce_source(const struct token_key *key, const struct sa *sa);

/**
 * Make a nonce.  Any thread.
 *
 * @param str    NONCE_LEN characters; no final zero.
 */
void nonce_print(char str[NONCE_LEN], const struct token_key *key,
		 const struct nonce *n);

/** Verify a nonce. @param n  Set unless it is forged. @param age_s  It is
 * stale after so long. */
enum nonce_state nonce_check(struct nonce *n, const struct token_key *key,
			     const char *str, size_t len, uint32_t now_s,
			     uint32_t age_s);

#endif
