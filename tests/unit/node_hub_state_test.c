/* libs: sy_node_core sy_proto_uv uv */
/* SPDX-License-Identifier: MIT */
/* HubState: what a hub tells of itself is what another one becomes. */

#include "node_hub_fake.h"
#include "node/hub_state.h"

static void on_hunt(struct hunt *hunt, enum hunt_event ev, struct leg *leg,
		    uint16_t code, void *arg)
{
	(void)hunt;
	(void)ev;
	(void)leg;
	(void)code;
	(void)arg;
}

static struct hub *open_hub(struct world *w, const char *id, uint32_t epoch)
{
	Sy__Destination dest = SY__DESTINATION__INIT;
	const struct hub_conf conf = {
	    .id = id,
	    .epoch = epoch,
	    .dest = &dest,
	    .caller = "1001",
	    .called = "1002",
	};
	struct hub *hub;

	dest.kind_case = SY__DESTINATION__KIND_DEVICE;
	dest.device = (char *)"1002";
	assert_int_equal(hub_alloc(&hub, &w->env, &conf), 0);

	return hub;
}

static struct hunt *ring(struct hub *hub, struct leg *caller)
{
	Sy__HuntState what = SY__HUNT_STATE__INIT;
	const struct hunt_conf conf = {
	    .caller = caller,
	    .ring_ms = 30000,
	    .what = &what,
	    .h = on_hunt,
	};
	struct hunt *hunt;

	what.kind = SY__HUNT_KIND__HUNT_DIAL;
	what.target = hub->dest;
	what.from_user = (char *)"1001";
	assert_int_equal(hunt_alloc(&hunt, hub, &conf), 0);

	return hunt;
}

/* As it goes through Redis. */
static Sy__HubState *through(const struct hub *hub)
{
	struct hub_state st;
	Sy__HubState *msg;
	uint8_t buf[8192];
	size_t len;

	assert_int_equal(hub_state_init(&st, hub), 0);
	len = sy__hub_state__pack(&st.msg, buf);
	assert_true(len < sizeof(buf));
	hub_state_close(&st);
	msg = sy__hub_state__unpack(NULL, len, buf);
	assert_non_null(msg);

	return msg;
}

static void filled(void **state)
{
	struct leg *caller, *a, *b;
	struct fate fa, fb, fc;
	Sy__Toll toll = SY__TOLL__INIT;
	Sy__HubState *msg;
	struct hunt *hunt;
	struct world w;
	struct hub *hub;

	(void)state;
	toll.account = (char *)"device:1001";
	toll.call = (char *)"a@b";
	world_init(&w);
	hub = open_hub(&w, NULL, 1);
	assert_int_equal(hub_call_id_add(hub, "a@b"), 0);
	assert_int_equal(hub_add_toll(hub, &toll), 0);
	hub->hops = 12;
	caller = fake_add(hub, &fc, &fake_party, IN);
	hunt = ring(hub, caller);
	a = fake_add(hub, &fa, &fake_party, OUT);
	b = fake_add(hub, &fb, &fake_party, OUT);
	hunt_add(hunt, a);
	hunt_add(hunt, b);
	hunt_seal(hunt, 480);
	a->early = true;
	leg_sounding(a);
	leg_ended(b, 486, "Busy Here");

	msg = through(hub);
	assert_string_equal(msg->destination->device, "1002");
	assert_int_equal(msg->hops, 12);
	assert_string_equal(msg->tolls[0]->account, "device:1001");
	assert_int_equal(msg->ref_last, 3);
	assert_int_equal(msg->n_call_ids, 1);
	assert_string_equal(msg->call_ids[0], "a@b");
	assert_int_equal(msg->n_hunts, 1);
	assert_int_equal(msg->hunts[0]->kind, SY__HUNT_KIND__HUNT_DIAL);
	assert_string_equal(msg->hunts[0]->target->device, "1002");
	assert_string_equal(msg->hunts[0]->caller, caller->info.id);
	assert_string_equal(msg->hunts[0]->heard, a->info.id);
	assert_string_equal(msg->hunts[0]->from_user, "1001");
	assert_int_equal(msg->hunts[0]->n_legs, 1);
	assert_string_equal(msg->hunts[0]->legs[0], a->info.id);
	assert_int_equal(msg->hunts[0]->best, 486);
	assert_true(msg->hunts[0]->sealed);
	assert_int_equal(timestamp_ms(msg->hunts[0]->until),
			 world_wall_ms + 30000);
	assert_int_equal(msg->n_past, 1);
	assert_string_equal(msg->past[0]->end_reason, "Busy Here");
	sy__hub_state__free_unpacked(msg, NULL);

	hub_end(hub, 480, NULL);
	mem_deref(hub);
}

