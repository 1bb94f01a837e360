/* libs: sy_media */
/* SPDX-License-Identifier: MIT */
#include "media_test.h"

#include <re.h>

#include "node/media/adapt.h"

enum { BASE = 32000 };

static unsigned feed(struct adapt *a, double percent, unsigned n)
{
	unsigned changes = 0;

	while (n--)
		changes += adapt_report(a, (uint8_t)(percent * 2.56), BASE);

	return changes;
}

static void test_clean(void **state)
{
	struct adapt a = {0};

	(void)state;

	assert_int_equal(feed(&a, 0, 100), 0);
	assert_int_equal(feed(&a, 0.8, 100), 0);
	assert_false(a.fec);
	assert_int_equal(a.percent, 0);
	assert_int_equal(a.bitrate_bps, 0);
}

/* 5 % of loss: FEC within two reports, and off again when it is over. */
static void test_loss(void **state)
{
	struct adapt a = {0};
	unsigned n;

	(void)state;

	assert_int_equal(feed(&a, 6, 1), 1);
	assert_true(a.fec);
	(void)feed(&a, 6, 10);
	assert_int_equal(a.percent, 5);
	assert_int_equal(a.bitrate_bps, 0);

	for (n = 0; a.fec; n++)
		(void)feed(&a, 0, 1);
	assert_in_range(n, 5, 15);
	assert_int_equal(a.percent, 0);
}

/* Loss around a threshold does not make it flap. */
static void test_steady(void **state)
{
	struct adapt a = {0};
	unsigned i, changes = 0;

	(void)state;

	(void)feed(&a, 2.5, 20);
	for (i = 0; i < 1000; i++)
		changes += feed(&a, i % 2 ? 1.2 : 2.8, 1);
	assert_int_equal(changes, 0);
	assert_true(a.fec);

	memset(&a, 0, sizeof(a));
	(void)feed(&a, 10, 30);
	for (i = 0; i < 1000; i++)
		changes += feed(&a, i % 3 ? 9 : 11, 1);
	assert_true(changes <= 1);
}

/* Much loss: less is sent, down to a floor; then slowly more again. */
static void test_congestion(void **state)
{
	struct adapt a = {0};
	uint32_t last;
	unsigned n;

	(void)state;

	(void)feed(&a, 30, 20);
	assert_int_equal(a.percent, 20);
	assert_int_equal(a.bitrate_bps, ADAPT_BITRATE_MIN_BPS);

	/* in between it stays */
	(void)feed(&a, 8, 40);
	assert_int_equal(a.bitrate_bps, ADAPT_BITRATE_MIN_BPS);
	assert_int_equal(a.percent, 10);

	for (n = 0; a.bitrate_bps; n++) {
		last = a.bitrate_bps;
		(void)feed(&a, 0, 1);
		assert_true(!a.bitrate_bps || a.bitrate_bps >= last);
		assert_true(n < 100);
	}
	assert_in_range(n, 5, 20);

	/* Who is configured below the floor stays there. */
	memset(&a, 0, sizeof(a));
	for (n = 0; n < 20; n++)
		(void)adapt_report(&a, 128, 12000);
	assert_int_equal(a.bitrate_bps, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_clean),
		cmocka_unit_test(test_loss),
		cmocka_unit_test(test_steady),
		cmocka_unit_test(test_congestion),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
