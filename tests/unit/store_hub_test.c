/* libs: sy_proto sy_proto_uv uv hiredis */
/* SPDX-License-Identifier: MIT */
/* The record of a hub: written under its epoch, listed, ended once. */
#include "store_client.h"

static void test_hub(void **state)
{
	static const char *const legs[] = {"leg-2", "leg-1"};
	static const char *const drop[] = {"leg-2"};
	struct client c;

	client_open(&c, *state);
	assert_int_equal(hub_get(&c, HUB_A), ENOENT);
	assert_int_equal(store_hub_get(c.r, "no ULID", call_handler, &c),
			 ENOENT);
	assert_int_equal(hub_put(&c, HUB_A, 1, 7, legs, 2, NULL, 0), 0);
	assert_int_equal(hub_get(&c, HUB_A), 0);
	assert_string_equal(c.call->id, HUB_A);
	assert_int_equal(c.call->n_legs, 2);
	assert_string_equal(c.call->legs[0]->id, "leg-1");
	assert_string_equal(c.call->legs[1]->id, "leg-2");
	assert_string_equal(c.call->legs[1]->user, "1001");
	/* call, epoch, owner, node, and two fields a leg */
	assert_int_equal(server_ask(c.f, "HLEN sy:hub:{%s}", HUB_A), 8);
	assert_true(server_ask(c.f, "TTL sy:hub:{%s}", HUB_A) > 86000);

	assert_int_equal(hub_put(&c, HUB_A, 1, 7, NULL, 0, drop, 1), 0);
	assert_int_equal(hub_get(&c, HUB_A), 0);
	assert_int_equal(c.call->n_legs, 1);
	assert_string_equal(c.call->legs[0]->id, "leg-1");
	assert_int_equal(server_ask(c.f, "HLEN sy:hub:{%s}", HUB_A), 6);

	assert_int_equal(hub_drop(&c, HUB_A, 1, true), 0);
	assert_int_equal(hub_get(&c, HUB_A), ENOENT);
	assert_int_equal(server_ask(c.f, "XLEN sy:cdr"), 1);
	/* the history, who is in it, the tombstone, and the owners */
	assert_int_equal(server_ask(c.f, "DBSIZE"), 4);
	/* a hub that Redis does not know leaves a record too */
	assert_int_equal(hub_drop(&c, HUB_B, 1, true), 0);
	assert_int_equal(server_ask(c.f, "XLEN sy:cdr"), 2);
	assert_int_equal(hub_drop(&c, HUB_B, 1, false), 0);
	assert_int_equal(server_ask(c.f, "XLEN sy:cdr"), 2);
	client_close(&c);
}

/* The reply to a drop was lost: it comes again, with and without a tombstone,
 * and the record is there once.  One that could not be written is told. */
static void test_record_once(void **state)
{
	struct client c;

	client_open(&c, *state);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(hub_drop(&c, HUB_A, 1, true), 0);
		assert_int_equal(server_ask(c.f, "XLEN sy:cdr"), 1);
		server_ask(c.f, "DEL sy:gone:{%s}", HUB_A);
	}
	assert_int_equal(server_ask(c.f, "ZCARD {sy:cdr}:seen"), 1);

	server_ask(c.f, "CONFIG SET min-replicas-to-write 1");
	assert_int_equal(hub_drop(&c, HUB_B, 1, true), EAGAIN);
	server_ask(c.f, "CONFIG SET min-replicas-to-write 0");
	assert_int_equal(server_ask(c.f, "XLEN sy:cdr"), 1);
	assert_int_equal(hub_drop(&c, HUB_B, 1, true), 0);
	assert_int_equal(server_ask(c.f, "XLEN sy:cdr"), 2);

	/* an id is forgotten with its record */
	server_ask(c.f, "ZADD {sy:cdr}:seen 1 %s", HUB_A);
	assert_int_equal(hub_drop(&c, "01ARZ3NDEKTSV4RRFFQ69G5FAX", 1, true),
			 0);
	assert_int_equal(server_ask(c.f, "XLEN sy:cdr"), 3);
	assert_int_equal(server_ask(c.f, "ZCARD {sy:cdr}:seen"), 2);
	client_close(&c);
}

