/* libs: sy_media */
/* SPDX-License-Identifier: MIT */
#include "media_test.h"

#include <errno.h>
#include <re.h>

#include "node/media/event.h"

enum { TICK_TS = 160 };

static const struct event_clock clock8 = {8000, 8000};

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
		assert_true(event_tx_get(&tx, &pkt, ts, &clock8, 20));
		assert_int_equal(pkt.ts, want[i].ts);
		assert_int_equal(pkt.marker, want[i].marker);
		assert_memory_equal(pkt.payload, want[i].b, 4);
	}

	while (!event_tx_get(&tx, &pkt, ts, &clock8, 20)) {
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
	struct event_done done[EVENT_DONE_MAX];
	char heard[64] = "";
	uint64_t now = 1000000;
	size_t i, k, n, len = 0;

	(void)state;

	for (i = 0; i < sizeof(digits) - 1; i++)
		assert_int_equal(event_tx_put(&tx, digits[i], 100), 0);

	for (k = 0; k < 600; k++, now += 20000, ts += TICK_TS) {
		struct event_packet pkt;
		int copies = 1 + (test_rand(&rnd) % 4 == 0);

		if (event_tx_get(&tx, &pkt, ts, &clock8, 20) &&
		    (pkt.marker || test_rand(&rnd) % 2)) {
			while (copies--) {
				n = event_rx_put(&rx, done, &clock8, pkt.ts,
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
	struct event_done done[EVENT_DONE_MAX];

	(void)state;

	/* the end of 1 is lost, 2 begins */
	assert_int_equal(event_rx_put(&rx, done, &clock8, 100,
				      (uint8_t *)"\1\n\0\xa0", 4, 1000000),
			 0);
	assert_int_equal(event_rx_put(&rx, done, &clock8, 2000,
				      (uint8_t *)"\2\n\0\xa0", 4, 1020000),
			 1);
	assert_int_equal(done[0].digit, '1');
	assert_int_equal(done[0].dur_ms, 20);

	/* a late packet of 1 changes nothing */
	assert_int_equal(event_rx_put(&rx, done, &clock8, 100,
				      (uint8_t *)"\1\x8a\1\0", 4, 1040000),
			 0);

	/* the end of 2 is lost, and nothing follows */
	assert_false(event_rx_tick(&rx, done, 1020000 + EVENT_LOST_US - 1));
	assert_true(event_rx_tick(&rx, done, 1020000 + EVENT_LOST_US));
	assert_int_equal(done[0].digit, '2');
	assert_false(event_rx_tick(&rx, done, 1300000));

	/* only the end of 3 comes */
	assert_int_equal(event_rx_put(&rx, done, &clock8, 9000,
				      (uint8_t *)"\3\x8a\3\x20", 4, 1400000),
			 1);
	assert_int_equal(done[0].digit, '3');
	assert_int_equal(done[0].dur_ms, 100);
	assert_int_equal(event_rx_put(&rx, done, &clock8, 9000,
				      (uint8_t *)"\3\x8a\3\x20", 4, 1420000),
			 0);

	/* not digits, or cut */
	assert_int_equal(event_rx_put(&rx, done, &clock8, 9999,
				      (uint8_t *)"\x10\x8a\0\1", 4, 1440000),
			 0);
	assert_int_equal(event_rx_put(&rx, done, &clock8, 9999,
				      (uint8_t *)"\1\x8a\0", 3, 1440000),
			 0);
}

/* RFC 4733 2.5.1.3: over 0xffff units, in segments. */
static void test_long(void **state)
{
	static const struct event_clock clock48 = {48000, 48000};
	struct event_tx tx = {0};
	struct event_rx rx = {0};
	struct event_packet pkt = {0};
	struct event_done done[EVENT_DONE_MAX];
	uint32_t ts = 77, segments = 0, last_ts = 0;
	uint64_t now = 1000000;
	size_t n = 0;
	int k;

	(void)state;

	assert_int_equal(event_tx_put(&tx, '9', 5000), 0);
	for (k = 0; k < 400 && !n; k++, now += 20000, ts += 960) {
		assert_true(event_tx_get(&tx, &pkt, ts, &clock48, 20));
		if (!k || pkt.ts != last_ts) {
			assert_int_equal(pkt.marker, !k);
			++segments;
		}
		last_ts = pkt.ts;
		n = event_rx_put(&rx, done, &clock48, pkt.ts, pkt.payload, 4,
				 now);
	}

	assert_int_equal(segments, 4); /* 240,000 / 65,535 */
	assert_int_equal(n, 1);
	assert_int_equal(done[0].digit, '9');
	assert_int_equal(done[0].dur_ms, 5000);
}

/* What of a digit's packets arrives: each pattern gives exactly one digit. */
static void test_patterns(void **state)
{
	/* 100 ms: five packets, of which the last is an end, and two more ends;
	 * a capital letter: twice. */
	static const char *const patternv[] = {
	    "1234567", "234567",  "4567",    "567",    "7",
	    "1",       "12",	  "1234",    "13",     "147",
	    "2",       "4",	  "35",	     "12345",  "1234567777",
	    "2143657", "7654321", "5123467", "135724", "1122334455",
	};
	static const uint32_t hzv[][2] = {
	    {8000, 8000},  {16000, 16000}, {48000, 48000},
	    {8000, 48000}, {48000, 8000},
	};
	size_t c, i, k, n, m;

	(void)state;

	for (c = 0; c < ARRAY_SIZE(hzv); c++) {
		const struct event_clock clock = {hzv[c][0], hzv[c][1]};
		struct event_tx tx = {0};
		struct event_rx rx = {0};
		uint64_t now = 1000000;
		uint32_t ts = 0xfffff000;

		for (i = 0; i < ARRAY_SIZE(patternv); i++) {
			struct event_done done[EVENT_DONE_MAX];
			struct event_packet pkt[7];
			size_t digits = 0;
			bool last = strchr(patternv[i], '5') ||
				    strchr(patternv[i], '7');

			assert_int_equal(event_tx_put(&tx, '7', 100), 0);
			for (k = 0; k < 7; ts += clock.audio_hz / 50)
				k += event_tx_get(&tx, &pkt[k], ts, &clock, 20);

			for (k = 0; patternv[i][k]; k++, now += 10000) {
				const struct event_packet *p =
				    &pkt[patternv[i][k] - '1'];

				n = event_rx_put(&rx, done, &clock, p->ts,
						 p->payload, 4, now);
				for (m = 0; m < n; m++, digits++) {
					assert_int_equal(done[m].digit, '7');
					if (last)
						assert_int_equal(done[m].dur_ms,
								 100);
				}
			}
			for (k = 0; k < 30; k++, now += 10000)
				digits += event_rx_tick(&rx, done, now);
			assert_int_equal(digits, 1);
		}
	}
}

/* 2,000 digits, the same ones often, back to back, a fifth of all packets
 * lost: each comes out once and in order. */
static void test_fifth_lost(void **state)
{
	static char said[2001], heard[2100];
	uint32_t rnd = test_seed() | 1, ts = 5, lost = 0;
	struct event_done done[EVENT_DONE_MAX];
	struct event_tx tx = {0};
	struct event_rx rx = {0};
	uint64_t now = 1000000;
	size_t i, n, said_n = 0, heard_n = 0;
	bool kept = false;

	(void)state;

	while (said_n < sizeof(said) - 1 || event_tx_busy(&tx)) {
		struct event_packet pkt;

		if (said_n < sizeof(said) - 1 && !tx.count) {
			said[said_n] = "0011123A#"[test_rand(&rnd) % 9];
			(void)event_tx_put(&tx, said[said_n++],
					   40 + test_rand(&rnd) % 200);
		}

		n = 0;
		if (event_tx_get(&tx, &pkt, ts, &clock8, 20)) {
			kept = kept && !pkt.marker;

			/* never all of one digit */
			if (test_rand(&rnd) % 5 || (!kept && !tx.active)) {
				kept = true;
				n = event_rx_put(&rx, done, &clock8, pkt.ts,
						 pkt.payload, 4, now);
			} else {
				++lost;
			}
		}
		for (i = 0; i < n; i++)
			heard[heard_n++] = done[i].digit;
		if (event_rx_tick(&rx, done, now))
			heard[heard_n++] = done[0].digit;

		assert_true(heard_n <= said_n);
		now += 20000;
		ts += TICK_TS;
	}
	if (rx.active)
		heard[heard_n++] = event_digit(rx.code);

	print_message("%u packets lost\n", lost);
	assert_true(lost > 1000);
	assert_string_equal(heard, said);
}

/* RFC 4733 2.5.1.5: several events in one packet. */
static void test_packed(void **state)
{
	static const uint8_t three[] = {1, 0x8a, 1, 0x40, 2, 0x8a,
					1, 0x40, 2, 0x0a, 0, 0xa0};
	static const uint8_t end[] = {2, 0x8a, 1, 0x40};
	static const uint8_t flash[] = {16, 0x8a, 1, 0x40, 5, 0x8a, 1, 0x40};
	static const uint8_t many[32] = {
	    1, 0x8a, 0, 80, 2, 0x8a, 0, 80, 3, 0x8a, 0, 80, 4, 0x8a, 0, 80,
	    5, 0x8a, 0, 80, 6, 0x8a, 0, 80, 7, 0x8a, 0, 80, 8, 0x8a, 0, 80};
	struct event_done done[EVENT_DONE_MAX];
	struct event_rx rx = {0};

	(void)state;

	assert_int_equal(event_rx_put(&rx, done, &clock8, 1000, three,
				      sizeof(three), 1000000),
			 2);
	assert_int_equal(done[0].digit, '1');
	assert_int_equal(done[0].dur_ms, 40);
	assert_int_equal(done[1].digit, '2');
	assert_int_equal(
	    event_rx_put(&rx, done, &clock8, 1640, end, 4, 1020000), 1);
	assert_int_equal(
	    event_rx_put(&rx, done, &clock8, 1000, three, 8, 1040000), 0);

	/* No digit beside one; and more than a packet has room for. */
	assert_int_equal(
	    event_rx_put(&rx, done, &clock8, 9000, flash, 8, 1500000), 1);
	assert_int_equal(done[0].digit, '5');
	assert_int_equal(
	    event_rx_put(&rx, done, &clock8, 20000, many, 32, 2500000), 4);
}

/* Any bytes: no digit that is none, never more than there is room for. */
static void test_garbage(void **state)
{
	uint32_t rnd = test_seed() | 1;
	struct event_done done[EVENT_DONE_MAX];
	struct event_rx rx = {0};
	uint64_t now = 1000000;
	int k;

	(void)state;

	for (k = 0; k < 200000; k++, now += test_rand(&rnd) % 100000) {
		uint8_t buf[40];
		size_t i, n, len = test_rand(&rnd) % sizeof(buf);

		for (i = 0; i < sizeof(buf); i++)
			buf[i] = (uint8_t)(test_rand(&rnd) >> 8 &
					   (i % 4 ? 0xff : 0x1f));
		n = event_rx_put(&rx, done, &clock8, test_rand(&rnd) % 4 * 160,
				 buf, len, now);
		assert_true(n <= EVENT_DONE_MAX);
		for (i = 0; i < n; i++)
			assert_true(event_code(done[i].digit) >= 0);
		(void)event_rx_tick(&rx, done, now);
	}
}

static void test_take(void **state)
{
	struct event_packet pkt;
	struct event_tx tx = {0};
	uint32_t ms;
	char digit;

	(void)state;

	assert_false(event_tx_take(&tx, &digit, &ms));
	assert_int_equal(event_tx_put(&tx, '1', 100), 0);
	assert_int_equal(event_tx_put(&tx, 'b', 20000), 0);
	assert_true(event_tx_get(&tx, &pkt, 0, &clock8, 20));
	assert_true(event_tx_take(&tx, &digit, &ms)); /* 1 was begun */
	assert_int_equal(digit, 'B');
	assert_int_equal(ms, EVENT_MAX_MS);
	assert_false(event_tx_busy(&tx));
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
	    cmocka_unit_test(test_patterns),
	    cmocka_unit_test(test_fifth_lost),
	    cmocka_unit_test(test_packed),
	    cmocka_unit_test(test_garbage),
	    cmocka_unit_test(test_take),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
