/* SPDX-License-Identifier: MIT */
/*
 * DTMF in the band (ITU-T Q.23, Q.24): digits found in 8 kHz audio, and tones
 * made at any rate.  No I/O, no allocation, no clock but the samples.
 *
 * How a digit is found: 20 ms windows (Hann), every 10 ms, are correlated
 * with the eight frequencies at once.  The phase from one window to the next
 * tells the frequency exactly, the sum of the window's squares tells how
 * pure it is.  Speech fails by purity, by a frequency that is off or glides,
 * or by its length.  As the windows add up to one everywhere, the sum of
 * their powers is the tone's energy, hence its length, however it lies to
 * the windows:  DTMF_MIN_MS divides Q.24's "shall" (40 ms) from its "shall
 * not" (23 ms).
 */

#ifndef SY_NODE_MEDIA_DTMF_H
#define SY_NODE_MEDIA_DTMF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	DTMF_RATE_HZ = 8000, /* of what is listened to                    */
	DTMF_HOP_SMP = 80,   /* a window begins so often                  */
	DTMF_WINDOW_SMP = 160,
	DTMF_MIN_MS = 32,   /* shorter ones are no digits                */
	DTMF_PAUSE_MS = 60, /* sent after each digit                     */
};

/** What is heard. */
struct dtmf_rx {
	float hist[DTMF_WINDOW_SMP]; /* the last window's samples            */
	uint32_t have;	    /* samples of hist that are there             */
	float re[8], im[8]; /* of the window before                       */
	char cand;	    /* what is on, confirmed or not; 0: nothing   */
	bool confirmed;	    /* cand was on long enough                    */
	uint32_t misses;    /* windows without it since                   */
	float energy;	    /* sum of the powers of its windows           */
	float peak;	    /* of its powers                              */
};

/** A digit that came to its end; its length is told up to 15 ms too short. */
struct dtmf_digit {
	char digit;
	uint32_t dur_ms;
};

/** Begin to listen.  Call dtmf_tables() once before. */
void dtmf_rx_init(struct dtmf_rx *rx);

/** Make the tables; signalling thread, any number of times. */
void dtmf_tables(void);

/**
 * Hear the next samples.
 *
 * @param pcm    n samples at 8 kHz, full scale 1; NULL: silence.
 * @param n      A multiple of DTMF_HOP_SMP, at most 20 ms.
 * @param digit  Set when true is returned.
 *
 * @return true: a digit has ended.
 */
bool dtmf_rx_put(struct dtmf_rx *rx, const float *pcm, size_t n,
		 struct dtmf_digit *digit);

/**
 * True while a digit sounds, or what looks like the begin of one: the audio
 * of the samples just put should not be heard by others.
 */
bool dtmf_rx_sounds(const struct dtmf_rx *rx);

/** What is said. */
struct dtmf_tx {
	double cos[2], sin[2]; /* of a step      */
	double x[2], y[2];     /* the two points */
	uint32_t rate_hz;
	uint32_t len_smp; /* of the tone */
	uint32_t pos_smp; /* in tone and pause */
	uint32_t end_smp; /* of tone and pause; pos: silent */
};

/**
 * Begin a digit: a tone of dur_ms, then DTMF_PAUSE_MS of silence; one that
 * sounds is broken off.  -6 dBm0 and -8 dBm0 (high and low), Q.23's
 * frequencies, edges of 2 ms.
 *
 * @return 0, EINVAL: not a digit.
 */
int dtmf_tx_start(struct dtmf_tx *tx, char digit, uint32_t dur_ms,
		  uint32_t rate_hz);

/** True while tone or pause are not over. */
bool dtmf_tx_busy(const struct dtmf_tx *tx);

/** The next n samples; after the end: silence. */
void dtmf_tx_get(struct dtmf_tx *tx, float *pcm, size_t n);

#endif
