/* libs: sy_proto sy_proto_uv uv hiredis */
/* SPDX-License-Identifier: MIT */
/* Whether contacts are there, in a real Redis: who takes whom, and when;
 * what is known goes with the binding. */

#include "store_client.h"
#include "proto/store_qual.h"

static struct client client;
static bool changed;
static char taken[512];         /* "+1001/sip:a -1002/sip:b ": + own */
static Sy__Binding found;       /* of a device's first binding       */
static unsigned bindings;
static uint64_t checked_ms, since_ms;
static bool reachable;

static void start(struct fixture *f)
{
	client_open(&client, f);
	script_load_all(client.r); /* as the bus does */
}

static void stop(void)
{
	client_close(&client);
}

/* ----------------------------------------------------------------- queues */

static void on_taken(int err, const struct store_qual_taken *v, size_t n,
		     void *arg)
{
	size_t len = 0;

	(void)arg;
	client.done++;
	client.err = err;
	taken[0] = '\0';
	for (size_t i = 0; i < n; i++)
		len += (size_t)snprintf(taken + len, sizeof(taken) - len,
					"%c%s/%s ", v[i].own ? '+' : '-',
					v[i].contact.device,
					v[i].contact.field);
}

static void due(const char *router, enum store_qual_how how, uint32_t ms,
		const char *device)
{
	const struct store_contact c = {device, "sip:a"};

	assert_int_equal(store_qual_due(client.r, router, how, ms, &c), 0);
}

static const char *take(unsigned max, const char *router, const char *other)
{
	const char *livev[] = {router, other};

	assert_int_equal(answered(&client,
				  store_qual_take(client.r, max, livev,
						  other ? 2 : 1, on_taken,
						  NULL)), 0);

	return taken;
}

static void test_take(void **state)
{
	struct fixture *f = *state;

	start(f);
	assert_string_equal(take(8, "r1", "r2"), "");
	due("", STORE_QUAL_NEW, 0, "1001");
	due("r1", STORE_QUAL_NEW, 0, "1002");
	due("r2", STORE_QUAL_NEW, 0, "1003");
	due("r1", STORE_QUAL_NEW, 60000, "1004");
	/* once, and nobody else's */
	assert_string_equal(take(8, "r1", "r2"),
			    "+1002/sip:a -1001/sip:a ");
	assert_string_equal(take(8, "r1", "r2"), "");
	assert_string_equal(take(8, "r2", "r1"), "+1003/sip:a ");
	/* who registers again stays where he is in it */
	due("r1", STORE_QUAL_NEW, 0, "1002");
	assert_string_equal(take(8, "r1", "r2"), "");
	/* given back */
	due("r1", STORE_QUAL_NEXT, 0, "1002");
	assert_string_equal(take(8, "r1", "r2"), "+1002/sip:a ");
	due("r1", STORE_QUAL_DROP, 0, "1002");
	due("r1", STORE_QUAL_NEXT, 0, "1002");
	assert_string_equal(take(8, "r1", "r2"), "");
	stop();
}

static void test_take_some(void **state)
{
	struct fixture *f = *state;

	start(f);
	due("r1", STORE_QUAL_NEW, 0, "1");
	due("r1", STORE_QUAL_NEW, 0, "2");
	due("", STORE_QUAL_NEW, 0, "3");
	due("", STORE_QUAL_NEW, 0, "4");
	assert_string_equal(take(1, "r1", NULL), "+1/sip:a ");
	assert_string_equal(take(2, "r1", NULL), "+2/sip:a -3/sip:a ");
	assert_string_equal(take(2, "r1", NULL), "-4/sip:a ");
	stop();
}

/* Who takes and dies: the contact is due again when its hold is over. */
static void test_hold(void **state)
{
	struct fixture *f = *state;
	long long ms, now;

	start(f);
	due("", STORE_QUAL_NEW, 0, "1");
	assert_string_equal(take(8, "r1", "r2"), "-1/sip:a ");
	now = (long long)timestamp_now_ms();
	ms = server_ask(f, "ZCOUNT sy:{qual}:due %lld %lld",
			now + STORE_QUAL_HOLD_MS - 5000,
			now + STORE_QUAL_HOLD_MS);
	assert_int_equal(ms, 1);
	stop();
}

static void test_router_gone(void **state)
{
	struct fixture *f = *state;

	start(f);
	due("", STORE_QUAL_NEW, 0, "1");
	due("r2", STORE_QUAL_NEW, 0, "2");
	due("r3", STORE_QUAL_NEW, 0, "3");
	assert_string_equal(take(8, "r1", "r2"), "-1/sip:a -3/sip:a ");
	assert_int_equal(server_ask(f, "EXISTS sy:{qual}:due:r3"), 0);
	assert_int_equal(server_ask(f, "SCARD sy:{qual}:routers"), 1);
	assert_string_equal(take(8, "r2", "r1"), "+2/sip:a ");
	stop();
}

/* ---------------------------------------------------------------- results */

static void on_reg(int err, const Sy__Registration *reg, void *arg)
{
	(void)arg;
	client.done++;
	client.err = err;
	bindings = reg ? (unsigned)reg->n_bindings : 0;
	if (!bindings)
		return;
	found = *reg->bindings[0];
	checked_ms = timestamp_ms(found.checked_at);
	since_ms = timestamp_ms(found.since);
	reachable = store_reg_is_reachable(&found);
}

