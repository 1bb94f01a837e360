/* SPDX-License-Identifier: MIT */
/*
 * Numbers are extended to 32 bits.  Bit n of seen is the packet n before the
 * highest; what is shifted out is settled:
 *
 *   seen  63 ............ 1 0          a packet d ahead of the highest: shift
 *         oldest      highest          by d, the d oldest are settled in order
 *
 * A burst (RFC 3611) begins and ends with a missing packet and holds no run
 * of RTCP_GMIN packets that came; a single missing packet is none.
 */

#include <stddef.h>

#include "node/media/rtcp_source.h"

enum {
	DROPOUT_MAX = 3000, /* RFC 3550 A.1: a gap, no jump */
	MISORDER_MAX = 100,
	BASE = 0x10000, /* room for what came before the first one */
};

static void start(struct rtcp_source *s, uint32_t ssrc, uint16_t seq)
{
	s->before = s->valid ? rtcp_source_expected(s) : 0;
	s->valid = true;
	s->ssrc = ssrc;
	s->base = s->max = BASE + seq;
	s->jump = false;

	/* What was before is neither lost nor to be settled. */
	s->seen = ~0ull;
}

static void burst_end(struct rtcp_source *s)
{
	if (s->in_burst_missing > 1) {
		++s->loss.bursts;
		s->loss.burst_packets += s->in_burst;
		s->loss.burst_missing += s->in_burst_missing;
	}

	s->in_burst = s->in_burst_missing = 0;
}

static void settle_missing(struct rtcp_source *s)
{
	++s->loss.missing;
	if (!s->missing_last)
		++s->loss.runs;

	if (s->in_burst_missing)
		s->in_burst += s->good_run;

	++s->in_burst;
	++s->in_burst_missing;
	s->good_run = 0;
	s->missing_last = true;
}

static void settle(struct rtcp_source *s, bool came)
{
	++s->loss.packets;

	if (!came) {
		settle_missing(s);
		return;
	}

	s->missing_last = false;
	if (++s->good_run >= RTCP_GMIN && s->in_burst_missing)
		burst_end(s);
}

/* The usual step is one, and its packet came. */
static void advance(struct rtcp_source *s, uint32_t by)
{
	while (by--) {
		settle(s, s->seen >> (RTCP_WINDOW - 1));
		s->seen <<= 1;
	}
}

/* True: the stream begins anew with this packet (RFC 3550 A.1). */
static bool jumped(struct rtcp_source *s, uint16_t seq)
{
	bool proved = s->jump && seq == s->bad;

	s->bad = (uint16_t)(seq + 1);
	s->jump = true;

	return proved;
}

void rtcp_source_put(struct rtcp_source *s, uint32_t ssrc, uint16_t seq,
		     bool late)
{
	uint16_t ahead, behind;

	if (!s->valid || s->ssrc != ssrc)
		start(s, ssrc, seq);

	ahead = (uint16_t)(seq - (uint16_t)s->max);
	behind = (uint16_t)-ahead;

	if (ahead && ahead < DROPOUT_MAX) {
		advance(s, ahead);
		s->max += ahead;
		s->seen |= late ? 0 : 1;
		s->jump = false;
	} else if (behind < MISORDER_MAX) {
		if (behind < RTCP_WINDOW && !late)
			s->seen |= 1ull << behind;
	} else if (jumped(s, seq)) {
		start(s, ssrc, seq);
	} else {
		return;
	}

	++s->received;
	s->discarded += late;
}

uint64_t rtcp_source_expected(const struct rtcp_source *s)
{
	return s->valid ? s->before + s->max - s->base + 1 : 0;
}

int64_t rtcp_source_lost(const struct rtcp_source *s)
{
	return (int64_t)(rtcp_source_expected(s) - s->received);
}

static int32_t clamp24(int64_t v)
{
	if (v > 0x7fffff)
		return 0x7fffff;

	return v < -0x800000 ? -0x800000 : (int32_t)v;
}

/* Of 256, as far as a byte goes. */
static uint8_t share(uint64_t part, uint64_t all)
{
	uint64_t v = all ? part * 256 / all : 0;

	return (uint8_t)(v > 255 ? 255 : v);
}

bool rtcp_source_report(struct rtcp_source *s, struct rtcp_report *r)
{
	uint64_t expected = rtcp_source_expected(s);
	uint64_t due = expected - s->expected_prior;
	int64_t lost = (int64_t)(due - (s->received - s->received_prior));

	if (!s->valid)
		return false;

	s->expected_prior = expected;
	s->received_prior = s->received;

	r->ssrc = s->ssrc;
	r->fraction = share(lost > 0 ? (uint64_t)lost : 0, due);
	r->lost = clamp24(rtcp_source_lost(s));
	r->seq = s->max - BASE;

	return true;
}

float rtcp_burst_ratio(const struct rtcp_loss *l)
{
	float ratio;

	if (!l->missing || !l->runs || l->missing >= l->packets)
		return 1;

	/* Random loss of probability p: runs of 1 / (1 - p) on average. */
	ratio = (float)l->missing / (float)l->runs *
		(1 - (float)l->missing / (float)l->packets);

	return ratio > 1 ? ratio : 1;
}

static uint16_t mean_ms(uint64_t packets, uint64_t n, uint32_t ptime_ms)
{
	uint64_t v = n ? packets * ptime_ms / n : 0;

	return (uint16_t)(v > 0xffff ? 0xffff : v);
}

void rtcp_source_voip(const struct rtcp_source *s, struct rtcp_voip *v,
		      uint32_t ptime_ms)
{
	const struct rtcp_loss *l = &s->loss;
	int64_t lost = rtcp_source_lost(s);
	uint64_t gap = l->packets - l->burst_packets;

	v->loss = share(lost > 0 ? (uint64_t)lost : 0, rtcp_source_expected(s));
	v->discard = share(s->discarded, rtcp_source_expected(s));
	v->burst_density = share(l->burst_missing, l->burst_packets);
	v->gap_density = share(l->missing - l->burst_missing, gap);
	v->burst_ms = mean_ms(l->burst_packets, l->bursts, ptime_ms);
	v->gap_ms = mean_ms(gap, l->bursts + 1, ptime_ms);
	v->gmin = RTCP_GMIN;
}
