/* SPDX-License-Identifier: MIT */
/*
 * Invariants
 * - A slot holds a packet with next_seq <= seq < next_seq + JITTER_SLOTS, at
 *   seq modulo JITTER_SLOTS; so a slot never needs its number compared.
 * - While filling, next_seq is the lowest number that came, and its slot is
 *   in use.
 * - out_ts - anchor_ts is what the player got for this tick, or holds.
 * - Timestamps and sequence numbers are compared by their difference only.
 */

#include <string.h>
#include <re.h>

#include "node/media/jitter.h"
#include "node/media/packet.h"

enum {
	JUMP_US = 2000000,    /* off the clock by more: another stream    */
	LATE_MAX_US = 200000, /* only late packets for so long: new start */
	WINDOW_US = 1000000,  /* the least slack is searched in           */
	WINDOW_PACKETS = 15,  /* with at least so many packets            */
	SURPLUS_US = 30000,   /* slack over a fixed depth that is trimmed */
	REF_TS = 1 << 28,     /* the transit's zero is moved after        */
	GRID_MIN_US = 2500,   /* shortest frame of any codec              */
	PAUSE_MIN_MS = 10,    /* a shorter gap is no pause                */
	SPARE_US = 2000,      /* over the target before delay is given up */
	FAR_US = 60000,	      /* so far from the target: in a hurry       */
	PACE_FAR_US = 40000,  /* from one shortening to the next          */
	PACE_US = 100000,
	PACE_FAILED_US = 500000, /* ... after one that could not be done     */
	STARVED_MAX_S = 60,	 /* counted no further                       */
	LOSS_PACKETS = 64,	 /* memory of the share of loss              */
};

#define LOSS_MIN 0.01f /* makes it worth to wait for redundancy */

/* Stands in a slot for a packet without audio. */
static struct packet no_audio;

/* Rounded down, also below zero. */
static uint32_t us_to_ts(const struct jitter *j, int64_t us)
{
	int64_t x = us * (int64_t)(j->clock_hz / 100);

	return (uint32_t)((x < 0 ? x - 9999 : x) / 10000);
}

static int64_t ts_to_us(const struct jitter *j, int32_t ts)
{
	return (int64_t)ts * 1000000 / (int64_t)j->clock_hz;
}

/* The timestamp that is played at a time. */
static uint32_t play_ts(const struct jitter *j, uint64_t now_us)
{
	return j->anchor_ts + us_to_ts(j, (int64_t)(now_us - j->anchor_us));
}

/* How long before its playing a packet came; negative: too late. */
static int64_t slack_us(const struct jitter *j, const struct packet *pkt)
{
	return ts_to_us(j, (int32_t)(pkt->ts - j->anchor_ts)) +
	       (int64_t)(j->anchor_us - pkt->arrival_us);
}

static struct packet **slot(struct jitter *j, uint16_t seq)
{
	return &j->slotv[seq % JITTER_SLOTS];
}

static void slot_free(struct jitter *j, struct packet **s)
{
	if (!*s)
		return;

	if (*s != &no_audio)
		pool_put(j->pool, *s);

	*s = NULL;
	--j->count;
}

/* Go on to the next number; what is in the slot must be taken before. */
static void advance(struct jitter *j, bool came)
{
	j->seen = j->seen << 1 | came;
	++j->next_seq;
}

/* The player's clock is moved: what it got counts for more or less. */
static void move(struct jitter *j, int64_t ts)
{
	j->out_ts += (uint32_t)ts;
	j->anchor_ts += (uint32_t)ts;
}

static bool adaptive(const struct jitter *j)
{
	return !j->conf.fixed_ms;
}

/* Delay that is aimed at, from the fastest packet. */
static uint32_t target_us(const struct jitter *j)
{
	uint32_t us = delay_target_us(&j->delay);

	if (!adaptive(j))
		return j->conf.fixed_ms * 1000;

	if (j->redundant && j->loss > LOSS_MIN)
		us += (uint32_t)ts_to_us(j, (int32_t)j->dur_ts);

	return MAX(MIN(us, j->conf.max_ms * 1000), j->conf.min_ms * 1000);
}

