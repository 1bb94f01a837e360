/* libs: sy_node_hub sy_proto */
/* SPDX-License-Identifier: MIT */
/* Hunts of one family: the first answer ends the others, the last failure is
 * told, one of them is heard. */

#include "node_hub_fake.h"

struct told {
	int answered, failed;
	uint16_t code;
};

static int redirections;
static bool goes_on;

static void handler(struct hunt *hunt, enum hunt_event ev, struct leg *leg,
		    uint16_t code, void *arg)
{
	struct told *t = *(struct told **)arg;

	(void)hunt;
	(void)leg;
	t->answered += ev == HUNT_ANSWERED;
	t->failed += ev == HUNT_FAILED;
	t->code = code;
}

static bool on_redirected(struct hunt *hunt, struct leg *leg, uint16_t code)
{
	(void)hunt;
	(void)leg;
	assert_int_equal(code, 302);
	++redirections;

	return goes_on;
}

static bool on_failed(struct hunt *hunt, struct hub *hub,
		      struct hunt *sibling)
{
	(void)hub;
	assert_ptr_not_equal(hunt, sibling);

	return sibling != NULL;
}

static const struct hunt_follow follow = {
	.redirected = on_redirected,
	.failed = on_failed,
};

/* A family of two for one caller, each with a phone. */
struct family {
	struct world w;
	struct hub *hub;
	struct leg *caller, *a, *b;
	struct hunt *ha, *hb;
	struct fate fates[3];
	struct told ta, tb;
};

static struct hunt *hunt_for(struct family *f, struct told *t)
{
	Sy__HuntState what = SY__HUNT_STATE__INIT;
	struct hunt_conf conf = {
		.caller = f->caller,
		.ring_ms = 30000,
		.what = &what,
		.h = handler,
	};
	struct told **box = mem_zalloc(sizeof(t), NULL);
	struct hunt *hunt;

	what.family = 7;
	*box = t;
	conf.arg = box;
	assert_int_equal(hunt_alloc(&hunt, f->hub, &conf), 0);
	hunt->follow = &follow;

	return hunt;
}

static void setup(struct family *f)
{
	const struct hub_conf conf = {.epoch = 1};

	memset(f, 0, sizeof(*f));
	world_init(&f->w);
	redirections = 0;
	goes_on = false;
	assert_int_equal(hub_alloc(&f->hub, &f->w.env, &conf), 0);
	f->caller = fake_add(f->hub, &f->fates[0], &fake_party, IN);
	f->ha = hunt_for(f, &f->ta);
	f->hb = hunt_for(f, &f->tb);
	f->a = fake_add(f->hub, &f->fates[1], &fake_party, OUT);
	f->b = fake_add(f->hub, &f->fates[2], &fake_party, OUT);
	hunt_add(f->ha, f->a);
	hunt_add(f->hb, f->b);
	hunt_seal(f->ha, 480);
	hunt_seal(f->hb, 480);
	assert_ptr_equal(hunt_sibling(f->hub, f->ha), f->hb);
}

static void teardown(struct family *f)
{
	hub_end(f->hub, 200, NULL);
	mem_deref(f->hub);
}

static void test_first_answer(void **state)
{
	struct family f;

	(void)state;
	setup(&f);
	leg_answered(f.b);
	assert_int_equal(f.tb.answered, 1);
	assert_int_equal(f.ta.answered + f.ta.failed, 0);
	assert_int_equal(f.fates[1].hangups, 1);
	assert_int_equal(list_count(&f.hub->hunts), 0);
	teardown(&f);
}

static void test_last_failure(void **state)
{
	struct family f;

	(void)state;
	setup(&f);
	leg_ended(f.a, 486, NULL);
	assert_int_equal(f.ta.failed, 0);
	assert_false(hub_is_over(f.hub));
	leg_ended(f.b, 404, NULL);
	assert_int_equal(f.tb.failed, 1);
	assert_int_equal(f.tb.code, 486);
	teardown(&f);
}

static void test_timeout(void **state)
{
	struct family f;

	(void)state;
	setup(&f);
	hunt_limit(f.ha, 5000);
	world_pass(&f.w, 6000);
	assert_int_equal(f.ta.failed, 0);
	assert_int_equal(f.fates[1].hangups, 1);
	assert_int_equal(f.fates[2].hangups, 0);
	world_pass(&f.w, 30000);
	assert_int_equal(f.tb.failed, 1);
	assert_int_equal(f.tb.code, 480);
	teardown(&f);
}

static void test_everywhere(void **state)
{
	struct family f;

	(void)state;
	setup(&f);
	leg_ended(f.a, 603, NULL);
	assert_int_equal(f.ta.failed, 1);
	assert_int_equal(f.ta.code, 603);
	assert_int_equal(f.fates[2].hangups, 1);
	assert_int_equal(f.tb.failed, 0);
	teardown(&f);
}

/* What is followed is no failure; what is not, is one. */
static void test_redirected(void **state)
{
	struct family f;

	(void)state;
	setup(&f);
	goes_on = true;
	leg_ended(f.a, 302, NULL);
	assert_int_equal(redirections, 1);
	leg_ended(f.b, 404, NULL);
	assert_int_equal(f.tb.code, 404);
	teardown(&f);

	setup(&f);
	leg_ended(f.a, 302, NULL);
	assert_int_equal(redirections, 1);
	leg_ended(f.b, 404, NULL);
	assert_int_equal(f.tb.code, 480);
	teardown(&f);
}

static void test_one_is_heard(void **state)
{
	struct family f;

	(void)state;
	setup(&f);
	f.a->early = f.b->early = true;
	leg_sounding(f.a);
	leg_sounding(f.b);
	assert_ptr_equal(f.ha->heard, f.a);
	assert_null(f.hb->heard);
	assert_true(hunt_is_heard(f.hb));
	assert_true(f.b->silent);
	teardown(&f);
}

static void test_caller_leaves(void **state)
{
	struct family f;

	(void)state;
	setup(&f);
	leg_ended(f.caller, 487, NULL);
	assert_true(hub_is_over(f.hub));
	assert_int_equal(f.ta.failed + f.tb.failed, 0);
	assert_int_equal(f.fates[1].hangups + f.fates[2].hangups, 2);
	teardown(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_answer),
		cmocka_unit_test(test_last_failure),
		cmocka_unit_test(test_timeout),
		cmocka_unit_test(test_everywhere),
		cmocka_unit_test(test_redirected),
		cmocka_unit_test(test_one_is_heard),
		cmocka_unit_test(test_caller_leaves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