/* More legs than a call of a script takes arguments for at once. */
static void test_hub_large(void **state)
{
	enum { LEGS = LEGS_MAX };
	static char id[LEGS][16];
	static const char *legs[LEGS];
	struct client c;

	client_open(&c, *state);
	for (size_t i = 0; i < LEGS; i++) {
		snprintf(id[i], sizeof(id[i]), "leg-%04zu", i);
		legs[i] = id[i];
	}
	assert_int_equal(hub_put(&c, HUB_A, 1, 7, legs, LEGS, NULL, 0), 0);
	assert_int_equal(server_ask(c.f, "HLEN sy:hub:{%s}", HUB_A),
			 4 + 2 * LEGS);
	assert_int_equal(hub_get(&c, HUB_A), 0);
	assert_int_equal(c.call->n_legs, LEGS);
	assert_string_equal(c.call->legs[LEGS - 1]->id, "leg-1202");
	assert_int_equal(hub_put(&c, HUB_A, 1, 7, NULL, 0, legs, LEGS - 1), 0);
	assert_int_equal(hub_get(&c, HUB_A), 0);
	assert_int_equal(c.call->n_legs, 1);
	assert_string_equal(c.call->legs[0]->id, "leg-1202");
	client_close(&c);
}

/* Who was replaced changes nothing any more, and leaves no history. */
static void test_hub_fence(void **state)
{
	static const char *const one[] = {"leg-1"}, *const two[] = {"leg-2"};
	struct client c;

	client_open(&c, *state);
	assert_int_equal(hub_put(&c, HUB_A, 1, 7, one, 1, NULL, 0), 0);
	assert_int_equal(hub_put(&c, HUB_A, 2, 8, NULL, 0, NULL, 0), 0);
	assert_int_equal(hub_put(&c, HUB_A, 1, 7, two, 1, one, 1), ESTALE);
	assert_int_equal(hub_put(&c, HUB_A, 2, 7, two, 1, one, 1), ESTALE);
	assert_int_equal(hub_drop(&c, HUB_A, 1, true), ESTALE);
	assert_int_equal(hub_get(&c, HUB_A), 0);
	assert_int_equal(c.call->epoch, 2);
	assert_int_equal(c.call->n_legs, 1);
	assert_string_equal(c.call->legs[0]->id, "leg-1");
	assert_int_equal(server_ask(c.f, "EXISTS sy:cdr"), 0);
	assert_int_equal(server_ask(c.f, "ZCARD sy:hubs"), 1);

	assert_int_equal(hub_put(&c, HUB_A, 2, 8, two, 1, NULL, 0), 0);
	/* the epoch of another process is not ours */
	assert_int_equal(hub_drop(&c, HUB_A, 2, true), ESTALE);
	assert_int_equal(hub_put(&c, HUB_A, 3, 7, two, 1, NULL, 0), 0);
	assert_int_equal(hub_drop(&c, HUB_A, 3, true), 0);
	assert_int_equal(server_ask(c.f, "EXISTS sy:hubs"), 0);
	client_close(&c);
}

/* What was long under way does not bring an ended hub back. */
static void test_hub_gone(void **state)
{
	static const char *const one[] = {"leg-1"};
	struct client c;

	client_open(&c, *state);
	assert_int_equal(hub_put(&c, HUB_A, 2, 7, one, 1, NULL, 0), 0);
	assert_int_equal(hub_drop(&c, HUB_A, 2, false), 0);
	assert_in_range(server_ask(c.f, "TTL sy:gone:{%s}", HUB_A), 100,
			STORE_GONE_TTL_S);
	assert_int_equal(hub_put(&c, HUB_A, 1, 7, one, 1, NULL, 0), ENOENT);
	assert_int_equal(hub_put(&c, HUB_A, 9, 8, one, 1, NULL, 0), ENOENT);
	assert_int_equal(hub_get(&c, HUB_A), ENOENT);
	/* nor does a change make half a record */
	c.changes = true;
	assert_int_equal(hub_put(&c, HUB_B, 1, 7, one, 1, NULL, 0), ENODATA);
	assert_int_equal(hub_get(&c, HUB_B), ENOENT);
	/* the same end again is the same end; an older one is not */
	assert_int_equal(hub_drop(&c, HUB_A, 2, true), 0);
	assert_int_equal(hub_drop(&c, HUB_A, 1, true), ESTALE);
	client_close(&c);
}

