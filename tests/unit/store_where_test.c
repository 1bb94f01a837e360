/* libs: sy_proto sy_proto_uv uv hiredis */
/* SPDX-License-Identifier: MIT */
/*
 * Where a hub is: its record's owner; a placement that is replaced by hub; a
 * room that follows its hub.
 */

#include "redis_fixture.h"
#include "proto/script.h"
#include "proto/store.h"

#define HUB_A "01ARYZ6S41TSV4RRFFQ69G5FAA"
#define HUB_B "01ARYZ6S41TSV4RRFFQ69G5FAB"
#define HUB_C "01ARYZ6S41TSV4RRFFQ69G5FAC"

struct client {
	struct fixture *f;
	struct redis *r;
	int up, done, err;
	struct store_place pl;
	struct store_where where;
};

static void state_handler(bool up, int err, void *arg)
{
	(void)err;
	((struct client *)arg)->up = up;
}

static void client_open(struct client *c, struct fixture *f)
{
	memset(c, 0, sizeof(*c));
	c->f = f;
	assert_int_equal(redis_alloc(&c->r, f->loop, f->url, state_handler, c),
			 0);
	run_until(f, is_nonzero, &c->up);
	script_load_all(c->r); /* so that runs keep their order */
}

static int answered(struct client *c, int err)
{
	assert_int_equal(err, 0);
	run_until(c->f, is_nonzero, &c->done);
	assert_int_equal(c->done, 1);
	c->done = 0;

	return c->err;
}

static void where_handler(int err, const struct store_where *where, void *arg)
{
	struct client *c = arg;

	c->done++;
	c->err = err;
	memset(&c->where, 0, sizeof(c->where));
	if (where)
		c->where = *where;
	assert_true(where ? !err || err == ENOENT : err);
}

static int where(struct client *c, const char *hub, uint32_t deadline_ms)
{
	return answered(
	    c, store_hub_where(c->r, hub, deadline_ms, where_handler, c));
}

static void drop_handler(int err, void *arg)
{
	struct client *c = arg;

	c->done++;
	c->err = err;
}

static void test_where(void **state)
{
	struct client c;

	client_open(&c, *state);
	assert_int_equal(where(&c, HUB_A, 0), ENOENT);
	assert_int_equal(server_ask(c.f, "HSET sy:hub:{" HUB_A "} epoch 3 "
					 "node node-2 owner 77 call x"),
			 4);
	assert_int_equal(where(&c, HUB_A, 0), 0);
	assert_string_equal(c.where.node, "node-2");
	assert_int_equal(c.where.instance, 77);
	assert_int_equal(c.where.epoch, 3);
	assert_int_equal(where(&c, HUB_B, 0), ENOENT);
	assert_int_equal(store_hub_where(c.r, "no ULID", 0, where_handler, &c),
			 ENOENT);

	/* stalled: within its deadline */
	server_signal(c.f, SIGSTOP);
	assert_int_equal(where(&c, HUB_A, 200), ETIMEDOUT);
	server_signal(c.f, SIGCONT);
	assert_int_equal(where(&c, HUB_A, 0), 0);

	/* ended: by whom, as long as its tombstone stands */
	assert_int_equal(answered(&c, store_hub_drop(c.r, HUB_A, 3, "n", 77, NULL,
						     drop_handler, &c)),
			 0);
	assert_int_equal(where(&c, HUB_A, 0), ENOENT);
	assert_int_equal(c.where.instance, 77);
	assert_int_equal(c.where.epoch, 3);
	mem_deref(c.r);
}

static void place_handler(int err, const struct store_place *pl, void *arg)
{
	struct client *c = arg;

	c->done++;
	c->err = err;
	if (pl)
		c->pl = *pl;
}

static void place(struct client *c, const char *id, const char *room,
		  const char *hub, const char *not_hub)
{
	const struct store_place_req req = {
	    .call_id = id,
	    .room = room,
	    .hub = hub,
	    .node = "node-1",
	    .instance = 7,
	    .not_hub = not_hub,
	};

	assert_int_equal(answered(c, store_place(c->r, &req, place_handler, c)),
			 0);
}

/* Only a placement of that very hub is replaced, wherever it is. */
static void test_not_hub(void **state)
{
	struct client c;

	client_open(&c, *state);
	place(&c, "id@1", NULL, HUB_A, NULL);
	place(&c, "id@1", NULL, HUB_B, HUB_C);
	assert_string_equal(c.pl.hub, HUB_A);
	assert_false(c.pl.fresh);
	place(&c, "id@1", NULL, HUB_B, HUB_A);
	assert_string_equal(c.pl.hub, HUB_B);
	assert_int_equal(c.pl.epoch, 2);
	assert_true(c.pl.fresh);
	/* who says the same a little later finds what was chosen */
	place(&c, "id@1", NULL, HUB_C, HUB_A);
	assert_string_equal(c.pl.hub, HUB_B);
	assert_false(c.pl.fresh);
	mem_deref(c.r);
}

