/* SPDX-License-Identifier: MIT */
#include <time.h>
#include "proto/schema.h"

void timestamp_set_ms(Google__Protobuf__Timestamp *ts, uint64_t ms)
{
	google__protobuf__timestamp__init(ts);
	ts->seconds = (int64_t)(ms / 1000);
	ts->nanos = (int32_t)(ms % 1000) * 1000000;
}

uint64_t timestamp_ms(const Google__Protobuf__Timestamp *ts)
{
	if (!ts || ts->seconds < 0 || ts->nanos < 0)
		return 0;

	return (uint64_t)ts->seconds * 1000 + (uint64_t)ts->nanos / 1000000;
}

uint64_t timestamp_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);

	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}
