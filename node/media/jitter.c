/* SPDX-License-Identifier: MIT */
/*
 * Invariants
 * - A slot holds a packet with next_seq <= seq < next_seq + JITTER_SLOTS, at
 *   seq modulo JITTER_SLOTS; so a slot never needs its number compared.
 * - While filling, next_seq is the lowest number that came, and its slot is
 *   in use.
 * - Timestamps and sequence numbers are compared by their difference only.
 */

#include <string.h>
#include <re.h>

#include "node/media/jitter.h"
#include "node/media/packet.h"

enum {
	JUMP_US = 2000000,       /* off the clock by more: another stream    */
	LATE_MAX_US = 200000,    /* only late packets for so long: new start */
	WINDOW_US = 1000000,     /* the least slack is searched in           */
	WINDOW_PACKETS = 15,     /* with at least so many packets            */
	SURPLUS_US = 30000,      /* slack over the depth that is trimmed     */
};

/* Stands in a slot for a packet without audio. */
static struct packet no_audio;

static uint32_t us_to_ts(const struct jitter *j, int64_t us)
{
	return (uint32_t)(us * (int64_t)(j->clock_hz / 100) / 10000);
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

void jitter_init(struct jitter *j, struct pool *pool, uint32_t depth_ms)
{
	memset(j, 0, sizeof(*j));
	j->pool = pool;
	j->clock_hz = 8000;
	jitter_depth_set(j, depth_ms);
}

void jitter_depth_set(struct jitter *j, uint32_t depth_ms)
{
	if (!depth_ms)
		depth_ms = JITTER_DEPTH_MS;
	if (depth_ms > JITTER_DEPTH_MAX_MS)
		depth_ms = JITTER_DEPTH_MAX_MS;

	j->depth_us = depth_ms * 1000;
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

/* Begin anew with a packet that is not stored anywhere. */
static void restart(struct jitter *j, struct packet *pkt, uint32_t clock_hz)
{
	jitter_flush(j);

	j->state = JITTER_FILLING;
	j->clock_hz = clock_hz;
	j->ssrc = pkt->ssrc;
	j->next_seq = pkt->seq;
	j->seen = 0;
	j->start_us = pkt->arrival_us + j->depth_us;
	j->last_ts = pkt->ts;
	j->dur_ts = pkt->dur_ts;
	store(j, pkt);
}

/* RFC 3550 A.8, the arrival measured in units of the timestamp. */
static void measure(struct jitter *j, const struct packet *pkt)
{
	uint64_t us = pkt->arrival_us % 1000000, s = pkt->arrival_us / 1000000;
	uint32_t transit = (uint32_t)(s * j->clock_hz) +
			   us_to_ts(j, (int64_t)us) - pkt->ts;
	int32_t d = (int32_t)(transit - j->transit);

	if (j->transit_set)
		j->jitter_ts += ((float)(d < 0 ? -d : d) - j->jitter_ts) / 16;

	j->transit = transit;
	j->transit_set = true;
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

	if (j->seen & bit) {
		++j->duplicate;
		return JITTER_DUPLICATE;
	}

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
	measure(j, pkt);

	if (d < 0)
		return put_old(j, pkt, d);

	if (*slot(j, pkt->seq)) {
		++j->duplicate;
		return JITTER_DUPLICATE;
	}

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
	}
	else if (d < 0 && d >= -JITTER_SLOTS &&
		 j->state == JITTER_PLAYING) {
		bit = 1ull << (-d - 1);
		if (!(j->seen & bit) && j->lost)
			--j->lost;
		j->seen |= bit;
	}
}

/* The clock of the sender, or the way, became faster: come back to depth. */
static void trim(struct jitter *j, uint64_t now_us)
{
	int32_t surplus_us = j->slack_min_us - (int32_t)j->depth_us;

	if (now_us - j->window_us < WINDOW_US)
		return;

	if (j->slack_count >= WINDOW_PACKETS && surplus_us > SURPLUS_US)
		j->anchor_ts += us_to_ts(j, surplus_us);

	j->window_us = now_us;
	j->slack_count = 0;
}

static void begin(struct jitter *j, uint64_t now_us)
{
	const struct packet *first = *slot(j, j->next_seq);

	j->state = JITTER_PLAYING;
	j->anchor_us = now_us;
	j->anchor_ts = first->ts;
	j->last_ts = first->ts - first->dur_ts;
	j->window_us = now_us;
	j->slack_count = 0;
	j->late_since_us = 0;
}

/* The head's time is over.  True: it became the start of a new playing. */
static bool drop_head(struct jitter *j, struct packet **s, uint64_t now_us)
{
	struct packet *pkt = *s;
	bool late = slack_us(j, pkt) < (int64_t)j->depth_us / 2;

	if (late && !j->late_since_us)
		j->late_since_us = now_us;

	if (late && j->count == 1 &&
	    (pkt->marker || now_us - j->late_since_us >= LATE_MAX_US)) {

		j->state = JITTER_FILLING;
		j->start_us = pkt->arrival_us + j->depth_us;
		j->late_since_us = 0;
		++j->resyncs;
		return true;
	}

	j->last_ts = pkt->ts;
	slot_free(j, s);
	advance(j, true);

	if (late)
		++j->late;
	else
		++j->trimmed;

	return false;
}

static struct packet *take_head(struct jitter *j, struct packet **s)
{
	struct packet *pkt = *s;

	j->dur_ts = pkt->dur_ts;
	j->last_ts = pkt->ts;
	j->late_since_us = 0;
	*s = NULL;
	--j->count;
	advance(j, true);

	return pkt;
}

/* Nothing there, but something behind it.  True: its time is now. */
static bool hole(struct jitter *j, uint32_t due_ts, int32_t d)
{
	j->last_ts = due_ts;
	advance(j, false);
	++j->lost;

	return d + (int32_t)j->dur_ts > 0;
}

enum jitter_out jitter_get(struct jitter *j, struct packet **pktp,
			   uint64_t now_us)
{
	uint32_t play, tick_ts, due_ts;
	struct packet **s;
	int32_t d;

	if (j->state == JITTER_FILLING &&
	    now_us + JITTER_TICK_US / 2 >= j->start_us)
		begin(j, now_us);

	if (j->state != JITTER_PLAYING)
		return JITTER_WAIT;

	trim(j, now_us);
	play = play_ts(j, now_us);
	tick_ts = us_to_ts(j, JITTER_TICK_US);

	for (;;) {
		s = slot(j, j->next_seq);

		if (*s == &no_audio) {
			slot_free(j, s);
			advance(j, true);
			continue;
		}

		due_ts = *s ? (*s)->ts : j->last_ts + j->dur_ts;
		d = (int32_t)(due_ts - play);
		if (d >= (int32_t)tick_ts)
			return JITTER_WAIT;

		if (*s && d + (int32_t)(*s)->dur_ts <= 0) {
			if (drop_head(j, s, now_us))
				return JITTER_WAIT;
			continue;
		}

		if (*s) {
			*pktp = take_head(j, s);
			return JITTER_PLAY;
		}

		if (!j->count)
			return JITTER_EMPTY;

		if (hole(j, due_ts, d))
			return JITTER_LOST;
	}
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
		     : (int32_t)(j->newest_ts - j->last_ts + j->dur_ts);

	return ts > 0 ? (uint32_t)ts / (j->clock_hz / 1000) : 0;
}

float jitter_jitter_ms(const struct jitter *j)
{
	return j->jitter_ts * 1000.0f / (float)j->clock_hz;
}
