/* sources: gateway/http/ws_in.c gateway/http/ws_deflate.c gateway/http/compressor.c */
/* SPDX-License-Identifier: MIT */
/*
 * libFuzzer target: any bytes as the frames of a WebSocket client, fed whole
 * and in pieces.  The same must come out either way, and text is UTF-8.
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "gateway/http/ws_in.h"

enum { MESSAGE_MAX = 4096 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t mix(uint64_t h, const void *p, size_t len)
{
	const uint8_t *b = p;

	for (size_t i = 0; i < len; i++)
		h = (h ^ b[i]) * 1099511628211u;

	return h;
}

/* A dull look: by the value of each character. */
static void must_be_utf8(const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len;) {
		unsigned n = p[i] < 0x80 ? 0 : p[i] < 0xe0 ? 1 :
			     p[i] < 0xf0 ? 2 : 3;
		uint32_t c = n ? p[i] & (0x3f >> n) : p[i];

		if ((n && p[i] < 0xc0) || p[i] > 0xf7 || i + n >= len)
			abort();
		for (unsigned k = 1; k <= n; k++) {
			if ((p[i + k] & 0xc0) != 0x80)
				abort();
			c = c << 6 | (p[i + k] & 0x3f);
		}
		if ((n == 1 && c < 0x80) || (n == 2 && c < 0x800) ||
		    (n == 3 && c < 0x10000) || c > 0x10ffff ||
		    (c >= 0xd800 && c < 0xe000))
			abort();
		i += n + 1;
	}
}

/* @return a hash of all that came out */
static uint64_t run(const uint8_t *data, size_t size, size_t step,
		    bool deflate)
{
	struct ws_in in = {.max_bytes = MESSAGE_MAX, .deflate = deflate};
	uint64_t h = 14695981039346656037u;
	enum ws_in_out o = WS_IN_MORE;

	for (size_t at = 0; at < size; at += step) {
		size_t len = size - at < step ? size - at : step, n = 0;
		const uint8_t *p = data + at, *msg = NULL;

		do {
			o = ws_in_take(&in, &p, &len, &msg, &n);
			if (o == WS_IN_MORE)
				break;
			h = mix(h, &o, sizeof(o));
			if (o == WS_IN_BAD || o == WS_IN_CLOSE)
				goto out;
			if (n > MESSAGE_MAX)
				abort();
			if (o == WS_IN_TEXT)
				must_be_utf8(msg, n);
			h = mix(h, msg, n);
		} while (true);
	}

out:
	h = mix(h, &in.code, sizeof(in.code));
	ws_in_close(&in);

	return h;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	for (int deflate = 0; deflate < 2; deflate++) {
		const uint64_t whole = run(data, size, size ? size : 1,
					   deflate);

		if (run(data, size, 1, deflate) != whole ||
		    run(data, size, 7, deflate) != whole)
			abort();
	}

	return 0;
}
