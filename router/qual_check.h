/* SPDX-License-Identifier: MIT */
/*
 * Is a contact of a device there?  One look at it: OPTIONS (RFC 3261 11), and
 * once more if that is lost; and how many are looked at together.  Without
 * I/O: times and answers are passed in.
 *
 * Any final response is a sign of life, but 408 and 503, which may be of
 * somebody on the way.  430, and a request that cannot even be sent: its
 * connection is gone, and nothing is asked again.  Who was silent the last
 * time is asked once only.
 */

#ifndef SY_ROUTER_QUAL_CHECK_H
#define SY_ROUTER_QUAL_CHECK_H

#include <stdbool.h>
#include <stdint.h>

enum {
	QUAL_TRIES = 2,
	QUAL_TIMEOUT_MS = 4000, /* for an answer, or a third of the interval */
	QUAL_PAUSE_MS = 500,    /* between two tries                        */
	QUAL_FIRST_MS = 1000,   /* from a REGISTER to the first look        */
	QUAL_TAKE_MS = 100,     /* so often contacts are taken              */
	QUAL_TAKE_MAX = 32,     /* ... so many at most                      */
	QUAL_BUSY_MAX = 512,    /* looked at together, at most              */
	QUAL_SPREAD_PERCENT = 5, /* an interval varies by so much           */
};

struct qual_check {
	uint32_t every_ms;
	unsigned tries;        /* that are left                             */
	uint64_t sent_us;
	uint64_t began_us;
	uint32_t round_trip_us; /* of the last answer                       */
	uint16_t code;          /* of the last answer                       */
};

/**
 * Begin a look.
 *
 * @param every_ms       The interval.
 * @param round_trip_us  As last known: it stays when nobody answers.
 * @param silent         The last look found nobody.
 */
void qual_check_init(struct qual_check *c, uint32_t every_ms,
		     uint32_t round_trip_us, bool silent, uint64_t now_us);

/** How long an answer is waited for [ms]. */
uint32_t qual_check_timeout_ms(const struct qual_check *c);

/** It was asked. */
void qual_check_sent(struct qual_check *c, uint64_t now_us);

enum qual_result {
	QUAL_AGAIN,   /* ask once more, in QUAL_PAUSE_MS */
	QUAL_UP,
	QUAL_DOWN,
};

/**
 * What came of it.
 *
 * @param code   Status code; 408: nothing came in time, 503: it could not be
 *               sent, or its connection is gone.
 * @param heard  It is of a response.
 */
enum qual_result qual_check_answer(struct qual_check *c, uint16_t code,
				   bool heard, uint64_t now_us);

/**
 * When the next look is due, from now on [ms]: an interval after this one
 * began, so that contacts that came together part.
 *
 * @param random  Any number.
 */
uint32_t qual_check_next_ms(const struct qual_check *c, uint32_t random,
			    uint64_t now_us);

/** How many contacts to take while so many are looked at; 0: none. */
unsigned qual_room(unsigned busy);

#endif
