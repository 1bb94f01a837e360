/* SPDX-License-Identifier: MIT */
/* Health of a trunk's target; see trunk_check.h. */

#include <string.h>
#include "router/trunk_check.h"

enum {
	LOST_MS = 500,
	DOWN_MS = 2000,
	DOWN_LONG_MS = 10000,
	DOWN_LONG_LOSSES = TRUNK_CHECK_LOSSES + 10,
};

void trunk_check_init(struct trunk_check *c, uint32_t every_ms,
		      uint64_t now_ms)
{
	memset(c, 0, sizeof(*c));
	c->every_ms = every_ms;
	c->due_ms = now_ms;
}

uint64_t trunk_check_due(const struct trunk_check *c)
{
	return c->asking || !c->every_ms ? UINT64_MAX : c->due_ms;
}

void trunk_check_sent(struct trunk_check *c)
{
	c->asking = true;
}

static uint32_t pause_ms(const struct trunk_check *c)
{
	uint32_t ms = LOST_MS;

	if (c->losses >= DOWN_LONG_LOSSES)
		ms = DOWN_LONG_MS;
	else if (c->losses >= TRUNK_CHECK_LOSSES)
		ms = DOWN_MS;

	return ms < c->every_ms ? ms : c->every_ms;
}

bool trunk_check_answer(struct trunk_check *c, uint16_t code, float rtt_ms,
			uint64_t now_ms)
{
	const bool was = c->up, knew = c->known;

	c->asking = false;
	c->code = code;
	if (code != 408 && code != 503) {
		c->losses = 0;
		c->rtt_ms = rtt_ms;
		c->known = c->up = true;
		c->due_ms = now_ms + c->every_ms;
		return !was || !knew;
	}
	c->losses++;
	c->due_ms = now_ms + pause_ms(c);
	if (c->losses < TRUNK_CHECK_LOSSES)
		return false;
	c->up = false;
	c->known = true;

	return was || !knew;
}
