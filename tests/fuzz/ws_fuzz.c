/* sources: router/ws.c router/ws_hello.c router/stream.c */
/* SPDX-License-Identifier: MIT */
/*
 * libFuzzer target: any bytes as a WebSocket connection: what opens it, then
 * frames, fed whole and in pieces.  The same must come out either way.
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "router/ws.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void feed(struct stream *st, const uint8_t *p, size_t len)
{
	while (len) {
		size_t n;
		char *room = stream_room(st, &n);

		if (!room)
			abort();
		n = n < len ? n : len;
		memcpy(room, p, n);
		stream_put(st, n);
		p += n;
		len -= n;
	}
}

static uint64_t mix(uint64_t h, const void *p, size_t len)
{
	const uint8_t *b = p;

	for (size_t i = 0; i < len; i++)
		h = (h ^ b[i]) * 1099511628211u;

	return h;
}

/* @return a hash of all that came out */
static uint64_t run(const uint8_t *data, size_t size, size_t step)
{
	struct stream st = {0};
	struct ws ws = {0};
	uint64_t h = 14695981039346656037u;
	enum ws_out o = WS_MORE;

	for (size_t at = 0; at < size && o == WS_MORE; at += step) {
		const char *p;
		size_t len;

		feed(&st, data + at, size - at < step ? size - at : step);
		while ((o = ws_next(&ws, &st, &p, &len)) != WS_MORE) {
			h = mix(h, &o, sizeof(o));
			if (o == WS_BAD || o == WS_CLOSED)
				break;
			h = mix(h, p, len);
			ws_done(&ws, &st);
		}
	}
	h = mix(h, &ws.status, sizeof(ws.status));
	stream_close(&st);

	return h;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char answer[WS_ANSWER_MAX];
	size_t used = 0, n;

	if (ws_hello((const char *)data, size, &used, answer, &n) !=
		WS_HELLO_MORE &&
	    (used > size || n >= WS_ANSWER_MAX))
		abort();
	if (run(data, size, size ? size : 1) != run(data, size, 1) ||
	    run(data, size, 7) != run(data, size, 1))
		abort();

	return 0;
}
