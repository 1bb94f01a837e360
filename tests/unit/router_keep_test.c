/* libs: sy_router_core sy_proto sy_proto_uv uv hiredis */
/* SPDX-License-Identifier: MIT */
/* Registrations that routers remember, and a Redis that forgets. */
#include "redis_fixture.h"
#include "proto/store.h"
#include "router/keep.h"

enum { HOUR_MS = 3600000 };

/* A router: its bus, what it remembers. */
struct side {
	struct bus *bus;
	struct keep *keep;
	int up, answers, err;
	bool removes;
	bool news;      /* of the last one, to who watches */
};

static void state_handler(bool up, int err, void *arg)
{
	struct side *s = arg;
	(void)err;

	s->up = up;
	if (up)
		keep_redis_up(s->keep);
}

static void side_start(struct side *s, struct fixture *f, size_t max)
{
	const struct bus_conf bc = {.loop = f->loop, .url = f->url,
				    .stateh = state_handler, .arg = s};
	struct keep_conf kc = {.max = max};

	memset(s, 0, sizeof(*s));
	assert_int_equal(bus_alloc(&s->bus, &bc), 0);
	kc.bus = s->bus;
	assert_int_equal(keep_alloc(&s->keep, &kc), 0);
	run_until(f, is_nonzero, &s->up);
}

static void side_stop(struct side *s)
{
	s->keep = mem_deref(s->keep);
	s->bus = mem_deref(s->bus);
}

static void reg_handler(int err, const Sy__Registration *reg, void *arg)
{
	struct side *s = arg;

	s->answers++;
	s->err = err;
	if (!err)
		s->news = keep_learn(s->keep, reg, s->removes);
}

/* A REGISTER at a router: one contact, for so long; 0: it leaves; NULL: all
 * leave. */
static void reg(struct fixture *f, struct side *s, const char *device,
		const char *contact, uint32_t ms)
{
	Google__Protobuf__Timestamp at = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
	Sy__Binding b = SY__BINDING__INIT;
	const Sy__Binding *bindv[] = {&b};
	struct store_reg_put put = {.device = device, .bindv = bindv,
				    .bindc = contact && ms, .dropv = &contact,
				    .dropc = contact && !ms,
				    .drop_all = !contact, .call_id = "id",
				    .cseq = 1};

	timestamp_set_ms(&at, timestamp_now_ms() + ms);
	b.contact = (char *)(uintptr_t)contact;
	b.call_id = (char *)(uintptr_t)"id";
	b.cseq = 1;
	b.expires_at = &at;
	s->answers = 0;
	s->removes = !ms;
	assert_int_equal(store_reg_put(bus_redis(s->bus), &put, reg_handler,
				       s), 0);
	run_until(f, is_nonzero, &s->answers);
	assert_int_equal(s->err, 0);
}

static bool all_down(void *arg)
{
	struct side *const *v = arg;

	return !v[0]->up && !v[1]->up;
}

static bool all_up(void *arg)
{
	struct side *const *v = arg;

	return v[0]->up && v[1]->up;
}

static void restart_empty(struct fixture *f, struct side *a, struct side *b)
{
	struct side *v[] = {a, b};

	server_kill(f);
	run_until(f, all_down, v);
	server_start(f);
	run_until(f, all_up, v);
}

struct has {
	struct fixture *f;
	const char *device, *contact;
};

static bool is_there(void *arg)
{
	const struct has *h = arg;

	return server_ask(h->f, "HEXISTS sy:reg:{%s} %s", h->device,
			  h->contact) == 1;
}

#define run_until_there(f, ...)                                               \
	run_until(f, is_there, &((struct has){f, __VA_ARGS__}))

static bool forgotten(void *arg)
{
	return !keep_count(arg);
}

static bool three_indexed(void *arg)
{
	return server_ask(arg, "ZCARD sy:regs:expiry") == 3;
}

/* Redis comes back empty: bindings are there again, with index and expiry;
 * what lapsed meanwhile, or was removed at another router, is not. */
static void test_empty(void **state)
{
	struct fixture *f = *state;
	struct side a, b;

	side_start(&a, f, 100);
	side_start(&b, f, 100);
	reg(f, &a, "1001", "sip:a", HOUR_MS);
	reg(f, &a, "1001", "sip:b", HOUR_MS);
	reg(f, &b, "1002", "sip:c", HOUR_MS);
	reg(f, &a, "1003", "sip:d", 50);
	reg(f, &a, "1004", "sip:e", HOUR_MS);
	reg(f, &a, "1005", "sip:f", HOUR_MS);
	reg(f, &a, "1005", "sip:g", HOUR_MS);
	assert_int_equal(keep_count(a.keep), 4);
	assert_int_equal(keep_count(b.keep), 1);
	reg(f, &b, "1004", NULL, 0);      /* at the other router */
	reg(f, &b, "1005", "sip:f", 0);
	assert_int_equal(keep_count(b.keep), 2);
	usleep(60000); /* 1003 lapses by the clock */

	restart_empty(f, &a, &b);
	run_until_there(f, "1001", "sip:a");
	run_until_there(f, "1001", "sip:b");
	run_until_there(f, "1002", "sip:c");
	run_until_there(f, "1005", "sip:g");
	run_until(f, three_indexed, f);
	assert_int_equal(server_ask(f, "ZCARD sy:regs"), 3);
	assert_int_equal(server_ask(f, "EXISTS sy:reg:{1003} sy:reg:{1004}"),
			 0);
	assert_int_equal(server_ask(f, "HEXISTS sy:reg:{1005} sip:f"), 0);
	assert_true(server_ask(f, "PTTL sy:reg:{1001}") > HOUR_MS - 60000);
	side_stop(&a);
	side_stop(&b);
}

