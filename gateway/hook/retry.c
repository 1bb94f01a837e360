/* SPDX-License-Identifier: MIT */
/* When what failed is tried again: see hook.h. */

#include "gateway/hook/hook.h"

enum { FIRST_RETRY_MS = 2000, LAST_RETRY_MS = 3600 * 1000 };

uint64_t hook_wait_ms(uint32_t attempts, uint16_t rnd)
{
	uint64_t ms = FIRST_RETRY_MS;

	for (uint32_t i = 1; i < attempts && ms < LAST_RETRY_MS; i++)
		ms *= 2;
	if (ms > LAST_RETRY_MS)
		ms = LAST_RETRY_MS;

	return ms + ms / 5 * rnd / UINT16_MAX;
}
