/* SPDX-License-Identifier: MIT */
/*
 * What the three parts of the jitter buffer share; nobody else's.
 *
 *   jitter.c         packets in: order, duplicates, jumps; what is measured
 *   jitter_adapt.c   the distance: what it should be, how it gets there
 *   jitter_play.c    each tick's verdict
 *
 * Invariants
 * - A slot holds a packet with next_seq <= seq < next_seq + JITTER_SLOTS, at
 *   seq modulo JITTER_SLOTS; so a slot never needs its number compared.
 * - While filling, next_seq is the lowest number that came, and its slot is
 *   in use.
 * - out_ts - anchor_ts is what the player got for this tick, or holds.
 * - Timestamps and sequence numbers are compared by their difference only.
 */

#ifndef SY_NODE_MEDIA_JITTER_IMPL_H
#define SY_NODE_MEDIA_JITTER_IMPL_H

#include <re.h>

#include "node/media/jitter.h"
#include "node/media/packet.h"

enum {
	JITTER_JUMP_US = 2000000, /* off the clock by more: another stream */
};

/** Stands in a slot for a packet without audio. */
extern struct packet jitter_no_audio;

/* Rounded down, also below zero. */
static inline uint32_t us_to_ts(const struct jitter *j, int64_t us)
{
	int64_t x = us * (int64_t)(j->clock_hz / 100);

	return (uint32_t)((x < 0 ? x - 9999 : x) / 10000);
}

static inline int64_t ts_to_us(const struct jitter *j, int32_t ts)
{
	return (int64_t)ts * 1000000 / (int64_t)j->clock_hz;
}

/* The timestamp that is played at a time. */
static inline uint32_t play_ts(const struct jitter *j, uint64_t now_us)
{
	return j->anchor_ts + us_to_ts(j, (int64_t)(now_us - j->anchor_us));
}

/* How long before its playing a packet came; negative: too late. */
static inline int64_t slack_us(const struct jitter *j, const struct packet *pkt)
{
	return ts_to_us(j, (int32_t)(pkt->ts - j->anchor_ts)) +
	       (int64_t)(j->anchor_us - pkt->arrival_us);
}

static inline struct packet **slot(struct jitter *j, uint16_t seq)
{
	return &j->slotv[seq % JITTER_SLOTS];
}

static inline void slot_free(struct jitter *j, struct packet **s)
{
	if (!*s)
		return;

	if (*s != &jitter_no_audio)
		pool_put(j->pool, *s);

	*s = NULL;
	--j->count;
}

/* The player's clock is moved: what it got counts for more or less. */
static inline void move(struct jitter *j, int64_t ts)
{
	j->out_ts += (uint32_t)ts;
	j->anchor_ts += (uint32_t)ts;
}

static inline bool adaptive(const struct jitter *j)
{
	return !j->conf.fixed_ms;
}

/** Delay that is aimed at, from the fastest packet [us]. */
uint32_t jitter_target_us(const struct jitter *j);

/** Another ptime, another raster of begins within a tick. */
void jitter_dur_set(struct jitter *j, uint32_t dur_ts);

/** The sender's clock or the way became faster, by more than a fixed depth, or
 *  an adaptive one's bound, allows: go ahead to where it should be. */
void jitter_trim(struct jitter *j);

/** It may not be delayed further. */
bool jitter_is_full(const struct jitter *j);

/** The sender was silent: the head is heard when it is best. */
void jitter_place(struct jitter *j, const struct packet *pkt);

/** Nothing came for a while, and now what was missed then: go back to it. */
void jitter_go_back(struct jitter *j, int64_t late_ts);

#endif
