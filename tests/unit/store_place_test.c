/* libs: sy_proto sy_proto_uv uv hiredis */
/* SPDX-License-Identifier: MIT */
/* Where a call goes: whoever asks gets the same answer. */
#include "store_client.h"

static int place(struct client *c, const char *call_id, const char *room,
		 const char *hub, const char *node, uint32_t instance,
		 uint32_t leg, const char *not_node, uint32_t not_instance)
{
	const struct store_place_req req = {
		.call_id = call_id,
		.room = room,
		.hub = hub,
		.node = node,
		.instance = instance,
		.leg = leg,
		.not_node = not_node,
		.not_instance = not_instance,
	};

	return answered(c, store_place(c->r, &req, place_handler, c));
}

static void assert_place(const struct client *c, const char *hub,
			 const char *node, uint32_t instance, uint32_t epoch,
			 uint32_t leg, bool fresh)
{
	assert_string_equal(c->pl.hub, hub);
	assert_string_equal(c->pl.node, node);
	assert_int_equal(c->pl.instance, instance);
	assert_int_equal(c->pl.epoch, epoch);
	assert_int_equal(c->pl.leg, leg);
	assert_int_equal(c->pl.fresh, fresh);
}

static void test_place(void **state)
{
	struct client c;

	client_open(&c, *state);
	assert_int_equal(answered(&c, store_place_get(c.r, "id@1",
						      place_handler, &c)),
			 ENOENT);
	assert_int_equal(place(&c, "id@1", NULL, HUB_A, "node-1", 7, 11, NULL,
			       0), 0);
	assert_place(&c, HUB_A, "node-1", 7, 1, 11, true);

	/* whoever asks later, with another proposal: the same answer */
	assert_int_equal(place(&c, "id@1", NULL, HUB_B, "node-2", 8, 12, NULL,
			       0), 0);
	assert_place(&c, HUB_A, "node-1", 7, 1, 11, false);
	assert_int_equal(answered(&c, store_place_get(c.r, "id@1",
						      place_handler, &c)), 0);
	assert_place(&c, HUB_A, "node-1", 7, 1, 11, false);

	/* another call is another call */
	assert_int_equal(place(&c, "id@2", NULL, HUB_B, "node-2", 8, 12, NULL,
			       0), 0);
	assert_place(&c, HUB_B, "node-2", 8, 1, 12, true);

	/* none of it stays for ever */
	assert_int_equal(server_ask(c.f, "EVAL %s 0",
		"local n = 0 for _, k in ipairs(redis.call('KEYS', '*')) do "
		"local t = redis.call('TTL', k) "
		"if t < 1 or t > 300 then n = n + 1 end end return n"), 0);
	client_close(&c);
}

/* A node that refused or died is replaced once: of two routers that say so,
 * the second finds what the first has chosen. */
static void test_place_not(void **state)
{
	struct client c;

	client_open(&c, *state);
	assert_int_equal(place(&c, "id", NULL, HUB_A, "node-1", 7, 11, NULL,
			       0), 0);
	/* another instance of that node is meant: it stays */
	assert_int_equal(place(&c, "id", NULL, HUB_B, "node-2", 8, 12,
			       "node-1", 6), 0);
	assert_place(&c, HUB_A, "node-1", 7, 1, 11, false);

	assert_int_equal(place(&c, "id", NULL, HUB_B, "node-2", 8, 12,
			       "node-1", 7), 0);
	assert_string_equal(c.pl.node, "node-2");
	assert_int_equal(c.pl.instance, 8);
	assert_int_equal(c.pl.epoch, 2);
	assert_true(c.pl.fresh);
	assert_int_equal(place(&c, "id", NULL, HUB_C, "node-3", 9, 13,
			       "node-1", 7), 0);
	assert_string_equal(c.pl.node, "node-2");
	assert_int_equal(c.pl.epoch, 2);
	assert_false(c.pl.fresh);
	client_close(&c);
}

static int drop_and_get(struct client *c, const char *call_id,
			const char *hub)
{
	assert_int_equal(store_place_drop(c->r, call_id, hub), 0);

	return answered(c, store_place_get(c->r, call_id, place_handler, c));
}

static void test_place_drop(void **state)
{
	struct client c;

	client_open(&c, *state);
	assert_int_equal(place(&c, "id", NULL, HUB_A, "node-1", 7, 11, NULL,
			       0), 0);
	assert_int_equal(drop_and_get(&c, "id", HUB_B), 0); /* not ours */
	assert_int_equal(drop_and_get(&c, "id", HUB_A), ENOENT);
	assert_int_equal(drop_and_get(&c, "id", HUB_A), ENOENT);
	assert_int_equal(server_ask(c.f, "DBSIZE"), 0);
	client_close(&c);
}

