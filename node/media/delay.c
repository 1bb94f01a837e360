/* SPDX-License-Identifier: MIT */
/*
 * Forgetting: not the old weights shrink, the new ones grow; so a packet
 * touches one bucket.  When they became large, all are scaled down.
 */

#include <string.h>
#include <re.h>

#include "node/media/delay.h"

enum {
	MEMORY_US = 10000000,	/* time constant of the histogram           */
	START_PACKETS = 2,	/* weight of the guess at the start         */
	LATE_WEIGHT = 5,	/* of the second late packet in a row, and on */
	EVERY = 8,		/* packets from one search to the next      */
	LOSS_COST_US = 2000000, /* all lost is like so much delay: 20 ms
				   for one percent                          */
	WINDOW_US = 2000000,	/* the fastest of one to two of these       */

	PEAK_US = 30000,      /* so far beyond the histogram is a peak    */
	PEAK_PACKETS = 3,     /* with at least so many packets            */
	PEAK_GAP_US = 500000, /* later than that it is another peak       */
	PEAK_PERIOD_US = 10000000, /* rarer ones are not waited for          */
};

#define TAIL_MAX 0.05f /* never more than so many packets come too late */
#define GAIN_MAX 1e6f

static void guess(struct delay *d, uint32_t us)
{
	uint32_t n = (us + DELAY_BUCKET_US - 1) / DELAY_BUCKET_US;

	n = MAX(MIN(n, (uint32_t)DELAY_BUCKETS), 1u);
	d->gain = 1;
	d->weightv[n - 1] = START_PACKETS;
	d->total = START_PACKETS;
	d->quantile_us = n * DELAY_BUCKET_US;
	d->target_us = n * DELAY_BUCKET_US;
}

void delay_init(struct delay *d)
{
	memset(d, 0, sizeof(*d));
	guess(d, DELAY_START_US);
}

void delay_guess(struct delay *d, uint32_t us)
{
	if (d->known || d->age_us)
		return;

	memset(d, 0, sizeof(*d));
	guess(d, us);
}

void delay_rebase(struct delay *d)
{
	d->known = false;
}

static void scale_down(struct delay *d)
{
	float total = 0;
	size_t i;

	for (i = 0; i < DELAY_BUCKETS; i++) {
		d->weightv[i] /= d->gain;
		total += d->weightv[i];
	}

	d->gain = 1;
	d->total = total;
}

/* The base rose: what was recorded is later than it need be. */
static void shift(struct delay *d)
{
	int64_t up_us = d->base_us - d->hist_us;
	size_t i, n = DELAY_BUCKETS;
	float sum = 0;

	if (up_us < 0)
		d->hist_us = d->base_us;
	if (up_us < DELAY_BUCKET_US)
		return;

	n = (size_t)MIN(up_us / DELAY_BUCKET_US, DELAY_BUCKETS - 1);
	d->hist_us += (int64_t)n * DELAY_BUCKET_US;

	for (i = 0; i < n; i++)
		sum += d->weightv[i];
	d->weightv[n] += sum;

	memmove(d->weightv, d->weightv + n,
		(DELAY_BUCKETS - n) * sizeof(*d->weightv));
	memset(d->weightv + DELAY_BUCKETS - n, 0, n * sizeof(*d->weightv));

	for (i = 0; i < DELAY_PEAKS; i++)
		d->peakv[i].us -=
		    MIN(d->peakv[i].us, (uint32_t)n * DELAY_BUCKET_US);
}

static void find_base(struct delay *d, int64_t transit_us, uint64_t now_us)
{
	if (!d->known) {
		d->known = true;
		d->cur_us = d->old_us = d->hist_us = transit_us;
		d->window_us = now_us;
	} else if ((int64_t)(now_us - d->window_us) >= WINDOW_US) {
		d->old_us = d->cur_us;
		d->cur_us = transit_us;
		d->window_us = now_us;
	} else if (transit_us < d->cur_us) {
		d->cur_us = transit_us;
	}

	d->base_us = MIN(d->cur_us, d->old_us);
	if (d->base_us != d->hist_us)
		shift(d);
}

