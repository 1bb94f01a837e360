/* SPDX-License-Identifier: MIT */
#include <string.h>
#include <re.h>

#include "node/media/event.h"

enum {
	DUR_MAX_TS = 0xffff,
	END_PACKETS = 3,   /* RFC 4733 2.5.1.4 */
	END_BIT = 0x80,
	VOLUME = 10,       /* -10 dBm0 */
};

static const char digits[] = "0123456789*#ABCD";

int event_code(char digit)
{
	const char *p;

	if (!digit)
		return -1;

	if (digit >= 'a' && digit <= 'd')
		digit = (char)(digit - 'a' + 'A');

	p = strchr(digits, digit);

	return p ? (int)(p - digits) : -1;
}

char event_digit(unsigned code)
{
	return code < sizeof(digits) - 1 ? digits[code] : 0;
}

int event_tx_put(struct event_tx *tx, char digit, uint32_t dur_ms)
{
	int code = event_code(digit);
	uint32_t i = (tx->first + tx->count) % EVENT_QUEUE;

	if (code < 0)
		return EINVAL;

	if (tx->count == EVENT_QUEUE)
		return ENOSPC;

	tx->queue[i].code = (uint8_t)code;
	tx->queue[i].dur_ms = MIN(MAX(dur_ms, (uint32_t)EVENT_MIN_MS),
				  (uint32_t)EVENT_MAX_MS);
	++tx->count;

	return 0;
}

bool event_tx_busy(const struct event_tx *tx)
{
	return tx->count || tx->pause_ms;
}

static void print(const struct event_tx *tx, struct event_packet *pkt,
		  bool end)
{
	pkt->ts = tx->ts;
	pkt->payload[0] = tx->queue[tx->first].code;
	pkt->payload[1] = (end ? END_BIT : 0) | VOLUME;
	pkt->payload[2] = (uint8_t)(tx->sent_ts >> 8);
	pkt->payload[3] = (uint8_t)tx->sent_ts;
}

/* The last end packet is out. */
static void finish(struct event_tx *tx)
{
	tx->first = (tx->first + 1) % EVENT_QUEUE;
	--tx->count;
	tx->active = false;
	tx->pause_ms = EVENT_PAUSE_MS;
}

/* A segment's length, told by the other clock. */
static uint32_t segment_ts(const struct event_clock *clock)
{
	return (uint32_t)((uint64_t)DUR_MAX_TS * clock->audio_hz /
			  clock->event_hz);
}

bool event_tx_get(struct event_tx *tx, struct event_packet *pkt,
		  uint32_t now_ts, const struct event_clock *clock,
		  uint32_t tick_ms)
{
	const uint32_t clock_hz = clock->event_hz;
	uint32_t tick_ts = clock_hz / 1000 * tick_ms;

	if (tx->pause_ms) {
		tx->pause_ms -= MIN(tx->pause_ms, tick_ms);
		return false;
	}

	if (!tx->count)
		return false;

	pkt->marker = !tx->active;
	if (!tx->active) {
		tx->active = true;
		tx->ts = now_ts;
		tx->sent_ts = 0;
		tx->left_ts = tx->queue[tx->first].dur_ms * (clock_hz / 1000);
		tx->ends = 0;
	}

	/* RFC 4733 2.5.1.3: a new segment where the last one ended */
	if (tx->sent_ts == DUR_MAX_TS && tx->left_ts) {
		tx->ts += segment_ts(clock);
		tx->sent_ts = 0;
	}

	tick_ts = MIN(tick_ts, tx->left_ts);
	tick_ts = MIN(tick_ts, DUR_MAX_TS - tx->sent_ts);
	tx->sent_ts += tick_ts;
	tx->left_ts -= tick_ts;

	print(tx, pkt, !tx->left_ts);
	if (!tx->left_ts && ++tx->ends == END_PACKETS)
		finish(tx);

	return true;
}

bool event_tx_take(struct event_tx *tx, char *digit, uint32_t *dur_ms)
{
	if (tx->active)
		finish(tx);
	tx->pause_ms = 0;

	if (!tx->count)
		return false;

	*digit = event_digit(tx->queue[tx->first].code);
	*dur_ms = tx->queue[tx->first].dur_ms;
	tx->first = (tx->first + 1) % EVENT_QUEUE;
	--tx->count;

	return true;
}

static void done_set(struct event_rx *rx, struct event_done *done)
{
	done->digit = event_digit(rx->code);
	done->dur_ms = (rx->before_ts + rx->dur_ts) / (rx->clock_hz / 1000);
	rx->active = false;
}

/* RFC 4733 2.5.1.3: the same event goes on in a new segment, where the last
 * one ended. */
static bool is_segment(const struct event_rx *rx,
		       const struct event_clock *clock, uint8_t code,
		       int32_t d)
{
	return rx->active && code == rx->code &&
	       (d == DUR_MAX_TS || d == (int32_t)segment_ts(clock) ||
		d == (int32_t)segment_ts(clock) + 1);
}

/* What one report of a packet says.  Returns digits that ended: 2 at most. */
static size_t put_report(struct event_rx *rx, struct event_done *donev,
			 const struct event_clock *clock, uint32_t ts,
			 const uint8_t buf[EVENT_BYTES], uint64_t now_us)
{
	const uint32_t dur_ts = (uint32_t)(buf[2] << 8 | buf[3]);
	const int32_t d = (int32_t)(ts - rx->ts);
	size_t n = 0;

	if (rx->known && d == 0 && buf[0] == rx->code) {
		if (!rx->active)
			return 0;
	}
	else if (rx->known && d < 0 && now_us - rx->last_us < EVENT_LOST_US) {
		return 0; /* an older one, out of order */
	}
	else if (is_segment(rx, clock, buf[0], d)) {
		rx->before_ts += DUR_MAX_TS;
		rx->dur_ts = 0;
	}
	else {
		if (rx->active)
			done_set(rx, &donev[n++]);
		rx->known = rx->active = true;
		rx->code = buf[0];
		rx->before_ts = 0;
		rx->dur_ts = 0;
	}

	rx->ts = ts;
	rx->clock_hz = clock->event_hz;
	rx->dur_ts = MAX(rx->dur_ts, dur_ts);
	rx->last_us = now_us;

	if (buf[1] & END_BIT)
		done_set(rx, &donev[n++]);

	return n;
}

size_t event_rx_put(struct event_rx *rx,
		    struct event_done donev[EVENT_DONE_MAX],
		    const struct event_clock *clock, uint32_t ts,
		    const uint8_t *buf, size_t len, uint64_t now_us)
{
	size_t n = 0;

	for (; len >= EVENT_BYTES && n + 2 <= EVENT_DONE_MAX;
	     buf += EVENT_BYTES, len -= EVENT_BYTES) {

		if (event_digit(buf[0]))
			n += put_report(rx, donev + n, clock, ts, buf, now_us);
		ts += (uint32_t)(buf[2] << 8 | buf[3]);
	}

	return n;
}

bool event_rx_tick(struct event_rx *rx, struct event_done *done,
		   uint64_t now_us)
{
	if (!rx->active || (int64_t)(now_us - rx->last_us) < EVENT_LOST_US)
		return false;

	done_set(rx, done);

	return true;
}