/* Lost without a restart, found by the marker; and a binding that went in the
 * new Redis, a moment ago, does not come back from who remembers it. */
static void test_flushed(void **state)
{
	struct fixture *f = *state;
	struct side a, b;

	side_start(&a, f, 100);
	side_start(&b, f, 100);
	reg(f, &a, "1001", "sip:a", HOUR_MS);
	reg(f, &a, "1002", "sip:b", HOUR_MS);
	server_ask(f, "FLUSHALL");
	/* as if the other router's news of it had been lost */
	server_ask(f, "HSET sy:unreg:{1002} sip:b 1");
	for (int i = 0; i < 10; i++)
		keep_tick(a.keep);
	run_until_there(f, "1001", "sip:a");
	run_until(f, fixture_always, NULL);
	assert_int_equal(server_ask(f, "EXISTS sy:reg:{1002}"), 0);

	reg(f, &b, "1001", NULL, 0);
	reg(f, &b, "1002", NULL, 0);
	run_until(f, forgotten, a.keep);
	side_stop(&a);
	side_stop(&b);
}

/* Restarted with what it had written down a while ago: the rest comes back,
 * what is there is left alone. */
static void test_old_snapshot(void **state)
{
	struct fixture *f = *state;
	struct side a, b;

	side_start(&a, f, 100);
	side_start(&b, f, 100);
	reg(f, &a, "1001", "sip:a", HOUR_MS);
	assert_int_equal(server_ask(f, "SAVE"), 0);
	reg(f, &a, "1002", "sip:b", HOUR_MS);
	restart_empty(f, &a, &b);
	assert_int_equal(server_ask(f, "HEXISTS sy:reg:{1001} sip:a"), 1);
	run_until_there(f, "1002", "sip:b");
	side_stop(&a);
	side_stop(&b);
	{
		char path[128];

		snprintf(path, sizeof(path), "%s/dump.rdb", f->dir);
		unlink(path);
	}
}

static bool is_500(void *arg)
{
	return server_ask(arg, "ZCARD sy:regs") == 500;
}

/* More than a window; and more than are remembered: the oldest go. */
static void test_many(void **state)
{
	struct fixture *f = *state;
	char device[16];
	struct side a, b;

	side_start(&a, f, 500);
	side_start(&b, f, 1);
	for (int i = 0; i < 600; i++) {
		snprintf(device, sizeof(device), "%d", 2000 + i);
		reg(f, &a, device, "sip:x", HOUR_MS);
	}
	assert_int_equal(keep_count(a.keep), 500);
	restart_empty(f, &a, &b);
	run_until(f, is_500, f);
	assert_int_equal(server_ask(f, "EXISTS sy:reg:{2099}"), 0);
	assert_int_equal(server_ask(f, "EXISTS sy:reg:{2100}"), 1);
	side_stop(&a);
	side_stop(&b);
}

/* Who watches a device is told when it comes and goes, not each time that it
 * registers again. */
static void test_news(void **state)
{
	struct fixture *f = *state;
	struct side a, b;

	side_start(&a, f, 100);
	side_start(&b, f, 100);
	reg(f, &a, "1001", "sip:a", HOUR_MS);
	assert_true(a.news);
	reg(f, &a, "1001", "sip:a", HOUR_MS);
	assert_false(a.news);
	reg(f, &b, "1001", "sip:a", HOUR_MS); /* for all that b knows */
	assert_true(b.news);
	reg(f, &a, "1001", "sip:a", 0);
	assert_true(a.news);
	reg(f, &a, "1001", "sip:a", 50);
	assert_true(a.news);
	usleep(60000); /* it lapses by the clock */
	reg(f, &a, "1001", "sip:a", HOUR_MS);
	assert_true(a.news);
	reg(f, &b, "1001", NULL, 0); /* at the other router */
	run_until(f, forgotten, a.keep);
	reg(f, &a, "1001", "sip:a", HOUR_MS);
	assert_true(a.news);
	side_stop(&a);
	side_stop(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fixture_test_re(test_empty),
		fixture_test_re(test_flushed),
		fixture_test(test_old_snapshot),
		fixture_test_re(test_many),
		fixture_test_re(test_news),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