void jitter_init(struct jitter *j, struct pool *pool,
		 const struct jitter_conf *conf)
{
	const struct jitter_conf none = {.fixed_ms = 0};

	memset(j, 0, sizeof(*j));
	j->pool = pool;
	j->clock_hz = 8000;
	delay_init(&j->delay);
	jitter_conf_set(j, conf ? conf : &none);
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
}

void jitter_freeze(struct jitter *j, bool frozen)
{
	j->frozen = frozen;
}

void jitter_redundant(struct jitter *j, bool redundant)
{
	j->redundant = redundant;
}

void jitter_flush(struct jitter *j)
{
	size_t i;

	for (i = 0; j->count && i < JITTER_SLOTS; i++)
		slot_free(j, &j->slotv[i]);

	j->state = JITTER_IDLE;
	j->jump = false;
	j->transit_set = false;
	j->late_since_us = 0;
}

static void store(struct jitter *j, struct packet *pkt)
{
	*slot(j, pkt->seq) = pkt;
	++j->count;

	j->in_order = pkt->seq == (uint16_t)(j->newest_seq + 1);
	if (j->count == 1 || (int32_t)(pkt->ts - j->newest_ts) > 0) {
		j->newest_ts = pkt->ts;
		j->newest_seq = pkt->seq;
	}
}

/* Another ptime, another raster of begins within a tick. */
static void set_dur(struct jitter *j, uint32_t dur_ts)
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

/* How late it is, in the sense of delay.h. */
static void measure_delay(struct jitter *j, const struct packet *pkt)
{
	int32_t ts = (int32_t)(pkt->ts - j->ref_ts);
	uint32_t s = REF_TS / j->clock_hz;

	(void)delay_put(
	    &j->delay, (int64_t)(pkt->arrival_us - j->ref_us) - ts_to_us(j, ts),
	    (uint32_t)ts_to_us(j, (int32_t)pkt->dur_ts), pkt->arrival_us);

	if (ts > REF_TS) {
		j->ref_ts += s * j->clock_hz;
		j->ref_us += s * 1000000ull;
	}
}

/* RFC 3550 A.8, the arrival measured in units of the timestamp. */
static void measure(struct jitter *j, const struct packet *pkt)
{
	uint64_t us = pkt->arrival_us % 1000000, s = pkt->arrival_us / 1000000;
	uint32_t transit =
	    (uint32_t)(s * j->clock_hz) + us_to_ts(j, (int64_t)us) - pkt->ts;
	int32_t d = (int32_t)(transit - j->transit);

	if (j->transit_set)
		j->jitter_ts += ((float)(d < 0 ? -d : d) - j->jitter_ts) / 16;

	j->transit = transit;
	j->transit_set = true;

	measure_delay(j, pkt);
}

/* Begin anew with a packet that is not stored anywhere. */
static void restart(struct jitter *j, struct packet *pkt, uint32_t clock_hz)
{
	jitter_flush(j);

	j->state = JITTER_FILLING;
	j->clock_hz = clock_hz;
	j->ssrc = pkt->ssrc;
	j->next_seq = pkt->seq;
	j->seen = 0;
	j->end_ts = pkt->ts;
	j->ref_ts = pkt->ts;
	j->ref_us = pkt->arrival_us;
	j->start_us = pkt->arrival_us + target_us(j);
	set_dur(j, pkt->dur_ts);
	delay_rebase(&j->delay);
	measure_delay(j, pkt);
	store(j, pkt);
}

/* A packet far off in number or time counts once its successor came. */
static bool jumped(struct jitter *j, const struct packet *pkt, int d)
{
	int64_t slack;

	if (d < JITTER_SLOTS && d >= -JITTER_SLOTS) {

		if (j->state != JITTER_PLAYING || d < 0)
			return false;

		slack = slack_us(j, pkt);
		if (slack < JUMP_US && slack > -JUMP_US)
			return false;
	}

	return true;
}