/* A room is where its hub is; an elder owner does not take it back. */
static void test_room_follows(void **state)
{
	struct client c;

	client_open(&c, *state);
	place(&c, "id@1", "lobby", HUB_A, NULL);
	assert_int_equal(store_room_put(c.r, "lobby", HUB_A, "node-2", 8, 2),
			 0);
	assert_int_equal(store_room_put(c.r, "lobby", HUB_A, "node-1", 7, 1),
			 0);
	assert_int_equal(store_room_put(c.r, "lobby", HUB_B, "node-3", 9, 5),
			 0);
	place(&c, "id@2", "lobby", HUB_C, NULL);
	assert_string_equal(c.pl.hub, HUB_A);
	assert_string_equal(c.pl.node, "node-2");
	assert_int_equal(c.pl.instance, 8);
	assert_int_equal(c.pl.epoch, 2);
	assert_true(c.pl.fresh);

	/* its hub is gone, and so is the room that its callers know */
	place(&c, "id@2", "lobby", HUB_C, HUB_A);
	assert_string_equal(c.pl.hub, HUB_C);
	assert_true(c.pl.fresh);
	place(&c, "id@1", "lobby", HUB_B, HUB_A);
	assert_string_equal(c.pl.hub, HUB_C);
	assert_true(c.pl.fresh);
	mem_deref(c.r);
}

/* Of several calls that ring in a room it names the one that rings longest;
 * one that is gone without a word is passed over. */
static void test_rings(void **state)
{
	struct client c;

	client_open(&c, *state);
	assert_int_equal(store_ring_put(c.r, "ringing:x", HUB_B, "node-1", 7,
					1), 0);
	assert_int_equal(store_ring_put(c.r, "ringing:x", HUB_A, "node-2", 8,
					3), 0);
	/* it goes on at another node: it keeps its turn */
	assert_int_equal(store_ring_put(c.r, "ringing:x", HUB_B, "node-2", 8,
					2), 0);
	place(&c, "id@1", "ringing:x", HUB_C, NULL);
	assert_string_equal(c.pl.hub, HUB_B);
	assert_string_equal(c.pl.node, "node-2");
	assert_int_equal(c.pl.epoch, 2);

	assert_int_equal(store_ring_drop(c.r, "ringing:x", HUB_B), 0);
	place(&c, "id@2", "ringing:x", HUB_C, NULL);
	assert_string_equal(c.pl.hub, HUB_A);
	assert_int_equal(c.pl.epoch, 3);

	assert_int_equal(store_ring_put(c.r, "ringing:x", HUB_B, "node-1", 7,
					4), 0);
	place(&c, "id@2", "ringing:x", HUB_C, HUB_A);
	assert_string_equal(c.pl.hub, HUB_B);
	assert_int_equal(store_ring_drop(c.r, "ringing:x", HUB_A), 0);
	assert_int_equal(store_ring_drop(c.r, "ringing:x", HUB_B), 0);
	place(&c, "id@3", "ringing:x", HUB_C, NULL);
	assert_string_equal(c.pl.hub, HUB_C);
	assert_true(c.pl.fresh);
	mem_deref(c.r);
}

static void merged_handler(int err, const char *into, void *arg)
{
	struct client *c = arg;

	c->done++;
	c->err = err;
	str_ncpy(c->pl.hub, into ? into : "", sizeof(c->pl.hub));
}

static int merged_get(struct client *c, const char *hub)
{
	return answered(c, store_merged_get(c->r, hub, merged_handler, c));
}

static void test_merged(void **state)
{
	struct client c;

	client_open(&c, *state);
	assert_int_equal(store_merged_put(c.r, HUB_A, HUB_B), 0);
	assert_int_equal(merged_get(&c, HUB_A), 0);
	assert_string_equal(c.pl.hub, HUB_B);
	assert_int_equal(merged_get(&c, HUB_B), ENOENT);
	mem_deref(c.r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fixture_test_re(test_where),
		fixture_test_re(test_rings),
		fixture_test_re(test_merged),
		fixture_test_re(test_not_hub),
		fixture_test_re(test_room_follows),
	};

	(void)fixture_uv;

	return cmocka_run_group_tests(tests, NULL, NULL);
}
