/* libs: sy_router_core sy_proto */
/* SPDX-License-Identifier: MIT */
/* The guard on a clock of the test's: buckets, the table, networks, bans,
 * and credentials that were used before. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include <re.h>

#include "proto/config.h"
#include "router/guard.h"
#include "router/nets.h"
#include "router/replay.h"

enum { START = 1000000 };

static struct guard *g;
static Sy__Config *conf;
static uint64_t now;
static unsigned bans;
static struct guard_ban last;
static char last_user[64];

static void on_ban(const struct guard_ban *ban, void *arg)
{
	(void)arg;
	bans++;
	last = *ban;
	last_user[0] = '\0';
	(void)pl_strcpy(&ban->user, last_user, sizeof(last_user));
}

static bool is_trunk(const struct sa *sa, void *arg)
{
	(void)arg;
	return sa_port(sa) == 5090;
}

static void begin(const char *guard)
{
	char json[1024], err[256];

	(void)re_snprintf(json, sizeof(json),
			  "{\"settings\":{\"realm\":\"r\",\"guard\":{%s}},"
			  "\"trunks\":[{\"id\":\"a\",\"enabled\":true,"
			  "\"sources\":[\"198.51.100.0/24\","
			  "\"203.0.113.7:5090\"]}]}",
			  guard);
	if (config_read(&conf, "test", json, strlen(json), err, sizeof(err)))
		fail_msg("%s", err);
	assert_int_equal(guard_alloc(&g, 4711, on_ban, is_trunk, NULL), 0);
	assert_int_equal(guard_configure(g, conf), 0);
	now = START;
	bans = 0;
}

static void end(void)
{
	g = mem_deref(g);
	sy__config__free_unpacked(conf, NULL);
}

static const struct sa *at(const char *addr, uint16_t port)
{
	static struct sa sa;

	assert_int_equal(sa_set_str(&sa, addr, port), 0);

	return &sa;
}

static struct pl pl(const char *str)
{
	return (struct pl){str, strlen(str)};
}

static void fail_as(const char *addr, const char *user, unsigned n)
{
	const struct pl u = pl(user);

	while (n--)
		guard_failed(g, at(addr, 5060), &u, now);
}

static bool is_held_off(const char *addr, const char *user)
{
	const struct pl u = pl(user);

	return guard_user_is_banned(g, at(addr, 5060), &u, now);
}

/* ---------------------------------------------------------------- buckets */

static void test_bucket(void **state)
{
	const struct bucket_rate rate = {.per_s = 2500, .burst = 5};
	struct bucket b = {0};
	unsigned n = 0;
	(void)state;

	for (int i = 0; i < 9; i++)
		n += bucket_take(&b, &rate, START);
	assert_int_equal(n, 5);
	assert_true(bucket_is_empty(&b, &rate, START + 399));
	assert_true(bucket_take(&b, &rate, START + 400));
	assert_false(bucket_take(&b, &rate, START + 400));
	/* as often as one may look, nothing is lost */
	n = 0;
	for (uint64_t ms = 401; ms <= 10400; ms++)
		n += bucket_take(&b, &rate, START + ms);
	assert_in_range(n, 24, 25);
	bucket_give(&b, &rate, 100);
	n = 0;
	for (int i = 0; i < 9; i++)
		n += bucket_take(&b, &rate, START + 10400);
	assert_int_equal(n, 5);
	/* a clock that stands, or goes back */
	assert_false(bucket_take(&b, &rate, START));
}

/* --------------------------------------------------------------- networks */

static void add(struct config_net *v, size_t *n, const char *text)
{
	assert_int_equal(config_net_read(&v[(*n)++], text, NULL), 0);
}

static bool has(const struct nets *n, const char *text)
{
	struct config_net a;

	assert_int_equal(config_net_from_sa(&a, at(text, 1)), 0);

	return nets_has(n, a.addr);
}

