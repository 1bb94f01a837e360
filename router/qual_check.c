/* SPDX-License-Identifier: MIT */
/* Is a contact there?  See qual_check.h. */

#include <string.h>
#include "router/qual_check.h"

enum { NEXT_MIN_MS = 1000 };

void qual_check_init(struct qual_check *c, uint32_t every_ms,
		     uint32_t round_trip_us, bool silent, uint64_t now_us)
{
	memset(c, 0, sizeof(*c));
	c->every_ms = every_ms;
	c->tries = silent ? 1 : QUAL_TRIES;
	c->round_trip_us = round_trip_us;
	c->began_us = now_us;
}

uint32_t qual_check_timeout_ms(const struct qual_check *c)
{
	const uint32_t third = c->every_ms / 3;

	return third < QUAL_TIMEOUT_MS ? third : QUAL_TIMEOUT_MS;
}

void qual_check_sent(struct qual_check *c, uint64_t now_us)
{
	c->sent_us = now_us;
	if (c->tries)
		c->tries--;
}

enum qual_result qual_check_answer(struct qual_check *c, uint16_t code,
				   bool heard, uint64_t now_us)
{
	c->code = code;
	if (heard && code != 408 && code != 430 && code != 503) {
		c->round_trip_us = (uint32_t)(now_us - c->sent_us);
		return QUAL_UP;
	}
	if (code == 430 || (!heard && code == 503))
		return QUAL_DOWN;

	return c->tries ? QUAL_AGAIN : QUAL_DOWN;
}

uint32_t qual_check_next_ms(const struct qual_check *c, uint32_t random,
			    uint64_t now_us)
{
	const uint64_t spent_ms = (now_us - c->began_us) / 1000;
	const uint32_t spread =
		(uint32_t)((uint64_t)c->every_ms * QUAL_SPREAD_PERCENT / 100);
	const uint64_t ms = c->every_ms - spread + random % (2 * spread + 1);

	return ms > spent_ms + NEXT_MIN_MS ? (uint32_t)(ms - spent_ms)
					   : NEXT_MIN_MS;
}

unsigned qual_room(unsigned busy)
{
	const unsigned room = busy < QUAL_BUSY_MAX ? QUAL_BUSY_MAX - busy : 0;

	return room < QUAL_TAKE_MAX ? room : QUAL_TAKE_MAX;
}
