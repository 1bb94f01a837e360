/* libs: sy_media */
/* SPDX-License-Identifier: MIT */
#include "media_test.h"

#include <re.h>

#include "node/media/jitter.h"
#include "node/media/packet.h"

enum {
	CLOCK = 8000,
	DUR = 160,
	TICK = JITTER_TICK_US,
	T0 = 1000000,
};

static struct pool pool;
static struct jitter jit;
static size_t used_before;
static uint64_t tick_us; /* of the last get() ...     */
static uint32_t held_ts; /* ... and what it has so far */

static int setup(void **state)
{
	const struct jitter_conf conf = {.fixed_ms = 40};

	(void)state;
	used_before = pool.used;
	tick_us = held_ts = 0;
	jitter_init(&jit, &pool, &conf);

	return 0;
}

/* No packet may be left outside the pool. */
static int teardown(void **state)
{
	(void)state;
	jitter_flush(&jit);
	assert_int_equal(pool.used, used_before);

	return 0;
}

static enum jitter_put put(uint16_t seq, uint32_t ts, uint32_t dur_ts,
			   uint64_t us)
{
	struct packet *pkt = pool_get(&pool);
	enum jitter_put r;

	assert_non_null(pkt);
	memset(pkt, 0, offsetof(struct packet, data));
	pkt->seq = seq;
	pkt->ts = ts;
	pkt->dur_ts = dur_ts;
	pkt->ssrc = 7;
	pkt->arrival_us = us;

	r = jitter_put(&jit, pkt, CLOCK);
	if (r != JITTER_STORED && r != JITTER_RESYNC)
		pool_put(&pool, pkt);

	return r;
}

/* The number of the packet that is played now, or NO(verdict). */
#define NO(verdict) (-1 - (int)(verdict))

static int get(uint64_t us)
{
	const uint32_t tick_ts = CLOCK / 1000 * TICK / 1000;
	struct jitter_item it;
	enum jitter_out r;
	int seq;

	if (us != tick_us)
		held_ts -= MIN(held_ts, tick_ts);
	tick_us = us;

	r = jitter_get(&jit, &it, us, held_ts);
	if (r != JITTER_PLAY) {
		if (jit.state == JITTER_PLAYING)
			held_ts += it.dur_ts;
		return NO(r);
	}

	seq = it.pkt->seq;
	held_ts += it.pkt->dur_ts - it.skip_ts;
	pool_put(&pool, it.pkt);

	return seq;
}

/* Played at depth after it came, and in order. */
static void test_order(void **state)
{
	(void)state;

	assert_int_equal(get(T0), NO(JITTER_WAIT));
	assert_int_equal(put(11, 1160, DUR, T0), JITTER_STORED);
	assert_int_equal(put(10, 1000, DUR, T0 + 1), JITTER_STORED);
	assert_int_equal(get(T0 + TICK), NO(JITTER_WAIT));
	assert_int_equal(put(13, 1480, DUR, T0 + TICK), JITTER_STORED);
	assert_int_equal(put(11, 1160, DUR, T0 + TICK), JITTER_DUPLICATE);
	assert_int_equal(put(12, 1320, DUR, T0 + TICK), JITTER_STORED);
	assert_int_equal(get(T0 + 2 * TICK), 10);
	assert_int_equal(get(T0 + 3 * TICK), 11);
	assert_int_equal(put(10, 1000, DUR, T0 + 3 * TICK), JITTER_DUPLICATE);
	assert_int_equal(jitter_depth_ms(&jit, T0 + 4 * TICK), 40);
	assert_int_equal(get(T0 + 4 * TICK), 12);
	assert_int_equal(get(T0 + 5 * TICK), 13);
	assert_int_equal(get(T0 + 6 * TICK), NO(JITTER_EMPTY));
	assert_int_equal(jit.duplicate, 2);
	assert_int_equal(jit.lost, 0);
}

