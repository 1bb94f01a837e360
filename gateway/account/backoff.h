/* SPDX-License-Identifier: MIT */
/*
 * How often passwords may be tried: each try is counted for the user from
 * that source, for the source and for the user, at all gateways together.
 * After some that are free the next one must wait, longer each time.
 *
 *   sy:{acct}:try:...   string  "tries next_ms", for an hour
 */

#ifndef SY_GATEWAY_ACCOUNT_BACKOFF_H
#define SY_GATEWAY_ACCOUNT_BACKOFF_H

#include <stdint.h>

struct redis;

/** @param wait_ms  0: try it now; else not before so long. */
typedef void(backoff_h)(int err, uint64_t wait_ms, void *arg);

/**
 * Ask for a try, and count it.
 *
 * @param user  As it was typed, there may be none of that name.
 * @param peer  "host:port" that asks.
 * @param h     Called once, never from within this call.
 */
int backoff_try(struct redis *r, const char *user, const char *peer,
		backoff_h *h, void *arg);

/** It was right. */
int backoff_forget(struct redis *r, const char *user, const char *peer);

#endif
