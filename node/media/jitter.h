/* SPDX-License-Identifier: MIT */
/*
 * The jitter buffer of one received stream: it restores the order, holds as
 * much audio as the way needs, and says each tick what is to be played.
 * Packets and time are passed in, packets and verdicts come out; no I/O.
 *
 * A packet is played on a clock, not by counting: each one at the same
 * distance from its RTP timestamp, to the sample.  So a sender's silence
 * (DTX), loss, packets of any length and a missed tick are one case.
 *
 *            put                   target over
 *   (idle) -------> filling ------------------> playing --+
 *                      ^                                  | other SSRC, clock,
 *                      +----------------------------------+ jump, late for long
 *
 * The distance (the playout delay, counted from the fastest packet) follows
 * the target of delay.h:
 * - jitter_want_us() tells the player by how much to make audio shorter or
 *   longer; jitter_moved() says what it did.  Drift of the clocks is repaired
 *   by the same;
 * - nothing came at all: time goes on with what is made up, and when the
 *   missing packets come late they are played nevertheless: the delay has
 *   grown by the stall;
 * - while the sender is silent the distance changes for free.
 *
 * Packets are taken at ticks only.  One that begins in the middle of a tick
 * must be there when the tick begins, and is heard that much later without
 * any use; so the delays that are aimed at are those where packets begin
 * with a tick.
 *
 * All functions are for the one thread that owns the buffer.
 */

#ifndef SY_NODE_MEDIA_JITTER_H
#define SY_NODE_MEDIA_JITTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "node/media/delay.h"

struct packet;
struct pool;

enum {
	JITTER_SLOTS = 64,    /* window of sequence numbers; power of two */
	JITTER_MAX_MS = 300,  /* default bound of the target              */
	JITTER_DEPTH_MAX_MS = 500,
	JITTER_TICK_US = 20000,
};

/** How much to hold. */
struct jitter_conf {
	uint32_t min_ms;      /* the target is never less                 */
	uint32_t max_ms;      /* nor more; 0: JITTER_MAX_MS               */
	uint32_t start_ms;    /* the target before anything is known of the
				 way; 0: DELAY_START_US                   */
	uint32_t fixed_ms;    /* > 0: this delay, no adaptation, no
				 time-scaling                             */
};

/** What became of a packet that was put. */
enum jitter_put {
	JITTER_STORED,
	JITTER_RESYNC,    /* stored, after all before it was thrown away */
	JITTER_DUPLICATE, /* not taken                                   */
	JITTER_LATE,      /* not taken: its place was played already     */
	JITTER_STRAY,     /* not taken: far off; if its successor follows,
			     the stream has jumped                       */
};

/** What is to be played. */
enum jitter_out {
	JITTER_WAIT,  /* nothing is due: filling, or the sender is silent */
	JITTER_PLAY,  /* a packet                                         */
	JITTER_LOST,  /* a packet's time is to be concealed               */
	JITTER_EMPTY, /* nothing came: to be concealed, too               */
};

/** ... and its particulars, all times in units of the RTP clock. */
struct jitter_item {
	struct packet *pkt;        /* PLAY: the caller's now              */
	uint32_t skip_ts;          /* PLAY: its beginning, too late       */
	uint32_t dur_ts;           /* else: so long                       */
	const struct packet *next; /* LOST: the packet right after it, for
				      FEC; borrowed until the next call   */
	bool pause;                /* PLAY: the sender was silent before  */
};

enum jitter_state { JITTER_IDLE, JITTER_FILLING, JITTER_PLAYING };

struct jitter {
	struct packet *slotv[JITTER_SLOTS]; /* by sequence number; owned   */
	struct pool *pool;                  /* borrowed                    */
	struct jitter_conf conf;
	enum jitter_state state;
	bool frozen;             /* no time-scaling for now                */
	bool redundant;          /* packets carry FEC for the one before   */
	uint32_t clock_hz;
	uint32_t ssrc;
	uint32_t count;          /* slots in use                           */
	uint16_t next_seq;       /* to be played next                      */
	uint16_t jump_seq;       /* would prove a jump                     */
	bool jump;               /* jump_seq is set                        */
	uint64_t seen;           /* bit n: next_seq - 1 - n came           */
	uint64_t start_us;       /* filling: when to begin                 */
	uint64_t anchor_us;      /* playing: at this tick ...              */
	uint32_t anchor_ts;      /* ... this timestamp is heard            */
	uint32_t out_ts;         /* end of all that the player got         */
	uint32_t end_ts;         /* end of the last packet played or lost  */
	uint32_t dur_ts;         /* duration of the last packet played     */
	uint32_t grid_us;        /* common measure of it and the tick      */
	uint32_t starved_ts;     /* nothing there for so long              */
	bool placed;             /* a pause before the head was adjusted   */
	uint32_t newest_ts;      /* latest that was put                    */
	uint64_t newest_us;      /* when it came                           */
	uint16_t newest_seq;     /* its number                             */
	bool in_order;           /* the last put was the newest's successor */
	uint64_t late_since_us;  /* mostly late packets since; 0: no       */
	uint32_t late_run_ts;    /* twice their duration, less the others'  */
	uint64_t window_us;      /* fixed depth: begin of the window of slack */
	int32_t slack_min_us;    /* ... in the window                      */
	uint32_t slack_count;    /* ... packets in the window              */
	uint64_t move_us;        /* no shortening before                   */
	uint64_t search_us;      /* last search of what is no near silence */
	uint32_t searches;       /* that found nothing, in a row           */
	float loss;              /* share of packets lost lately           */
	uint32_t transit;        /* RFC 3550 A.8                           */
	float jitter_ts;         /* RFC 3550 6.4.1 [timestamp units]       */
	bool transit_set;
	uint32_t ref_ts;         /* zero of the transit of delay.h ...     */
	uint64_t ref_us;         /* ... on both clocks                     */
	struct delay delay;

