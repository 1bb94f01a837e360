/* SPDX-License-Identifier: MIT */
#include <stdbool.h>

#include "node/media/shed.h"

enum { MEAN_SHIFT = 3 };

/* True once it has held for so long; then it counts anew. */
static bool lasts(uint64_t *since_us, bool holds, uint64_t now_us,
		  uint64_t for_us)
{
	if (!holds) {
		*since_us = 0;
		return false;
	}

	if (!*since_us)
		*since_us = now_us;

	if (now_us - *since_us < for_us)
		return false;

	*since_us = now_us;

	return true;
}

static void up(struct shed *s, uint64_t now_us)
{
	bool soon = s->down_us && now_us - s->down_us < SHED_SOON_US;

	if (s->level == SHED_REALTIME)
		return;

	++s->level;
	s->hold_us *= 2;
	if (!soon)
		s->hold_us = SHED_DOWN_US;
	if (s->hold_us > SHED_DOWN_MAX_US)
		s->hold_us = SHED_DOWN_MAX_US;
}

static void down(struct shed *s, uint64_t now_us)
{
	if (s->level == SHED_NONE)
		return;

	--s->level;
	s->down_us = now_us;
}

static uint32_t least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

enum shed_level shed_feed(struct shed *s, uint32_t work_us, uint32_t cpu_us,
			  uint32_t tick_us, uint64_t now_us)
{
	uint32_t us = least(least(work_us, 2 * cpu_us), 2 * tick_us);
	int32_t diff = (int32_t)us - (int32_t)s->used_us;
	uint64_t percent;

	s->used_us = (uint32_t)((int32_t)s->used_us + diff / (1 << MEAN_SHIFT));
	percent = (uint64_t)s->used_us * 100 / tick_us;

	if (lasts(&s->above_us, percent > SHED_UP_PERCENT, now_us,
		  SHED_UP_US))
		up(s, now_us);

	if (lasts(&s->below_us, percent < SHED_DOWN_PERCENT, now_us,
		  s->hold_us))
		down(s, now_us);

	return s->level;
}
