/* SPDX-License-Identifier: MIT */
/* gRPC's framing: see frame.h.  The buffer grows with what has come, not with
 * what a head promises: a peer that promises much and sends little costs
 * little. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/grpc/frame.h"

enum { FIRST_BYTES = 1024 };

static size_t min(size_t a, size_t b)
{
	return a < b ? a : b;
}

static int take_head(struct frame *f, const uint8_t **pp, size_t *lenp)
{
	size_t n = min(FRAME_HEAD - f->have, *lenp);

	memcpy(f->head + f->have, *pp, n);
	f->have += n;
	*pp += n;
	*lenp -= n;
	if (f->have < FRAME_HEAD)
		return 0;

	f->len = (size_t)f->head[1] << 24 | (size_t)f->head[2] << 16 |
		 (size_t)f->head[3] << 8 | f->head[4];
	if (f->head[0] > 1)
		return EBADMSG;

	return f->len > f->max ? EMSGSIZE : 0;
}

static int take_message(struct frame *f, const uint8_t **pp, size_t *lenp)
{
	size_t have = f->have - FRAME_HEAD;
	size_t n = min(f->len - have, *lenp);

	if (have + n > f->size) {
		size_t size = min(f->len, (have + n) * 2);
		uint8_t *buf;

		if (size < FIRST_BYTES)
			size = FIRST_BYTES;
		buf = realloc(f->buf, size);
		if (!buf)
			return ENOMEM;
		f->buf = buf;
		f->size = size;
	}
	if (n)
		memcpy(f->buf + have, *pp, n);
	f->have += n;
	*pp += n;
	*lenp -= n;

	return 0;
}

int frame_feed(struct frame *f, const uint8_t *p, size_t len, frame_h *h,
	       void *arg)
{
	int err = 0;

	while (len && !err) {
		if (f->have < FRAME_HEAD)
			err = take_head(f, &p, &len);
		if (!err && f->have >= FRAME_HEAD)
			err = take_message(f, &p, &len);
		if (err || f->have < FRAME_HEAD + f->len)
			continue;

		f->have = 0;
		err = h(f->head[0], f->buf, f->len, arg);
	}

	return err;
}

bool frame_is_empty(const struct frame *f)
{
	return !f->have;
}

void frame_reset(struct frame *f)
{
	free(f->buf);
	f->buf = NULL;
	f->size = f->have = f->len = 0;
}

void frame_head(uint8_t head[FRAME_HEAD], size_t len)
{
	head[0] = 0;
	head[1] = (uint8_t)(len >> 24);
	head[2] = (uint8_t)(len >> 16);
	head[3] = (uint8_t)(len >> 8);
	head[4] = (uint8_t)len;
}
