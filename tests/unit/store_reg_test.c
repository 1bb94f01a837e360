/* libs: sy_proto sy_proto_uv uv hiredis */
/* SPDX-License-Identifier: MIT */
/* Bindings that come, go and lapse, in a real Redis: each is told of once. */

#include "redis_fixture.h"
#include "proto/script.h"
#include "proto/store.h"

enum { MEMBERS = 2, LONG_MS = 60000 };

static struct redis *redis;
static unsigned answers;
static int last;
static uint64_t count;
static char told[512];     /* "+sip:a -sip:b(expired) " of all events  */
static char lapsed[128];   /* "1001 "                                  */

static bool up(void *arg)
{
	(void)arg;
	return redis_is_up(redis);
}

static void start(struct fixture *f)
{
	answers = 0;
	lapsed[0] = '\0';
	assert_int_equal(redis_alloc(&redis, f->loop, f->url, NULL, NULL), 0);
	assert_true(run_for(f, up, NULL, FIXTURE_TIMEOUT_MS));
	script_load_all(redis); /* as the bus does */
}

static void stop(void)
{
	redis = mem_deref(redis);
}

static bool answered(void *arg)
{
	return answers >= *(unsigned *)arg;
}

static void await(struct fixture *f, int err)
{
	unsigned n = answers + 1;

	assert_int_equal(err, 0);
	assert_true(run_for(f, answered, &n, FIXTURE_TIMEOUT_MS));
}

/* ---------------------------------------------------------------- events */

static void on_events(int err, const struct store_entry *v, size_t n,
		      void *arg)
{
	size_t len = 0;

	(void)arg;
	++answers;
	last = err;
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
	await(f, store_event_list(redis, "0-0", 100, on_events, NULL));
	assert_int_equal(last, 0);
	(void)server_ask(f, "DEL sy:events");

	return told;
}

/* -------------------------------------------------------------- bindings */

static void on_reg(int err, const Sy__Registration *reg, void *arg)
{
	(void)reg;
	(void)arg;
	++answers;
	last = err;
}

struct change {
	const char *contact; /* added, or refreshed */
	const char *drop;
	bool drop_all;
	uint32_t ms, cseq;
	const char *member;
};

static int put(struct fixture *f, const struct change *ch)
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
	await(f, store_reg_put(redis, &prm, on_reg, NULL));

	return last;
}

#define PUT(f, ...)                                                            \
	put(f, &(const struct change){.member = "r1", __VA_ARGS__})

static void test_told(void **state)
{
	struct fixture *f = *state;

	start(f);
	assert_int_equal(PUT(f, .contact = "sip:a", .cseq = 1), 0);
	assert_string_equal(events(f), "+sip:a ");
	/* a copy of it, a refresh: no news; nor is what is refused */
	assert_int_equal(PUT(f, .contact = "sip:a", .cseq = 1), 0);
	assert_int_equal(PUT(f, .contact = "sip:a", .cseq = 5), 0);
	assert_int_equal(PUT(f, .drop = "sip:a", .cseq = 4), ESTALE);
	assert_int_equal(PUT(f, .drop = "sip:x", .cseq = 6), 0);
	assert_string_equal(events(f), "");

	assert_int_equal(PUT(f, .contact = "sip:b", .cseq = 6), 0);
	assert_int_equal(PUT(f, .drop = "sip:a", .cseq = 7), 0);
	assert_int_equal(PUT(f, .drop = "sip:a", .cseq = 7), 0);
	assert_string_equal(events(f), "+sip:b -sip:a(unregistered) ");
	assert_int_equal(PUT(f, .drop_all = true, .cseq = 8), 0);
	assert_string_equal(events(f), "-sip:b(unregistered) ");
	/* by who does not tell */
	assert_int_equal(put(f, &(const struct change){.contact = "sip:c",
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

static void on_count(int err, uint64_t n, void *arg)
{
	(void)arg;
	++answers;
	last = err;
	count = n;
}

/* As all routers might at once, and until all of it was done. */
static const char *sweep(struct fixture *f)
{
	lapsed[0] = '\0';
	for (int i = 0; i < MEMBERS; i++)
		assert_int_equal(store_reg_sweep(redis, "r1", on_lapsed,
						 NULL), 0);
	for (int i = 0; i < 3; i++) /* list, script, index */
		await(f, store_reg_count(redis, on_count, NULL));

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
	assert_int_equal(PUT(f, .contact = "sip:a", .cseq = 1), 0);
	assert_int_equal(PUT(f, .contact = "sip:b", .cseq = 2, .ms = 100), 0);
	assert_string_equal(events(f), "+sip:a +sip:b ");
	assert_string_equal(sweep(f), "");

	pass(f, 110);
	assert_string_equal(sweep(f), "1001 ");
	assert_string_equal(events(f), "-sip:b(expired) ");
	assert_string_equal(sweep(f), "");
	assert_int_equal(count, 1);
	assert_int_equal(server_ask(f, "HLEN sy:reg:{1001}"), 1);

	assert_int_equal(PUT(f, .contact = "sip:a", .cseq = 3, .ms = 100), 0);
	pass(f, 110);
	assert_string_equal(sweep(f), "1001 ");
	assert_string_equal(events(f), "-sip:a(expired) ");
	assert_int_equal(count, 0);
	assert_int_equal(server_ask(f, "EXISTS sy:reg:{1001} sy:regs "
				       "sy:regs:expiry sy:qual:{1001}"), 0);
	stop();
}

/* Late, but before it was told of: it is there again, and that is news. */
static void test_late(void **state)
{
	struct fixture *f = *state;

	start(f);
	assert_int_equal(PUT(f, .contact = "sip:a", .cseq = 1, .ms = 100), 0);
	assert_int_equal(PUT(f, .contact = "sip:b", .cseq = 2, .ms = 100), 0);
	pass(f, 110);
	/* nor does what has lapsed bind who comes to its CSeq */
	assert_int_equal(PUT(f, .contact = "sip:a", .cseq = 1), 0);
	assert_string_equal(events(f), "+sip:a +sip:b +sip:a ");
	/* the index knows of sip:a only */
	(void)server_ask(f, "ZADD sy:regs:expiry 1 1001");
	assert_string_equal(sweep(f), "1001 ");
	assert_string_equal(events(f), "-sip:b(expired) ");
	assert_true(server_ask(f, "ZCOUNT sy:regs:expiry 2 +inf") == 1);
	stop();
}

/* Where nobody sweeps what has lapsed is not counted for long. */
static void test_unswept(void **state)
{
	struct fixture *f = *state;

	start(f);
	assert_int_equal(PUT(f, .contact = "sip:a", .cseq = 1), 0);
	(void)server_ask(f, "ZADD sy:regs:expiry %lld 1001",
			 (long long)timestamp_now_ms() - STORE_LAPSE_MS - 1);
	await(f, store_reg_count(redis, on_count, NULL));
	assert_int_equal(count, 0);
	(void)server_ask(f, "ZADD sy:regs:expiry %lld 1001",
			 (long long)timestamp_now_ms() - 10);
	await(f, store_reg_count(redis, on_count, NULL));
	assert_int_equal(count, 1);
	assert_int_equal(store_reg_sweep(NULL, "r1", on_lapsed, NULL),
			 EINVAL);
	assert_int_equal(store_reg_sweep(redis, NULL, on_lapsed, NULL),
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