static void test_hub_list(void **state)
{
	static const char *const legs[] = {"leg-1", "leg-2"};
	struct client c;

	client_open(&c, *state);
	assert_int_equal(answered(&c, store_hub_list(c.r, NULL, 10,
						     calls_handler, &c)), 0);
	assert_string_equal(c.ids, "");
	assert_string_equal(c.next, "");
	assert_int_equal(hub_put(&c, HUB_C, 1, 7, NULL, 0, NULL, 0), 0);
	assert_int_equal(hub_put(&c, HUB_A, 1, 7, legs, 2, NULL, 0), 0);
	assert_int_equal(hub_put(&c, HUB_B, 1, 7, legs, 1, NULL, 0), 0);
	assert_int_equal(answered(&c, store_hub_count(c.r, count_handler,
						      &c)), 0);
	assert_int_equal(c.count, 3);

	assert_int_equal(answered(&c, store_hub_list(c.r, NULL, 2,
						     calls_handler, &c)), 0);
	assert_string_equal(c.ids, "A:2 B:1 ");
	assert_string_equal(c.next, HUB_B);
	assert_int_equal(answered(&c, store_hub_list(c.r, c.next, 2,
						     calls_handler, &c)), 0);
	assert_string_equal(c.ids, "C:0 ");
	assert_string_equal(c.next, "");
	assert_int_equal(answered(&c, store_hub_list(c.r, NULL, 3,
						     calls_handler, &c)), 0);
	assert_string_equal(c.ids, "A:2 B:1 C:0 ");
	assert_string_equal(c.next, "");

	/* an id whose record is gone is left out, and cleared away */
	assert_int_equal(server_ask(c.f, "DEL sy:hub:{%s}", HUB_A), 1);
	assert_int_equal(answered(&c, store_hub_list(c.r, NULL, 3,
						     calls_handler, &c)), 0);
	assert_string_equal(c.ids, "B:1 C:0 ");
	assert_int_equal(answered(&c, store_hub_count(c.r, count_handler,
						      &c)), 0);
	assert_int_equal(c.count, 2);

	assert_int_equal(store_hub_list(c.r, NULL, 0, calls_handler, &c),
			 EINVAL);
	assert_int_equal(store_hub_list(c.r, NULL, 1001, calls_handler, &c),
			 EINVAL);
	client_close(&c);
}

/* The connection goes while a page is under way: nothing is left over. */
static void test_list_abandoned(void **state)
{
	struct client c;

	client_open(&c, *state);
	for (int i = 0; i < 50; i++) {
		char hub[ULID_LEN + 1];

		ulid_make(hub);
		assert_int_equal(hub_put(&c, hub, 1, 7, NULL, 0, NULL, 0),
				 0);
	}
	assert_int_equal(store_hub_list(c.r, NULL, 50, calls_handler, &c), 0);
	for (int i = 0; i < 3 && !c.done; i++)
		run_until(c.f, fixture_always, NULL);
	if (!c.done)
		assert_int_equal(store_hub_list(c.r, NULL, 50, calls_handler,
						&c), 0);
	client_close(&c);

	/* the same with the server */
	client_open(&c, *state);
	server_signal(c.f, SIGSTOP);
	assert_int_equal(store_hub_list(c.r, NULL, 50, calls_handler, &c), 0);
	server_kill(c.f);
	run_until(c.f, is_nonzero, &c.done);
	assert_int_equal(c.err, ENOTCONN);
	assert_int_equal(c.done, 1);
	client_close(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fixture_test(test_hub),
		fixture_test_re(test_record_once),
		fixture_test_re(test_hub_large),
		fixture_test_re(test_hub_fence),
		fixture_test_re(test_hub_gone),
		fixture_test(test_hub_list),
		fixture_test_re(test_list_abandoned),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
