/* SPDX-License-Identifier: MIT */
/*
 * ULID: 48 bits of time [ms], 80 random bits; 26 characters of Crockford's
 * base 32; sorts by time.  Every id that we show is one.
 */

#ifndef SY_PROTO_ULID_H
#define SY_PROTO_ULID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	ULID_LEN = 26,  /* characters, without the final zero */
	ULID_BYTES = 16,
};

/**
 * Make a new ULID.  Any thread.
 *
 * @param str  Set to 26 characters and a zero; ULID_LEN + 1 bytes.
 */
void ulid_make(char str[ULID_LEN + 1]);

/** Print 16 bytes as a ULID of 26 characters and a zero. */
void ulid_print(char str[ULID_LEN + 1], const uint8_t bytes[ULID_BYTES]);

/**
 * Read a ULID: exactly 26 characters, either case.
 *
 * @return 0, or EINVAL.
 */
int ulid_read(uint8_t bytes[ULID_BYTES], const char *str, size_t len);

/** True if it is a ULID. */
bool ulid_is_valid(const char *str);

#endif
