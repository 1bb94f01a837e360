/* libs: sy_node_hub sy_proto */
/* SPDX-License-Identifier: MIT */
/* Calls without phones: who is told what, and when it is over. */

#include "node_hub_fake.h"

static struct hub *make(struct world *w, const char *conference)
{
	Sy__Destination dest = SY__DESTINATION__INIT;
	struct hub_conf conf = {.epoch = 1, .dest = &dest};
	struct hub *hub = NULL;

	if (conference) {
		dest.kind_case = SY__DESTINATION__KIND_CONFERENCE;
		dest.conference = (char *)conference;
	}
	else {
		dest.kind_case = SY__DESTINATION__KIND_DEVICE;
		dest.device = (char *)"1002";
	}
	assert_int_equal(hub_alloc(&hub, &w->env, &conf), 0);

	return hub;
}

/* The last event of a ring, and what the application made of it. */
struct outcome {
	int started, progress, early, answered, failed;
	uint16_t code;
	struct leg *leg;
};

static void ring_handler(struct hunt *hunt, enum hunt_event ev,
			 struct leg *leg, uint16_t code, void *arg)
{
	struct outcome **boxp = arg, *o = *boxp;
	struct leg *caller = hunt->conf.caller;

	o->leg = leg;
	o->code = code;
	switch (ev) {

	case HUNT_STARTED:
		o->started++;
		break;
	case HUNT_PROGRESS:
		o->progress++;
		if (caller)
			(void)leg_progress(caller, 180);
		break;
	case HUNT_EARLY:
		o->early++;
		if (leg && leg_early(caller))
			(void)leg_progress(caller, 180);
		break;
	case HUNT_ANSWERED:
		o->answered++;
		if (caller)
			(void)leg_answer(caller);
		break;
	case HUNT_FAILED:
		o->failed++;
		if (caller)
			hub_end(caller->hub, code, "no answer");
		break;
	}
}

static struct hunt *ring_for(struct hub *hub, struct leg *caller,
			     struct outcome *o, bool origin)
{
	struct outcome **box = mem_alloc(sizeof(*box), NULL);
	const struct hunt_conf conf = {
		.caller = caller,
		.origin = origin,
		.ring_ms = 30000,
		.h = ring_handler,
		.arg = box,
	};
	struct hunt *hunt = NULL;

	memset(o, 0, sizeof(*o));
	*box = o;
	assert_int_equal(hunt_alloc(&hunt, hub, &conf), 0);

	return hunt;
}

/* A call of one caller to a device with three phones, all ringing. */
struct call {
	struct world w;
	struct hub *hub;
	struct fate a, b[3];
	struct leg *caller, *branch[3];
	struct hunt *hunt;
	struct outcome o;
};

static void call_ring(struct call *c)
{
	int i;

	world_init(&c->w);
	c->hub = make(&c->w, NULL);
	c->caller = fake_add(c->hub, &c->a, &fake_party, IN);
	c->hunt = ring_for(c->hub, c->caller, &c->o, false);
	for (i = 0; i < 3; i++) {
		c->branch[i] = fake_add(c->hub, &c->b[i], &fake_party, OUT);
		hunt_add(c->hunt, c->branch[i]);
	}
	hunt_seal(c->hunt, 480);
	assert_int_equal(c->o.started, 1);
	assert_ptr_equal(c->o.leg, c->branch[0]);
}

static void call_close(struct call *c)
{
	int i;

	hub_purge(c->hub);
	mem_deref(c->hub);
	assert_false(c->a.alive);
	for (i = 0; i < 3; i++)
		assert_false(c->b[i].alive);
	assert_int_equal(c->w.alarms.count, 0);
	assert_int_equal(c->w.added, c->w.removed);
	assert_int_equal(c->w.ended, 1);
}

/* ------------------------------------------------------------------- tests */