static void restored(void **state)
{
	Sy__Call call = SY__CALL__INIT;
	Google__Protobuf__Timestamp ts;
	struct fate fate[3];
	struct leg *leg;
	struct hub *hub, *other;
	Sy__HubState *msg;
	Sy__Toll toll = SY__TOLL__INIT;
	struct world w;

	(void)state;
	world_init(&w);
	hub = open_hub(&w, NULL, 4);
	toll.account = (char *)"device:1001";
	toll.call = (char *)"a@b";
	assert_int_equal(hub_add_toll(hub, &toll), 0);
	(void)fake_add(hub, &fate[0], &fake_party, IN);
	leg = fake_add(hub, &fate[1], &fake_party, OUT);
	(void)fake_add(hub, &fate[2], &fake_party, OUT);
	leg_ended(leg, 200, "bye");
	msg = through(hub);

	timestamp_set_ms(&ts, 1699999999000ull);
	call.state = SY__CALL_STATE__CALL_ANSWERED;
	call.started_at = call.answered_at = &ts;
	other = open_hub(&w, hub->id, 5);
	hub_state_restore(other, &call, msg);
	assert_int_equal(other->epoch, 5);
	assert_int_equal(other->state, SY__CALL_STATE__CALL_ANSWERED);
	assert_int_equal(other->answered_ms, 1699999999000ull);
	assert_int_equal(hub_ref(other), 4); /* none is given twice */
	assert_int_equal(list_count(&other->past), 1);
	assert_true(other->came && other->shown);
	assert_string_equal(other->tollv[0]->call, "a@b");
	sy__hub_state__free_unpacked(msg, NULL);

	hub_end(hub, 480, NULL);
	mem_deref(hub);
	mem_deref(other);
}

static uint64_t sum(const struct hub *hub)
{
	struct hub_state st;
	uint64_t v;

	assert_int_equal(hub_state_init(&st, hub), 0);
	v = hub_state_sum(&st);
	hub_state_close(&st);

	return v;
}

/* Only what changes it is written again. */
static void summed(void **state)
{
	struct fate fate[2];
	struct world w;
	struct leg *leg;
	struct hub *hub;
	uint64_t v;

	(void)state;
	world_init(&w);
	hub = open_hub(&w, NULL, 1);
	(void)fake_add(hub, &fate[0], &fake_party, IN);
	leg = fake_add(hub, &fate[1], &fake_party, OUT);
	v = sum(hub);
	assert_true(v != 0);
	leg_mute(leg, true, false);
	world_pass(&w, 1000);
	assert_true(sum(hub) == v);
	assert_int_equal(hub_call_id_add(hub, "c@d"), 0);
	assert_true(sum(hub) != v);
	v = sum(hub);
	(void)ring(hub, NULL);
	assert_true(sum(hub) != v);

	hub_end(hub, 480, NULL);
	mem_deref(hub);
}

static int add_toll(struct hub *hub, const char *call)
{
	Sy__Toll toll = SY__TOLL__INIT;

	toll.account = (char *)"device:1001";
	toll.call = (char *)(uintptr_t)call;

	return hub_add_toll(hub, &toll);
}

/* Each once; as many as there is room for; all of them go with the legs. */
static void tolls(void **state)
{
	struct hub *hub, *into;
	Sy__HubState *msg;
	struct world w;
	char call[8];

	(void)state;
	world_init(&w);
	hub = open_hub(&w, NULL, 1);
	into = open_hub(&w, NULL, 1);
	assert_int_equal(add_toll(hub, "a"), 0);
	assert_int_equal(add_toll(hub, "a"), 0);
	assert_int_equal(add_toll(hub, "b"), 0);
	assert_int_equal(hub->tollc, 2);
	msg = through(hub);
	assert_int_equal(msg->n_tolls, 2);
	assert_string_equal(msg->tolls[1]->call, "b");
	sy__hub_state__free_unpacked(msg, NULL);

	for (unsigned i = 0; i < HUB_TOLLS_MAX - 1; i++) {
		(void)re_snprintf(call, sizeof(call), "%u", i);
		assert_int_equal(add_toll(into, call), 0);
	}
	hub_move_tolls(into, hub);
	assert_true(hub_has_toll(into, "device:1001", "a"));
	assert_int_equal(add_toll(into, "c"), ENOSPC);
	assert_int_equal(hub->tollc, 1); /* no room: it stays */
	assert_true(hub_has_toll(hub, "device:1001", "b"));
	hub_drop_toll(into, 0);
	assert_false(hub_has_toll(into, "device:1001", "0"));
	assert_int_equal(add_toll(into, "c"), 0);

	hub_end(hub, 480, NULL);
	hub_end(into, 480, NULL);
	mem_deref(hub);
	mem_deref(into);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(filled),
	    cmocka_unit_test(restored),
	    cmocka_unit_test(summed),
	    cmocka_unit_test(tolls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
