/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>
#include "proto/random.h"
#include "proto/schema.h"
#include "proto/ulid.h"

/* Crockford's base 32: no I, L, O, U. */
static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

static int value(char c)
{
	const char *p;

	if (c >= 'a' && c <= 'z')
		c = (char)(c - 'a' + 'A');
	p = c ? strchr(alphabet, c) : NULL;

	return p ? (int)(p - alphabet) : -1;
}

void ulid_print(char str[ULID_LEN + 1], const uint8_t bytes[ULID_BYTES])
{
	unsigned acc = 0, bits = 2; /* 130 bits of text for 128 of value */
	size_t n = 0;

	for (size_t i = 0; i < ULID_BYTES; i++) {
		acc = (acc << 8) | bytes[i];
		bits += 8;
		while (bits >= 5) {
			bits -= 5;
			str[n++] = alphabet[(acc >> bits) & 31];
		}
	}
	str[n] = '\0';
}

int ulid_read(uint8_t bytes[ULID_BYTES], const char *str, size_t len)
{
	unsigned acc = 0, bits = 0;
	size_t n = 0;

	if (!bytes || !str || len != ULID_LEN || value(str[0]) > 7)
		return EINVAL;

	for (size_t i = 0; i < ULID_LEN; i++) {
		int v = value(str[i]);

		if (v < 0)
			return EINVAL;
		acc = (acc << 5) | (unsigned)v;
		bits += i ? 5 : 3;
		if (bits >= 8) {
			bits -= 8;
			bytes[n++] = (uint8_t)(acc >> bits);
		}
	}

	return 0;
}

void ulid_make(char str[ULID_LEN + 1])
{
	uint8_t bytes[ULID_BYTES];
	uint64_t ms = timestamp_now_ms();

	for (size_t i = 0; i < 6; i++)
		bytes[i] = (uint8_t)(ms >> (40 - 8 * i));
	random_bytes(bytes + 6, 10);
	ulid_print(str, bytes);
}

bool ulid_is_valid(const char *str)
{
	uint8_t bytes[ULID_BYTES];

	return str && !ulid_read(bytes, str, strlen(str));
}
