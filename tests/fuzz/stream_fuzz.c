/* sources: router/stream.c router/view.c router/view_start.c
 * router/view_part.c */
/* seeds: tests/unit/torture */
/* SPDX-License-Identifier: MIT */
/* libFuzzer target: any bytes on a connection.  They are the same messages
 * in whatever pieces they arrive, and the stream and the message view agree
 * on where each of them ends: else one of them could be smuggled in another. */

#include <stdlib.h>
#include <string.h>
#include "router/stream.h"
#include "router/view.h"

enum { EVENTS_MAX = 4096 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What came out of a stream. */
struct events {
	size_t n;
	struct {
		enum stream_out out;
		size_t len;
	} v[EVENTS_MAX];
	bool closed;
};

static void whole(const char *p, size_t len)
{
	static struct view v;

	if (view_read(&v, p, len) == VIEW_OK && (v.p != p || v.len != len))
		abort();
}

static void take(struct stream *st, struct events *ev)
{
	enum stream_out out;
	const char *p = NULL;
	size_t len = 0;

	while (!ev->closed && (out = stream_next(st, &p, &len))) {
		if (out == STREAM_PING) { /* or stray line ends: no matter */
			stream_done(st);
			continue;
		}
		if (ev->n == EVENTS_MAX)
			abort();
		ev->v[ev->n].out = out;
		ev->v[ev->n++].len = len;
		ev->closed = out != STREAM_MESSAGE;
		if (!ev->closed)
			whole(p, len);
		stream_done(st);
	}
}

/* @param piece  At most so many bytes at a time. */
static void feed(struct events *ev, const uint8_t *data, size_t size,
		 size_t piece)
{
	struct stream st = {.buf = NULL};

	ev->n = 0;
	ev->closed = false;
	while (size && !ev->closed) {
		size_t room, n = size < piece ? size : piece;
		char *p = stream_room(&st, &room);

		if (!p || !room)
			abort();
		n = n < room ? n : room;
		memcpy(p, data, n);
		stream_put(&st, n);
		data += n;
		size -= n;
		take(&st, ev);
	}
	stream_close(&st);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const size_t piecev[] = {1, 3, 64};
	static struct events all, part;

	feed(&all, data, size, SIZE_MAX);
	for (size_t i = 0; i < sizeof(piecev) / sizeof(piecev[0]); i++) {
		feed(&part, data, size, piecev[i]);
		if (part.n != all.n || part.closed != all.closed)
			abort();
		for (size_t k = 0; k < all.n; k++) {
			if (part.v[k].out != all.v[k].out ||
			    part.v[k].len != all.v[k].len)
				abort();
		}
	}

	return 0;
}
