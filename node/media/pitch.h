/* SPDX-License-Identifier: MIT */
/*
 * Where a piece of audio resembles an earlier one: the pitch of a voice, for
 * concealment (plc.h) and time-scaling (stretch.h).  No state; any thread.
 *
 * Normalised correlation, first of the signal brought down to some 4 kHz,
 * then refined at its own rate.
 */

#ifndef SY_NODE_MEDIA_PITCH_H
#define SY_NODE_MEDIA_PITCH_H

#include <stddef.h>
#include <stdint.h>

enum {
	PITCH_MIN_US = 2500,	    /* 400 Hz */
	PITCH_MAX_US = 15000,	    /* 67 Hz  */
	PITCH_INPUT_MAX_SMP = 2880, /* 60 ms at 48 kHz */
};

/** What is to be searched. */
struct pitch_search {
	const float *x; /* finite samples; borrowed                      */
	size_t n;	/* not above PITCH_INPUT_MAX_SMP                 */
	size_t win;	/* samples compared, the last of x               */
	size_t win_min; /* fewer are taken for long lags, if n demands   */
	size_t lag_min;
	size_t lag_max;	  /* cut down to n - win_min                       */
	uint32_t rate_hz; /* 8000, 16000 or 48000                          */
};

/** What was found. */
struct pitch {
	size_t lag; /* distance [samples]; 0: nothing to be searched       */
	size_t win; /* samples that were compared                          */
	float corr; /* -1..1: 1 is a copy; 0 in digital silence            */
};

/**
 * Find the lag at which the last win samples resemble those before best.  Of
 * multiples of a period the shortest is taken.
 *
 * @return what was found.
 */
struct pitch pitch_find(const struct pitch_search *s);

/** Sum of the products of n samples. */
float pitch_dot(const float *a, const float *b, size_t n);

#endif