static void first_answer_wins(void **state)
{
	struct call c;

	(void)state;
	call_ring(&c);
	assert_int_equal(c.hub->state, SY__CALL_STATE__CALL_SETUP);
	leg_ringing(c.branch[1], 180);
	leg_ringing(c.branch[2], 183);
	assert_int_equal(c.a.progresses, 1); /* once for all */
	assert_int_equal(c.hub->state, SY__CALL_STATE__CALL_RINGING);

	leg_answered(c.branch[1]);
	assert_int_equal(c.o.answered, 1);
	assert_int_equal(c.a.answers, 1);
	assert_int_equal(c.b[0].hangups, 1);
	assert_int_equal(c.b[2].hangups, 1);
	assert_int_equal(c.b[1].hangups, 0);
	assert_int_equal(c.hub->state, SY__CALL_STATE__CALL_ANSWERED);
	assert_int_equal(hub_legs(c.hub), 2);

	/* The losers are freed later, not under their own feet. */
	assert_true(c.b[0].alive);
	hub_purge(c.hub);
	assert_false(c.b[0].alive);

	/* The ring's time is over with it. */
	world_pass(&c.w, 60000);
	assert_int_equal(c.o.failed, 0);

	leg_ended(c.branch[1], 200, "bye");
	assert_int_equal(c.a.hangups, 1);
	assert_true(hub_is_over(c.hub));
	assert_int_equal(c.b[1].hangups, 0); /* it hung up itself */
	call_close(&c);
}

static void caller_hangs_up_after(void **state)
{
	struct call c;

	(void)state;
	call_ring(&c);
	leg_answered(c.branch[0]);
	leg_ended(c.caller, 200, "bye");
	assert_int_equal(c.b[0].hangups, 1);
	assert_int_equal(list_count(&c.hub->past), 4);
	call_close(&c);
}

static void caller_cancels(void **state)
{
	struct call c;

	(void)state;
	call_ring(&c);
	leg_ringing(c.branch[0], 180);
	leg_ended(c.caller, 487, "cancelled");
	assert_int_equal(c.b[0].hangups, 1);
	assert_int_equal(c.b[1].hangups, 1);
	assert_int_equal(c.b[2].hangups, 1);
	assert_int_equal(c.o.answered + c.o.failed, 0);
	assert_int_equal(c.hub->end_code, 487);
	assert_int_equal(c.hub->answered_ms, 0);
	call_close(&c);
}

static void sounds(struct leg *leg)
{
	leg->early = true; /* as its kind does */
	leg_sounding(leg);
}

/* A change of a voice is shown when it is in force, and else not. */
static void voices(void **state)
{
	const struct leg_voice loud = {.gain_in_db = 6, .denoise = "speex"};
	struct call c;

	(void)state;
	call_ring(&c);
	c.caller->dirty = false;
	assert_int_equal(leg_voice_set(c.caller, &loud), 0);
	assert_int_equal(c.a.voices, 1);
	assert_true(c.caller->info.voice.gain_in_db == 6);
	assert_true(c.caller->dirty);

	c.a.err = ENOTSUP;
	c.caller->dirty = false;
	assert_int_equal(leg_voice_set(c.caller, &(struct leg_voice){0}),
			 ENOTSUP);
	assert_string_equal(c.caller->info.voice.denoise, "speex");
	assert_false(c.caller->dirty);
	c.a.err = 0;
	leg_ended(c.caller, 200, "bye");
	call_close(&c);
}

