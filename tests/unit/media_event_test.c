/* libs: sy_media */
/* SPDX-License-Identifier: MIT */
#include "media_test.h"

#include <errno.h>
#include <re.h>

#include "node/media/event.h"

enum { CLOCK = 8000, TICK_TS = 160 };

static void test_codes(void **state)
{
	static const char digits[] = "0123456789*#ABCD";
	size_t i;

	(void)state;

	for (i = 0; i < 16; i++) {
		assert_int_equal(event_code(digits[i]), i);
		assert_int_equal(event_digit((unsigned)i), digits[i]);
	}
	assert_int_equal(event_code('d'), 15);
	assert_int_equal(event_code('e'), -1);
	assert_int_equal(event_code('\0'), -1);
	assert_int_equal(event_digit(16), 0);
}

/* The packets of two digits, to the byte. */
static void test_tx_vector(void **state)
{
	static const struct {
		uint32_t ts;
		bool marker;
		uint8_t b[4];
	} want[] = {
		{1000, true, {5, 10, 0, 160}},
		{1000, false, {5, 10, 1, 64}},
		{1000, false, {5, 10, 1, 224}},
		{1000, false, {5, 0x80 | 10, 1, 240}}, /* 62 ms */
		{1000, false, {5, 0x80 | 10, 1, 240}},
		{1000, false, {5, 0x80 | 10, 1, 240}},
	};
	struct event_tx tx = {0};
	struct event_packet pkt;
	uint32_t ts = 1000;
	size_t i, pause = 0;

	(void)state;

	assert_int_equal(event_tx_put(&tx, '5', 62), 0);
	assert_int_equal(event_tx_put(&tx, 'A', 1), 0);
	assert_int_equal(event_tx_put(&tx, 'x', 1), EINVAL);

	for (i = 0; i < ARRAY_SIZE(want); i++, ts += TICK_TS) {
		assert_true(event_tx_busy(&tx));
		assert_true(event_tx_get(&tx, &pkt, ts, CLOCK, 20));
		assert_int_equal(pkt.ts, want[i].ts);
		assert_int_equal(pkt.marker, want[i].marker);
		assert_memory_equal(pkt.payload, want[i].b, 4);
	}

	while (!event_tx_get(&tx, &pkt, ts, CLOCK, 20)) {
		ts += TICK_TS;
		++pause;
	}
	assert_int_equal(pause, EVENT_PAUSE_MS / 20);
	assert_int_equal(pkt.ts, ts);
	assert_true(pkt.marker);
	assert_int_equal(pkt.payload[0], 12);
}

static void test_queue_full(void **state)
{
	struct event_tx tx = {0};
	size_t i;

	(void)state;

	for (i = 0; i < EVENT_QUEUE; i++)
		assert_int_equal(event_tx_put(&tx, '1', 100), 0);
	assert_int_equal(event_tx_put(&tx, '1', 100), ENOSPC);
}

/* Send digits, lose packets at random (never a whole digit), repeat and
 * swap: each digit comes out once, with its duration if an end came. */
static void test_loss(void **state)
{
	static const char digits[] = "1159*#AD0011";
	uint32_t rnd = test_seed() | 1, ts = 0xffffff00;
	struct event_tx tx = {0};
	struct event_rx rx = {0};
	struct event_done done[2];
	char heard[64] = "";
	uint64_t now = 1000000;
	size_t i, k, n, len = 0;

	(void)state;

	for (i = 0; i < sizeof(digits) - 1; i++)
		assert_int_equal(event_tx_put(&tx, digits[i], 100), 0);

	for (k = 0; k < 600; k++, now += 20000, ts += TICK_TS) {
		struct event_packet pkt;
		int copies = 1 + (test_rand(&rnd) % 4 == 0);

		if (event_tx_get(&tx, &pkt, ts, CLOCK, 20) &&
		    (pkt.marker || test_rand(&rnd) % 2)) {
			while (copies--) {
				n = event_rx_put(&rx, done, pkt.ts,
						 pkt.payload, 4, now);
				for (i = 0; i < n; i++)
					heard[len++] = done[i].digit;
			}
		}
		if (event_rx_tick(&rx, done, now))
			heard[len++] = done[0].digit;
	}

	assert_string_equal(heard, digits);
}

static void test_rx_end_lost(void **state)
{
	struct event_rx rx = {0};
	struct event_done done[2];

	(void)state;

	/* the end of 1 is lost, 2 begins */
	assert_int_equal(event_rx_put(&rx, done, 100, (uint8_t *)"\1\n\0\xa0", 4,
				      1000000),
			 0);
	assert_int_equal(event_rx_put(&rx, done, 2000, (uint8_t *)"\2\n\0\xa0",
				      4, 1020000),
			 1);
	assert_int_equal(done[0].digit, '1');
	assert_int_equal(done[0].dur_ts, 160);

	/* a late packet of 1 changes nothing */
	assert_int_equal(event_rx_put(&rx, done, 100, (uint8_t *)"\1\x8a\1\0", 4,
				      1040000),
			 0);

	/* the end of 2 is lost, and nothing follows */
	assert_false(event_rx_tick(&rx, done, 1020000 + EVENT_LOST_US - 1));
	assert_true(event_rx_tick(&rx, done, 1020000 + EVENT_LOST_US));
	assert_int_equal(done[0].digit, '2');
	assert_false(event_rx_tick(&rx, done, 1300000));

	/* only the end of 3 comes */
	assert_int_equal(event_rx_put(&rx, done, 9000, (uint8_t *)"\3\x8a\3\x20",
				      4, 1400000),
			 1);
	assert_int_equal(done[0].digit, '3');
	assert_int_equal(done[0].dur_ts, 800);
	assert_int_equal(event_rx_put(&rx, done, 9000, (uint8_t *)"\3\x8a\3\x20",
				      4, 1420000),
			 0);

	/* not digits, or cut */
	assert_int_equal(event_rx_put(&rx, done, 9999, (uint8_t *)"\x10\x8a\0\1",
				      4, 1440000),
			 0);
	assert_int_equal(event_rx_put(&rx, done, 9999, (uint8_t *)"\1\x8a\0", 3,
				      1440000),
			 0);
}

/* RFC 4733 2.5.1.3: over 0xffff units, in segments. */
static void test_long(void **state)
{
	struct event_tx tx = {0};
	struct event_rx rx = {0};
	struct event_packet pkt = {0};
	struct event_done done[2];
	uint32_t ts = 77, segments = 0, last_ts = 0;
	uint64_t now = 1000000;
	size_t n = 0;
	int k;

	(void)state;

	assert_int_equal(event_tx_put(&tx, '9', 5000), 0);
	for (k = 0; k < 400 && !n; k++, now += 20000, ts += 960) {
		assert_true(event_tx_get(&tx, &pkt, ts, 48000, 20));
		if (!k || pkt.ts != last_ts) {
			assert_int_equal(pkt.marker, !k);
			++segments;
		}
		last_ts = pkt.ts;
		n = event_rx_put(&rx, done, pkt.ts, pkt.payload, 4, now);
	}

	assert_int_equal(segments, 4); /* 240,000 / 65,535 */
	assert_int_equal(n, 1);
	assert_int_equal(done[0].digit, '9');
	assert_int_equal(done[0].dur_ts, 240000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_codes),
		cmocka_unit_test(test_tx_vector),
		cmocka_unit_test(test_queue_full),
		cmocka_unit_test(test_loss),
		cmocka_unit_test(test_rx_end_lost),
		cmocka_unit_test(test_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
