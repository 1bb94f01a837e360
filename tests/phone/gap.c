/* SPDX-License-Identifier: MIT */
/* How long a tone was not heard; see gap.h.  Called on the tick. */

#include <errno.h>
#include <math.h>
#include <string.h>
#include "tests/phone/base.h"
#include "tests/phone/gap.h"
#include "tests/phone/tone.h"

enum {
	HOPS = 2, /* of a window: neighbours overlap by half */
	WINDOW_SMP_MAX = 48 * GAP_HOP_MS * HOPS,
	HZ_MIN = 200,
	SKEW_MS = 2,	 /* what comes next begins anew if it is further off */
	SILENT_MS = 100, /* nothing new for so long counts */
};

struct gap {
	unsigned hz;
	double threshold_db;
	double armed_ms;
	unsigned rate_hz;
	int16_t pcm[WINDOW_SMP_MAX];
	size_t have;
	double next_ms;	 /* when the sample after pcm[have - 1] is heard */
	bool anew;	 /* no window since something was missing        */
	bool last;	 /* the last window had the tone                 */
	double until_ms; /* it was heard until then */
	struct gap_result res;
};

double playout_ms(struct playout *p, uint32_t ssrc, uint32_t ts,
		  double clock_khz, double at_ms)
{
	double transit;

	if (!p->on || p->ssrc != ssrc) {
		p->on = true;
		p->ssrc = ssrc;
		p->ts = ts;
		p->ts_ext = 0;
		p->base_ms = at_ms;
	}

	p->ts_ext += (int32_t)(ts - p->ts);
	p->ts = ts;
	transit = at_ms - (double)p->ts_ext / clock_khz;
	if (transit < p->base_ms || transit > p->base_ms + PLAYOUT_LATE_MS)
		p->base_ms = transit;

	return p->base_ms + (double)p->ts_ext / clock_khz;
}

int gap_alloc(struct gap **gp, unsigned hz, double threshold_db, double now_ms)
{
	struct gap *g;

	if (!gp || hz < HZ_MIN)
		return EINVAL;

	g = mem_zalloc(sizeof(*g), NULL);
	if (!g)
		return ENOMEM;

	g->hz = hz;
	g->threshold_db = threshold_db;
	g->armed_ms = now_ms;
	*gp = g;
	return 0;
}

static void heard(struct gap *g, double from_ms, double until_ms)
{
	struct gap_result *res = &g->res;
	const double ms = from_ms - g->until_ms;

	if (!res->heard) {
		res->heard = true;
		res->first_ms = fmax(from_ms - g->armed_ms, 0.0);
	} else if (ms >= 1.0) {
		++res->absences;
		res->total_ms += ms;
		if (ms > res->longest_ms) {
			res->longest_ms = ms;
			res->longest_at_ms = g->until_ms - g->armed_ms;
		}
	}

	g->until_ms = fmax(g->until_ms, until_ms);
}

/* A window speaks for the hop in its middle; next to what is missing, for
 * all of its half. */
static void window_full(struct gap *g)
{
	const double mid_ms = g->next_ms - HOPS * GAP_HOP_MS / 2.0;
	const double half_ms = GAP_HOP_MS / 2.0;

	g->last = tone_level_db(g->pcm, g->have, g->rate_hz, g->hz) >=
		  g->threshold_db;
	if (g->last)
		heard(g, mid_ms - (g->anew ? 2 : 1) * half_ms,
		      mid_ms + half_ms);

	g->anew = false;
	g->have -= g->have / HOPS;
	memmove(g->pcm, g->pcm + g->have, g->have * sizeof(g->pcm[0]));
}

static void begin_anew(struct gap *g, unsigned rate_hz, double play_ms)
{
	if (g->last)
		g->until_ms = fmax(g->until_ms, g->next_ms);

	g->rate_hz = rate_hz;
	g->have = 0;
	g->next_ms = play_ms;
	g->anew = true;
	g->last = false;
}

void gap_feed(struct gap *g, const int16_t *pcm, size_t n, unsigned rate_hz,
	      double play_ms)
{
	const size_t need = (size_t)rate_hz * GAP_HOP_MS * HOPS / 1000;

	if (need > ARRAY_SIZE(g->pcm))
		return;
	if (g->rate_hz != rate_hz || fabs(play_ms - g->next_ms) > SKEW_MS)
		begin_anew(g, rate_hz, play_ms);

	while (n) {
		const size_t take = MIN(n, need - g->have);

		memcpy(g->pcm + g->have, pcm, take * sizeof(*pcm));
		g->have += take;
		pcm += take;
		n -= take;
		g->next_ms += take * 1000.0 / rate_hz;
		if (g->have == need)
			window_full(g);
	}
}

void gap_result(const struct gap *g, double now_ms, struct gap_result *res)
{
	const double since_ms = g->res.heard ? g->until_ms : g->armed_ms;

	*res = g->res;
	res->hz = g->hz;
	if (now_ms - since_ms <= SILENT_MS)
		return;

	res->silent_ms = now_ms - since_ms;
	++res->absences;
	res->total_ms += res->silent_ms;
	if (res->silent_ms > res->longest_ms) {
		res->longest_ms = res->silent_ms;
		res->longest_at_ms = since_ms - g->armed_ms;
	}
}
