/* SPDX-License-Identifier: MIT */
/* The distance: what it should be, and how it gets there. */

#include "node/media/jitter_impl.h"

enum {
	WINDOW_US = 1000000, /* the least slack is searched in           */
	WINDOW_PACKETS = 6,  /* with at least so many packets            */
	SURPLUS_US = 30000,  /* slack over a fixed depth that is trimmed */
	GRID_MIN_US = 2500,  /* shortest frame of any codec              */
	SPARE_US = 2000,     /* over the target before delay is given up */
	FAR_US = 60000,	     /* so far from the target: in a hurry       */
	PACE_FAR_US = 40000, /* from one shortening to the next          */
	PACE_US = 100000,
	SEARCH_US = 500000, /* from one search in vain to the next ...    */
	SEARCHES_MAX = 4,   /* ... doubled so often                       */
};

#define LOSS_MIN 0.01f /* makes it worth to wait for redundancy */

uint32_t jitter_target_us(const struct jitter *j)
{
	uint32_t us = delay_target_us(&j->delay);

	if (!adaptive(j))
		return j->conf.fixed_ms * 1000;

	if (j->redundant && j->loss > LOSS_MIN)
		us += (uint32_t)ts_to_us(j, (int32_t)j->dur_ts);

	return MAX(MIN(us, j->conf.max_ms * 1000), j->conf.min_ms * 1000);
}

void jitter_conf_set(struct jitter *j, const struct jitter_conf *conf)
{
	struct jitter_conf *c = &j->conf;

	*c = *conf;
	if (!c->max_ms)
		c->max_ms = MAX((uint32_t)JITTER_MAX_MS, c->min_ms);

	c->max_ms = MIN(c->max_ms, (uint32_t)JITTER_DEPTH_MAX_MS);
	c->min_ms = MIN(c->min_ms, c->max_ms);
	c->fixed_ms = MIN(c->fixed_ms, (uint32_t)JITTER_DEPTH_MAX_MS);
	if (c->start_ms)
		delay_guess(&j->delay, c->start_ms * 1000);
}

void jitter_freeze(struct jitter *j, bool frozen)
{
	j->frozen = frozen;
}

void jitter_redundant(struct jitter *j, bool redundant)
{
	j->redundant = redundant;
}

void jitter_dur_set(struct jitter *j, uint32_t dur_ts)
{
	uint32_t a = (uint32_t)ts_to_us(j, (int32_t)dur_ts);
	uint32_t b = JITTER_TICK_US;

	while (a) {
		uint32_t rest = b % a;

		b = a;
		a = rest;
	}

	j->dur_ts = dur_ts;
	j->grid_us = MAX(b, (uint32_t)GRID_MIN_US);
}

int64_t jitter_delay_us(const struct jitter *j)
{
	return (int64_t)(j->anchor_us - j->ref_us) -
	       ts_to_us(j, (int32_t)(j->anchor_ts - j->ref_ts)) -
	       j->delay.base_us;
}

/*
 * What can be given up of more_us, given that a packet begins at ts.
 *
 * Of all places within a tick where packets begin, the last one leaves them
 * the least time to come: it must have its due.  Then whatever is over
 * the raster is given up, too: it delays and helps nobody.
 */
static int64_t on_grid_us(const struct jitter *j, uint32_t ts, int64_t more_us)
{
	int64_t grid = j->grid_us, x, over, margin, n;

	x = ts_to_us(j, (int32_t)(ts - j->anchor_ts)) % grid;
	over = x < 0 ? x + grid : x;
	margin = more_us - over - (JITTER_TICK_US - grid);

	if (margin < 0) {
		n = (-margin + grid - 1) / grid;
		return over - n * grid;
	}

	n = margin > SPARE_US ? (margin - SPARE_US) / grid : 0;

	return over + n * grid;
}

/* The delay less what it should be. */
static int64_t excess_us(const struct jitter *j, uint32_t ts)
{
	return on_grid_us(j, ts, jitter_delay_us(j) - jitter_target_us(j));
}

/* How much earlier the next packet may be due, if it is as late as the last
 * one.  The fastest may be of long ago, of a way that was much shorter: the
 * delay is over any target then, and yet nothing is to spare. */