static void test_nets(void **state)
{
	struct config_net v[8];
	struct nets *n;
	size_t c = 0;
	(void)state;

	assert_false(has(NULL, "192.0.2.1"));
	add(v, &c, "192.0.2.0/25");
	add(v, &c, "10.0.0.0/8");
	add(v, &c, "192.0.2.200");
	add(v, &c, "2001:db8:1::/47");
	assert_int_equal(nets_alloc(&n, v, c), 0);
	assert_true(has(n, "192.0.2.127"));
	assert_false(has(n, "192.0.2.128"));
	assert_true(has(n, "192.0.2.200"));
	assert_true(has(n, "10.255.0.1"));
	assert_false(has(n, "11.0.0.1"));
	assert_true(has(n, "2001:db8:0:1::5"));
	assert_false(has(n, "2001:db8:2::5"));
	mem_deref(n);
}

/* -------------------------------------------------------------- the table */

static void test_table(void **state)
{
	struct guard_table *t;
	struct guard_entry *e;
	struct guard_key key, banned;
	unsigned kept = 0;
	(void)state;

	assert_int_equal(guard_table_alloc(&t, 1), 0);
	guard_key_source(&banned, at("192.0.2.1", 1));
	e = guard_table_get(t, &banned, now);
	e->until_ms = UINT64_MAX;
	e->bans = 3;
	/* ports do not matter, and of IPv6 only the /64 */
	guard_key_source(&key, at("192.0.2.1", 2));
	assert_ptr_equal(guard_table_find(t, &key), e);
	guard_key_source(&key, at("2001:db8::1", 1));
	e = guard_table_get(t, &key, now);
	guard_key_source(&key, at("2001:db8::ffff:2", 1));
	assert_ptr_equal(guard_table_find(t, &key), e);
	guard_key_source(&key, at("2001:db8:0:1::1", 1));
	assert_null(guard_table_find(t, &key));

	/* strangers without number push each other out, not who is banned */
	memset(&key, 0, sizeof(key));
	key.kind = GUARD_SOURCE;
	for (uint32_t i = 0; i < 4 * GUARD_ENTRIES; i++) {
		memcpy(key.addr, &i, sizeof(i));
		guard_table_get(t, &key, now)->bans = 1;
	}
	e = guard_table_find(t, &banned);
	assert_non_null(e);
	assert_int_equal(e->bans, 3);
	for (uint32_t i = 0; i < 4 * GUARD_ENTRIES; i++) {
		memcpy(key.addr, &i, sizeof(i));
		kept += guard_table_find(t, &key) != NULL;
	}
	assert_in_range(kept, GUARD_ENTRIES / 2, GUARD_ENTRIES);
	mem_deref(t);
}

/* ------------------------------------------------------------------ rates */

static void test_rate(void **state)
{
	unsigned n = 0;
	(void)state;

	begin("\"rate\":10,\"burst\":20");
	for (int i = 0; i < 100; i++)
		n += !guard_work(g, at("192.0.2.1", 1), false, now);
	assert_int_equal(n, 20);
	assert_int_equal(guard_look(g, at("192.0.2.1", 2), now),
			 GUARD_DROP_RATE);
	assert_int_equal(guard_look(g, at("192.0.2.2", 1), now), GUARD_READ);
	now += 100;
	assert_int_equal(guard_look(g, at("192.0.2.1", 2), now), GUARD_READ);

	/* who is known is read on: what has a token shall pass */
	guard_known(g, at("192.0.2.1", 3), now);
	while (!guard_work(g, at("192.0.2.1", 1), false, now))
		;
	assert_int_equal(guard_look(g, at("192.0.2.1", 2), now), GUARD_READ);
	assert_int_equal(guard_work(g, at("192.0.2.1", 2), true, now),
			 GUARD_READ);
	assert_int_equal(guard_work(g, at("192.0.2.1", 2), false, now),
			 GUARD_DROP_RATE);
	end();
}

