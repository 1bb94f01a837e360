/* SPDX-License-Identifier: MIT */
/*
 * Ways through networks, written down: for each packet of a stream when it
 * comes, or that it never does.  Same seed, same way.
 */

#ifndef SY_TESTS_UNIT_MEDIA_TRACE_H
#define SY_TESTS_UNIT_MEDIA_TRACE_H

#include <stdbool.h>

#include "media_test.h"

enum {
	TRACE_PACKETS_MAX = 40000,
	TRACE_T0_US = 1000000,
};

/** A packet on its way. */
struct trace_packet {
	uint64_t arrival_us; /* 0: lost                                */
	uint64_t media_us;   /* its timestamp as time, from 0          */
	uint32_t dur_us;
	uint16_t seq; /* counts up, from 0                      */
	bool marker;
};

struct trace {
	uint32_t rnd;
	size_t n;
	struct trace_packet v[TRACE_PACKETS_MAX];
	uint16_t order[TRACE_PACKETS_MAX]; /* indexes by arrival          */
	size_t orderc;
};

/** What a kind of way does with packet i, sent at us since the begin. */
struct trace_kind {
	const char *name;
	uint32_t seconds;
	uint32_t ptime_us;    /* 0: 20 ms                               */
	double ppm;	      /* the sender's clock is slower by        */
	double loss;	      /* random                                 */
	double exp_ms;	      /* delay: exponential, mean               */
	double outlier;	      /* share of packets ...                   */
	double outlier_ms;    /* ... so much later, overtaken by others */
	double stall_every_s; /* nothing comes for a while ...          */
	double stall_ms;      /* ... up to so long, half of it at least */
	double wander_ms;     /* slow random walk of the delay, up to   */
	double burst_loss;    /* chance that a burst of loss begins     */
	double burst_len;     /* its mean length [packets]              */
	double route_s;	      /* the way is longer between this ...     */
	double route_end_s;   /* ... and this                           */
	double route_ms;      /* ... by                                 */
	double talk_s;	      /* DTX: talks so long, mean               */
	double pause_s;	      /* ... and is silent so long              */
	bool ptimes;	      /* 10 to 60 ms, mixed                     */
};

static inline double trace_uniform(struct trace *t)
{
	return (test_rand(&t->rnd) >> 8) / 16777216.0;
}

static int trace_cmp_arrival(const void *a, const void *b, void *arg)
{
	const struct trace *t = arg;
	const struct trace_packet *p = &t->v[*(const uint16_t *)a];
	const struct trace_packet *q = &t->v[*(const uint16_t *)b];

	if (p->arrival_us != q->arrival_us)
		return p->arrival_us < q->arrival_us ? -1 : 1;

	return p < q ? -1 : 1;
}

static inline void trace_make(struct trace *t, const struct trace_kind *k,
			      uint32_t seed)
{
	static const uint32_t ptimes[] = {20000, 10000, 30000, 60000, 40000};
	double media = 0, wander = 0, stall_at, stall_end = 0;
	double change = k->talk_s ? k->talk_s * 1e6 : 1e18, last = 0;
	int burst = 0;
	bool marker = true;
	size_t i;

	memset(t, 0, sizeof(*t));
	t->rnd = seed | 1;
	stall_at = k->stall_every_s ? k->stall_every_s * 1e6 : 1e18;

	for (i = 0; i < TRACE_PACKETS_MAX && media < k->seconds * 1e6; i++) {

		struct trace_packet *p = &t->v[i];
		uint32_t dur = k->ptime_us ? k->ptime_us : 20000;
		double sent, delay, at;
		bool outlier;

		if (k->ptimes)
			dur = ptimes[i / 100 % 5];
		if (media >= change) {
			media += dur * floor((0.5 + trace_uniform(t)) *
					     k->pause_s * 1e6 / dur);
			change =
			    media + (0.5 + trace_uniform(t)) * k->talk_s * 1e6;
			marker = true;
		}

		p->seq = (uint16_t)i;
		p->dur_us = dur;
		p->media_us = (uint64_t)media;
		p->marker = marker;
		marker = false;
		sent = (media + dur) * (1 + k->ppm / 1e6);
		media += dur;

		wander += (trace_uniform(t) - 0.5) * k->wander_ms / 10;
		wander = fmin(fmax(wander, 0), k->wander_ms);
		delay = wander - k->exp_ms * log(1 - trace_uniform(t));
		if (k->route_s && sent > k->route_s * 1e6 &&
		    sent < k->route_end_s * 1e6)
			delay += k->route_ms;

		if (sent >= stall_at) {
			stall_end = sent + k->stall_ms * 1000 *
					       (0.5 + trace_uniform(t) / 2);
			stall_at = sent + k->stall_every_s * 1e6 *
					      (0.5 + trace_uniform(t));
		}

		at = fmax(sent + delay * 1000, stall_end);
		outlier = trace_uniform(t) < k->outlier;
		if (outlier)
			at += k->outlier_ms * 1000;
		else /* a queue keeps the order */
			last = at = fmax(at, last + 10);

		if (!burst && trace_uniform(t) < k->burst_loss)
			burst = 1 + (int)(-k->burst_len *
					  log(1 - trace_uniform(t)));
		if (burst)
			--burst;
		else if (trace_uniform(t) >= k->loss)
			p->arrival_us = TRACE_T0_US + (uint64_t)at;

		if (p->arrival_us)
			t->order[t->orderc++] = (uint16_t)i;
	}

	t->n = i;
	qsort_r(t->order, t->orderc, sizeof(t->order[0]), trace_cmp_arrival, t);
}

#endif
