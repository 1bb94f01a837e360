/* SPDX-License-Identifier: MIT */
/* Each tick's verdict: what is to be played, or made up, and for how long. */

#include <string.h>

#include "node/media/jitter_impl.h"

enum {
	LATE_MAX_US = 200000, /* only late packets for so long: new start */
	PAUSE_MIN_MS = 10,    /* a shorter gap is no pause                */
	STARVED_MAX_S = 60,   /* counted no further                       */
	LOSS_PACKETS = 64,    /* memory of the share of loss              */
};

/* Go on to the next number; what is in the slot must be taken before. */
static void advance(struct jitter *j, bool came)
{
	j->seen = j->seen << 1 | came;
	++j->next_seq;
}

/* The first packet is heard after what the player still holds. */
static void begin(struct jitter *j, uint64_t now_us, uint32_t held_ts)
{
	const struct packet *first = *slot(j, j->next_seq);

	j->state = JITTER_PLAYING;
	j->anchor_us = now_us;
	j->out_ts = j->end_ts = first->ts;
	j->anchor_ts = j->out_ts - held_ts;
	j->window_us = now_us;
	j->slack_count = 0;
	j->late_since_us = 0;
	j->late_run_ts = 0;
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
	jitter_trim(j);
}

/*
 * Packets keep coming too late, although the delay is what it may be: the
 * way, or the sender's clock, is another one.  Of a sender with two packets a
 * tick only each other one may be late; so what is in time counts half.
 */
static bool late_for_long(struct jitter *j, const struct packet *pkt)
{
	if (!j->late_since_us)
		j->late_since_us = j->anchor_us;
	j->late_run_ts += 2 * pkt->dur_ts;

	return j->anchor_us - j->late_since_us >= LATE_MAX_US &&
	       j->late_run_ts > us_to_ts(j, LATE_MAX_US);
}

static void in_time(struct jitter *j, const struct packet *pkt)
{
	j->late_run_ts -= MIN(j->late_run_ts, pkt->dur_ts);
	if (!j->late_run_ts)
		j->late_since_us = 0;
}

/* The head becomes the start of a new playing. */
static void start_anew(struct jitter *j, const struct packet *pkt)
{
	j->state = JITTER_FILLING;
	j->start_us = pkt->arrival_us + jitter_target_us(j);
	if (!pkt->marker)
		j->concealed_us +=
		    (uint64_t)ts_to_us(j, (int32_t)j->starved_ts);
	delay_init(&j->delay); /* another way, not a jam */
	++j->resyncs;
}

/* The head's time is over.  True: it became the start of a new playing. */
static bool drop_head(struct jitter *j, struct packet **s)
{
	struct packet *pkt = *s;
	bool late = slack_us(j, pkt) < (int64_t)jitter_target_us(j) / 2;
	bool latest = (int32_t)(j->newest_ts - pkt->ts) <
		      (int32_t)us_to_ts(j, JITTER_TICK_US);

	if (late && (late_for_long(j, pkt) || pkt->marker) && latest) {
		start_anew(j, pkt);
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
	int64_t delay_us;

	it->pkt = pkt;
	it->skip_ts = skip_ts;

	/* A pause was no loss; what else was not there was made up. */
	if (!it->pause)
		j->concealed_us +=
		    (uint64_t)ts_to_us(j, (int32_t)j->starved_ts);

	++j->played;
	j->played_us += (uint64_t)ts_to_us(j, (int32_t)dur_ts);
	delay_us = (int64_t)(j->anchor_us - pkt->arrival_us) +
		   ts_to_us(j, (int32_t)(j->out_ts - j->anchor_ts));
	j->delay_sum_us += (uint64_t)MAX(delay_us, 0);
	j->loss -= j->loss / LOSS_PACKETS;

	if (pkt->dur_ts != j->dur_ts)
		jitter_dur_set(j, pkt->dur_ts);
	j->end_ts = pkt->ts + pkt->dur_ts;
	j->out_ts += dur_ts;
	j->starved_ts = 0;
	j->placed = false;
	if (!skip_ts)
		in_time(j, pkt);

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
		jitter_place(j, pkt);
		j->placed = true;
	}

	d = (int32_t)(pkt->ts - j->out_ts);
	if (d < 0 && j->starved_ts) {
		jitter_go_back(j, -(int64_t)d);
		d = (int32_t)(pkt->ts - j->out_ts);
	}

	if (d > 0) {
		*out = fill(j, it, JITTER_WAIT, MIN((uint32_t)d, miss_ts));
		return true;
	}

	/* A part of each packet is not heard, for ever. */
	if (d < 0 && d + (int32_t)pkt->dur_ts > 0 && jitter_is_full(j) &&
	    late_for_long(j, pkt)) {
		start_anew(j, pkt);
		*out = JITTER_WAIT;
		it->dur_ts = miss_ts;
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

		if (p && p != &jitter_no_audio) {
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

		if (*s == &jitter_no_audio) {
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
		begin(j, now_us, held_ts);
	else if (j->state == JITTER_PLAYING && now_us != j->anchor_us)
		begin_tick(j, now_us, held_ts);

	tick_ts = us_to_ts(j, JITTER_TICK_US);
	it->dur_ts = held_ts < tick_ts ? tick_ts - held_ts : 0;
	if (j->state != JITTER_PLAYING || !it->dur_ts)
		return JITTER_WAIT;

	return next(j, it, it->dur_ts);
}

void jitter_recovered(struct jitter *j, uint32_t ts)
{
	uint64_t us = (uint64_t)ts_to_us(j, (int32_t)ts);

	j->concealed_us -= us;
	j->played_us += us;
	++j->recovered;
}