	/* counters since the start */
	uint64_t lost;           /* and did not come late either           */
	uint64_t late;           /* discarded: came too late               */
	uint64_t duplicate;
	uint64_t trimmed;        /* dropped: ticks were missed             */
	uint64_t resyncs;
	uint64_t played;         /* packets                                */
	uint64_t played_us;      /* audio of packets                       */
	uint64_t concealed_us;   /* made up for what was lost or late      */
	uint64_t recovered;      /* lost packets that FEC brought back     */
	uint64_t shorter_us;     /* taken out by time-scaling              */
	uint64_t longer_us;      /* put in                                 */
	uint64_t delay_sum_us;   /* arrival to being heard, of all played  */
};

/**
 * Make an empty buffer.
 *
 * @param j     Buffer.
 * @param pool  Where packets go that are not played; borrowed.
 * @param conf  How much to hold; NULL: adaptive within the default bounds.
 */
void jitter_init(struct jitter *j, struct pool *pool,
		 const struct jitter_conf *conf);

/** Hold another amount from now on; a fixed depth takes effect with the next
 *  start of playing. */
void jitter_conf_set(struct jitter *j, const struct jitter_conf *conf);

/**
 * Freeze: the delay stays what it is, nothing is time-scaled, as a modem or
 * fax needs it; or adapt again.  Only what the window cannot hold is left out.
 */
void jitter_freeze(struct jitter *j, bool frozen);

/**
 * Whether packets carry redundancy for the one before (Opus FEC): under loss
 * the buffer then holds a packet more, so that the next one is at hand.
 */
void jitter_redundant(struct jitter *j, bool redundant);

/** Throw away all packets and wait for a first one; counters stay. */
void jitter_flush(struct jitter *j);

/**
 * Put a packet.
 *
 * @param j         Buffer.
 * @param pkt       Packet, its RTP members, arrival_us and dur_ts set.  Taken with
 *                  JITTER_STORED and JITTER_RESYNC, else still the caller's.
 * @param clock_hz  RTP clock of the packet's payload type.
 */
enum jitter_put jitter_put(struct jitter *j, struct packet *pkt,
			   uint32_t clock_hz);

/**
 * Whether a packet just stored lets the next one wait a tick to be read from
 * the socket: it came in order, lasts a tick at least, and its time to be
 * played is not over, so its successor's will not be either.
 */
bool jitter_in_time(const struct jitter *j, const struct packet *pkt,
		    uint64_t now_us);

/**
 * Tell of a packet of the stream that carries no audio (RFC 4733): its
 * sequence number is not lost.
 */
void jitter_skip(struct jitter *j, uint16_t seq, uint32_t ssrc);

/**
 * Take what should be played now.  Call as often as samples are missing to
 * fill a tick.
 *
 * @param j        Buffer.
 * @param it       Set to what is to be played and for how long.
 * @param now_us   The tick's deadline on the clock of arrival_us.
 * @param held_ts  Audio of this tick that the player has already, less than
 *                 a tick [RTP clock].
 *
 * @return what was found; never an error: a bad network is normal.
 */
enum jitter_out jitter_get(struct jitter *j, struct jitter_item *it,
			   uint64_t now_us, uint32_t held_ts);

/**
 * By how much to change the audio of the packet just taken.
 *
 * @return [us] > 0: make it shorter by so much at most; < 0: make it longer,
 *         more is no harm; 0: leave it.
 */
int32_t jitter_want_us(const struct jitter *j);

/**
 * Whether it is time to look for a period to take out.  Of a steady stream a
 * part of a period may be over for ever: one does not look for it all the
 * time.
 */
bool jitter_may_search(const struct jitter *j);

/** The audio just taken was made shorter by ts (longer: < 0); 0: no period
 *  to take out was found. */
void jitter_moved(struct jitter *j, int32_t ts);

/** What JITTER_LOST just asked to conceal was decoded from FEC instead. */
void jitter_recovered(struct jitter *j, uint32_t ts);

/** Audio held at a time [ms]. */
uint32_t jitter_depth_ms(const struct jitter *j, uint64_t now_us);

/** Delay that is aimed at, counted from the fastest packet [ms]. */
uint32_t jitter_target_ms(const struct jitter *j);

/** Delay now, from the arrival of the fastest packet to its being heard
 *  [us]; playing only. */
int64_t jitter_delay_us(const struct jitter *j);

/** In which time at most what arrives now will have begun to be heard [us]. */
uint32_t jitter_lag_us(const struct jitter *j);

/** Interarrival jitter (RFC 3550 6.4.1) [ms]. */
float jitter_jitter_ms(const struct jitter *j);

#endif