static int64_t spare_us(const struct jitter *j)
{
	int64_t slack = ts_to_us(j, (int32_t)(j->newest_ts - j->anchor_ts)) +
			(int64_t)(j->anchor_us - j->newest_us);

	return on_grid_us(j, j->end_ts, slack);
}

void jitter_trim(struct jitter *j)
{
	const uint32_t most_us =
	    adaptive(j) ? j->conf.max_ms * 1000 : jitter_target_us(j);
	const int32_t over_us = j->slack_min_us - (int32_t)most_us;

	if (j->anchor_us - j->window_us < WINDOW_US)
		return;

	if (j->slack_count >= WINDOW_PACKETS && over_us > SURPLUS_US &&
	    !(adaptive(j) && j->frozen))
		move(j, (int32_t)us_to_ts(j, j->slack_min_us -
						 jitter_target_us(j)));

	j->window_us = j->anchor_us;
	j->slack_count = 0;
}

bool jitter_is_full(const struct jitter *j)
{
	return adaptive(j) && !j->frozen &&
	       jitter_delay_us(j) >= (int64_t)j->conf.max_ms * 1000;
}

void jitter_place(struct jitter *j, const struct packet *pkt)
{
	int32_t d = (int32_t)(pkt->ts - j->out_ts);
	int64_t want = d;

	if (!adaptive(j) || j->frozen)
		return;

	want -= (int32_t)us_to_ts(j, excess_us(j, pkt->ts));
	want = MIN(MAX(want, 0), INT32_MAX);
	move(j, d - want);
}

void jitter_go_back(struct jitter *j, int64_t late_ts)
{
	int64_t room_us = (int64_t)j->conf.max_ms * 1000 - jitter_delay_us(j);
	int64_t ts = MIN(late_ts, (int64_t)j->starved_ts);

	if (!adaptive(j) || j->frozen || room_us <= 0)
		return;

	move(j, -MIN(ts, (int64_t)us_to_ts(j, MIN(room_us, JITTER_JUMP_US))));
}

int32_t jitter_want_us(const struct jitter *j)
{
	int64_t us, rest_us;

	if (j->state != JITTER_PLAYING || !adaptive(j) || j->frozen)
		return 0;

	us = excess_us(j, j->end_ts);
	if (us <= 0)
		return (int32_t)us;

	/* The next packet, due earlier by then, must be there. */
	rest_us =
	    ts_to_us(j, (int32_t)(j->out_ts - j->anchor_ts)) - JITTER_TICK_US;
	if (!j->slotv[j->next_seq % JITTER_SLOTS])
		us = MIN(us, MAX(MIN(rest_us, spare_us(j)), 0));

	return (int64_t)(j->anchor_us - j->move_us) < 0 ? 0 : (int32_t)us;
}

/* In a hurry one does not put it off further and further: what was looked for
 * in vain may have been a small rest, of another sound. */
bool jitter_may_search(const struct jitter *j)
{
	const bool far = excess_us(j, j->end_ts) > FAR_US;
	uint64_t wait_us = SEARCH_US;

	if (!far && j->searches)
		wait_us <<= j->searches - 1;

	return !j->searches || j->anchor_us - j->search_us >= wait_us;
}

void jitter_moved(struct jitter *j, int32_t ts)
{
	int64_t us = ts_to_us(j, ts);
	bool far;

	if (!ts) {
		j->search_us = j->anchor_us;
		j->searches = MIN(j->searches + 1, (uint32_t)SEARCHES_MAX + 1);
		return;
	}

	j->anchor_ts += (uint32_t)ts;
	far = excess_us(j, j->end_ts) > FAR_US;
	j->move_us = j->anchor_us + (far ? PACE_FAR_US : PACE_US);
	j->searches = 0;

	if (us > 0)
		j->shorter_us += (uint64_t)us;
	else
		j->longer_us += (uint64_t)-us;
}

uint32_t jitter_target_ms(const struct jitter *j)
{
	return jitter_target_us(j) / 1000;
}

uint32_t jitter_lag_us(const struct jitter *j)
{
	int64_t us = j->state == JITTER_PLAYING ? jitter_delay_us(j) : 0;

	us = MIN(us, JITTER_DEPTH_MAX_MS * 1000);

	return MAX((uint32_t)MAX(us, 0), jitter_target_us(j)) + JITTER_TICK_US;
}
