/* libs: sy_media */
/* SPDX-License-Identifier: MIT */
/*
 * The jitter buffer on named ways: mean delay (a packet's arrival to its
 * being heard) and the share of audio that was concealed, for the adaptive
 * buffer and for one that holds 40 ms.  Time-scaling is modelled as what it
 * does to a voice: 8 ms at a time, and anything in the pauses.
 */

#include "media_trace.h"

#include <re.h>

#include "node/media/jitter.h"
#include "node/media/packet.h"

enum {
	TICK = JITTER_TICK_US,
	PERIOD_US = 8000,
	PAUSE_EVERY_MS = 3000,
	PAUSE_MS = 500,
	PHASE_US = 7000, /* arrivals come so long after the ticks */
};

struct result {
	double delay_ms;
	double concealed; /* percent */
	double scaled;	  /* percent of the audio that was time-scaled */
	double beyond_ms; /* what network and ticks leave no choice in: */
	struct jitter j;
};

static struct pool pool;
static struct trace trace;

/* The player: fills a tick. */
static uint32_t play(struct jitter *j, uint64_t us, uint32_t held)
{
	uint32_t tick_ts = j->clock_hz / 50;
	bool packet = false, moved = false;

	while (held < tick_ts) {

		struct jitter_item it;
		int32_t want, ts;

		if (jitter_get(j, &it, us, held) == JITTER_PLAY) {
			it.dur_ts = it.pkt->dur_ts - it.skip_ts;
			pool_put(&pool, it.pkt);
			packet = true;
		}
		assert_true(it.dur_ts > 0);
		held += it.dur_ts;

		if (held < tick_ts || !packet || moved)
			continue;

		moved = true;
		want = jitter_want_us(j);
		if (!want)
			continue;

		/* Pauses can be cut anywhere. */
		ts = (int32_t)(j->clock_hz / 1000 * PERIOD_US / 1000);
		if (us / 1000 % PAUSE_EVERY_MS < PAUSE_MS)
			ts = (int32_t)((int64_t)j->clock_hz * want / 1000000);
		else if (want < 0)
			ts = -ts;
		else if (want < PERIOD_US)
			ts = 0;
		ts = MIN(ts, (int32_t)tick_ts / 2);
		held -= (uint32_t)ts;
		jitter_moved(j, ts);
	}

	return held - tick_ts;
}

static struct packet *packet(const struct trace_packet *p, uint32_t clock_hz)
{
	struct packet *pkt = pool_get(&pool);

	assert_non_null(pkt);
	memset(pkt, 0, offsetof(struct packet, data));
	pkt->seq = (uint16_t)(p->seq + 65000);
	pkt->ts = (uint32_t)(p->media_us * (clock_hz / 1000) / 1000) - clock_hz;
	pkt->dur_ts = p->dur_us / 1000 * (clock_hz / 1000);
	pkt->arrival_us = p->arrival_us;
	pkt->marker = p->marker;
	pkt->ssrc = 7;

	return pkt;
}

static void run(struct result *r, const struct jitter_conf *conf,
		uint32_t clock_hz)
{
	struct jitter *j = &r->j;
	const struct trace_packet *last = &trace.v[trace.n - 1];
	uint64_t us, end = TRACE_T0_US + last->media_us + 2000000;
	size_t next = 0, used = pool.used;
	uint32_t held = 0;

	memset(r, 0, sizeof(*r));
	jitter_init(j, &pool, conf);
	assert_true(end > trace.v[trace.order[trace.orderc - 1]].arrival_us);

	for (us = TRACE_T0_US + PHASE_US; us < end; us += TICK) {

		for (; next < trace.orderc &&
		       trace.v[trace.order[next]].arrival_us <= us;
		     next++) {

			struct packet *pkt =
			    packet(&trace.v[trace.order[next]], clock_hz);

			if (jitter_put(j, pkt, clock_hz) > JITTER_RESYNC)
				pool_put(&pool, pkt);
		}

		held = play(j, us, held);
		assert_true(held < clock_hz / 4);
		assert_true(jitter_depth_ms(j, us) < 1500);
	}

	jitter_flush(j);
	assert_int_equal(pool.used, used);

	r->delay_ms = (double)j->delay_sum_us / 1000 / (double)j->played;
	r->concealed = 100.0 * (double)j->concealed_us /
		       (double)(j->concealed_us + j->played_us);
	r->scaled = 100.0 * (double)(j->shorter_us + j->longer_us) /
		    (double)j->played_us;
}

