/* libs: sy_node_hub sy_proto */
/* SPDX-License-Identifier: MIT */
/*
 * Random lives of calls, from a printed seed: after each step the invariants
 * of hub.h must hold.
 */

#include <stdio.h>
#include <stdlib.h>
#include "node_hub_fake.h"

enum { CALLS = 3000, STEPS = 60, FATES = 128 };

static uint32_t rng;

static uint32_t rnd(uint32_t n)
{
	rng ^= rng << 13;
	rng ^= rng >> 17;
	rng ^= rng << 5;

	return rng % n;
}

struct model {
	struct world w;
	struct hub *hub;
	struct fate fatev[FATES];
	size_t fatec;
	int ring_ends;       /* last events of rings            */
	int rings;           /* rings that were begun           */
	struct hunt *open;   /* not sealed yet; reference       */
};

static void ring_handler(struct hunt *hunt, enum hunt_event ev,
			 struct leg *leg, uint16_t code, void *arg)
{
	struct model **boxp = arg, *m = *boxp;
	struct leg *caller = hunt->conf.caller;

	switch (ev) {

	case HUNT_PROGRESS:
		if (caller)
			(void)leg_progress(caller, code);
		break;

	case HUNT_EARLY:
		assert_ptr_equal(hunt->heard, leg);
		assert_non_null(caller);
		if (leg && leg_early(caller))
			(void)leg_progress(caller, 180);
		break;

	case HUNT_ANSWERED:
		m->ring_ends++;
		assert_non_null(leg);
		assert_false(hunt_is_on(hunt));
		if (caller && leg_answer(caller))
			hub_end(m->hub, 500, NULL);
		break;

	case HUNT_FAILED:
		m->ring_ends++;
		assert_true(code >= 400);
		if (caller || hunt->conf.origin)
			hub_end(m->hub, code, NULL);
		break;

	default:
		break;
	}
}

static struct leg *any_leg(struct model *m)
{
	const uint32_t n = hub_legs(m->hub);
	uint32_t i = n ? rnd(n) : 0;
	struct le *le;

	for (le = list_head(&m->hub->legs); le && i; le = le->next)
		i--;

	return list_ledata(le);
}

static struct leg *new_leg(struct model *m, const struct leg_ops *ops,
			   Sy__Direction dir)
{
	struct leg *leg;

	assert_true(m->fatec < FATES);
	leg = fake_add(m->hub, &m->fatev[m->fatec], ops, dir);
	if (!rnd(20))
		m->fatev[m->fatec].err = EPROTO;
	m->fatev[m->fatec].late = !rnd(4);
	m->fatec++;

	return leg;
}

static void begin_ring(struct model *m, struct leg *caller, bool origin)
{
	struct model **box = mem_alloc(sizeof(*box), NULL);
	const struct hunt_conf conf = {
		.caller = caller,
		.origin = origin,
		.ring_ms = 1000 * (1 + rnd(60)),
		.h = ring_handler,
		.arg = box,
	};

	*box = m;
	mem_deref(m->open);
	m->open = NULL;
	assert_int_equal(hunt_alloc(&m->open, m->hub, &conf), 0);
	mem_ref(m->open);
	m->rings++;
}

static void branches(struct model *m)
{
	uint32_t n = rnd(4);

	while (m->open && hunt_is_on(m->open) && n--)
		hunt_add(m->open, new_leg(m, &fake_party, OUT));
	if (m->open && hunt_is_on(m->open) && rnd(3))
		hunt_seal(m->open, 480);
}

static void expect(struct model *m)
{
	Sy__PlaceHub pl = SY__PLACE_HUB__INIT;

	pl.leg_ref = 1 + rnd(1000000);
	assert_int_equal(hub_expect(m->hub, &pl), 0);
}

static void step(struct model *m)
{
	struct leg *leg = any_leg(m);

	if (!leg || m->fatec + 8 > FATES) {
		world_pass(&m->w, rnd(70000));
		return;
	}

	switch (rnd(14)) {

	case 0:
		leg_ended(leg, (uint16_t)(rnd(2) ? 200 : 400 + rnd(290)),
			  "peer");
		break;
	case 1:
		leg_hangup(leg, 480, "we");
		break;
	case 2:
		if (leg->info.direction == OUT && leg->hunt && rnd(2)) {
			leg->early = true;
			leg_sounding(leg);
		}
		else {
			leg_ringing(leg, 180);
		}
		break;
	case 3:
	case 4:
		if (leg->info.direction == OUT)
			leg_answered(leg);
		else
			(void)leg_answer(leg);
		break;
	case 5:
		begin_ring(m, rnd(2) ? leg : NULL, false);
		branches(m);
		break;
	case 6:
		branches(m);
		break;
	case 7:
		(void)new_leg(m, &fake_player, OUT);
		break;
	case 8:
		(void)new_leg(m, &fake_party, IN);
		break;
	case 9:
		world_pass(&m->w, rnd(5000));
		break;
	case 10:
		hub_dtmf(m->hub, leg, &(struct hub_digit){
							   '5', 100, "info"});
		break;
	case 11:
		if (!rnd(4))
			expect(m);
		break;
	case 12:
		if (!rnd(8))
			hub_end(m->hub, 480, "api");
		break;
	default:
		hub_purge(m->hub);
		break;
	}
}