/* Any number of phones behind one address: each password pays back. */
static void test_rate_honest(void **state)
{
	(void)state;
	begin("\"rate\":1,\"burst\":50");
	for (int i = 0; i < 5000; i++) {
		assert_int_equal(guard_work(g, at("192.0.2.1", 1), false, now),
				 GUARD_READ);
		assert_int_equal(guard_work(g, at("192.0.2.1", 1), true, now),
				 GUARD_READ);
		guard_good(g, at("192.0.2.1", 1), now);
	}
	assert_int_equal(bans, 0);
	end();
}

/* Who is known has a bucket of its own for them, and is read all the same;
 * a stranger pays as for junk, and is then dropped unread. */
static void test_keepalives(void **state)
{
	const struct sa *sa = at("192.0.2.9", 5060);
	unsigned n = 0;

	(void)state;
	begin("\"rate\":10,\"burst\":20");
	for (int i = 0; i < 100; i++)
		n += guard_keepalive(g, sa, now) == GUARD_READ;
	assert_int_equal(n, 20);
	assert_int_equal(guard_look(g, sa, now), GUARD_DROP_RATE);

	now += 2000;
	guard_known(g, sa, now);
	for (int i = 0; i < 1000; i++)
		n += guard_keepalive(g, sa, now) == GUARD_READ;
	assert_int_equal(n, 20 + 20 * GUARD_KNOWN_FACTOR);
	assert_int_equal(guard_work(g, sa, false, now), GUARD_READ);

	/* a trunk, from which all is read */
	n = 0;
	for (int i = 0; i < 1000; i++)
		n += guard_keepalive(g, at("198.51.100.7", 5060), now) ==
		     GUARD_READ;
	assert_int_equal(n, 1000);
	end();
}

static void test_lists(void **state)
{
	(void)state;
	begin("\"rate\":1,\"burst\":1,\"deny\":[\"192.0.2.0/24\"],"
	      "\"allow\":[\"192.0.2.9\"]");
	assert_int_equal(guard_look(g, at("192.0.2.1", 1), now),
			 GUARD_DROP_DENIED);
	guard_known(g, at("192.0.2.1", 1), now);
	assert_int_equal(guard_look(g, at("192.0.2.1", 1), now),
			 GUARD_DROP_DENIED);
	for (int i = 0; i < 9; i++) {
		assert_int_equal(guard_work(g, at("192.0.2.9", 1), false, now),
				 GUARD_READ);
		assert_int_equal(guard_work(g, at("198.51.100.3", 1), false,
					    now), GUARD_READ);
		assert_int_equal(guard_work(g, at("203.0.113.7", 5090), false,
					    now), GUARD_READ);
	}
	fail_as("192.0.2.9", "1001", 50);
	fail_as("198.51.100.3", "1001", 50);
	assert_int_equal(bans, 0);
	/* another port of a trunk's address is a stranger's */
	(void)guard_work(g, at("203.0.113.7", 5060), false, now);
	assert_int_equal(guard_work(g, at("203.0.113.7", 5060), false, now),
			 GUARD_DROP_RATE);

	/* off: no limits; the list holds */
	conf->settings->guard->off = true;
	assert_int_equal(guard_configure(g, conf), 0);
	assert_int_equal(guard_work(g, at("203.0.113.7", 5060), false, now),
			 GUARD_READ);
	assert_int_equal(guard_look(g, at("192.0.2.1", 1), now),
			 GUARD_DROP_DENIED);
	end();
}

static void test_account(void **state)
{
	unsigned n = 0;
	(void)state;

	begin("\"registersPerMinute\":6,\"callsPerMinute\":3,"
	      "\"messagesPerMinute\":4");
	for (int i = 0; i < 20; i++)
		n += guard_account(g, "1001", GUARD_REGISTER, now);
	assert_int_equal(n, 6);
	assert_true(guard_account(g, "1002", GUARD_REGISTER, now));
	for (n = 0; guard_account(g, "1001", GUARD_CALL, now); n++)
		;
	assert_int_equal(n, 3);
	for (n = 0; guard_account(g, "1001", GUARD_MESSAGE, now); n++)
		;
	assert_int_equal(n, 4);
	assert_true(guard_account(g, "1002", GUARD_MESSAGE, now));
	now += 10000;
	assert_true(guard_account(g, "1001", GUARD_REGISTER, now));
	assert_false(guard_account(g, "1001", GUARD_REGISTER, now));
	end();
}