static void test_depth(void **state)
{
	static const uint32_t depths[] = {20, 60, 200};
	size_t i;

	(void)state;

	for (i = 0; i < ARRAY_SIZE(depths); i++) {
		const struct jitter_conf conf = {.fixed_ms = depths[i]};
		uint64_t us = T0;

		jitter_init(&jit, &pool, &conf);
		put(1, 0, DUR, us);
		while (get(us) == NO(JITTER_WAIT))
			us += TICK;
		assert_int_equal((us - T0) / 1000, depths[i]);
	}
}

/* Sent every 20 ms, with random delay, loss, copies and order, from a random
 * start that wraps; the model knows when each packet came and says what each
 * tick must play. */
static void test_model(void **state)
{
	enum { N = 3000 };
	static uint64_t came[N];   /* read at this tick; 0: never */
	static uint64_t arrival[N];
	uint32_t rnd = test_seed() | 1;
	uint16_t seq0 = (uint16_t)(65536 - test_rand(&rnd) % 500);
	uint32_t ts0 = 0u - test_rand(&rnd) % 100000;
	uint64_t us, start = 0, first_arrival = 0;
	unsigned late = 0, lost = 0, dup = 0, played = 0;
	int i, first = -1, last = 0;

	(void)state;

	for (i = 0; i < N; i++) {
		uint64_t delay = test_rand(&rnd) % 36000;

		if (test_rand(&rnd) % 40 == 0 && i > 8)
			delay += 60000;
		arrival[i] = test_rand(&rnd) % 25 == 0
				     ? 0
				     : T0 + (uint64_t)i * TICK + delay;
		came[i] = 0;
	}

	for (us = T0; us < T0 + (uint64_t)(N + 10) * TICK; us += TICK) {
		int from = (int)((us - T0) / TICK), now, k, want;

		/* what came since the last tick, in the order of arrival */
		for (;;) {
			int next = -1;

			for (i = MAX(0, from - 10); i < MIN(N, from + 1); i++) {
				if (arrival[i] && !came[i] &&
				    arrival[i] <= us &&
				    (next < 0 || arrival[i] < arrival[next]))
					next = i;
			}
			if (next < 0)
				break;

			came[next] = us;
			if (!first_arrival)
				first_arrival = arrival[next];
			put((uint16_t)(seq0 + next),
			    ts0 + (uint32_t)next * DUR, DUR, arrival[next]);

			if (test_rand(&rnd) % 20 == 0) {
				assert_int_equal(
					put((uint16_t)(seq0 + next),
					    ts0 + (uint32_t)next * DUR, DUR,
					    us),
					JITTER_DUPLICATE);
				++dup;
			}
		}

		if (!start && first_arrival &&
		    us + TICK / 2 >= first_arrival + 40000) {
			start = us;
			for (first = 0; !came[first];)
				++first;
		}

		if (!start) {
			assert_int_equal(get(us), NO(JITTER_WAIT));
			continue;
		}

		now = first + (int)((us - start) / TICK);
		want = NO(JITTER_EMPTY);
		for (k = now + 1; k < MIN(N, now + 10); k++) {
			if (came[k])
				want = NO(JITTER_LOST);
		}
		if (now < N && came[now])
			want = (uint16_t)(seq0 + now);
		assert_int_equal(get(us), want);
		played += want >= 0;
	}

	for (i = first; i < N; i++) {
		uint64_t due = start + (uint64_t)(i - first) * TICK;

		if (came[i])
			last = i;
		late += came[i] && came[i] > due;
	}
	for (i = first; i < last; i++)
		lost += !came[i];

	assert_int_equal(jit.duplicate, dup);
	assert_int_equal(jit.late, late);
	assert_int_equal(jit.lost, lost);
	assert_int_equal(jit.resyncs, 0);
	assert_int_equal(jit.trimmed, 0);
	assert_true(late > 10 && lost > 50 && played > N * 8 / 10);
}

