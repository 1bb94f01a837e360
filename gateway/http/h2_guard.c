/* SPDX-License-Identifier: MIT */
/* The budget of an HTTP/2 peer: see h2_guard.h. */

#include "gateway/http/h2_guard.h"

void h2_guard_init(struct h2_guard *g, uint64_t now_ms)
{
	*g = (struct h2_guard){.left = GUARD_BURST, .at_ms = now_ms};
}

static void fill(struct h2_guard *g, uint32_t more)
{
	g->left = more > GUARD_BURST - g->left ? GUARD_BURST : g->left + more;
}

bool h2_guard_pay(struct h2_guard *g, uint32_t cost, uint64_t now_ms)
{
	uint64_t ms = now_ms > g->at_ms ? now_ms - g->at_ms : 0;
	uint64_t more = ms * GUARD_PER_S / 1000;

	/* What is less than one is not lost: the clock stays. */
	if (more) {
		fill(g, more > GUARD_BURST ? GUARD_BURST : (uint32_t)more);
		g->at_ms = now_ms;
	}
	if (g->broken || cost > g->left) {
		g->broken = true;
		return false;
	}
	g->left -= cost;

	return true;
}

void h2_guard_credit(struct h2_guard *g)
{
	fill(g, GUARD_PER_SENT);
}

uint32_t h2_guard_cost(const nghttp2_frame_hd *hd)
{
	switch (hd->type) {
	case NGHTTP2_HEADERS:
		return 0; /* a request is asking for something */
	case NGHTTP2_DATA:
		return hd->length < GUARD_SMALL_BYTES &&
			       !(hd->flags & NGHTTP2_FLAG_END_STREAM)
			   ? GUARD_OTHER
			   : 0;
	case NGHTTP2_RST_STREAM:
		return GUARD_RESET;
	default:
		return GUARD_OTHER;
	}
}