/* ------------------------------------------------------------------- bans */

static void test_guesses_of_one_user(void **state)
{
	(void)state;
	begin("\"failures\":3,\"banSeconds\":60,\"banMaxSeconds\":200");
	fail_as("192.0.2.1", "1001", 2);
	assert_false(is_held_off("192.0.2.1", "1001"));
	fail_as("192.0.2.1", "1001", 1);
	assert_true(is_held_off("192.0.2.1", "1001"));
	assert_int_equal(bans, 1);
	assert_string_equal(last_user, "1001");
	assert_int_equal(last.reason, GUARD_PASSWORD);
	/* nobody else, and not from elsewhere */
	assert_false(is_held_off("192.0.2.1", "1002"));
	assert_false(is_held_off("192.0.2.2", "1001"));
	assert_int_equal(guard_look(g, at("192.0.2.1", 1), now), GUARD_READ);

	/* each time twice as long, up to a limit */
	for (unsigned i = 0; i < 4; i++) {
		static const unsigned spans[] = {60, 120, 200, 200};

		now += spans[i] * 1000 - 1;
		assert_true(is_held_off("192.0.2.1", "1001"));
		now += 1;
		assert_false(is_held_off("192.0.2.1", "1001"));
		fail_as("192.0.2.1", "1001", 1);
	}
	assert_int_equal(bans, 5);
	guard_lift(g, "192.0.2.1", "1001");
	assert_false(is_held_off("192.0.2.1", "1001"));
	fail_as("192.0.2.1", "1001", 2);
	assert_int_equal(bans, 5);
	end();
}

/* A phone with an old password, every ten minutes, for a week. */
static void test_slow_phone(void **state)
{
	(void)state;
	begin("");
	for (int i = 0; i < 1000; i++, now += 600000)
		fail_as("192.0.2.1", "1001", 1);
	assert_int_equal(bans, 0);
	end();
}

static void test_guesses_of_many_users(void **state)
{
	char user[8];
	(void)state;

	begin("\"users\":5");
	for (int i = 0; i < 4; i++) {
		(void)re_snprintf(user, sizeof(user), "%d", i);
		fail_as("192.0.2.1", user, 2);
	}
	assert_int_equal(bans, 0);
	fail_as("192.0.2.1", "4", 1);
	assert_int_equal(bans, 1);
	assert_string_equal(last_user, "");
	assert_int_equal(guard_look(g, at("192.0.2.1", 1), now),
			 GUARD_DROP_BANNED);
	/* lifted with its users */
	guard_lift(g, "192.0.2.1", "");
	assert_int_equal(guard_look(g, at("192.0.2.1", 1), now), GUARD_READ);

	/* an office where some passwords are old; what has a token passes
	 * even when it is banned at last */
	bans = 0;
	guard_good(g, at("192.0.2.7", 1), now);
	for (int i = 0; i < 20; i++) {
		assert_int_equal(bans, 0);
		(void)re_snprintf(user, sizeof(user), "%d", i);
		fail_as("192.0.2.7", user, 1);
	}
	assert_int_equal(bans, 1);
	assert_int_equal(guard_look(g, at("192.0.2.7", 1), now), GUARD_READ);
	assert_int_equal(guard_work(g, at("192.0.2.7", 1), true, now),
			 GUARD_DROP_BANNED);
	end();
}