/* Who gives early media first is heard; the others wait. */
static void early_media(void **state)
{
	struct call c;

	(void)state;
	call_ring(&c);
	leg_ringing(c.branch[0], 180);
	sounds(c.branch[1]);
	assert_ptr_equal(c.o.leg, c.branch[1]);
	assert_int_equal(c.a.progresses, 1);
	assert_int_equal(c.a.earlies, 1);
	assert_true(leg_talks(c.caller) && leg_talks(c.branch[1]));
	assert_int_equal(c.b[1].mutes, 1);

	/* Again, and from another: nothing changes. */
	sounds(c.branch[1]);
	sounds(c.branch[2]);
	leg_ringing(c.branch[1], 180);
	assert_int_equal(c.o.early, 1);
	assert_int_equal(c.a.progresses + c.a.earlies, 2);
	assert_true(c.branch[2]->silent && c.branch[0]->silent);
	assert_false(leg_talks(c.branch[2]));
	assert_int_equal(c.b[2].mutes, 0);

	/* Nothing of it is an answer. */
	assert_int_equal(c.hub->state, SY__CALL_STATE__CALL_RINGING);
	assert_int_equal(c.hub->answered_ms, 0);
	assert_int_equal(c.caller->info.state, SY__LEG_STATE__LEG_RINGING);
	assert_int_equal(c.branch[1]->info.answered_ms, 0);

	/* Digits go both ways, but not to who is silent. */
	hub_dtmf(c.hub, c.caller, &(struct hub_digit){'1', 100, "info"});
	assert_string_equal(c.b[1].digits, "1");
	assert_string_equal(c.b[2].digits, "");

	leg_answered(c.branch[2]);
	assert_false(c.branch[2]->silent);
	assert_int_equal(c.b[2].mutes, 1);
	assert_int_equal(c.a.answers, 1);
	assert_int_equal(c.b[1].hangups, 1);
	assert_null(c.o.leg->hunt);
	assert_true(c.hub->answered_ms != 0);
	leg_ended(c.caller, 200, "bye");
	call_close(&c);
}

/* Who is heard fails: the next one, then nobody, and somebody again. */
static void early_media_ends(void **state)
{
	struct call c;

	(void)state;
	call_ring(&c);
	sounds(c.branch[2]);
	sounds(c.branch[0]);
	leg_ended(c.branch[2], 486, NULL);
	assert_int_equal(c.o.early, 2);
	assert_ptr_equal(c.o.leg, c.branch[0]);
	assert_false(c.branch[0]->silent);
	leg_ended(c.branch[0], 404, NULL);
	assert_int_equal(c.o.early, 3);
	assert_null(c.o.leg);
	hub_purge(c.hub);
	sounds(c.branch[1]);
	assert_int_equal(c.o.early, 4);
	assert_int_equal(c.a.earlies, 1); /* it is told once */
	leg_ended(c.branch[1], 480, NULL);
	assert_int_equal(c.o.early, 4);
	assert_int_equal(c.a.code, 486);
	assert_int_equal(c.hub->answered_ms, 0);
	call_close(&c);
}

/* A caller without an offer hears that it rings, and no more. */
static void early_media_late_offer(void **state)
{
	struct call c;

	(void)state;
	call_ring(&c);
	c.a.late = true;
	sounds(c.branch[0]);
	sounds(c.branch[1]);
	assert_int_equal(c.a.earlies, 0);
	assert_int_equal(c.a.progresses, 1);
	assert_false(leg_talks(c.caller));
	leg_ended(c.caller, 487, "cancelled");
	call_close(&c);
}

static void all_fail_best_code(void **state)
{
	struct call c;

	(void)state;
	call_ring(&c);
	leg_ended(c.branch[0], 404, NULL);
	leg_ended(c.branch[1], 486, NULL);
	assert_int_equal(c.o.failed, 0);
	leg_ended(c.branch[2], 503, NULL);
	assert_int_equal(c.o.failed, 1);
	assert_int_equal(c.o.code, 486);
	assert_int_equal(c.a.code, 486);
	call_close(&c);
}

static void six_hundred_ends_all(void **state)
{
	struct call c;

	(void)state;
	call_ring(&c);
	leg_ended(c.branch[1], 603, "decline");
	assert_int_equal(c.b[0].hangups, 1);
	assert_int_equal(c.b[2].hangups, 1);
	assert_int_equal(c.a.code, 603);
	call_close(&c);
}