static void check(const struct model *m, int state_before)
{
	const struct hub *hub = m->hub;
	int answered = 0, lonely = 0;
	const struct le *le;

	assert_true((int)hub->state >= state_before);
	assert_int_equal(m->w.ended, hub_is_over(hub) ? 1 : 0);
	assert_int_equal(m->w.states[SY__CALL_STATE__CALL_ENDED],
			 m->w.ended);
	assert_true(m->w.states[SY__CALL_STATE__CALL_ANSWERED] <= 1);
	assert_int_equal(m->w.added - m->w.removed, (int)hub_legs(hub));
	assert_true(m->ring_ends <= m->rings);
	assert_true(list_count(&hub->past) <= HUB_PAST_MAX);
	assert_int_equal(m->w.alarms.count,
			 list_count(&hub->hunts) +
				 list_count(&hub->expects));

	if (hub_is_over(hub)) {
		assert_null(hub->legs.head);
		assert_null(hub->hunts.head);
		assert_null(hub->expects.head);
	}

	for (le = list_head(&hub->legs); le; le = le->next) {
		const struct leg *leg = le->data;

		assert_ptr_equal(leg->hub, hub);
		assert_false(leg_is(leg, SY__LEG_STATE__LEG_ENDED));
		assert_true(!leg->hunt || leg->hunt->hub == hub);
		assert_true(!leg->hunt || !leg->hunt->heard ||
			    leg->hunt->heard->hunt == leg->hunt);
		if (leg->hunt && !leg_is(leg, SY__LEG_STATE__LEG_ANSWERED))
			assert_true(leg->silent || leg->hunt->heard);
		assert_true(leg->hunt || !leg->silent);
		answered += leg_is(leg, SY__LEG_STATE__LEG_ANSWERED);
		lonely += leg->ops->party && !leg->hunt;
	}
	for (le = list_head(&hub->gone); le; le = le->next) {
		const struct leg *leg = le->data;

		assert_true(leg_is(leg, SY__LEG_STATE__LEG_ENDED));
		assert_null(leg->hunt);
	}
	if (answered >= 2)
		assert_true(hub->state >= SY__CALL_STATE__CALL_ANSWERED);
	(void)lonely;
}

/* Nobody said goodbye twice, nor lives on. */
static void check_fates(const struct model *m)
{
	size_t i;

	for (i = 0; i < m->fatec; i++) {
		assert_false(m->fatev[i].alive);
		assert_true(m->fatev[i].hangups <= 1);
		assert_true(m->fatev[i].answers <= 1 || m->fatev[i].err);
		assert_true(m->fatev[i].progresses <= 1);
		assert_true(m->fatev[i].earlies <= 1);
	}
}

static void life(void)
{
	Sy__Destination dest = SY__DESTINATION__INIT;
	const struct hub_conf conf = {.epoch = 1, .dest = &dest};
	static struct model m;
	int i;

	memset(&m, 0, sizeof(m));
	world_init(&m.w);
	dest.kind_case = rnd(3) ? SY__DESTINATION__KIND_DEVICE :
				  SY__DESTINATION__KIND_CONFERENCE;
	dest.device = (char *)"x"; /* the same place in the union */
	assert_int_equal(hub_alloc(&m.hub, &m.w.env, &conf), 0);

	if (rnd(3))
		(void)new_leg(&m, &fake_party, IN);
	else
		begin_ring(&m, NULL, true);
	branches(&m);

	for (i = 0; i < STEPS && !hub_is_over(m.hub); i++) {
		const int before = (int)m.hub->state;

		step(&m);
		check(&m, before);
	}

	/* Whatever state it is in, one word ends it. */
	hub_end(m.hub, 480, "done");
	check(&m, 0);
	hub_purge(m.hub);
	assert_null(m.hub->gone.head);
	mem_deref(m.hub);
	mem_deref(m.open);
	assert_int_equal(m.w.alarms.count, 0);
	check_fates(&m);
}

static void random_lives(void **state)
{
	const char *env = getenv("SY_TEST_SEED");
	uint32_t seed = env ? (uint32_t)strtoul(env, NULL, 0) : rand_u32();
	int i;

	(void)state;
	printf("seed %u (SY_TEST_SEED)\n", seed);
	rng = seed ? seed : 1;
	for (i = 0; i < CALLS; i++)
		life();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_lives),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
