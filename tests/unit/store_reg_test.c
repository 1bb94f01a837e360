/* libs: sy_proto sy_proto_uv uv hiredis */
/* SPDX-License-Identifier: MIT */
/* Bindings that come, go and lapse, in a real Redis: each is told of once. */

#include "store_client.h"

enum { MEMBERS = 2, LONG_MS = 60000 };

static struct client client;
static char told[512];     /* "+sip:a -sip:b(expired) " of all events  */
static char lapsed[128];   /* "1001 "                                  */

static void start(struct fixture *f)
{
	lapsed[0] = '\0';
	client_open(&client, f);
	script_load_all(client.r); /* as the bus does */
}

static void stop(void)
{
	client_close(&client);
}

/* ---------------------------------------------------------------- events */

static void on_events(int err, const struct store_entry *v, size_t n,
		      void *arg)
{
	size_t len = 0;

	(void)arg;
	client.done++;
	client.err = err;
	told[0] = '\0';
	for (size_t i = 0; i < n; i++) {
		const Sy__Event *ev = v[i].event;
		const bool came = ev->type == SY__EVENT_TYPE__REGISTERED;

		assert_true(came ||
			    ev->type == SY__EVENT_TYPE__UNREGISTERED);
		assert_string_equal(ev->member, "r1");
		assert_string_equal(ev->registration->device, "1001");
		assert_int_equal(ev->registration->n_bindings, 1);
		assert_true(timestamp_ms(ev->at) != 0);
		len += (size_t)snprintf(
			told + len, sizeof(told) - len, "%c%s%s%s%s ",
			came ? '+' : '-',
			ev->registration->bindings[0]->contact,
			ev->reason[0] ? "(" : "", ev->reason,
			ev->reason[0] ? ")" : "");
	}
}

/* All of them so far, which are forgotten. */
static const char *events(struct fixture *f)
{
	assert_int_equal(answered(&client,
				  store_event_list(client.r, "0-0", 100,
						   on_events, NULL)), 0);
	(void)server_ask(f, "DEL sy:events");

	return told;
}

/* -------------------------------------------------------------- bindings */

static void on_reg(int err, const Sy__Registration *reg, void *arg)
{
	(void)reg;
	(void)arg;
	client.done++;
	client.err = err;
}

struct change {
	const char *contact; /* added, or refreshed */
	const char *drop;
	bool drop_all;
	uint32_t ms, cseq;
	const char *member;
};

static int put(const struct change *ch)
{
	Google__Protobuf__Timestamp expires;
	Sy__Binding b = SY__BINDING__INIT;
	const Sy__Binding *bv[] = {&b};
	const struct store_reg_put prm = {
		.device = "1001",
		.bindv = bv,
		.bindc = ch->contact ? 1 : 0,
		.dropv = &ch->drop,
		.dropc = ch->drop ? 1 : 0,
		.drop_all = ch->drop_all,
		.call_id = "id",
		.cseq = ch->cseq,
		.max_contacts = 3,
		.member = ch->member,
		.why = "unregistered",
	};

	timestamp_set_ms(&expires, timestamp_now_ms() +
				       (ch->ms ? ch->ms : LONG_MS));
	b.contact = (char *)(uintptr_t)ch->contact;
	b.expires_at = &expires;

	return answered(&client, store_reg_put(client.r, &prm, on_reg, NULL));
}

#define PUT(...)                                                               \
	put(&(const struct change){.member = "r1", __VA_ARGS__})

static void test_told(void **state)
{
	struct fixture *f = *state;

	start(f);
	assert_int_equal(PUT(.contact = "sip:a", .cseq = 1), 0);
	assert_string_equal(events(f), "+sip:a ");
	/* a copy of it, a refresh: no news; nor is what is refused */
	assert_int_equal(PUT(.contact = "sip:a", .cseq = 1), 0);
	assert_int_equal(PUT(.contact = "sip:a", .cseq = 5), 0);
	assert_int_equal(PUT(.drop = "sip:a", .cseq = 4), ESTALE);
	assert_int_equal(PUT(.drop = "sip:x", .cseq = 6), 0);
	assert_string_equal(events(f), "");

	assert_int_equal(PUT(.contact = "sip:b", .cseq = 6), 0);
	assert_int_equal(PUT(.drop = "sip:a", .cseq = 7), 0);
	assert_int_equal(PUT(.drop = "sip:a", .cseq = 7), 0);
	assert_string_equal(events(f), "+sip:b -sip:a(unregistered) ");
	assert_int_equal(PUT(.drop_all = true, .cseq = 8), 0);
	assert_string_equal(events(f), "-sip:b(unregistered) ");
	/* by who does not tell */
	assert_int_equal(put(&(const struct change){.contact = "sip:c",
						    .cseq = 9}), 0);
	assert_string_equal(events(f), "");
	stop();
}