/* A number below next_seq. */
static enum jitter_put put_old(struct jitter *j, struct packet *pkt, int d)
{
	uint64_t bit = 1ull << (-d - 1);
	int i;

	if (j->state == JITTER_FILLING) {
		/* Out of order at the start: it becomes the first, if the
		 * window still holds all that came. */
		for (i = JITTER_SLOTS + d; i < JITTER_SLOTS; i++) {
			if (*slot(j, (uint16_t)(j->next_seq + i)))
				break;
		}
		if (i == JITTER_SLOTS) {
			j->next_seq = pkt->seq;
			j->seen = 0;
			store(j, pkt);
			return JITTER_STORED;
		}
	}

	j->seen |= bit;
	if (j->lost)
		--j->lost;
	++j->late;

	return JITTER_LATE;
}

enum jitter_put jitter_put(struct jitter *j, struct packet *pkt,
			   uint32_t clock_hz)
{
	int64_t slack;
	int d;

	if (j->state == JITTER_IDLE) {
		restart(j, pkt, clock_hz);
		return JITTER_STORED;
	}

	if (pkt->ssrc != j->ssrc || clock_hz != j->clock_hz)
		goto resync;

	d = (int16_t)(pkt->seq - j->next_seq);
	if (jumped(j, pkt, d)) {
		if (j->jump && pkt->seq == j->jump_seq)
			goto resync;
		j->jump = true;
		j->jump_seq = (uint16_t)(pkt->seq + 1);
		return JITTER_STRAY;
	}

	j->jump = false;

	if (d < 0 ? j->seen & 1ull << (-d - 1) : *slot(j, pkt->seq) != NULL) {
		++j->duplicate;
		return JITTER_DUPLICATE;
	}

	measure(j, pkt);

	if (d < 0)
		return put_old(j, pkt, d);

	if (j->state == JITTER_PLAYING) {
		slack = slack_us(j, pkt);
		if (!j->slack_count++ || slack < j->slack_min_us)
			j->slack_min_us = (int32_t)slack;
	}

	store(j, pkt);

	return JITTER_STORED;

resync:
	++j->resyncs;
	restart(j, pkt, clock_hz);

	return JITTER_RESYNC;
}

bool jitter_in_time(const struct jitter *j, const struct packet *pkt,
		    uint64_t now_us)
{
	if (!j->in_order || pkt->dur_ts < us_to_ts(j, JITTER_TICK_US))
		return false;

	return j->state != JITTER_PLAYING ||
	       (int32_t)(pkt->ts - play_ts(j, now_us)) >= 0;
}

void jitter_skip(struct jitter *j, uint16_t seq, uint32_t ssrc)
{
	int d = (int16_t)(seq - j->next_seq);
	uint64_t bit;

	if (j->state == JITTER_IDLE || ssrc != j->ssrc)
		return;

	if (d >= 0 && d < JITTER_SLOTS && !*slot(j, seq)) {
		*slot(j, seq) = &no_audio;
		++j->count;
	} else if (d < 0 && d >= -JITTER_SLOTS && j->state == JITTER_PLAYING) {
		bit = 1ull << (-d - 1);
		if (!(j->seen & bit) && j->lost)
			--j->lost;
		j->seen |= bit;
	}
}

int64_t jitter_delay_us(const struct jitter *j)
{
	return (int64_t)(j->anchor_us - j->ref_us) -
	       ts_to_us(j, (int32_t)(j->anchor_ts - j->ref_ts)) -
	       j->delay.base_us;
}

/*
 * The delay less what it should be, given that a packet begins at ts.
 *
 * Of all places within a tick where packets begin, the last one leaves them
 * the least time to come: it must have the target.  Then whatever is over
 * the raster is given up, too: it delays and helps nobody.
 */