/* Fill and start: packets n0 ... n0 + 2 at one a tick; returns the time of
 * the tick after the one that played n0. */
static uint64_t begin(uint16_t n0, uint32_t dur)
{
	uint64_t us = T0;
	int i;

	for (i = 0; i < 3; i++, us += TICK) {
		put((uint16_t)(n0 + i), (uint32_t)(n0 + i) * dur, dur, us);
		assert_int_equal(get(us), i == 2 ? n0 : NO(JITTER_WAIT));
	}

	return us;
}

/* A silence of the sender: no loss, no concealment, right on time again. */
static void test_dtx(void **state)
{
	uint64_t us = begin(1, DUR);
	int i;

	(void)state;

	assert_int_equal(get(us), 2);
	us += TICK;
	assert_int_equal(get(us), 3);
	us += TICK;

	/* number 4 comes 50 frames later, as its timestamp says */
	for (i = 0; i < 50; i++, us += TICK) {
		if (i == 48)
			put(4, 54 * DUR, DUR, us);
		assert_int_equal(get(us), i < 48 ? NO(JITTER_EMPTY) : NO(JITTER_WAIT));
	}
	assert_int_equal(get(us), 4);
	assert_int_equal(jit.lost + jit.late + jit.resyncs, 0);
}

static void test_ssrc(void **state)
{
	uint64_t us = begin(100, DUR);
	struct packet *pkt = pool_get(&pool);

	(void)state;

	memset(pkt, 0, offsetof(struct packet, data));
	pkt->ssrc = 8;
	pkt->seq = 5;
	pkt->ts = 999;
	pkt->dur_ts = DUR;
	pkt->arrival_us = us;
	assert_int_equal(jitter_put(&jit, pkt, CLOCK), JITTER_RESYNC);
	assert_int_equal(get(us), NO(JITTER_WAIT));
	assert_int_equal(get(us + 2 * TICK), 5);
	assert_int_equal(jit.resyncs, 1);
	assert_int_equal(jit.lost, 0);
}

/* One stray packet changes nothing; two in a row are a jump. */
static void test_jump(void **state)
{
	uint64_t us = begin(100, DUR);

	(void)state;

	assert_int_equal(put(30000, 5, DUR, us), JITTER_STRAY);
	assert_int_equal(put(103, 103 * DUR, DUR, us), JITTER_STORED);
	assert_int_equal(get(us), 101);
	us += TICK;

	/* the numbers go on, the clock jumps by an hour */
	assert_int_equal(put(104, 28800000, DUR, us), JITTER_STRAY);
	assert_int_equal(get(us), 102);
	us += TICK;
	assert_int_equal(put(105, 28800160, DUR, us), JITTER_RESYNC);
	assert_int_equal(get(us + 2 * TICK), 105);
	us += 3 * TICK;

	/* the numbers jump back */
	assert_int_equal(put(20000, 28800320, DUR, us), JITTER_STRAY);
	assert_int_equal(put(20001, 28800480, DUR, us), JITTER_RESYNC);
	assert_int_equal(get(us + 2 * TICK), 20001);
}

/* Three packets of 60 ms, then 10 ms ones: the time is what counts. */
static void test_ptime(void **state)
{
	uint64_t us = T0;
	int i;

	(void)state;

	put(1, 0, 480, us);
	put(2, 480, 480, us);
	put(3, 960, 480, us);
	us += 2 * TICK;
	assert_int_equal(get(us), 1);
	assert_int_equal(get(us + TICK), NO(JITTER_WAIT));
	assert_int_equal(get(us + 2 * TICK), NO(JITTER_WAIT));
	assert_int_equal(get(us + 3 * TICK), 2);
	(void)get(us + 4 * TICK);
	(void)get(us + 5 * TICK);
	us += 6 * TICK;
	assert_int_equal(get(us), 3);

	for (i = 0; i < 4; i++)
		put((uint16_t)(4 + i), 1440 + 80u * (uint32_t)i, 80, us);
	(void)get(us + TICK);
	(void)get(us + 2 * TICK);
	us += 3 * TICK;
	assert_int_equal(get(us), 4);
	assert_int_equal(get(us), 5);
	assert_int_equal(get(us), NO(JITTER_WAIT));
	assert_int_equal(get(us + TICK), 6);
	assert_int_equal(get(us + TICK), 7);
}