static void ring_times_out(void **state)
{
	struct call c;

	(void)state;
	call_ring(&c);
	leg_ended(c.branch[1], 404, NULL);
	world_pass(&c.w, 29900);
	assert_int_equal(c.o.failed, 0);
	world_pass(&c.w, 300);
	assert_int_equal(c.o.failed, 1);
	assert_int_equal(c.a.code, 480);
	assert_int_equal(c.b[0].hangups, 1);
	call_close(&c);
}

static void answer_fails(void **state)
{
	struct call c;

	(void)state;
	call_ring(&c);
	c.a.err = EPROTO;
	leg_answered(c.branch[0]);
	assert_int_equal(c.a.answers, 1);
	/* The application of this test ends nothing: the hub still lives
	 * with an unanswered caller until somebody leaves. */
	leg_ended(c.branch[0], 200, NULL);
	assert_int_equal(c.a.hangups, 1);
	call_close(&c);
}

static void nobody_to_ring(void **state)
{
	struct world w;
	struct hub *hub;
	struct fate a;
	struct outcome o;
	struct leg *caller;

	(void)state;
	world_init(&w);
	hub = make(&w, NULL);
	caller = fake_add(hub, &a, &fake_party, IN);
	hunt_seal(ring_for(hub, caller, &o, false), 404);
	assert_int_equal(o.failed, 1);
	assert_int_equal(a.code, 404);
	mem_deref(hub);
	assert_int_equal(w.ended, 1);
	assert_int_equal(w.alarms.count, 0);
}

static void codes(void **state)
{
	static const struct {
		uint16_t a, b, best;
	} v[] = {
		{404, 486, 486}, {486, 480, 486}, {408, 480, 480},
		{500, 404, 404}, {603, 486, 603}, {0, 503, 503},
		{488, 404, 488}, {500, 504, 500}, {430, 486, 486},
		{487, 408, 408}, {484, 404, 484}, {403, 404, 403},
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(v); i++) {
		assert_int_equal(hunt_better(v[i].a, v[i].b), v[i].best);
		assert_int_equal(hunt_better(v[i].b, v[i].a), v[i].best);
	}
	assert_int_equal(hunt_code(302), 480);
	assert_int_equal(hunt_code(407), 403);
	assert_int_equal(hunt_code(503), 500);
	assert_int_equal(hunt_code(486), 486);
	assert_int_equal(hunt_code(430), 480);
	assert_int_equal(hunt_code(415), 488);
	assert_int_equal(hunt_code(420), 500);
	assert_int_equal(hunt_code(603), 603);
	assert_int_equal(hunt_code(200), 480);
}

static void conference(void **state)
{
	struct world w;
	struct hub *hub;
	struct fate f[4];
	struct leg *leg[4];
	int i;

	(void)state;
	world_init(&w);
	hub = make(&w, "lobby");
	for (i = 0; i < 4; i++) {
		leg[i] = fake_add(hub, &f[i], &fake_party, IN);
		assert_int_equal(leg_answer(leg[i]), 0);
		assert_int_equal(hub->state, SY__CALL_STATE__CALL_ANSWERED);
	}

	hub_dtmf(hub, leg[2], &(struct hub_digit){'7', 100, "info"});
	assert_string_equal(f[0].digits, "7");
	assert_string_equal(f[2].digits, "");

	for (i = 0; i < 3; i++) {
		leg_ended(leg[i], 200, NULL);
		hub_purge(hub);
		assert_false(f[i].alive);
		assert_false(hub_is_over(hub));
	}
	leg_hangup(leg[3], 0, "removed");
	assert_true(hub_is_over(hub));
	assert_int_equal(w.ended, 1);
	mem_deref(hub);
}

/* Only the leg that is not resumed has that reason: the other's call ends
 * because of its party. */
