/* SPDX-License-Identifier: MIT */
/* See utf8.h. */

#include <stdint.h>
#include "router/utf8.h"

/* Bytes of the character that begins here; 0: none does. */
static size_t character(const uint8_t *p, size_t len)
{
	static const struct {
		uint8_t min, max;  /* first byte                        */
		uint8_t low, high; /* second byte                       */
		uint8_t len;
	} table[] = {
	    {0x01, 0x7f, 0, 0, 1},	 {0xc2, 0xdf, 0x80, 0xbf, 2},
	    {0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3},
	    {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
	    {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4},
	    {0xf4, 0xf4, 0x80, 0x8f, 4},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (p[0] < table[i].min || p[0] > table[i].max)
			continue;
		if (table[i].len > len)
			return 0;
		if (table[i].len > 1 &&
		    (p[1] < table[i].low || p[1] > table[i].high))
			return 0;
		for (size_t k = 2; k < table[i].len; k++) {
			if ((p[k] & 0xc0) != 0x80)
				return 0;
		}
		return table[i].len;
	}

	return 0;
}

/* As nearly all are. */
static bool is_ascii(char c)
{
	return (unsigned char)(c - 1) < 0x7f;
}

/* Bytes of what begins here; 0: it is none. */
static size_t next(const char *p, size_t len)
{
	return is_ascii(*p) ? 1 : character((const uint8_t *)p, len);
}

size_t utf8_repair(char *p, size_t len)
{
	size_t at = 0;

	while (at < len) {
		const size_t n = next(p + at, len - at);

		if (!n)
			p[at] = '?';
		at += n ? n : 1;
	}

	return len;
}

bool utf8_is_valid(const char *p, size_t len)
{
	size_t at = 0, n = 1;

	while (at < len && n) {
		n = next(p + at, len - at);
		at += n;
	}

	return n != 0;
}