/* Where the adaptive buffer must be better than the fixed one. */
enum { LESS_DELAY = 1, LESS_CONCEALED = 2 };

/* A way, and what may come out of it at most: with this seed the figures
 * are always the same, the bounds are a tenth above them. */
static const struct {
	struct trace_kind kind;
	uint32_t clock_hz;
	double delay_ms, concealed;
	int better;
} wayv[] = {
	{{.name = "LAN", .seconds = 120, .exp_ms = 0.2},
	 8000, 10, 0, LESS_DELAY},
	{{.name = "Wi-Fi bursts", .seconds = 300, .exp_ms = 2,
	  .stall_every_s = 1.2, .stall_ms = 120},
	 8000, 115, 0.5, LESS_CONCEALED},
	{{.name = "Wi-Fi scans", .seconds = 300, .exp_ms = 2,
	  .stall_every_s = 5, .stall_ms = 120},
	 8000, 118, 0.2, LESS_CONCEALED},
	{{.name = "4G", .seconds = 300, .exp_ms = 6, .wander_ms = 60,
	  .stall_every_s = 12, .stall_ms = 150, .loss = 0.005},
	 8000, 55, 1.1, LESS_CONCEALED},
	{{.name = "drift +200 ppm", .seconds = 600, .exp_ms = 0.5,
	  .ppm = 200},
	 8000, 16, 0.02, LESS_DELAY | LESS_CONCEALED},
	{{.name = "drift -200 ppm", .seconds = 600, .exp_ms = 0.5,
	  .ppm = -200},
	 8000, 19, 0.02, LESS_DELAY},
	{{.name = "loss 5 %", .seconds = 300, .exp_ms = 2, .loss = 0.05},
	 8000, 28, 5, LESS_DELAY},
	{{.name = "loss 20 %", .seconds = 300, .exp_ms = 2, .loss = 0.2},
	 8000, 28, 20, LESS_DELAY},
	{{.name = "burst loss", .seconds = 300, .exp_ms = 2,
	  .burst_loss = 0.01, .burst_len = 4},
	 8000, 28, 5.4, LESS_DELAY},
	{{.name = "route change", .seconds = 120, .exp_ms = 2, .route_s = 30,
	  .route_end_s = 70, .route_ms = 80},
	 8000, 29, 0.06, LESS_DELAY | LESS_CONCEALED},
	{{.name = "jitter 40 ms", .seconds = 300, .exp_ms = 2,
	  .outlier = 0.5, .outlier_ms = 40, .loss = 0.05},
	 8000, 49, 5.1, 0},
	{{.name = "jitter 80 ms", .seconds = 300, .exp_ms = 2,
	  .outlier = 0.3, .outlier_ms = 80, .loss = 0.05},
	 8000, 99, 5.3, LESS_CONCEALED},
	{{.name = "reorder", .seconds = 300, .exp_ms = 1, .outlier = 0.1,
	  .outlier_ms = 25},
	 8000, 47, 0, 0},
	{{.name = "DTX", .seconds = 300, .exp_ms = 8, .talk_s = 2,
	  .pause_s = 2},
	 48000, 57, 0.17, LESS_CONCEALED},
	{{.name = "ptime 10 ms", .seconds = 120, .exp_ms = 2,
	  .ptime_us = 10000},
	 8000, 35, 0.02, LESS_DELAY},
	{{.name = "ptime 30 ms", .seconds = 120, .exp_ms = 2,
	  .ptime_us = 30000},
	 8000, 31, 0.02, LESS_DELAY},
	{{.name = "ptime 60 ms", .seconds = 120, .exp_ms = 2,
	  .ptime_us = 60000},
	 8000, 29, 0.02, LESS_DELAY},
	{{.name = "ptime 120 ms", .seconds = 120, .exp_ms = 2,
	  .ptime_us = 120000},
	 48000, 31, 0.02, LESS_DELAY},
	{{.name = "ptimes mixed", .seconds = 120, .exp_ms = 2,
	  .ptimes = true},
	 8000, 31, 0.17, LESS_DELAY | LESS_CONCEALED},
};