static void not_resumed(void **state)
{
	struct world w;
	struct hub *hub;
	struct fate f[2];
	struct leg *leg[2];
	int i;

	(void)state;
	for (i = 0; i < 2; i++) {
		world_init(&w);
		hub = make(&w, NULL);
		leg[0] = fake_add(hub, &f[0], &fake_party, IN);
		leg[1] = fake_add(hub, &f[1], &fake_party, IN);
		assert_int_equal(leg_answer(leg[0]), 0);
		assert_int_equal(leg_answer(leg[1]), 0);
		leg_lost(leg[i], 488, "not resumed: 488 No", i == 0);
		assert_true(hub_is_over(hub));
		assert_int_equal(f[i].hangups, i == 0);
		assert_int_equal(f[!i].hangups, 1);
		assert_string_equal(leg[i]->info.end_reason,
				    "not resumed: 488 No");
		assert_int_equal(leg[!i]->info.end_code, 488);
		assert_string_equal(leg[!i]->info.end_reason, HUB_PARTY_LOST);
		assert_string_equal(hub->end_reason, HUB_PARTY_LOST);
		mem_deref(hub);
	}
}

/* A player is company, but nobody to talk to. */
static void echo(void **state)
{
	struct world w;
	struct hub *hub;
	struct fate a, p;
	struct leg *caller, *player;

	(void)state;
	world_init(&w);
	hub = make(&w, NULL);
	caller = fake_add(hub, &a, &fake_party, IN);
	player = fake_add(hub, &p, &fake_player, OUT);
	assert_int_equal(leg_answer(player), 0);
	assert_int_equal(leg_answer(caller), 0);
	assert_int_equal(hub->state, SY__CALL_STATE__CALL_ANSWERED);
	leg_ended(caller, 200, NULL);
	assert_int_equal(p.hangups, 1);
	assert_true(hub_is_over(hub));
	mem_deref(hub);
}

/* A third is rung into a call; it fails, the call goes on; one leaves while
 * it rings again, and the other two talk on. */
static void third_party(void **state)
{
	struct call c;
	struct outcome o;
	struct hunt *hunt;
	struct fate t[2];
	struct leg *third;

	(void)state;
	call_ring(&c);
	leg_answered(c.branch[0]);

	hunt = ring_for(c.hub, NULL, &o, false);
	third = fake_add(c.hub, &t[0], &fake_party, OUT);
	hunt_add(hunt, third);
	hunt_seal(hunt, 480);
	sounds(third); /* those who talk do not hear it ring */
	assert_int_equal(o.progress, 1);
	assert_true(third->silent);
	leg_ended(third, 486, NULL);
	assert_int_equal(o.early, 0);
	assert_int_equal(o.failed, 1);
	assert_false(hub_is_over(c.hub));

	hunt = ring_for(c.hub, NULL, &o, false);
	third = fake_add(c.hub, &t[1], &fake_party, OUT);
	hunt_add(hunt, third);
	hunt_seal(hunt, 480);
	leg_ended(c.branch[0], 200, NULL);
	assert_false(hub_is_over(c.hub));
	leg_answered(third);
	assert_int_equal(o.answered, 1);
	assert_false(hub_is_over(c.hub));

	leg_ended(third, 200, NULL);
	assert_int_equal(c.a.hangups, 1);
	call_close(&c);
	assert_false(t[0].alive || t[1].alive);
}

static void last_one_left_while_ringing(void **state)
{
	struct call c;
	struct outcome o;
	struct hunt *hunt;
	struct fate t;

	(void)state;
	call_ring(&c);
	leg_answered(c.branch[0]);
	hunt = ring_for(c.hub, NULL, &o, false);
	hunt_add(hunt, fake_add(c.hub, &t, &fake_party, OUT));
	hunt_seal(hunt, 480);
	leg_ended(c.branch[0], 200, NULL);
	leg_ended(c.caller, 200, NULL);
	assert_true(hub_is_over(c.hub));
	assert_int_equal(t.hangups, 1);
	assert_int_equal(o.failed + o.answered, 0);
	call_close(&c);
}

