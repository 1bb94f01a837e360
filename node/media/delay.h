/* SPDX-License-Identifier: MIT */
/*
 * How late packets come, and how long it is worth to wait for them.
 *
 * Each packet's delay is taken relative to the fastest one of the last
 * seconds, so neither the way's length nor the offset of the two clocks
 * matters, and their drift (200 ppm: 1 ms in 5 s) hardly does.  A histogram
 * with forgetting holds the delays.  The target is where waiting longer
 * costs more than it saves: the E-model (G.107) rates one percent of loss
 * like some ten milliseconds of delay and more, and never less than 95 % of
 * all packets are waited for.  So the quantile is 0.95 on a bad way, where
 * each percent costs much, and above 0.99 where it costs little.
 *
 * It grows at once: of packets that are beyond the target in a row, each
 * weighs as much as several.  It shrinks as what was late is forgotten.  Bursts
 * that recur (a Wi-Fi card that looks for other channels) are too rare for
 * that: their height and distance are held apart, and the target covers them
 * while they recur.
 *
 * Pure, no allocation; one thread.  Cost: some ns a packet, some 100 ns on
 * each eighth.
 */

#ifndef SY_NODE_MEDIA_DELAY_H
#define SY_NODE_MEDIA_DELAY_H

#include <stdbool.h>
#include <stdint.h>

enum {
	DELAY_BUCKET_US = 5000,
	DELAY_BUCKETS = 100, /* the last one holds all that is beyond */
	DELAY_PEAKS = 4,
	DELAY_START_US = 40000, /* the target before anything is known   */
};

/** A burst of late packets. */
struct delay_peak {
	uint64_t at_us; /* its first packet came                     */
	uint32_t us;	/* its highest relative delay                */
	uint32_t count; /* its packets                               */
};

struct delay {
	float weightv[DELAY_BUCKETS];
	float gain;	      /* weight of a packet now; it grows, so
				 what was before becomes less         */
	float total;	      /* of weightv                           */
	uint32_t age_us;      /* audio seen, up to the memory's length */
	uint32_t skipped;     /* packets since the target was found   */
	uint32_t quantile_us; /* target of the histogram              */
	uint32_t target_us;
	bool known;		/* a packet was put since the reset     */
	bool late;		/* the last one was beyond the target   */
	bool peaking;		/* peakv[0] is going on                 */
	int64_t base_us;	/* least transit of both windows        */
	int64_t cur_us, old_us; /* ... of this window and the one before */
	int64_t hist_us;	/* base that the histogram is relative to */
	uint64_t window_us;	/* begin of this window                 */
	struct delay_peak peakv[DELAY_PEAKS]; /* [0] is the latest       */
};

/** Begin, with nothing known. */
void delay_init(struct delay *d);

/** Begin with a guess of one's own instead of DELAY_START_US; nothing if a
 *  packet was put already. @param us  Rounded up to DELAY_BUCKET_US. */
void delay_guess(struct delay *d, uint32_t us);

/**
 * The transit's zero changes (another stream, another way): forget which
 * packet was the fastest, keep how delays are spread.
 */
void delay_rebase(struct delay *d);

/**
 * A packet came.
 *
 * @param transit_us  Its arrival less its timestamp, both as time; only
 *                    differences matter.
 * @param dur_us      Its duration.
 * @param now_us      Its arrival.
 *
 * @return how much later it is than the fastest [us].
 */
uint32_t delay_put(struct delay *d, int64_t transit_us, uint32_t dur_us,
		   uint64_t now_us);

/** Delay worth waiting for, relative to the fastest packet [us]. */
static inline uint32_t delay_target_us(const struct delay *d)
{
	return d->target_us;
}

#endif
