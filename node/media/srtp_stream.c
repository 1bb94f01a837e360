/* SPDX-License-Identifier: MIT */
/*
 * Where the streams of a context stand: the index of 48 bits that a sequence
 * number means, and what came already (RFC 3711 3.3.1, 3.3.2).
 */

#include <string.h>

#include "node/media/srtp_impl.h"

enum {
	WINDOW = 128, /* 2.5 s of packets of 20 ms */
	SEQ_HALF = 1 << 15,
};

/* The stream of an SSRC; NULL: none yet. What was used last stands first. */
struct srtp_stream *srtp_stream_find(struct srtp_ctx *c, uint32_t ssrc)
{
	size_t i;

	for (i = 0; i < c->streamc; i++) {
		if (c->streamv[i].ssrc == ssrc)
			return &c->streamv[i];
	}

	return NULL;
}

/*
 * The stream of a packet that proved to be the peer's.  Of many streams under
 * one key the one that was silent longest is forgotten.
 */
struct srtp_stream *srtp_stream_take(struct srtp_ctx *c, uint32_t ssrc)
{
	struct srtp_stream *s = srtp_stream_find(c, ssrc), tmp;

	if (s == c->streamv && s)
		return s;

	if (s) {
		tmp = *s;
	} else {
		memset(&tmp, 0, sizeof(tmp));
		tmp.ssrc = ssrc;
		if (c->streamc < SRTP_STREAMS)
			++c->streamc;
		s = &c->streamv[c->streamc - 1];
	}

	memmove(c->streamv + 1, c->streamv,
		(size_t)(s - c->streamv) * sizeof(*s));
	c->streamv[0] = tmp;

	return c->streamv;
}

/* RFC 3711 3.3.1: the index that is nearest to the highest one so far. */
uint64_t srtp_stream_index(const struct srtp_stream *s, uint16_t seq)
{
	uint64_t roc;
	int32_t d;

	if (!s || !s->rtp.any)
		return seq;

	roc = s->rtp.high >> 16;
	d = (int32_t)seq - (int32_t)(s->rtp.high & 0xffff);

	if (d > SEQ_HALF && roc)
		--roc;
	else if (d < -SEQ_HALF)
		++roc;

	return roc << 16 | seq;
}

bool srtp_window_has(const struct srtp_window *w, uint64_t index)
{
	const uint64_t age = w->high - index;

	if (!w->any || index > w->high)
		return false;

	return age >= WINDOW || (w->seen[age / 64] >> age % 64 & 1);
}

static void window_shift(struct srtp_window *w, uint64_t by)
{
	if (by >= WINDOW) {
		w->seen[0] = w->seen[1] = 0;
	} else if (by >= 64) {
		w->seen[1] = w->seen[0] << (by - 64);
		w->seen[0] = 0;
	} else if (by) {
		w->seen[1] = w->seen[1] << by | w->seen[0] >> (64 - by);
		w->seen[0] <<= by;
	}
}

/* Only what srtp_window_has() not. */
void srtp_window_put(struct srtp_window *w, uint64_t index)
{
	uint64_t age;

	if (!w->any || index > w->high) {
		window_shift(w, w->any ? index - w->high : 0);
		w->any = true;
		w->high = index;
	}

	age = w->high - index;
	w->seen[age / 64] |= 1ull << age % 64;
}