/* --------------------------------------------------------------- lapsing */

static void on_lapsed(const char *device, void *arg)
{
	size_t len = strlen(lapsed);

	(void)arg;
	(void)snprintf(lapsed + len, sizeof(lapsed) - len, "%s ", device);
}

/* How many devices are. */
static uint64_t registered(void)
{
	assert_int_equal(answered(&client,
				  store_reg_count(client.r, count_handler,
						  &client)), 0);

	return client.count;
}

/* As all routers might at once, and until all of it was done. */
static const char *sweep(void)
{
	lapsed[0] = '\0';
	for (int i = 0; i < MEMBERS; i++)
		assert_int_equal(store_reg_sweep(client.r, "r1", on_lapsed,
						 NULL), 0);
	for (int i = 0; i < 3; i++) /* list, script, index */
		(void)registered();

	return lapsed;
}

static bool is_past(void *arg)
{
	return timestamp_now_ms() > *(uint64_t *)arg;
}

static void pass(struct fixture *f, uint32_t ms)
{
	uint64_t until = timestamp_now_ms() + ms;

	run_until(f, is_past, &until);
}

/* Of two contacts one lapses, then the other: each is told of once, however
 * many look; and a device is registered as long as it has one. */
static void test_lapse(void **state)
{
	struct fixture *f = *state;

	start(f);
	assert_int_equal(PUT(.contact = "sip:a", .cseq = 1), 0);
	assert_int_equal(PUT(.contact = "sip:b", .cseq = 2, .ms = 100), 0);
	assert_string_equal(events(f), "+sip:a +sip:b ");
	assert_string_equal(sweep(), "");

	pass(f, 110);
	assert_string_equal(sweep(), "1001 ");
	assert_string_equal(events(f), "-sip:b(expired) ");
	assert_string_equal(sweep(), "");
	assert_int_equal(client.count, 1);
	assert_int_equal(server_ask(f, "HLEN sy:reg:{1001}"), 1);

	assert_int_equal(PUT(.contact = "sip:a", .cseq = 3, .ms = 100), 0);
	pass(f, 110);
	assert_string_equal(sweep(), "1001 ");
	assert_string_equal(events(f), "-sip:a(expired) ");
	assert_int_equal(client.count, 0);
	assert_int_equal(server_ask(f, "EXISTS sy:reg:{1001} sy:regs "
				       "sy:regs:expiry sy:qual:{1001}"), 0);
	stop();
}

/* Late, but before it was told of: it is there again, and that is news. */
static void test_late(void **state)
{
	struct fixture *f = *state;

	start(f);
	assert_int_equal(PUT(.contact = "sip:a", .cseq = 1, .ms = 100), 0);
	assert_int_equal(PUT(.contact = "sip:b", .cseq = 2, .ms = 100), 0);
	pass(f, 110);
	/* nor does what has lapsed bind who comes to its CSeq */
	assert_int_equal(PUT(.contact = "sip:a", .cseq = 1), 0);
	assert_string_equal(events(f), "+sip:a +sip:b +sip:a ");
	/* the index knows of sip:a only */
	(void)server_ask(f, "ZADD sy:regs:expiry 1 1001");
	assert_string_equal(sweep(), "1001 ");
	assert_string_equal(events(f), "-sip:b(expired) ");
	assert_true(server_ask(f, "ZCOUNT sy:regs:expiry 2 +inf") == 1);
	stop();
}

/* Where nobody sweeps what has lapsed is not counted for long. */
static void test_unswept(void **state)
{
	struct fixture *f = *state;

	start(f);
	assert_int_equal(PUT(.contact = "sip:a", .cseq = 1), 0);
	(void)server_ask(f, "ZADD sy:regs:expiry %lld 1001",
			 (long long)timestamp_now_ms() - STORE_LAPSE_MS - 1);
	assert_int_equal(registered(), 0);
	(void)server_ask(f, "ZADD sy:regs:expiry %lld 1001",
			 (long long)timestamp_now_ms() - 10);
	assert_int_equal(registered(), 1);
	assert_int_equal(store_reg_sweep(NULL, "r1", on_lapsed, NULL),
			 EINVAL);
	assert_int_equal(store_reg_sweep(client.r, NULL, on_lapsed, NULL),
			 EINVAL);
	stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fixture_test(test_told),
		fixture_test(test_lapse),
		fixture_test(test_late),
		fixture_test(test_unswept),
	};

	return cmocka_run_group_tests_name("store_reg", tests, NULL, NULL);
}
