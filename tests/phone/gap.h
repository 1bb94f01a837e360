/* SPDX-License-Identifier: MIT */
/*
 * How long a tone was not heard: a watch that goes on until it is taken away,
 * as an ear would, in steps of 5 ms.
 *
 * A clock says when what came is heard: a packet up to PLAYOUT_LATE_MS later
 * than the fastest of its stream where its timestamp says, a later one when
 * it came, and all later ones as much later until faster ones come.  What
 * never came is not heard, and nothing is made up for it.  A new stream
 * (SSRC) begins when its first packet comes.
 *
 * Bytes in, figures out: time is given.
 */
#ifndef PHONE_GAP_H
#define PHONE_GAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	PLAYOUT_LATE_MS = 40,
	GAP_HOP_MS = 5,
};

/* When the packets of a stream are heard; zero is the beginning. */
struct playout {
	bool on;
	uint32_t ssrc, ts; /* of the last packet                      */
	int64_t ts_ext;	   /* the same without wrapping               */
	double base_ms;	   /* when timestamp 0 is heard               */
};

/**
 * When the first sample of a packet is heard [ms, the arrivals' clock].
 *
 * @param clock_khz  RTP clock.
 * @param at_ms      Arrival.
 */
double playout_ms(struct playout *p, uint32_t ssrc, uint32_t ts,
		  double clock_khz, double at_ms);

/* Of tones that are sent at -20 dB. */
#define GAP_THRESHOLD_DB (-30.0)

struct gap;

/* Times are since the watch began.  An absence is between two times that the tone was
 * heard, or from the last one until now. */
struct gap_result {
	unsigned hz;
	bool heard;	      /* at all                             */
	double first_ms;      /* from the beginning until it was    */
	double longest_ms;    /* absence                            */
	double longest_at_ms; /* when that began, 0: none           */
	double total_ms;      /* of all absences                    */
	unsigned absences;
	double silent_ms; /* of the one that lasts now, or 0    */
};

/**
 * Begin a watch.  Free with mem_deref.
 *
 * @param hz            Tone, 200 at least; others should be 300 away.
 * @param threshold_db  It is heard at this level.
 *
 * @return 0, EINVAL, ENOMEM
 */
int gap_alloc(struct gap **gp, unsigned hz, double threshold_db, double now_ms);

/** Samples that are heard from play_ms on. */
void gap_feed(struct gap *g, const int16_t *pcm, size_t n, unsigned rate_hz,
	      double play_ms);

/** What was found until now_ms. */
void gap_result(const struct gap *g, double now_ms, struct gap_result *res);

#endif
