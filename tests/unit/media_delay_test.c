/* libs: sy_media */
/* SPDX-License-Identifier: MIT */
#include "media_test.h"

#include <re.h>

#include "node/media/delay.h"

enum {
	DUR_US = 20000,
	MS = 1000,
	PACKETS_S = 1000000 / DUR_US,
};

static struct delay d;
static uint64_t sent_us;
static double drift_us; /* what the sender's clock loses a packet */
static double clock_us;

static int setup(void **state)
{
	(void)state;
	delay_init(&d);
	sent_us = 5000000;
	drift_us = clock_us = 0;

	return 0;
}

/* One packet, so late. */
static uint32_t put(uint32_t late_us)
{
	uint64_t now = sent_us + (uint64_t)(clock_us + 0.5) + late_us;

	sent_us += DUR_US;
	clock_us += drift_us;

	return delay_put(&d, (int64_t)now - (int64_t)(sent_us - DUR_US) - 77,
			 DUR_US, now);
}

static void steady(unsigned seconds, uint32_t late_us)
{
	unsigned i;

	for (i = 0; i < seconds * PACKETS_S; i++)
		(void)put(late_us);
}

static uint32_t target_ms(void)
{
	return delay_target_us(&d) / MS;
}

static void test_steady(void **state)
{
	(void)state;

	assert_int_equal(target_ms(), 40);
	steady(3, 0);
	assert_int_equal(target_ms(), 5);
	assert_int_equal(put(3000), 3000);
	assert_int_equal(put(0), 0);
}

/* The share of packets beyond the target, for ways good and bad. */
static void test_quantile(void **state)
{
	static const struct {
		uint32_t spread_us, outlier_us, outlier_percent;
		uint32_t min_ms, max_ms;
		double beyond_max;
	} v[] = {
	    {8000, 0, 0, 10, 10, 0.001},	 {60000, 0, 0, 55, 60, 0.02},
	    {10000, 100000, 10, 100, 105, 0.05}, /* worth it      */
	    {10000, 300000, 2, 10, 15, 0.05},	 /* is not        */
	    {10000, 60000, 6, 60, 65, 0.05},
	};
	uint32_t rnd = test_seed() | 1;
	size_t i;

	(void)state;

	for (i = 0; i < ARRAY_SIZE(v); i++) {
		unsigned k, n = 0, beyond = 0;
		uint64_t sum = 0;

		setup(NULL);
		for (k = 0; k < 6000; k++) {
			uint32_t late = test_rand(&rnd) % v[i].spread_us;

			if (test_rand(&rnd) % 100 < v[i].outlier_percent)
				late = v[i].outlier_us;
			if (k > 1000) {
				beyond += late > delay_target_us(&d);
				sum += target_ms();
				++n;
			}
			(void)put(late);
		}

		assert_in_range(sum / n, v[i].min_ms, v[i].max_ms);
		assert_true((double)beyond / n <= v[i].beyond_max);
	}
}

/* A jam: covered within a few packets, forgotten within seconds. */
static void test_growth(void **state)
{
	unsigned i;
	uint32_t before;

	(void)state;

	steady(30, 0);
	for (i = 0; i < 6; i++)
		(void)put(90000);
	assert_in_range(target_ms(), 90, 95);

	steady(1, 0);
	assert_true(target_ms() >= 90);
	for (i = 0; i < 15 && target_ms() > 5; i++) {
		before = target_ms();
		steady(1, 0);
		assert_true(target_ms() <= before);
	}
	assert_in_range(i, 1, 13);
}

/* One packet may be as late as it likes. */
static void test_freak(void **state)
{
	(void)state;

	steady(10, 0);
	(void)put(400000);
	assert_int_equal(target_ms(), 5);
	steady(1, 0);
	assert_int_equal(target_ms(), 5);
}

/* A stall and then all that waited. */
static void stall(uint32_t us)
{
	for (; us > DUR_US; us -= DUR_US)
		(void)put(us);
}

/* Each four seconds; then no longer. */
static void test_peaks(void **state)
{
	unsigned i, k;

	(void)state;

	steady(5, 0);
	for (i = 0; i < 6; i++) {
		stall(120000);
		for (k = 0; k < 4 * PACKETS_S; k++) {
			(void)put(0);
			if (i && k > 8)
				assert_in_range(target_ms(), 120, 125);
		}
	}

	steady(16, 0);
	assert_true(target_ms() < 10);
}

/* Half a second of nothing, once a minute, is not waited for. */
static void test_rare(void **state)
{
	unsigned i;

	(void)state;

	for (i = 0; i < 4; i++) {
		steady(60, 0);
		assert_int_equal(target_ms(), 5);
		stall(500000);
	}
}

static void test_drift(void **state)
{
	static const double ppm[] = {-200, 200};
	size_t i;
	unsigned k;

	(void)state;

	for (i = 0; i < ARRAY_SIZE(ppm); i++) {
		setup(NULL);
		clock_us = 10e6;
		drift_us = DUR_US * ppm[i] / 1e6;
		steady(10, 0);
		for (k = 0; k < 600; k++) {
			steady(1, 0);
			assert_int_equal(target_ms(), 5);
		}
	}
}

/* A way longer by 80 ms is a jam first, and then simply the way. */
static void test_longer_way(void **state)
{
	(void)state;

	steady(20, 0);
	steady(1, 80000);
	assert_in_range(target_ms(), 80, 85);
	steady(5, 80000);
	assert_int_equal(target_ms(), 5);
	steady(5, 0); /* shorter again: at once */
	assert_int_equal(target_ms(), 5);
	assert_int_equal(put(80000), 80000);
}

static void test_rebase(void **state)
{
	(void)state;

	steady(20, 0);
	delay_rebase(&d);
	assert_int_equal(put(100000), 0);
	assert_int_equal(target_ms(), 5);
}

/* Anything: no NaN, no end. */
static void test_garbage(void **state)
{
	uint32_t rnd = test_seed() | 1;
	unsigned i;

	(void)state;

	for (i = 0; i < 200000; i++) {
		int64_t transit = (int64_t)test_rand(&rnd)
				  << test_rand(&rnd) % 30;
		uint32_t dur = test_rand(&rnd) % 120001;

		(void)delay_put(&d, i & 1 ? transit : -transit, dur,
				test_rand(&rnd));
		assert_in_range(delay_target_us(&d), DELAY_BUCKET_US,
				UINT32_MAX);
		assert_true(d.total > 0 && d.total < 1e12f);
	}
}

#define TEST(f) cmocka_unit_test_setup(f, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_steady),	TEST(test_quantile),   TEST(test_growth),
	    TEST(test_freak),	TEST(test_peaks),      TEST(test_rare),
	    TEST(test_drift),	TEST(test_longer_way), TEST(test_rebase),
	    TEST(test_garbage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