/* All calls into a room share its hub; each has a PlaceHub of its own. */
static void test_place_room(void **state)
{
	struct store_place pl = {
		.hub = HUB_A, .node = "node-1", .instance = 7, .epoch = 3,
		.leg = 20};
	struct client c;

	client_open(&c, *state);
	assert_int_equal(place(&c, "id@1", "lobby", HUB_A, "node-1", 7, 11,
			       NULL, 0), 0);
	assert_place(&c, HUB_A, "node-1", 7, 1, 11, true);
	assert_int_equal(place(&c, "id@2", "lobby", HUB_B, "node-2", 8, 12,
			       NULL, 0), 0);
	assert_place(&c, HUB_A, "node-1", 7, 1, 12, true);
	assert_int_equal(place(&c, "id@2", "lobby", HUB_C, "node-2", 8, 13,
			       NULL, 0), 0);
	assert_place(&c, HUB_A, "node-1", 7, 1, 12, false);
	assert_int_equal(place(&c, "id@3", "attic", HUB_B, "node-2", 8, 14,
			       NULL, 0), 0);
	assert_place(&c, HUB_B, "node-2", 8, 1, 14, true);

	/* its node is gone: the room moves, with all who come again */
	assert_int_equal(place(&c, "id@1", "lobby", HUB_C, "node-2", 8, 15,
			       "node-1", 7), 0);
	assert_string_equal(c.pl.node, "node-2");
	assert_int_equal(c.pl.epoch, 2);
	assert_true(c.pl.fresh);
	{
		char hub[ULID_LEN + 1];

		strcpy(hub, c.pl.hub);
		assert_int_equal(place(&c, "id@2", "lobby", HUB_A, "node-3",
				       9, 16, "node-1", 7), 0);
		assert_string_equal(c.pl.hub, hub);
		assert_string_equal(c.pl.node, "node-2");
		assert_int_equal(c.pl.epoch, 2);
		assert_true(c.pl.fresh);

		/* only who names the right hub keeps or drops it */
		assert_int_equal(store_room_drop(c.r, "lobby", HUB_B), 0);
		assert_int_equal(store_room_keep(c.r, "lobby", hub), 0);
		assert_int_equal(place(&c, "id@4", "lobby", HUB_A, "node-1",
				       7, 17, NULL, 0), 0);
		assert_string_equal(c.pl.hub, hub);
		assert_int_equal(store_room_drop(c.r, "lobby", hub), 0);
	}
	assert_int_equal(place(&c, "id@5", "lobby", HUB_A, "node-1", 7, 18,
			       NULL, 0), 0);
	assert_place(&c, HUB_A, "node-1", 7, 1, 18, true);

	/* Redis lost it all: the owner writes it again, others do not */
	assert_int_equal(server_ask(c.f, "FLUSHALL"), 0);
	assert_int_equal(store_room_keep(c.r, "lobby", HUB_A), 0);
	assert_int_equal(store_room_put(c.r, "lobby", HUB_A, "node-1", 7, 3),
			 0);
	assert_int_equal(store_room_put(c.r, "lobby", HUB_B, "node-2", 8, 9),
			 0);
	assert_int_equal(place(&c, "id@6", "lobby", HUB_C, "node-3", 9, 19,
			       NULL, 0), 0);
	assert_place(&c, HUB_A, "node-1", 7, 3, 19, true);

	/* a caller's placement likewise, but what stands there stays */
	assert_int_equal(store_place_put(c.r, "id@7", &pl), 0);
	pl.epoch = 9;
	assert_int_equal(store_place_put(c.r, "id@7", &pl), 0);
	assert_int_equal(answered(&c, store_place_get(c.r, "id@7",
						      place_handler, &c)),
			 0);
	assert_place(&c, HUB_A, "node-1", 7, 3, 20, false);
	client_close(&c);
}

/* Redis forgot the scripts: nobody notices. */
static void test_script_flush(void **state)
{
	struct client c;

	client_open(&c, *state);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(server_ask(c.f, "SCRIPT FLUSH"), 0);
		assert_int_equal(place(&c, "id", NULL, HUB_A, "node-1", 7, 11,
				       NULL, 0), 0);
		assert_place(&c, HUB_A, "node-1", 7, 1, 11, i == 0);
	}
	/* now it is known there: by digest alone */
	script_load_all(c.r);
	assert_int_equal(place(&c, "id", NULL, HUB_A, "node-1", 7, 11, NULL,
			       0), 0);
	client_close(&c);
}

static void test_not_connected(void **state)
{
	const struct store_place_req req = {
		.call_id = "id", .hub = HUB_A, .node = "node-1"};
	struct client c;

	client_open(&c, *state);
	server_signal(c.f, SIGSTOP);
	assert_int_equal(store_place(c.r, &req, place_handler, &c), 0);
	server_kill(c.f);
	run_until(c.f, is_nonzero, &c.done);
	assert_int_equal(c.err, ENOTCONN);
	assert_int_equal(c.done, 1);
	assert_int_equal(store_place(c.r, &req, place_handler, &c), ENOTCONN);
	assert_int_equal(store_place_drop(c.r, "id", HUB_A), ENOTCONN);
	assert_int_equal(c.done, 1);
	client_close(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fixture_test(test_place),
		fixture_test_re(test_place_not),
		fixture_test_re(test_place_drop),
		fixture_test_re(test_place_room),
		fixture_test(test_script_flush),
		fixture_test_re(test_not_connected),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
