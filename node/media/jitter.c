/* SPDX-License-Identifier: MIT */
/* Packets in: their order, duplicates, jumps; what they tell of the way. */

#include <string.h>

#include "node/media/jitter_impl.h"

enum {
	REF_TS = 1 << 28, /* the transit's zero is moved after */
};

struct packet jitter_no_audio;

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
		j->newest_us = pkt->arrival_us;
		j->newest_seq = pkt->seq;
	}
}

/* Arrival less timestamp, both counted from the stream's reference. */
static int64_t transit_us(const struct jitter *j, const struct packet *pkt)
{
	return (int64_t)(pkt->arrival_us - j->ref_us) -
	       ts_to_us(j, (int32_t)(pkt->ts - j->ref_ts));
}

/* How late it is, in the sense of delay.h. */
static void measure_delay(struct jitter *j, const struct packet *pkt)
{
	uint32_t s = REF_TS / j->clock_hz;

	(void)delay_put(&j->delay, transit_us(j, pkt),
			(uint32_t)ts_to_us(j, (int32_t)pkt->dur_ts),
			pkt->arrival_us);

	if ((int32_t)(pkt->ts - j->ref_ts) > REF_TS) {
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
	j->jitter_ts *= (float)clock_hz / (float)j->clock_hz;
	j->clock_hz = clock_hz;
	j->ssrc = pkt->ssrc;
	j->next_seq = pkt->seq;
	j->seen = 0;
	j->end_ts = pkt->ts;
	j->ref_ts = pkt->ts;
	j->ref_us = pkt->arrival_us;
	j->start_us = pkt->arrival_us + jitter_target_us(j);
	jitter_dur_set(j, pkt->dur_ts);
	delay_rebase(&j->delay);
	measure_delay(j, pkt);
	store(j, pkt);
}

/* A number in the window that came before, be it played or not. */
static bool known(struct jitter *j, uint16_t seq, int d)
{
	return d < 0 ? j->seen & 1ull << (-d - 1) : *slot(j, seq) != NULL;
}

/* A packet far off in number or time counts once its successor came; so does
 * one with the number of another, but newer than all. */
static bool jumped(struct jitter *j, const struct packet *pkt, int d)
{
	int64_t us = transit_us(j, pkt) - j->delay.base_us;

	if (d >= JITTER_SLOTS || d < -JITTER_SLOTS)
		return true;

	if (us >= JITTER_JUMP_US || us <= -JITTER_JUMP_US)
		return true;

	return known(j, pkt->seq, d) && (int32_t)(pkt->ts - j->newest_ts) > 0;
}

/*
 * The window is full up to its end, and its newest packet's successor comes:
 * no jump, but more short packets at once than it holds.  The oldest goes, and
 * what follows it is played earlier; else, with two packets a tick, each other
 * one would find no place for as long as the delay is what it is.
 */
static void make_room(struct jitter *j, const struct packet *pkt)
{
	struct packet **s = slot(j, j->next_seq);

	if (j->state != JITTER_PLAYING ||
	    (uint16_t)(pkt->seq - j->next_seq) != JITTER_SLOTS ||
	    pkt->seq != (uint16_t)(j->newest_seq + 1) ||
	    pkt->ts - j->newest_ts > 2 * pkt->dur_ts)
		return;

	if (!*s) {
		j->end_ts += j->dur_ts;
		move(j, j->dur_ts);
		++j->lost;
	} else if (*s != &jitter_no_audio) {
		j->end_ts = (*s)->ts + (*s)->dur_ts;
		move(j, (*s)->dur_ts);
		++j->trimmed;
	}

	j->seen = j->seen << 1 | (*s != NULL);
	slot_free(j, s);
	++j->next_seq;
	j->placed = false;
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

	make_room(j, pkt);
	d = (int16_t)(pkt->seq - j->next_seq);
	if (jumped(j, pkt, d)) {
		if (j->jump && pkt->seq == j->jump_seq)
			goto resync;
		j->jump = true;
		j->jump_seq = (uint16_t)(pkt->seq + 1);
		return JITTER_STRAY;
	}

	j->jump = false;

	if (known(j, pkt->seq, d)) {
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

/* Nothing but such packets came for half of the window, and the head is
 * missing: it will not come. */
static void give_up_head(struct jitter *j)
{
	while (!*slot(j, j->next_seq)) {
		j->seen <<= 1;
		++j->next_seq;
		++j->lost;
	}
}

void jitter_skip(struct jitter *j, uint16_t seq, uint32_t ssrc)
{
	int d = (int16_t)(seq - j->next_seq);
	uint64_t bit;

	if (j->state == JITTER_IDLE || ssrc != j->ssrc)
		return;

	if (d >= 0 && d < JITTER_SLOTS && !*slot(j, seq)) {
		*slot(j, seq) = &jitter_no_audio;
		++j->count;
		if (d >= JITTER_SLOTS / 2 && j->state == JITTER_PLAYING)
			give_up_head(j);
	} else if (d < 0 && d >= -JITTER_SLOTS && j->state == JITTER_PLAYING) {
		bit = 1ull << (-d - 1);
		if (!(j->seen & bit) && j->lost)
			--j->lost;
		j->seen |= bit;
	}
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

float jitter_jitter_ms(const struct jitter *j)
{
	return j->jitter_ts * 1000.0f / (float)j->clock_hz;
}
