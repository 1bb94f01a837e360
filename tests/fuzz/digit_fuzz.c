/* sources: node/media/event.c node/sip/infodigit.c */
/* SPDX-License-Identifier: MIT */
/* libFuzzer target: any bytes as telephone events, packet by packet, and as
 * the body of an INFO; what comes out is a digit, and never too many. */

#include <stdlib.h>
#include <string.h>
#include "node/media/event.h"
#include "node/sip/infodigit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void digit_is(char digit)
{
	if (event_code(digit) < 0)
		abort();
}

/* A byte of length, two of timestamp, one of time, then the payload. */
static void events(const uint8_t *p, size_t left)
{
	static const struct event_clock clockv[] = {
	    {8000, 8000}, {8000, 48000}, {48000, 48000}, {48000, 8000}};
	struct event_done done[EVENT_DONE_MAX];
	struct event_rx rx = {.active = false};
	uint64_t now_us = 1000000;

	while (left >= 4) {
		size_t i, n, len = p[0] % 32;
		uint32_t ts = (uint32_t)p[1] << 24 | p[2];

		now_us += p[3] * 10000ull;
		p += 4;
		left -= 4;
		len = len < left ? len : left;

		n = event_rx_put(&rx, done, &clockv[ts % 4], ts, p, len,
				 now_us);
		if (n > EVENT_DONE_MAX)
			abort();
		for (i = 0; i < n; i++)
			digit_is(done[i].digit);
		if (event_rx_tick(&rx, done, now_us))
			digit_is(done[0].digit);

		p += len;
		left -= len;
	}
}

static void info(const char *ctype, const uint8_t *data, size_t size)
{
	struct infodigit d;
	uint16_t code = infodigit_read(&d, ctype, (const char *)data, size);

	if (code == 200 && d.digit)
		digit_is(d.digit);
	if ((code == 200) != !d.cause)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	events(data, size);
	info("application/dtmf-relay", data, size);
	info("application/dtmf", data, size);
	info("text/plain", data, size);

	return 0;
}