/* The way becomes longer by 300 ms for good: heard again soon. */
static void test_longer_way(void **state)
{
	uint64_t us = begin(1, DUR);
	unsigned i, played = 0;

	(void)state;

	us += 15 * TICK;
	for (i = 4; i < 54; i++, us += TICK) {
		put((uint16_t)i, i * DUR, DUR, us);
		played += get(us) >= 0;
	}

	assert_true(played > 50 - 16);
	assert_int_equal(jit.resyncs, 1);
	assert_true(jit.late >= 5 && jit.late < 15);
}

/* The first packet was 200 ms behind the others: the surplus goes. */
static void test_shorter_way(void **state)
{
	uint64_t us = T0;
	unsigned i;

	(void)state;

	put(0, 0, DUR, us);
	for (i = 1; i < 10; i++)
		put((uint16_t)i, i * DUR, DUR, us + 100);

	for (us += TICK; i < 200; i++, us += TICK) {
		put((uint16_t)i, i * DUR, DUR, us);
		(void)get(us);
	}

	assert_int_equal(jitter_depth_ms(&jit, us), 40);
	assert_int_equal(jit.trimmed, 9);
	assert_int_equal(jit.late + jit.lost, 0);
}

/* The worker slept for half a second: what was over is not played. */
static void test_missed_ticks(void **state)
{
	uint64_t us = begin(1, DUR);
	unsigned i;

	(void)state;

	for (i = 4; i < 29; i++, us += TICK)
		put((uint16_t)i, i * DUR, DUR, us);

	assert_int_equal(get(us), 27);
	assert_int_equal(get(us + TICK), 28);
}

static void test_skip(void **state)
{
	uint64_t us = begin(1, DUR);

	(void)state;

	jitter_skip(&jit, 4, 7);
	jitter_skip(&jit, 5, 7);
	jitter_skip(&jit, 5, 7);
	jitter_skip(&jit, 6, 99); /* of another stream */
	put(6, 6 * DUR, DUR, us);
	assert_int_equal(get(us), 2);
	assert_int_equal(get(us + TICK), 3);
	assert_int_equal(get(us + 2 * TICK), NO(JITTER_WAIT));
	assert_int_equal(get(us + 4 * TICK), 6);
	assert_int_equal(jit.lost, 0);
}

/* RFC 3550 6.4.1 by its formula. */
static void test_jitter(void **state)
{
	double want = 0, prev = 0;
	uint32_t rnd = test_seed() | 1;
	unsigned i;

	(void)state;

	for (i = 0; i < 300; i++) {
		uint64_t delay = test_rand(&rnd) % 10 * 1000;
		double d = (double)delay / 1000 - prev;

		put((uint16_t)i, i * DUR, DUR, T0 + i * TICK + delay);
		(void)get(T0 + i * TICK + 10000);
		if (i > 1)
			want += (fabs(d) - want) / 16;
		prev = (double)delay / 1000;
	}

	assert_true(fabs((double)jitter_jitter_ms(&jit) - want) < 0.2);
}

