/* SPDX-License-Identifier: MIT */
/* A world for hubs without SIP, media and clock: fake legs, a fake time. */

#ifndef SY_TESTS_UNIT_NODE_HUB_FAKE_H
#define SY_TESTS_UNIT_NODE_HUB_FAKE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>
#include <re.h>
#include "node/hub/hub.h"

/* What became of a leg; outlives it. */
struct fate {
	bool alive;
	int answers, progresses, earlies, hangups, abandons;
	int mutes;              /* media told               */
	int voices;             /* the same of its voice    */
	bool late;              /* it cannot have early media */
	uint16_t code;          /* of the hangup        */
	char digits[8];
	int err;                /* what answer returns  */
};

struct fake {
	struct leg leg;         /* first */
	struct fate *fate;
};

struct world {
	struct alarms alarms;
	struct hub_env env;
	uint64_t now_ms;
	int touched, added, removed, ended;
	int states[8];
};

static uint64_t world_wall_ms;

static uint64_t world_wall(void)
{
	return world_wall_ms;
}

static void on_touched(struct hub *hub, void *arg)
{
	(void)hub;
	((struct world *)arg)->touched++;
}

static void on_state(struct hub *hub, void *arg)
{
	((struct world *)arg)->states[hub->state]++;
}

static void on_added(struct hub *hub, struct leg *leg, void *arg)
{
	assert_ptr_equal(leg->hub, hub);
	((struct world *)arg)->added++;
}

static void on_removed(struct hub *hub, struct leg *leg, void *arg)
{
	assert_ptr_equal(leg->hub, hub);
	assert_true(leg_is(leg, SY__LEG_STATE__LEG_ENDED));
	((struct world *)arg)->removed++;
}

static void on_ended(struct hub *hub, void *arg)
{
	assert_true(hub_is_over(hub));
	((struct world *)arg)->ended++;
}

static const struct hub_observer world_observer = {
	.touched = on_touched,
	.state = on_state,
	.leg_added = on_added,
	.leg_removed = on_removed,
	.ended = on_ended,
};

static void world_init(struct world *w)
{
	memset(w, 0, sizeof(*w));
	w->now_ms = 1000000;
	world_wall_ms = 1700000000000ull;
	alarms_init(&w->alarms, w->now_ms);
	w->env.alarms = &w->alarms;
	w->env.wall_ms = world_wall;
	w->env.observer = &world_observer;
	w->env.arg = w;
}

static void world_pass(struct world *w, uint64_t ms)
{
	w->now_ms += ms;
	world_wall_ms += ms;
	alarms_run(&w->alarms, w->now_ms);
}

static struct fate *fate_of(struct leg *leg)
{
	return ((struct fake *)leg)->fate;
}

static void fake_destructor(void *data)
{
	struct fake *f = data;

	f->fate->alive = false;
	leg_close(&f->leg);
}

static int fake_progress(struct leg *leg, uint16_t code)
{
	(void)code;
	fate_of(leg)->progresses++;
	return 0;
}

static int fake_early(struct leg *leg)
{
	if (fate_of(leg)->late)
		return ENOTSUP;

	fate_of(leg)->earlies++;
	leg->early = true;
	return 0;
}

static int fake_mute(struct leg *leg)
{
	fate_of(leg)->mutes++;
	return 0;
}

static int fake_voice(struct leg *leg)
{
	fate_of(leg)->voices++;
	return fate_of(leg)->err;
}

static int fake_answer(struct leg *leg)
{
	fate_of(leg)->answers++;
	if (!fate_of(leg)->err)
		leg->early = false;
	return fate_of(leg)->err;
}

static void fake_hangup(struct leg *leg, uint16_t code, const char *reason)
{
	(void)reason;
	fate_of(leg)->hangups++;
	fate_of(leg)->code = code;
}

static void fake_abandon(struct leg *leg)
{
	fate_of(leg)->abandons++;
}

static int fake_dtmf(struct leg *leg, char digit, uint32_t duration_ms)
{
	char *d = fate_of(leg)->digits;

	(void)duration_ms;
	d[strlen(d)] = digit;
	return 0;
}

static const struct leg_ops fake_party = {
	.party = true,
	.progress = fake_progress,
	.early = fake_early,
	.mute = fake_mute,
	.voice = fake_voice,
	.answer = fake_answer,
	.hangup = fake_hangup,
	.abandon = fake_abandon,
	.dtmf = fake_dtmf,
};

static const struct leg_ops fake_player = {
	.hangup = fake_hangup,
	.abandon = fake_abandon,
};

static struct leg *fake_add(struct hub *hub, struct fate *fate,
			    const struct leg_ops *ops, Sy__Direction dir)
{
	const struct leg_conf conf = {
		.ops = ops,
		.kind = SY__LEG_KIND__DEVICE,
		.direction = dir,
		.user = "1001",
		.ref = hub_ref(hub),
	};
	struct fake *f = mem_zalloc(sizeof(*f), fake_destructor);

	assert_non_null(f);
	memset(fate, 0, sizeof(*fate));
	fate->alive = true;
	f->fate = fate;
	leg_init(&f->leg, hub, &conf);
	hub_add(hub, &f->leg);

	return &f->leg;
}

#define IN SY__DIRECTION__INBOUND
#define OUT SY__DIRECTION__OUTBOUND

#endif