static void test_scanners(void **state)
{
	const struct pl evil = pl("Friendly-Scanner 1.0");
	const struct pl good = pl("a friendly-scanner");
	(void)state;

	begin("");
	assert_false(guard_scanner(g, at("192.0.2.1", 1), &good, now));
	assert_true(guard_scanner(g, at("192.0.2.1", 1), &evil, now));
	assert_int_equal(bans, 1);
	assert_int_equal(last.reason, GUARD_SCANNER);
	assert_int_equal(guard_look(g, at("192.0.2.1", 1), now),
			 GUARD_DROP_BANNED);
	/* forged in the name of somebody who is known: dropped, no more */
	guard_known(g, at("192.0.2.2", 1), now);
	assert_true(guard_scanner(g, at("192.0.2.2", 1), &evil, now));
	assert_int_equal(bans, 1);
	end();

	begin("\"scanners\":[\"nasty\"]");
	assert_false(guard_scanner(g, at("192.0.2.1", 1), &evil, now));
	end();
}

static void test_probes(void **state)
{
	char user[8];
	(void)state;

	begin("");
	for (unsigned i = 0; i < GUARD_PROBES; i++) {
		const struct pl u = {user, 3};

		assert_int_equal(bans, 0);
		(void)re_snprintf(user, sizeof(user), "9%02u", i);
		for (int n = 0; n < 3; n++) /* often is not many */
			guard_probe(g, at("192.0.2.1", 1), &u, now);
	}
	assert_int_equal(bans, 1);
	assert_int_equal(last.reason, GUARD_PROBE);
	end();
}

static void test_shared(void **state)
{
	struct guard_shared b = {
		.source = "192.0.2.1",
		.user = "",
		.reason = GUARD_PASSWORD,
		.left_ms = 5000,
		.count = 2,
	};
	(void)state;

	begin("");
	guard_set(g, &b, now);
	assert_int_equal(guard_look(g, at("192.0.2.1", 1), now + 4999),
			 GUARD_DROP_BANNED);
	assert_int_equal(guard_look(g, at("192.0.2.1", 1), now + 5000),
			 GUARD_READ);
	/* a list without it lifts it, but not one that only we know */
	fail_as("192.0.2.3", "1001", 10);
	guard_list_begin(g);
	b.source = "192.0.2.2";
	guard_set(g, &b, now);
	guard_list_end(g);
	assert_int_equal(guard_look(g, at("192.0.2.1", 1), now), GUARD_READ);
	assert_int_equal(guard_look(g, at("192.0.2.2", 1), now),
			 GUARD_DROP_BANNED);
	assert_true(is_held_off("192.0.2.3", "1001"));
	end();
}

/* ----------------------------------------------------------------- replay */

static void test_replay(void **state)
{
	struct replay *r;
	(void)state;

	assert_int_equal(replay_alloc(&r, 4711), 0);
	assert_true(replay_check(r, 1, 1, 11));
	assert_true(replay_check(r, 1, 1, 11)); /* a retransmission */
	assert_false(replay_check(r, 1, 1, 12));
	assert_true(replay_check(r, 1, 4, 14));
	assert_true(replay_check(r, 1, 3, 13)); /* overtaken */
	assert_false(replay_check(r, 1, 3, 15));
	assert_true(replay_check(r, 1, 1, 11));
	assert_true(replay_check(r, 1, 1000, 16));
	assert_false(replay_check(r, 1, 4, 14));
	assert_true(replay_check(r, 2, 0, 21)); /* without a count: once */
	assert_false(replay_check(r, 2, 0, 22));
	mem_deref(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bucket),
		cmocka_unit_test(test_nets),
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_rate),
		cmocka_unit_test(test_rate_honest),
		cmocka_unit_test(test_keepalives),
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_account),
		cmocka_unit_test(test_guesses_of_one_user),
		cmocka_unit_test(test_slow_phone),
		cmocka_unit_test(test_guesses_of_many_users),
		cmocka_unit_test(test_scanners),
		cmocka_unit_test(test_probes),
		cmocka_unit_test(test_shared),
		cmocka_unit_test(test_replay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
