/* libs: sy_media */
/* SPDX-License-Identifier: MIT */
/* A mix of legs that give a tone each and keep what they hear. */

#include "media_test.h"

#include <re.h>

#include "node/media/mix.h"
#include "node/media/resample.h"
#include "node/media/worker.h"

enum { LEGS_MAX = 50, FRAMES = 10, SMP = FRAMES * MEDIA_FRAME_SMP };

struct test_leg {
	struct leg leg;
	double hz; /* 0: silent */
	size_t pos;
	bool silence; /* heard nothing in the last frame */
	float heard[SMP];
};

static struct test_leg legv[LEGS_MAX];
static struct mixbus bus;
static struct worker *w;

static const float *get(struct leg *leg, float *buf, const struct tick *t)
{
	struct test_leg *l = (struct test_leg *)leg;

	(void)t;

	if (l->hz <= 0)
		return NULL;

	tone_make(buf, MEDIA_FRAME_SMP, l->pos, l->hz, 48000, 0.01);

	return buf;
}

static void put(struct leg *leg, const float *frame, const struct tick *t)
{
	struct test_leg *l = (struct test_leg *)leg;

	(void)t;

	l->silence = !frame;
	if (frame)
		memcpy(l->heard + l->pos, frame,
		       MEDIA_FRAME_SMP * sizeof(float));
	else
		memset(l->heard + l->pos, 0, MEDIA_FRAME_SMP * sizeof(float));

	l->pos += MEDIA_FRAME_SMP;
}

static const struct leg_ops ops = {.name = "test", .get = get, .put = put};

static void build(size_t n)
{
	size_t i;

	memset(legv, 0, sizeof(legv));
	memset(&bus, 0, sizeof(bus));
	for (i = 0; i < n; i++) {
		legv[i].leg.ops = &ops;
		legv[i].hz = 300 + 50 * (double)i;
		list_append(&bus.legl, &legv[i].leg.le, &legv[i].leg);
	}
}

static void run(void)
{
	const struct tick t = {.w = w, .steps = 1};
	size_t i;

	for (i = 0; i < LEGS_MAX; i++)
		legv[i].pos = 0;
	for (i = 0; i < FRAMES; i++)
		mixbus_run(&bus, &t);
}

static double hears(size_t i, size_t k)
{
	return to_db(tone_amp(legv[i].heard, SMP, legv[k].hz, 48000) / 0.01);
}

static void everybody(size_t n)
{
	size_t i, k;

	build(n);
	run();
	for (i = 0; i < n; i++) {
		for (k = 0; k < n; k++) {
			if (i == k)
				assert_true(hears(i, k) < -50);
			else
				assert_true(fabs(hears(i, k)) < 0.1);
		}
	}
}

static void test_2(void **state)
{
	(void)state;
	everybody(2);
}

static void test_3(void **state)
{
	(void)state;
	everybody(3);
}

static void test_50(void **state)
{
	(void)state;
	everybody(50);
}

static void test_alone(void **state)
{
	(void)state;
	build(1);
	run();
	assert_true(legv[0].silence);
}

/* Silent, muted and deaf legs. */
static void test_mute(void **state)
{
	size_t i;

	(void)state;

	build(5);
	legv[0].hz = 0;
	legv[1].leg.mute_in = true;
	legv[2].leg.mute_out = true;
	run();

	for (i = 0; i < 5; i++) {
		bool deaf = i == 2;

		assert_int_equal(legv[i].silence, deaf);
		assert_true(hears(i, 1) < -80);
		assert_true(deaf || i == 3 || fabs(hears(i, 3)) < 0.1);
		assert_true(deaf || fabs(hears(i, 2)) < 0.1);
	}
	assert_true(stat_get(legv[1].leg.stat.power_in) > 0.00004f);
	assert_true(stat_get(legv[2].leg.stat.power_out) == 0);

	/* one left who talks: it hears nothing */
	legv[2].hz = legv[4].hz = 0;
	run();
	assert_true(legv[3].silence);
	assert_false(legv[0].silence);
	assert_true(fabs(hears(0, 3)) < 0.1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_2),    cmocka_unit_test(test_3),
		cmocka_unit_test(test_50),   cmocka_unit_test(test_alone),
		cmocka_unit_test(test_mute),
	};
	int err;

	if (worker_alloc(&w, 0, 1, -1, 0))
		return 1;

	w->frames = frames_alloc(LEGS_MAX);
	err = w->frames ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
	mem_deref(w);

	return err;
}
