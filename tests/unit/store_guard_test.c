/* libs: sy_proto sy_proto_uv uv hiredis */
/* SPDX-License-Identifier: MIT */
/* Bans and costly calls in Redis. */

#include "redis_fixture.h"
#include "proto/script.h"
#include "proto/store_guard.h"

struct client {
	struct fixture *f;
	struct redis *r;
	int up, done, err;
	bool fresh, more;
	uint64_t span_ms;
	uint32_t count;
	char ids[256];
	char next[STORE_BAN_ID_SIZE];
};

static struct client c;

static void state_handler(bool up, int err, void *arg)
{
	(void)err;
	((struct client *)arg)->up = up;
}

static int answered(int err)
{
	assert_int_equal(err, 0);
	run_until(c.f, is_nonzero, &c.done);
	c.done = 0;

	return c.err;
}

static void on_put(int err, const Sy__Ban *ban, bool fresh, void *arg)
{
	(void)arg;
	c.done++;
	c.err = err;
	c.fresh = fresh;
	if (err)
		return;
	c.span_ms = timestamp_ms(ban->until) - timestamp_ms(ban->since);
	c.count = ban->count;
	assert_string_equal(ban->reason, "password");
}

static void on_list(int err, const Sy__Ban *const *banv, size_t banc,
		    const char *next, void *arg)
{
	(void)arg;
	c.done++;
	c.err = err;
	c.ids[0] = 0;
	for (size_t i = 0; i < banc; i++) {
		strcat(c.ids, banv[i]->id);
		strcat(c.ids, " ");
	}
	c.more = next;
	str_ncpy(c.next, next ? next : "", sizeof(c.next));
}

static void put(const char *source, const char *user, uint64_t ms, bool exact)
{
	char id[STORE_BAN_ID_SIZE];
	Sy__Ban ban = SY__BAN__INIT;
	const struct store_ban_put p = {
		.ban = &ban,
		.first_ms = ms,
		.max_ms = 300,
		.exact = exact,
	};

	assert_int_equal(store_ban_id(id, source, user), 0);
	ban.id = id;
	ban.source = (char *)(uintptr_t)source;
	ban.user = (char *)(uintptr_t)user;
	ban.reason = "password";
	assert_int_equal(answered(store_ban_put(c.r, &p, on_put, NULL)), 0);
}

static void list(const char *cursor, size_t limit, const char *ids)
{
	assert_int_equal(answered(store_ban_list(c.r, cursor, limit, on_list,
						 NULL)), 0);
	assert_string_equal(c.ids, ids);
}

/* A tenth of a second, at the speed of Redis. */
static void await_end(void)
{
	const uint64_t end = timestamp_now_ms() + 10000;

	do {
		assert_int_equal(answered(store_ban_list(c.r, NULL, 9, on_list,
							 NULL)), 0);
	} while (c.ids[0] && timestamp_now_ms() < end);
	assert_string_equal(c.ids, "");
}

static void client_open(struct fixture *f)
{
	memset(&c, 0, sizeof(c));
	c.f = f;
	assert_int_equal(redis_alloc(&c.r, f->loop, f->url, state_handler, &c),
			 0);
	run_until(f, is_nonzero, &c.up);
	script_load_all(c.r); /* so that runs keep their order */
}

static void test_bans(void **state)
{
	client_open(*state);
	list(NULL, 10, "");
	put("192.0.2.1", "", 100, false);
	assert_true(c.fresh);
	assert_int_equal(c.count, 1);
	assert_int_equal(c.span_ms, 100);
	/* found by another router at the same time: the same ban */
	put("192.0.2.1", "", 100, false);
	assert_false(c.fresh);
	assert_int_equal(c.count, 1);
	list(NULL, 10, "192.0.2.1 ");
	await_end();

	/* each further one is twice as long, up to the longest */
	put("192.0.2.1", "", 200, false);
	assert_true(c.fresh);
	assert_int_equal(c.count, 2);
	assert_int_equal(c.span_ms, 300);
	/* by hand */
	put("192.0.2.1", "", 900000, true);
	assert_int_equal(c.span_ms, 900000);
	assert_int_equal(c.count, 3);

	put("192.0.2.2", "1001", 60000, true);
	put("192.0.2.2", "", 60000, true);
	put("192.0.2.20", "", 60000, true);
	list(NULL, 2, "192.0.2.1 192.0.2.2 ");
	assert_true(c.more);
	list(c.next, 2, "192.0.2.2,1001 192.0.2.20 ");
	assert_false(c.more);

	/* with those of its users, not with its neighbours */
	assert_int_equal(answered(store_ban_drop(c.r, "192.0.2.2", on_list,
						 NULL)), 0);
	assert_true(strstr(c.ids, "192.0.2.2 "));
	assert_true(strstr(c.ids, "192.0.2.2,1001 "));
	list(NULL, 10, "192.0.2.1 192.0.2.20 ");
	assert_int_equal(answered(store_ban_drop(c.r, "192.0.2.2", on_list,
						 NULL)), 0);
	assert_string_equal(c.ids, "");
	/* forgotten, too */
	assert_int_equal(answered(store_ban_drop(c.r, "192.0.2.1", on_list,
						 NULL)), 0);
	put("192.0.2.1", "", 50, false);
	assert_int_equal(c.count, 1);
	mem_deref(c.r);
}

static void test_source(void **state)
{
	static const char *const v[][2] = {
		{"192.0.2.1", "192.0.2.1"},
		{"2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"},
	};
	char text[STORE_BAN_SOURCE_SIZE];
	struct sa sa;
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(v); i++) {
		assert_int_equal(sa_set_str(&sa, v[i][0], 5060), 0);
		store_ban_source(text, &sa);
		assert_string_equal(text, v[i][1]);
	}
}

static void on_taken(int err, void *arg)
{
	(void)arg;
	c.done++;
	c.err = err;
}

static int take(const char *call, uint32_t hour, uint32_t now)
{
	const struct store_costly k = {
		.account = "device:1001",
		.call = call,
		.calls_per_hour = hour,
		.calls_at_a_time = now,
	};

	return answered(store_costly_take(c.r, &k, on_taken, NULL));
}

static void test_costly(void **state)
{
	client_open(*state);
	assert_int_equal(take("a", 3, 2), 0);
	assert_int_equal(take("a", 3, 2), 0); /* its lease */
	assert_int_equal(take("b", 3, 2), 0);
	assert_int_equal(take("c", 3, 2), EBUSY);
	assert_int_equal(store_costly_give(c.r, "device:1001", "a"), 0);
	assert_int_equal(take("c", 3, 2), 0);
	assert_int_equal(store_costly_give(c.r, "device:1001", "b"), 0);
	assert_int_equal(take("d", 3, 2), EDQUOT);
	assert_int_equal(take("d", 0, 0), 0);
	mem_deref(c.r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fixture_test_re(test_bans),
		cmocka_unit_test(test_source),
		fixture_test_re(test_costly),
	};

	(void)fixture_uv;

	return cmocka_run_group_tests(tests, NULL, NULL);
}