static int64_t excess_us(const struct jitter *j, uint32_t ts)
{
	int64_t grid = j->grid_us, x, over, margin, n;

	x = ts_to_us(j, (int32_t)(ts - j->anchor_ts)) % grid;
	over = x < 0 ? x + grid : x;
	margin =
	    jitter_delay_us(j) - over - (JITTER_TICK_US - grid) - target_us(j);

	if (margin < 0) {
		n = (-margin + grid - 1) / grid;
		return over - n * grid;
	}

	n = margin > SPARE_US ? (margin - SPARE_US) / grid : 0;

	return over + n * grid;
}

/* A fixed depth: the sender's clock or the way became faster. */
static void trim(struct jitter *j)
{
	int32_t surplus_us = j->slack_min_us - (int32_t)target_us(j);

	if (j->anchor_us - j->window_us < WINDOW_US)
		return;

	if (!adaptive(j) && j->slack_count >= WINDOW_PACKETS &&
	    surplus_us > SURPLUS_US)
		move(j, (int32_t)us_to_ts(j, surplus_us));

	j->window_us = j->anchor_us;
	j->slack_count = 0;
}

static void begin(struct jitter *j, uint64_t now_us)
{
	const struct packet *first = *slot(j, j->next_seq);

	j->state = JITTER_PLAYING;
	j->anchor_us = now_us;
	j->anchor_ts = j->out_ts = j->end_ts = first->ts;
	j->window_us = now_us;
	j->slack_count = 0;
	j->late_since_us = 0;
	j->starved_ts = 0;
	j->placed = false;
}

static void begin_tick(struct jitter *j, uint64_t now_us, uint32_t held_ts)
{
	int32_t slept_ts =
	    (int32_t)(held_ts - (j->out_ts - play_ts(j, now_us)));

	/* Of ticks that were missed nothing was heard. */
	if (slept_ts >= (int32_t)us_to_ts(j, JITTER_TICK_US / 2))
		j->out_ts += (uint32_t)slept_ts;

	j->anchor_us = now_us;
	j->anchor_ts = j->out_ts - held_ts;
	trim(j);
}

/* The sender was silent: the head is heard when it is best. */
static void place(struct jitter *j, const struct packet *pkt)
{
	int32_t d = (int32_t)(pkt->ts - j->out_ts);
	int64_t want = d;

	if (!adaptive(j) || j->frozen)
		return;

	want -= (int32_t)us_to_ts(j, excess_us(j, pkt->ts));
	want = MIN(MAX(want, 0), INT32_MAX);
	move(j, d - want);
}

/* Nothing came for a while, and now what was missed then: go back to it. */
static void go_back(struct jitter *j, int64_t late_ts)
{
	int64_t room_us = (int64_t)j->conf.max_ms * 1000 - jitter_delay_us(j);
	int64_t ts = MIN(late_ts, (int64_t)j->starved_ts);

	if (!adaptive(j) || j->frozen || room_us <= 0)
		return;

	move(j, -MIN(ts, (int64_t)us_to_ts(j, MIN(room_us, JUMP_US))));
}

/* The head's time is over.  True: it became the start of a new playing. */
static bool drop_head(struct jitter *j, struct packet **s)
{
	struct packet *pkt = *s;
	bool late = slack_us(j, pkt) < (int64_t)target_us(j) / 2;

	if (late && !j->late_since_us)
		j->late_since_us = j->anchor_us;

	if (late && j->count == 1 &&
	    (pkt->marker || j->anchor_us - j->late_since_us >= LATE_MAX_US)) {

		j->state = JITTER_FILLING;
		j->start_us = pkt->arrival_us + target_us(j);
		j->late_since_us = 0;
		if (!pkt->marker)
			j->concealed_us +=
			    (uint64_t)ts_to_us(j, (int32_t)j->starved_ts);
		delay_init(&j->delay); /* another way, not a jam */
		++j->resyncs;
		return true;
	}

	j->end_ts = pkt->ts + pkt->dur_ts;
	slot_free(j, s);
	advance(j, true);

	if (late)
		++j->late;
	else
		++j->trimmed;

	return false;
}