/* A call from the API: the hub lives for its ring alone. */
static void origin(void **state)
{
	struct world w;
	struct outcome o, o2;
	struct hunt *hunt;
	struct hub *hub;
	struct fate f[2];
	struct leg *a, *b;

	(void)state;
	world_init(&w);
	hub = make(&w, NULL);
	hunt = ring_for(hub, NULL, &o, true);
	hub_check(hub, 0, NULL);
	assert_false(hub_is_over(hub));
	a = fake_add(hub, &f[0], &fake_party, OUT);
	hunt_add(hunt, a);
	hunt_seal(hunt, 480);

	/* What the application does on HUNT_ANSWERED: it rings on. */
	hunt = ring_for(hub, a, &o2, false);
	leg_answered(a);
	assert_int_equal(o.answered, 1);
	assert_false(hub_is_over(hub));
	b = fake_add(hub, &f[1], &fake_party, OUT);
	hunt_add(hunt, b);
	hunt_seal(hunt, 480);
	leg_ringing(b, 180);
	assert_int_equal(f[0].progresses, 0); /* it is answered already */
	leg_answered(b);
	assert_int_equal(f[0].answers, 0);
	assert_int_equal(hub->state, SY__CALL_STATE__CALL_ANSWERED);
	hub_end(hub, 480, "api");
	hub_end(hub, 480, "api");
	assert_int_equal(w.ended, 1);
	assert_int_equal(f[0].hangups + f[1].hangups, 2);
	mem_deref(hub);
}

static void place(Sy__PlaceHub *pl, uint32_t ref)
{
	sy__place_hub__init(pl);
	pl->leg_ref = ref;
	pl->call_id = (char *)"c1@phone";
}

static void expected_invite(void **state)
{
	struct world w;
	struct hub *hub;
	Sy__PlaceHub pl;

	(void)state;
	world_init(&w);
	hub = make(&w, NULL);
	place(&pl, 77);
	assert_int_equal(hub_expect(hub, &pl), 0);
	assert_int_equal(hub_expect(hub, &pl), 0);
	assert_int_equal(list_count(&hub->expects), 1);
	assert_non_null(hub_expect_find(hub, 77));
	assert_null(hub_expect_find(hub, 78));

	world_pass(&w, HUB_EXPECT_MS - 100);
	assert_false(hub_is_over(hub));
	world_pass(&w, 300);
	assert_true(hub_is_over(hub));
	assert_int_equal(hub->past.head == NULL, true);
	assert_int_equal(w.ended, 1);
	mem_deref(hub);
	assert_int_equal(w.alarms.count, 0);
}

static void references_are_unique(void **state)
{
	struct world w;
	struct hub *hub;
	Sy__PlaceHub pl;

	(void)state;
	world_init(&w);
	hub = make(&w, NULL);
	place(&pl, 2);
	assert_int_equal(hub_expect(hub, &pl), 0);
	assert_int_equal(hub_ref(hub), 1);
	assert_int_equal(hub_ref(hub), 3);
	mem_deref(hub);
	assert_int_equal(w.alarms.count, 0);
}

static void abandoned(void **state)
{
	struct call c;

	(void)state;
	call_ring(&c);
	leg_answered(c.branch[0]);
	hub_purge(c.hub);
	c.w.removed = c.w.added;
	hub_abandon(c.hub);
	assert_int_equal(c.a.abandons, 1);
	assert_int_equal(c.b[0].abandons, 1);
	assert_int_equal(c.a.hangups + c.b[0].hangups, 0);
	assert_int_equal(c.w.ended, 0); /* no word to anybody */
	c.w.ended = 1;
	call_close(&c);
}