static void add(struct delay *d, uint32_t rel_us, uint32_t dur_us)
{
	size_t i = MIN(rel_us / DELAY_BUCKET_US, DELAY_BUCKETS - 1u);
	bool late = rel_us > d->target_us;
	float w = late && d->late ? LATE_WEIGHT * d->gain : d->gain;

	d->late = late;
	d->weightv[i] += w;
	d->total += w;

	if (d->age_us < MEMORY_US)
		d->age_us += dur_us;
	else
		d->gain *= 1 + (float)dur_us / MEMORY_US;

	if (d->gain > GAIN_MAX)
		scale_down(d);
}

/* The least sum of waiting and losing. */
static uint32_t search(const struct delay *d)
{
	float tail = d->total, scale = (float)LOSS_COST_US / d->total;
	float best = 0;
	uint32_t us = 0, found_us = 0;
	size_t i;

	for (i = 0; i < DELAY_BUCKETS; i++) {
		float cost;

		tail -= d->weightv[i];
		us += DELAY_BUCKET_US;
		if (tail > TAIL_MAX * d->total)
			continue;

		cost = (float)us + scale * tail;
		if (!found_us || cost < best) {
			found_us = us;
			best = cost;
		}
	}

	return found_us ? found_us : us;
}

/* A burst is several late packets in a row, the quantile following them. */
static void note_peak(struct delay *d, uint32_t rel_us, uint64_t now_us)
{
	struct delay_peak *p = &d->peakv[0];

	if (d->peaking) {
		d->peaking = rel_us >= p->us / 4;
		if (d->peaking) {
			p->us = MAX(p->us, rel_us);
			++p->count;
		}
		return;
	}

	if (rel_us < d->quantile_us + PEAK_US)
		return;

	/* A single packet was no burst; one soon after belongs to it. */
	if (p->count >= PEAK_PACKETS) {
		if (now_us - p->at_us < PEAK_GAP_US)
			return;
		memmove(p + 1, p, (DELAY_PEAKS - 1) * sizeof(*p));
	}

	d->peaking = true;
	p->at_us = now_us;
	p->us = rel_us;
	p->count = 1;
}

/* Height of the bursts that recur: the second highest, so that a single
 * freak does not rule. */
static uint32_t peak_us(const struct delay *d, uint64_t now_us)
{
	const struct delay_peak *p = d->peakv;
	uint32_t high = 0, second = 0;
	uint64_t period = 0;
	size_t i, first = p[0].count >= PEAK_PACKETS ? 0 : 1;

	for (i = first; i < DELAY_PEAKS && p[i].count; i++) {

		if (i > first) {
			uint64_t gap = p[i - 1].at_us - p[i].at_us;

			if (gap > PEAK_PERIOD_US)
				break;
			period = MAX(period, gap);
		}

		if (p[i].us > high) {
			second = high;
			high = p[i].us;
		} else {
			second = MAX(second, p[i].us);
		}
	}

	if (!period || now_us - p[first].at_us > 2 * period)
		return 0;

	return (second / DELAY_BUCKET_US + 1) * DELAY_BUCKET_US;
}

uint32_t delay_put(struct delay *d, int64_t transit_us, uint32_t dur_us,
		   uint64_t now_us)
{
	uint32_t rel_us;
	bool late;

	find_base(d, transit_us, now_us);
	rel_us = (uint32_t)MIN(transit_us - d->base_us, (int64_t)UINT32_MAX);
	late = rel_us > d->target_us;

	note_peak(d, rel_us, now_us);
	add(d, rel_us, dur_us);

	if (late || ++d->skipped >= EVERY) {
		d->skipped = 0;
		d->quantile_us = search(d);
		d->target_us = MAX(d->quantile_us, peak_us(d, now_us));
	}

	return rel_us;
}