/* Silence, or audio of the past: time that no packet filled. */
static enum jitter_out fill(struct jitter *j, struct jitter_item *it,
			    enum jitter_out out, uint32_t ts)
{
	it->dur_ts = ts;
	j->out_ts += ts;

	if (out == JITTER_EMPTY && j->starved_ts < STARVED_MAX_S * j->clock_hz)
		j->starved_ts += ts;
	if (out == JITTER_LOST)
		j->concealed_us += (uint64_t)ts_to_us(j, (int32_t)ts);

	return out;
}

static void take_head(struct jitter *j, struct packet **s,
		      struct jitter_item *it, uint32_t skip_ts)
{
	struct packet *pkt = *s;
	uint32_t dur_ts = pkt->dur_ts - skip_ts;

	it->pkt = pkt;
	it->skip_ts = skip_ts;

	/* A pause was no loss; what else was not there was made up. */
	if (!it->pause)
		j->concealed_us +=
		    (uint64_t)ts_to_us(j, (int32_t)j->starved_ts);

	++j->played;
	j->played_us += (uint64_t)ts_to_us(j, (int32_t)dur_ts);
	j->delay_sum_us +=
	    j->anchor_us - pkt->arrival_us +
	    (uint64_t)ts_to_us(j, (int32_t)(j->out_ts - j->anchor_ts));
	j->loss -= j->loss / LOSS_PACKETS;

	if (pkt->dur_ts != j->dur_ts)
		set_dur(j, pkt->dur_ts);
	j->end_ts = pkt->ts + pkt->dur_ts;
	j->out_ts += dur_ts;
	j->starved_ts = 0;
	j->placed = false;
	j->late_since_us = 0;

	*s = NULL;
	--j->count;
	advance(j, true);
}

/* True: *out is set; false: the head was dropped, look again. */
static bool head(struct jitter *j, struct packet **s, struct jitter_item *it,
		 uint32_t miss_ts, enum jitter_out *out)
{
	struct packet *pkt = *s;
	int32_t d, gap = (int32_t)(pkt->ts - j->end_ts);

	it->pause = gap >= (int32_t)(j->clock_hz / 1000 * PAUSE_MIN_MS);
	if (it->pause && !j->placed) {
		place(j, pkt);
		j->placed = true;
	}

	d = (int32_t)(pkt->ts - j->out_ts);
	if (d < 0 && j->starved_ts) {
		go_back(j, -(int64_t)d);
		d = (int32_t)(pkt->ts - j->out_ts);
	}

	if (d > 0) {
		*out = fill(j, it, JITTER_WAIT, MIN((uint32_t)d, miss_ts));
		return true;
	}

	if (d + (int32_t)pkt->dur_ts <= 0) {
		*out = JITTER_WAIT;
		it->dur_ts = miss_ts;
		return drop_head(j, s);
	}

	take_head(j, s, it, (uint32_t)-d);
	*out = JITTER_PLAY;

	return true;
}

/* The first packet with audio behind the missing head; NULL: none. */
static const struct packet *behind(struct jitter *j, bool *rightp)
{
	int i;

	for (i = 1; i < JITTER_SLOTS; i++) {
		const struct packet *p = *slot(j, (uint16_t)(j->next_seq + i));

		if (p && p != &no_audio) {
			*rightp = i == 1;
			return p;
		}
	}

	return NULL;
}

/* The head is missing and something is behind it.  As head(). */
static bool hole(struct jitter *j, const struct packet *pkt, bool right,
		 struct jitter_item *it, uint32_t miss_ts, enum jitter_out *out)
{
	int32_t span = (int32_t)(pkt->ts - j->end_ts);
	int32_t ts = MAX(MIN(span, (int32_t)j->dur_ts), 0);
	int32_t d = (int32_t)(j->end_ts - j->out_ts);

	if (d > 0) {
		*out = fill(j, it, JITTER_WAIT, MIN((uint32_t)d, miss_ts));
		return true;
	}

	j->end_ts += (uint32_t)ts;
	j->loss += (1 - j->loss) / LOSS_PACKETS;
	advance(j, false);
	++j->lost;