static void put_reg(const char *contact, bool drop, uint64_t registered_ms)
{
	static uint32_t cseq;
	Google__Protobuf__Timestamp expires, registered;
	Sy__Binding b = SY__BINDING__INIT;
	const Sy__Binding *bv[] = {&b};
	const struct store_reg_put put = {
		.device = "1001",
		.bindv = bv,
		.bindc = drop ? 0 : 1,
		.dropv = &contact,
		.dropc = drop ? 1 : 0,
		.call_id = "id",
		.cseq = ++cseq,
		.max_contacts = 3,
	};

	timestamp_set_ms(&expires, timestamp_now_ms() + 60000);
	timestamp_set_ms(&registered, registered_ms);
	b.contact = (char *)(uintptr_t)contact;
	b.expires_at = &expires;
	b.registered_at = &registered;
	assert_int_equal(answered(&client, store_reg_put(client.r, &put,
							 on_reg, NULL)), 0);
}

static void get_reg(void)
{
	assert_int_equal(answered(&client, store_reg_get(client.r, "1001",
							 on_reg, NULL)), 0);
}

static void on_put(int err, bool is_changed, void *arg)
{
	(void)arg;
	client.done++;
	client.err = err;
	changed = is_changed;
}

static int put(const char *field, bool is_reachable, uint64_t ms)
{
	const struct store_contact c = {"1001", field};
	const struct store_qual q = {
		.reachable = is_reachable,
		.round_trip_us = 12500,
		.checked_ms = ms,
		.code = is_reachable ? 200 : 408,
	};

	return answered(&client, store_qual_put(client.r, &c, &q, on_put,
						NULL));
}

static void test_known(void **state)
{
	struct fixture *f = *state;

	start(f);
	assert_int_equal(put("sip:a", true, 1000), ENOENT);
	put_reg("sip:a", false, 500);
	get_reg();
	assert_int_equal(checked_ms, 0);
	assert_true(reachable);

	/* the first time that it is there is nothing to tell */
	assert_int_equal(put("sip:a", true, 1000), 0);
	assert_false(changed);
	get_reg();
	assert_true(found.reachable);
	assert_int_equal((int)(found.round_trip_ms * 10), 125);
	assert_int_equal(found.last_code, 200);
	assert_int_equal(checked_ms, 1000);
	assert_int_equal(since_ms, 1000);
	assert_true(server_ask(f, "PTTL sy:qual:{1001}") > 50000);

	assert_int_equal(put("sip:a", true, 2000), 0);
	get_reg();
	assert_int_equal(checked_ms, 2000);
	assert_int_equal(since_ms, 1000);

	assert_int_equal(put("sip:a", false, 3000), 0);
	assert_true(changed);
	get_reg();
	assert_false(found.reachable);
	assert_false(reachable);
	assert_int_equal(since_ms, 3000);
	assert_int_equal(put("sip:a", false, 4000), 0);
	assert_false(changed);

	/* a REGISTER since then is a sign of life */
	put_reg("sip:a", false, 4500);
	get_reg();
	assert_false(found.reachable);
	assert_true(reachable);
	assert_int_equal(put("sip:a", true, 5000), 0);
	assert_true(changed);
	stop();
}

static void test_never_there(void **state)
{
	struct fixture *f = *state;

	start(f);
	put_reg("sip:a", false, 500);
	assert_int_equal(put("sip:a", false, 1000), 0);
	assert_true(changed);
	stop();
}

static void test_goes_with_binding(void **state)
{
	struct fixture *f = *state;

	start(f);
	put_reg("sip:a", false, 500);
	assert_int_equal(put("sip:a", false, 1000), 0);
	put_reg("sip:a", true, 0);
	assert_int_equal(server_ask(f, "EXISTS sy:qual:{1001}"), 0);

	/* one that lapsed: what was known of it says nothing of who comes */
	(void)server_ask(f, "HSET sy:qual:{1001} sip:b xyz");
	put_reg("sip:b", false, 500);
	assert_int_equal(server_ask(f, "EXISTS sy:qual:{1001}"), 0);
	(void)server_ask(f, "HSET sy:qual:{1001} sip:c 0");
	assert_int_equal(put("sip:b", true, 1000), 0);
	assert_int_equal(server_ask(f, "HLEN sy:qual:{1001}"), 1);
	stop();
}

/* What cannot be read is not known. */
static void test_broken(void **state)
{
	static const char *const texts[] = {"xyz", "1", "1 2 3 4", "%d"};
	struct fixture *f = *state;

	start(f);
	put_reg("sip:a", false, 500);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		(void)server_ask(f, "HSET sy:qual:{1001} sip:a %s", texts[i]);
		get_reg();
		assert_int_equal(bindings, 1);
		assert_int_equal(checked_ms, 0);
		assert_true(reachable);
	}
	stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fixture_test(test_take),
		fixture_test(test_take_some),
		fixture_test(test_hold),
		fixture_test(test_router_gone),
		fixture_test(test_known),
		fixture_test(test_never_there),
		fixture_test(test_goes_with_binding),
		fixture_test(test_broken),
	};

	return cmocka_run_group_tests_name("store_qual", tests, NULL, NULL);
}
