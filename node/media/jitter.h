/* SPDX-License-Identifier: MIT */
/*
 * The jitter buffer of one received stream: it restores the order, holds a
 * fixed depth, and says each tick what is to be played.  Packets and time
 * are passed in, packets and verdicts come out; it does no I/O.
 *
 * A packet is played on a clock, not by counting: the first packet is played
 * depth after it came, every other one at the same distance by its RTP
 * timestamp.  So a sender's silence (DTX) needs no special case.
 *
 *            put                   depth over
 *   (idle) -------> filling ------------------> playing --+
 *                      ^                                  | other SSRC, clock,
 *                      +----------------------------------+ jump, late for long
 *
 * All functions are for the one thread that owns the buffer.
 */

#ifndef SY_NODE_MEDIA_JITTER_H
#define SY_NODE_MEDIA_JITTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct packet;
struct pool;

enum {
	JITTER_SLOTS = 64,    /* window of sequence numbers; power of two */
	JITTER_DEPTH_MS = 40, /* default                                  */
	JITTER_DEPTH_MAX_MS = 500,
	JITTER_TICK_US = 20000,
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
	JITTER_LOST,  /* a packet's whole time is to be concealed         */
	JITTER_EMPTY, /* nothing more came: conceal a tick, at most a few */
};

enum jitter_state { JITTER_IDLE, JITTER_FILLING, JITTER_PLAYING };

struct jitter {
	struct packet *slotv[JITTER_SLOTS]; /* by sequence number; owned   */
	struct pool *pool;                  /* borrowed                    */
	enum jitter_state state;
	uint32_t clock_hz;
	uint32_t depth_us;
	uint32_t ssrc;
	uint32_t count;          /* slots in use                           */
	uint16_t next_seq;       /* to be played next                      */
	uint16_t jump_seq;       /* would prove a jump                     */
	bool jump;               /* jump_seq is set                        */
	uint64_t seen;           /* bit n: next_seq - 1 - n came           */
	uint64_t start_us;       /* filling: when to begin                 */
	uint64_t anchor_us;      /* playing: at this time ...              */
	uint32_t anchor_ts;      /* ... this timestamp                     */
	uint32_t last_ts;        /* of the last packet played or lost      */
	uint32_t newest_ts;      /* latest that was put                    */
	uint16_t newest_seq;     /* its number                             */
	bool in_order;           /* the last put was the newest's successor */
	uint32_t dur_ts;         /* duration of the last packet played     */
	uint64_t late_since_us;  /* only late packets since; 0: no         */
	uint64_t window_us;      /* begin of the window of slack           */
	int32_t slack_min_us;    /* in the window                          */
	uint32_t slack_count;    /* packets in the window                  */
	uint32_t transit;        /* RFC 3550 A.8                           */
	float jitter_ts;         /* RFC 3550 6.4.1 [timestamp units]       */
	bool transit_set;

	/* counters since the start */
	uint64_t lost;           /* and did not come late either           */
	uint64_t late;
	uint64_t duplicate;
	uint64_t trimmed;        /* dropped to come back to the depth      */
	uint64_t resyncs;
};

/**
 * Make an empty buffer.
 *
 * @param j         Buffer.
 * @param pool      Where packets go that are not played; borrowed.
 * @param depth_ms  How long to hold; 0: the default.
 */
void jitter_init(struct jitter *j, struct pool *pool, uint32_t depth_ms);

/** Set another depth; it takes effect with the next start of playing. */
void jitter_depth_set(struct jitter *j, uint32_t depth_ms);

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
 * fill a tick; anything but JITTER_PLAY and JITTER_LOST ends the tick.
 *
 * @param j       Buffer.
 * @param pktp    On JITTER_PLAY, a packet that the caller now owns.
 * @param now_us  The tick's deadline on the clock of arrival_us.
 *
 * @return what was found; never an error: a bad network is normal.
 */
enum jitter_out jitter_get(struct jitter *j, struct packet **pktp,
			   uint64_t now_us);

/** Duration of the last packet played [ms]. */
uint32_t jitter_ptime_ms(const struct jitter *j);

/** Audio held at a time [ms]. */
uint32_t jitter_depth_ms(const struct jitter *j, uint64_t now_us);

/** Interarrival jitter (RFC 3550 6.4.1) [ms]. */
float jitter_jitter_ms(const struct jitter *j);

#endif