static void test_ways(void **state)
{
	const struct jitter_conf fixed = {.fixed_ms = 40};
	struct result a, f;
	size_t i;

	(void)state;

	printf("%-16s %20s %20s %8s\n", "", "adaptive", "fixed 40 ms",
	       "scaled");

	for (i = 0; i < ARRAY_SIZE(wayv); i++) {
		trace_make(&trace, &wayv[i].kind, 20240607);
		run(&a, NULL, wayv[i].clock_hz);
		run(&f, &fixed, wayv[i].clock_hz);

		printf("%-16s %7.1f ms %6.2f %% %7.1f ms %6.2f %% %6.2f %%\n",
		       wayv[i].kind.name, a.delay_ms, a.concealed, f.delay_ms,
		       f.concealed, a.scaled);

		assert_true(a.delay_ms <= wayv[i].delay_ms);
		assert_true(a.concealed <= wayv[i].concealed + 0.0001);
		assert_true(a.scaled < 1.5);
		if (wayv[i].better & LESS_DELAY)
			assert_true(a.delay_ms < f.delay_ms - 2);
		if (wayv[i].better & LESS_CONCEALED)
			assert_true(a.concealed < 0.6 * f.concealed);
	}
}

/* Bounds are kept: never less than the least, never more than the most. */
static void test_bounds(void **state)
{
	const struct trace_kind lan = {.seconds = 60, .exp_ms = 0.2};
	const struct trace_kind bad = {.seconds = 60, .exp_ms = 25};
	const struct jitter_conf min = {.min_ms = 90};
	const struct jitter_conf max = {.max_ms = 60};
	struct result r;

	(void)state;

	trace_make(&trace, &lan, 3);
	run(&r, &min, 8000);
	assert_int_equal(jitter_target_ms(&r.j), 90);
	assert_true(r.delay_ms > 88 && r.delay_ms < 115);
	assert_int_equal(r.j.concealed_us, 0);

	trace_make(&trace, &bad, 3);
	run(&r, &max, 8000);
	assert_int_equal(jitter_target_ms(&r.j), 60);
	assert_true(r.delay_ms < 60);
}

/* A way that becomes longer by more than the most: heard again soon. */
static void test_far(void **state)
{
	const struct trace_kind k = {.seconds = 60, .exp_ms = 1,
				     .route_s = 20, .route_end_s = 100,
				     .route_ms = 700};
	struct result r;

	(void)state;

	trace_make(&trace, &k, 4);
	run(&r, NULL, 8000);
	printf("700 ms longer: %.1f ms, %.2f %%, late %u, resyncs %u\n",
	       r.delay_ms, r.concealed, (unsigned)r.j.late,
	       (unsigned)r.j.resyncs);
	assert_true(r.j.late < 30);
	assert_true(r.delay_ms < 60);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_ways), cmocka_unit_test(test_bounds),
	    cmocka_unit_test(test_far),
	};
	struct pool_chunk *chunk = pool_chunk_alloc(4 * JITTER_SLOTS);
	int err;

	if (!chunk)
		return 1;

	pool_add(&pool, chunk);
	err = cmocka_run_group_tests(tests, NULL, NULL);
	mem_deref(chunk);

	return err;
}