/* Anything at all may come: nothing leaks, nothing is played twice. */
static void test_garbage(void **state)
{
	static const struct jitter_conf confv[] = {
		{.fixed_ms = 40}, {.fixed_ms = 0}, {.min_ms = 100, .max_ms = 120}};
	uint32_t rnd = test_seed() | 1;
	uint64_t us = T0;
	int i;

	(void)state;

	for (i = 0; i < 200000; i++) {
		uint32_t x = test_rand(&rnd);

		if (i % 5000 == 0)
			jitter_conf_set(&jit, &confv[i / 5000 % 3]);
		jitter_freeze(&jit, x % 17 == 0);
		jitter_redundant(&jit, x % 19 == 0);

		if (x % 3 == 0) {
			us += x % 50 ? TICK : TICK * (x % 500);
			while (get(us) >= 0) {
				int32_t want = jitter_want_us(&jit);
				int32_t ts = MAX(MIN(want / 125, 80), -80);

				if (want && ts <= (int32_t)held_ts) {
					held_ts -= (uint32_t)ts;
					jitter_moved(&jit, ts);
				}
			}
		}
		put((uint16_t)(x % 7 ? x >> 8 & 127 : x >> 16),
		    x % 11 ? (x >> 8 & 127) * DUR : x, (x & 3) * 80, us);
		if (x % 13 == 0)
			jitter_skip(&jit, (uint16_t)(x >> 8 & 127), 7);
		assert_true(jit.count <= JITTER_SLOTS);
		assert_true(pool.used <= JITTER_SLOTS);
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

/* A new stream that begins while the player still holds audio of the last:
 * the clocks agree, nothing of it is skipped. */
static void test_begin_held(void **state)
{
	const struct jitter_conf conf = {.min_ms = 0};
	struct jitter_item it;

	(void)state;

	jitter_init(&jit, &pool, &conf);
	jit.delay.target_us = 5000;
	put(1, 0, DUR, T0);
	assert_int_equal(jitter_get(&jit, &it, T0, 80), JITTER_PLAY);
	pool_put(&pool, it.pkt);
	assert_int_equal(jit.out_ts - jit.anchor_ts, 80 + DUR);

	put(2, DUR, DUR, T0 + TICK);
	assert_int_equal(jitter_get(&jit, &it, T0 + TICK, 80), JITTER_PLAY);
	assert_int_equal(it.skip_ts, 0);
	pool_put(&pool, it.pkt);
	assert_int_equal(jit.delay_sum_us, 20000);
}

/* The sender numbers anew, back into numbers that were played: no duplicates,
 * whatever its clock does. */
static void test_renumbered(void **state)
{
	static const uint32_t jumpv[] = {0, 100000000, 0u - 100000000};
	size_t k;
	int i;

	(void)state;

	for (k = 0; k < ARRAY_SIZE(jumpv); k++) {
		const struct jitter_conf conf = {.fixed_ms = 40};

		jitter_init(&jit, &pool, &conf);
		held_ts = 0;
		for (i = 0; i < 100; i++) {
			int back = i < 50 ? 0 : 40;

			put((uint16_t)(i - back),
			    (uint32_t)i * DUR + (back ? jumpv[k] : 0), DUR,
			    T0 + (uint64_t)i * TICK);
			(void)get(T0 + (uint64_t)i * TICK);
		}
		assert_int_equal(jit.resyncs, 1);
		assert_true(jit.played >= 94);
		assert_true(jit.duplicate == 0);
		jitter_flush(&jit);
	}
}

/* The sender's clock stood still for half a second, and it sends two packets
 * a tick: one of each pair is not lost for long. */
static void test_late_pairs(void **state)
{
	const struct jitter_conf conf = {.min_ms = 0};
	int i, k;

	(void)state;

	jitter_init(&jit, &pool, &conf);
	for (i = 0; i < 400; i++) {
		uint64_t us = T0 + (uint64_t)i * TICK;
		int sent = i < 200 ? i : i - 25;

		if (i < 175 || i >= 200) {
			for (k = 0; k < 2; k++)
				put((uint16_t)(2 * sent + k),
				    (uint32_t)(2 * sent + k) * DUR / 2,
				    DUR / 2, us);
		}
		for (k = 0; k < 8; k++)
			(void)get(us);
	}
	assert_true(jit.late < 30);
	assert_true(jit.played > 2 * 375 - 60);
}

/* The way became 700 ms shorter: the buffer does not stay that long. */
static void test_far_ahead(void **state)
{
	const struct jitter_conf conf = {.min_ms = 0};
	static const uint32_t durv[] = {DUR, 6 * DUR};
	size_t k;
	int i, g;

	(void)state;

	for (k = 0; k < ARRAY_SIZE(durv); k++) {
		uint32_t ticks = durv[k] / DUR, n = 0;

		jitter_init(&jit, &pool, &conf);
		held_ts = 0;
		for (i = 0; i < 300; i++) {
			uint64_t us = T0 + (uint64_t)i * TICK;

			while (n * ticks <= (uint32_t)(i < 100 ? i : i + 35)) {
				put((uint16_t)n, n * durv[k], durv[k], us);
				++n;
			}
			for (g = 0; g < 8; g++)
				(void)get(us);
		}
		assert_true(jitter_delay_us(&jit) < 150000);
		assert_int_equal(jit.resyncs, 0);
		assert_true(jit.trimmed > 0);
		jitter_flush(&jit);
	}
}

/* Short packets in a burst, one more than there is place for: of those that
 * come at the clock's pace afterwards none is refused. */
static void test_full(void **state)
{
	const struct jitter_conf conf = {.min_ms = 0};
	uint32_t n = 0;
	int i, k;

	(void)state;

	jitter_init(&jit, &pool, &conf);
	for (i = 0; i < 150; i++) {
		uint64_t us = T0 + (uint64_t)i * TICK;

		for (k = 0; k < 2 || (i == 50 && !jit.trimmed && k < 99); k++) {
			assert_int_equal(put((uint16_t)n, n * DUR / 2, DUR / 2,
					     us),
					 JITTER_STORED);
			++n;
		}
		for (k = 0; k < 4; k++)
			(void)get(us);
	}
	assert_true(jit.trimmed > 0);
	assert_int_equal(jit.lost + jit.late + jit.resyncs, 0);
}

/* The same, and the head is missing, or has no audio. */
static void test_full_head(void **state)
{
	int k;

	(void)state;

	for (k = 0; k < 2; k++) {
		uint64_t us = begin(1, DUR);
		uint16_t i, head;

		assert_int_equal(get(us), 2);
		assert_int_equal(get(us + TICK), 3);
		head = jit.next_seq;
		if (k)
			jitter_skip(&jit, head, 7);
		for (i = 1; i <= JITTER_SLOTS; i++)
			assert_int_equal(put((uint16_t)(head + i),
					     (uint32_t)(head + i) * DUR, DUR,
					     us + TICK),
					 JITTER_STORED);
		assert_int_equal(jit.count, JITTER_SLOTS);
		assert_int_equal(jit.lost, k ? 0 : 1);
		assert_int_equal(jit.trimmed, 0);
		assert_int_equal(get(us + 2 * TICK), k ? NO(JITTER_WAIT) : 5);
		jitter_flush(&jit);
		(void)setup(NULL);
	}
}

/* After a pause the way is 600 ms longer.  The delay is over any target, and
 * yet each packet comes just in time: nothing is to be taken out. */
static void test_nothing_to_spare(void **state)
{
	const struct jitter_conf conf = {.min_ms = 0};
	uint32_t n = 0, empty = 0;
	int i, k;

	(void)state;

	jitter_init(&jit, &pool, &conf);
	for (i = 0; i < 200; i++) {
		uint64_t us = T0 + (uint64_t)i * TICK;
		int32_t want;

		/* 40 ms each; 2 s, a pause, and what was said in it is
		 * 600 ms, not 1200. */
		if (i % 2 == 0 && (i < 60 || i >= 120)) {
			put((uint16_t)n,
			    (uint32_t)(i < 60 ? i : i - 30) * DUR, 2 * DUR, us);
			++n;
		}
		for (k = 0; k < 4; k++) {
			int got = get(us);

			if (i > 120 && got == NO(JITTER_EMPTY))
				++empty;
			want = got >= 0 ? jitter_want_us(&jit) : 0;
			if (want >= 5000) {
				held_ts -= 5 * CLOCK / 1000;
				jitter_moved(&jit, 5 * CLOCK / 1000);
			}
		}
	}
	assert_int_equal(empty, 0);
	assert_int_equal(jit.resyncs, 0);
}

/* A long digit, one of its packets lost: audio goes on where it was. */
static void test_skip_lost(void **state)
{
	int i;

	(void)state;

	for (i = 0; i < 250; i++) {
		uint64_t us = T0 + (uint64_t)i * TICK;

		if (i < 20 || i >= 200)
			put((uint16_t)i, (uint32_t)i * DUR, DUR, us);
		else if (i != 50)
			jitter_skip(&jit, (uint16_t)i, 7);
		(void)get(us);
	}
	assert_int_equal(jit.resyncs, 0);
	assert_int_equal(jit.lost, 1);
	assert_int_equal(jit.played, 20 + 50 - 2);
}

/* One late packet whose clock is nonsense says nothing of the way. */
static void test_late_nonsense(void **state)
{
	const struct jitter_conf conf = {.min_ms = 0};
	uint32_t target_ms = 0;
	int i;

	(void)state;

	jitter_init(&jit, &pool, &conf);
	for (i = 0; i < 300; i++) {
		uint64_t us = T0 + (uint64_t)i * TICK;

		if (i != 190)
			put((uint16_t)i, (uint32_t)i * DUR, DUR, us);
		if (i == 199)
			target_ms = jitter_target_ms(&jit);
		if (i == 200)
			put(190, 100000000, DUR, us);
		(void)get(us);
	}
	assert_int_equal(jitter_target_ms(&jit), target_ms);
}

/* Another clock: the jitter is the same time. */
static void test_jitter_clock(void **state)
{
	struct packet *pkt = pool_get(&pool);
	float before;
	int i;

	(void)state;

	for (i = 0; i < 200; i++)
		put((uint16_t)i, (uint32_t)i * DUR, DUR,
		    T0 + (uint64_t)i * TICK + (uint64_t)(i & 1) * 6000);
	before = jitter_jitter_ms(&jit);
	assert_true(before > 5);
	memset(pkt, 0, offsetof(struct packet, data));
	pkt->dur_ts = 960;
	pkt->ssrc = 7;
	pkt->arrival_us = T0 + 200 * TICK;
	assert_int_equal(jitter_put(&jit, pkt, 48000), JITTER_RESYNC);
	assert_true(fabsf(jitter_jitter_ms(&jit) - before) < 0.01f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_order),       TEST(test_depth),
		TEST(test_model),       TEST(test_dtx),
		TEST(test_ssrc),        TEST(test_jump),
		TEST(test_ptime),       TEST(test_longer_way),
		TEST(test_shorter_way), TEST(test_missed_ticks),
		TEST(test_skip),        TEST(test_jitter),
		TEST(test_garbage),	TEST(test_begin_held),
		TEST(test_renumbered),	TEST(test_late_pairs),
		TEST(test_far_ahead),	TEST(test_skip_lost),
		TEST(test_full),        TEST(test_full_head),
		TEST(test_nothing_to_spare),
		TEST(test_late_nonsense), TEST(test_jitter_clock),
	};
	struct pool_chunk *chunk = pool_chunk_alloc(2 * JITTER_SLOTS);
	int err;

	if (!chunk)
		return 1;

	pool_add(&pool, chunk);
	err = cmocka_run_group_tests(tests, NULL, NULL);
	mem_deref(chunk);

	return err;
}