static void abandoned_while_ringing(void **state)
{
	struct call c;
	int i;

	(void)state;
	call_ring(&c);
	hub_abandon(c.hub);
	for (i = 0; i < 3; i++) {
		assert_int_equal(c.b[i].abandons, 1);
		assert_int_equal(c.b[i].hangups, 0);
	}
	c.w.ended = 1;
	c.w.removed = c.w.added;
	call_close(&c);
}

static void past_is_bounded(void **state)
{
	struct world w;
	struct hub *hub;
	struct fate keeper, f;
	int i;

	(void)state;
	world_init(&w);
	hub = make(&w, "busy");
	(void)leg_answer(fake_add(hub, &keeper, &fake_party, IN));
	for (i = 0; i < 3 * HUB_PAST_MAX; i++) {
		leg_ended(fake_add(hub, &f, &fake_party, IN), 200, NULL);
		hub_purge(hub);
	}
	assert_int_equal(list_count(&hub->past), HUB_PAST_MAX);
	mem_deref(hub);
}

/* ------------------------------------------------------------------ alarms */

static int fired[4];

static void fire(void *arg)
{
	(*(int *)arg)++;
}

static struct {
	struct alarms a;
	struct alarm t[3];
} clockwork;

static void fire_and_stop(void *arg)
{
	fire(arg);
	alarm_stop(&clockwork.a, &clockwork.t[1]);
	alarm_start(&clockwork.a, &clockwork.t[0], 50, fire, arg);
}

static void alarms(void **state)
{
	struct alarms *a = &clockwork.a;
	struct alarm *t = clockwork.t;
	uint64_t now = 12345;

	(void)state;
	memset(fired, 0, sizeof(fired));
	memset(&clockwork, 0, sizeof(clockwork));
	alarms_init(a, now);

	alarm_start(a, &t[0], 1000, fire_and_stop, &fired[0]);
	alarm_start(a, &t[1], 1000, fire, &fired[1]);
	alarm_start(a, &t[2], 3600 * 1000, fire, &fired[2]);
	alarms_run(a, now + 999);
	assert_int_equal(fired[0], 0);
	alarms_run(a, now += 1100);
	assert_int_equal(fired[0], 1);
	assert_int_equal(fired[1], 0); /* stopped by its neighbour */
	assert_int_equal(a->count, 2);
	alarms_run(a, now += 200);
	assert_int_equal(fired[0], 2);

	/* Many laps later, and after a pause longer than a lap. */
	alarms_run(a, now + 3500 * 1000);
	assert_int_equal(fired[2], 0);
	alarms_run(a, now + 3700 * 1000);
	assert_int_equal(fired[2], 1);
	assert_int_equal(a->count, 0);
	alarm_stop(a, &t[2]);
	assert_int_equal(a->count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_answer_wins),
		cmocka_unit_test(caller_hangs_up_after),
		cmocka_unit_test(caller_cancels),
		cmocka_unit_test(early_media),
		cmocka_unit_test(early_media_ends),
		cmocka_unit_test(early_media_late_offer),
		cmocka_unit_test(all_fail_best_code),
		cmocka_unit_test(six_hundred_ends_all),
		cmocka_unit_test(ring_times_out),
		cmocka_unit_test(answer_fails),
		cmocka_unit_test(nobody_to_ring),
		cmocka_unit_test(codes),
		cmocka_unit_test(conference),
		cmocka_unit_test(not_resumed),
		cmocka_unit_test(echo),
		cmocka_unit_test(third_party),
		cmocka_unit_test(last_one_left_while_ringing),
		cmocka_unit_test(origin),
		cmocka_unit_test(expected_invite),
		cmocka_unit_test(references_are_unique),
		cmocka_unit_test(abandoned),
		cmocka_unit_test(voices),
		cmocka_unit_test(abandoned_while_ringing),
		cmocka_unit_test(past_is_bounded),
		cmocka_unit_test(alarms),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
