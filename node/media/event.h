/* SPDX-License-Identifier: MIT */
/*
 * Telephone events (RFC 4733): a digit as a train of packets with the same
 * timestamp and a growing duration, its end told three times.  Packets and
 * time are passed in and out.
 */

#ifndef SY_NODE_MEDIA_EVENT_H
#define SY_NODE_MEDIA_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	EVENT_BYTES = 4,          /* payload, RFC 4733 2.3                  */
	EVENT_QUEUE = 32,         /* digits waiting                         */
	EVENT_MIN_MS = 40,        /* shorter digits are not heard by all    */
	EVENT_MAX_MS = 8000,
	EVENT_PAUSE_MS = 60,      /* between two digits                     */
	EVENT_LOST_US = 200000,   /* no packet for so long: the end is lost */
	EVENT_DONE_MAX = 5,       /* digits that a packet can end           */
};

/** The event's code of a digit 0-9 * # A-D (a-d), or -1. */
int event_code(char digit);

/** The digit of an event's code, or 0: not a digit. */
char event_digit(unsigned code);

/** The digits that are to be sent. */
struct event_tx {
	struct {
		uint8_t code;
		uint32_t dur_ms;
	} queue[EVENT_QUEUE];
	uint32_t first, count;
	bool active;          /* the first of the queue is being sent      */
	uint32_t ts;          /* of the segment                            */
	uint32_t sent_ts;     /* duration reached, in this segment         */
	uint32_t left_ts;     /* duration still to reach                   */
	uint32_t ends;        /* end packets sent                          */
	uint32_t pause_ms;    /* before the next one                       */
};

/** The clocks of a packet. */
struct event_clock {
	uint32_t event_hz;    /* of its durations                          */
	uint32_t audio_hz;    /* of the codec beside it, and so of the
				 timestamps; we and many send them so, also
				 where the events have another clock       */
};

/** A packet that is to be sent. */
struct event_packet {
	uint8_t payload[EVENT_BYTES];
	uint32_t ts;
	bool marker;
};

/**
 * Queue a digit.
 *
 * @return 0, EINVAL (no digit), ENOSPC.
 */
int event_tx_put(struct event_tx *tx, char digit, uint32_t dur_ms);

/** True while a digit, or the pause after it, takes the place of audio. */
bool event_tx_busy(const struct event_tx *tx);

/**
 * A tick went by: what is to be sent for it.
 *
 * @param tx       Digits.
 * @param pkt      Set to the packet when true is returned.
 * @param now_ts   RTP timestamp of this tick, in units of clock->audio_hz.
 * @param clock    Clocks of the stream.
 * @param tick_ms  Length of a tick.
 */
bool event_tx_get(struct event_tx *tx, struct event_packet *pkt,
		  uint32_t now_ts, const struct event_clock *clock,
		  uint32_t tick_ms);

/** Take a digit out of the queue to be said otherwise; false: there is none.
 *  One that is being sent is broken off. */
bool event_tx_take(struct event_tx *tx, char *digit, uint32_t *dur_ms);

/** What is received. */
struct event_rx {
	bool active;          /* a digit began and has not ended           */
	bool known;           /* ts and code are those of the last digit   */
	uint8_t code;
	uint32_t ts;          /* of the segment                            */
	uint32_t dur_ts;      /* longest duration told of the segment      */
	uint32_t clock_hz;    /* of the durations                          */
	uint32_t before_ts;   /* duration of the segments before           */
	uint64_t last_us;     /* when the last packet came                 */
};

/** A digit that came to its end. */
struct event_done {
	char digit;
	uint32_t dur_ms;
};

/**
 * Put the payload of a received packet: one event, or several that follow
 * each other without a pause (RFC 4733 2.5.1.5).  Events that are no digits
 * (flash, tones) are ignored.
 *
 * @param donev  Set to the digits that ended: the one that it replaces, whose
 *               end was lost, and its own.
 *
 * @return number of digits in donev.
 */
size_t event_rx_put(struct event_rx *rx,
		    struct event_done donev[EVENT_DONE_MAX],
		    const struct event_clock *clock, uint32_t ts,
		    const uint8_t *buf, size_t len, uint64_t now_us);

/** Time went by.  True: a digit whose end was lost is over. */
bool event_rx_tick(struct event_rx *rx, struct event_done *done,
		   uint64_t now_us);

#endif