	/* Its time was filled already? */
	if (ts + d <= 0)
		return false;

	it->next = right && d == 0 && ts == span ? pkt : NULL;
	*out = fill(j, it, JITTER_LOST, (uint32_t)(ts + d));

	return true;
}

static enum jitter_out next(struct jitter *j, struct jitter_item *it,
			    uint32_t miss_ts)
{
	enum jitter_out out;

	for (;;) {
		struct packet **s = slot(j, j->next_seq);
		const struct packet *pkt;
		bool right;

		if (*s == &no_audio) {
			slot_free(j, s);
			advance(j, true);
			continue;
		}

		if (*s) {
			if (head(j, s, it, miss_ts, &out))
				return out;
			continue;
		}

		pkt = j->count ? behind(j, &right) : NULL;
		if (!pkt)
			return fill(j, it, JITTER_EMPTY, miss_ts);

		if (hole(j, pkt, right, it, miss_ts, &out))
			return out;
	}
}

enum jitter_out jitter_get(struct jitter *j, struct jitter_item *it,
			   uint64_t now_us, uint32_t held_ts)
{
	uint32_t tick_ts;

	memset(it, 0, sizeof(*it));

	if (j->state == JITTER_FILLING &&
	    now_us + JITTER_TICK_US / 2 >= j->start_us)
		begin(j, now_us);
	else if (j->state == JITTER_PLAYING && now_us != j->anchor_us)
		begin_tick(j, now_us, held_ts);

	tick_ts = us_to_ts(j, JITTER_TICK_US);
	it->dur_ts = held_ts < tick_ts ? tick_ts - held_ts : 0;
	if (j->state != JITTER_PLAYING || !it->dur_ts)
		return JITTER_WAIT;

	return next(j, it, it->dur_ts);
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
		us = MIN(us, MAX(rest_us, 0));

	return (int64_t)(j->anchor_us - j->move_us) < 0 ? 0 : (int32_t)us;
}

void jitter_moved(struct jitter *j, int32_t ts)
{
	int64_t us = ts_to_us(j, ts);

	j->anchor_ts += (uint32_t)ts;
	j->move_us = j->anchor_us + PACE_US;
	if (excess_us(j, j->end_ts) > FAR_US)
		j->move_us = j->anchor_us + PACE_FAR_US;
	if (!ts)
		j->move_us = j->anchor_us + PACE_FAILED_US;

	if (us > 0)
		j->shorter_us += (uint64_t)us;
	else
		j->longer_us += (uint64_t)-us;
}

void jitter_recovered(struct jitter *j, uint32_t ts)
{
	uint64_t us = (uint64_t)ts_to_us(j, (int32_t)ts);

	j->concealed_us -= us;
	j->played_us += us;
	++j->recovered;
}

uint32_t jitter_ptime_ms(const struct jitter *j)
{
	return j->dur_ts / (j->clock_hz / 1000);
}

uint32_t jitter_depth_ms(const struct jitter *j, uint64_t now_us)
{
	int32_t ts;

	if (!j->count)
		return 0;

	ts = j->state == JITTER_PLAYING
		 ? (int32_t)(j->newest_ts + j->dur_ts - play_ts(j, now_us))
		 : (int32_t)(j->newest_ts - j->end_ts + j->dur_ts);

	return ts > 0 ? (uint32_t)ts / (j->clock_hz / 1000) : 0;
}

uint32_t jitter_target_ms(const struct jitter *j)
{
	return target_us(j) / 1000;
}

uint32_t jitter_lag_us(const struct jitter *j)
{
	int64_t us = j->state == JITTER_PLAYING ? jitter_delay_us(j) : 0;

	us = MIN(us, JITTER_DEPTH_MAX_MS * 1000);

	return MAX((uint32_t)MAX(us, 0), target_us(j)) + JITTER_TICK_US;
}

float jitter_jitter_ms(const struct jitter *j)
{
	return j->jitter_ts * 1000.0f / (float)j->clock_hz;
}
