/* libs: sy_proto */
/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "proto/place.h"

static uint64_t seed = 0x5eed;

/* splitmix64: the same choices at every run */
static uint64_t rnd(void)
{
	uint64_t z = seed += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;

	return z ^ (z >> 31);
}

static void test_none(void **state)
{
	struct place_node v[3] = {{0}};
	(void)state;

	assert_int_equal(place_choose(NULL, 0, 1), -1);
	assert_int_equal(place_choose(v, 3, rnd()), -1);
}

static void test_only_open(void **state)
{
	struct place_node v[4] = {{0}};
	(void)state;

	v[2].open = true;
	v[2].tick_used_percent = 99;
	for (int i = 0; i < 100; i++)
		assert_int_equal(place_choose(v, 4, rnd()), 2);
	v[0].open = true;
	for (int i = 0; i < 100; i++)
		assert_int_equal(place_choose(v, 4, rnd()), 0);
}

/* Of two choices the busiest of all never wins. */
static void test_busiest_never(void **state)
{
	struct place_node v[5] = {{0}};
	int n[5] = {0};
	(void)state;

	for (int i = 0; i < 5; i++) {
		v[i].open = true;
		v[i].legs = (uint32_t)(100 * i);
	}
	for (int i = 0; i < 10000; i++)
		n[place_choose(v, 5, rnd())]++;
	assert_int_equal(n[4], 0);
	/* the emptiest wins each pair that it is in: 2 of 5 */
	assert_in_range(n[0], 3700, 4300);
	assert_in_range(n[3], 700, 1300);
}

static void test_load_counts(void **state)
{
	struct place_node idle = {.open = true};
	struct place_node legs = {.open = true, .legs = 10};
	struct place_node tick = {.open = true, .tick_used_percent = 10};
	struct place_node placed = {.open = true, .placed = 5};
	(void)state;

	assert_true(place_load(&legs) > place_load(&idle));
	assert_true(place_load(&tick) > place_load(&idle));
	assert_true(place_load(&placed) > place_load(&idle));
}

/* 1,000 calls between two heartbeats, over nodes that all looked empty: only
 * what was placed tells them apart. */
static void test_spread(void **state)
{
	struct place_node v[10] = {{0}};
	(void)state;

	for (int i = 0; i < 10; i++)
		v[i].open = true;
	for (int i = 0; i < 1000; i++)
		v[place_choose(v, 10, rnd())].placed++;
	for (int i = 0; i < 10; i++)
		assert_in_range(v[i].placed, 90, 110);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_only_open),
		cmocka_unit_test(test_busiest_never),
		cmocka_unit_test(test_load_counts),
		cmocka_unit_test(test_spread),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
