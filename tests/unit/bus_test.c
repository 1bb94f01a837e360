/* libs: sy_proto sy_proto_uv uv hiredis */
/* SPDX-License-Identifier: MIT */
#include "redis_fixture.h"
#include "proto/bus.h"
#include "proto/ulid.h"

enum { HOW_AT_ONCE, HOW_LATER, HOW_NEVER, HOW_FREE_BUS };

struct peer {
	struct bus *bus;
	int up, ups, downs;
	/* commands received */
	int commands;
	int how;
	struct bus_request *req; /* to be answered later */
	char call[64], from[64];
	/* results of our requests */
	int results, want;
	int code;
	char error[64], leg[64];
	bool inside;
	/* messages heard */
	int heard;
	char heard_from[64];
	bool free_in_result;
};

struct world {
	struct fixture *f;
	struct peer router, node;
};

static void state_handler(bool up, int err, void *arg)
{
	struct peer *p = arg;
	(void)err;

	assert_int_not_equal(up, p->up);
	p->up = up;
	p->ups += up;
	p->downs += !up;
	assert_int_equal(bus_is_up(p->bus), up);
}

static void answer(struct bus_request *req, const char *leg)
{
	Sy__Result res = SY__RESULT__INIT;

	res.leg = (char *)leg;
	bus_reply(req, &res);
}

static void command_handler(struct bus_request *req, const Sy__Envelope *env,
			    void *arg)
{
	struct peer *p = arg;

	p->commands++;
	assert_int_equal(env->body_case, SY__ENVELOPE__BODY_GET_CALL);
	snprintf(p->call, sizeof(p->call), "%s", env->get_call->call);
	snprintf(p->from, sizeof(p->from), "%s", env->from);
	assert_true(ulid_is_valid(env->id));

	switch (p->how) {
	case HOW_AT_ONCE:
		answer(req, "done");
		break;
	case HOW_FREE_BUS:
		p->bus = mem_deref(p->bus);
		answer(req, "nobody hears this");
		break;
	default:
		p->req = req;
		break;
	}
}

static void result_handler(const Sy__Result *res, void *arg)
{
	struct peer *p = arg;

	assert_false(p->inside);
	p->results++;
	p->code = (int)res->code;
	snprintf(p->error, sizeof(p->error), "%s", res->error);
	snprintf(p->leg, sizeof(p->leg), "%s", res->leg);
	if (p->free_in_result)
		p->bus = mem_deref(p->bus);
}

static bool got_result(void *arg)
{
	const struct peer *p = arg;

	return p->results >= p->want;
}

static bool got_command(void *arg)
{
	return ((struct peer *)arg)->commands > 0;
}


static bool all_up(void *arg)
{
	const struct world *w = arg;

	return w->router.up && w->node.up;
}

static bool all_down(void *arg)
{
	const struct world *w = arg;

	return !w->router.up && !w->node.up;
}

static void peer_open(struct peer *p, struct fixture *f, const char *id,
		      bool takes_commands)
{
	const struct bus_conf conf = {
		.loop = f->loop,
		.url = f->url,
		.id = id,
		.commandh = takes_commands ? command_handler : NULL,
		.stateh = state_handler,
		.arg = p,
	};

	assert_int_equal(bus_alloc(&p->bus, &conf), 0);
	assert_false(bus_is_up(p->bus));
}

static void world_open(struct world *w, struct fixture *f)
{
	memset(w, 0, sizeof(*w));
	w->f = f;
	peer_open(&w->router, f, NULL, false);
	peer_open(&w->node, f, "node-1", true);
	run_until(f, all_up, w);
}

static void world_close(struct world *w)
{
	mem_deref(w->router.bus);
	mem_deref(w->node.bus);
}

static void ask(struct peer *p, const char *member, const char *call,
		uint32_t deadline_ms)
{
	Sy__Envelope env = SY__ENVELOPE__INIT;
	Sy__GetCall get = SY__GET_CALL__INIT;

	get.call = (char *)call;
	env.body_case = SY__ENVELOPE__BODY_GET_CALL;
	env.get_call = &get;
	p->want++;
	p->inside = true;
	assert_int_equal(bus_request_member(p->bus, member, &env, deadline_ms,
					    result_handler, p), 0);
	p->inside = false;
}

static void ask_ok(struct world *w)
{
	ask(&w->router, "node-1", "a call", 0);
	run_until(w->f, got_result, &w->router);
	assert_int_equal(w->router.code, SY__RESULT_CODE__OK);
	assert_string_equal(w->router.leg, "done");
}

static void test_request(void **state)
{
	struct world w;

	world_open(&w, *state);
	ask_ok(&w);
	assert_int_equal(w.router.results, 1);
	assert_int_equal(w.node.commands, 1);
	assert_string_equal(w.node.call, "a call");
	assert_string_equal(w.node.from, "");

	/* many at once, each answered once */
	for (int i = 0; i < 500; i++)
		ask(&w.router, "node-1", "x", 0);
	run_until(w.f, got_result, &w.router);
	assert_int_equal(w.router.results, 501);
	assert_int_equal(w.node.commands, 501);

	/* to oneself, with one's name on it */
	ask(&w.node, "node-1", "y", 0);
	run_until(w.f, got_result, &w.node);
	assert_string_equal(w.node.from, "node-1");
	world_close(&w);
}

static void test_no_subscriber(void **state)
{
	struct world w;
	uint64_t start;

	world_open(&w, *state);
	start = loop_now_us();
	ask(&w.router, "node-2", "x", 10000);
	run_until(w.f, got_result, &w.router);
	assert_int_equal(w.router.code, SY__RESULT_CODE__NO_SUBSCRIBER);
	assert_true(strlen(w.router.error) > 0);
	assert_true(loop_now_us() - start < 4000000); /* before any retry */
	world_close(&w);
}

/* No reply: one retry, which is not done twice, then TIMED_OUT, once. */
static void test_timeout(void **state)
{
	struct world w;
	uint64_t start;

	world_open(&w, *state);
	w.node.how = HOW_NEVER;
	start = loop_now_us();
	ask(&w.router, "node-1", "x", 200);
	run_until(w.f, got_result, &w.router);
	assert_true(loop_now_us() - start >= 200000);
	assert_int_equal(w.router.code, SY__RESULT_CODE__TIMED_OUT);
	assert_int_equal(w.node.commands, 1);

	/* an answer that is too late is nobody's */
	answer(w.node.req, "late");
	w.node.how = HOW_AT_ONCE;
	ask_ok(&w);
	assert_int_equal(w.router.results, 2);
	world_close(&w);
}

static bool after_retry(void *arg)
{
	return loop_now_us() > *(uint64_t *)arg;
}

/* The retry comes while the command is still at work. */
static void test_retry_in_progress(void **state)
{
	struct world w;
	uint64_t until;

	world_open(&w, *state);
	w.node.how = HOW_LATER;
	until = loop_now_us() + 300000; /* retried at 200 ms */
	ask(&w.router, "node-1", "x", 400);
	run_until(w.f, after_retry, &until);
	assert_int_equal(w.node.commands, 1);
	answer(w.node.req, "done");
	run_until(w.f, got_result, &w.router);
	assert_int_equal(w.router.code, SY__RESULT_CODE__OK);
	run_until(w.f, fixture_always, NULL);
	assert_int_equal(w.router.results, 1);
	world_close(&w);
}

static void listen_handler(const Sy__Envelope *env, void *arg)
{
	struct peer *p = arg;

	p->heard++;
	snprintf(p->heard_from, sizeof(p->heard_from), "%s", env->from);
	if (env->body_case == SY__ENVELOPE__BODY_RESULT)
		snprintf(p->leg, sizeof(p->leg), "%s", env->result->leg);
}

static bool heard_two(void *arg)
{
	return ((struct peer *)arg)->heard >= 2;
}

/* The reply was lost: the same request again is answered again from memory,
 * and not done again. */
static void test_retry_after_reply(void **state)
{
	Sy__Envelope env = SY__ENVELOPE__INIT;
	Sy__GetCall get = SY__GET_CALL__INIT;
	struct world w;
	uint8_t buf[256];
	char id[ULID_LEN + 1];
	size_t len;

	world_open(&w, *state);
	assert_int_equal(bus_listen(w.router.bus, "test:reply",
				    listen_handler, &w.router), 0);
	ulid_make(id);
	get.call = (char *)"x";
	env.id = id;
	env.reply_to = (char *)"test:reply";
	env.body_case = SY__ENVELOPE__BODY_GET_CALL;
	env.get_call = &get;
	len = sy__envelope__pack(&env, buf);
	for (int i = 0; i < 2; i++)
		assert_int_equal(server_ask(w.f, "PUBLISH %s %b",
					    BUS_CHANNEL_MEMBER "node-1", buf,
					    len), 1);
	run_until(w.f, heard_two, &w.router);
	assert_int_equal(w.node.commands, 1);
	assert_string_equal(w.router.leg, "done");
	world_close(&w);
}

static void test_publish(void **state)
{
	Sy__Envelope env = SY__ENVELOPE__INIT;
	Sy__ConfigChanged changed = SY__CONFIG_CHANGED__INIT;
	Sy__GetCall get = SY__GET_CALL__INIT;
	struct world w;

	world_open(&w, *state);
	assert_int_equal(bus_listen(w.router.bus, BUS_CHANNEL_CONFIG,
				    listen_handler, &w.router), 0);
	assert_int_equal(bus_listen(w.router.bus, BUS_CHANNEL_CONFIG,
				    listen_handler, &w.router), EINVAL);
	env.body_case = SY__ENVELOPE__BODY_CONFIG_CHANGED;
	env.config_changed = &changed;
	/* until the subscription is there, nobody hears */
	while (!w.router.heard) {
		assert_int_equal(bus_publish(w.node.bus, BUS_CHANNEL_CONFIG,
					     &env), 0);
		run_until(w.f, fixture_always, NULL);
	}
	assert_string_equal(w.router.heard_from, "node-1");

	/* a command without a reply is one, too */
	env.body_case = SY__ENVELOPE__BODY_GET_CALL;
	env.get_call = &get;
	assert_int_equal(bus_publish(w.router.bus, BUS_CHANNEL_MEMBER "node-1",
				     &env), 0);
	run_until(w.f, got_command, &w.node);
	assert_int_equal(w.node.commands, 1);

	/* what is no Envelope is dropped */
	assert_true(server_ask(w.f, "PUBLISH %s %s", BUS_CHANNEL_CONFIG,
			       "\xff\xff nonsense") == 1);
	assert_true(server_ask(w.f, "PUBLISH %s %s",
			       BUS_CHANNEL_MEMBER "node-1",
			       "\xff\xff nonsense") == 1);
	assert_true(server_ask(w.f, "PUBLISH %s %s",
			       BUS_CHANNEL_MEMBER "node-1", "") == 1);
	ask_ok(&w);
	assert_int_equal(w.node.commands, 2);
	world_close(&w);
}

static void test_redis_away(void **state)
{
	Sy__Envelope env = SY__ENVELOPE__INIT;
	struct fixture *f = *state;
	struct world w;
	uint64_t start;

	world_open(&w, f);
	server_kill(f);
	run_until(f, all_down, &w);
	start = loop_now_us();
	ask(&w.router, "node-1", "x", 10000);
	run_until(f, got_result, &w.router);
	assert_int_equal(w.router.code, SY__RESULT_CODE__UNAVAILABLE);
	assert_true(loop_now_us() - start < 4000000);
	assert_int_equal(bus_publish(w.node.bus, "x", &env), ENOTCONN);

	server_start(f);
	run_until(f, all_up, &w);
	assert_int_equal(w.router.ups, 2);
	assert_int_equal(w.router.downs, 1);
	/* up means subscribed: at once, by either side */
	ask_ok(&w);
	world_close(&w);
}

/* Redis dies with the request under way: one result, whichever it is. */
static void test_redis_dies(void **state)
{
	struct fixture *f = *state;
	struct world w;

	world_open(&w, f);
	w.node.how = HOW_LATER;
	ask(&w.router, "node-1", "x", 500);
	run_until(f, got_command, &w.node);
	server_kill(f);
	run_until(f, all_down, &w);
	answer(w.node.req, "into the void");
	run_until(f, got_result, &w.router);
	assert_int_not_equal(w.router.code, SY__RESULT_CODE__OK);
	server_start(f);
	run_until(f, all_up, &w);
	w.node.how = HOW_AT_ONCE;
	ask_ok(&w);
	assert_int_equal(w.router.results, 2);
	world_close(&w);
}

static void test_redis_stalls(void **state)
{
	struct fixture *f = *state;
	struct world w;

	world_open(&w, f);
	server_signal(f, SIGSTOP);
	ask(&w.router, "node-1", "x", 300);
	run_until(f, got_result, &w.router);
	assert_int_equal(w.router.code, SY__RESULT_CODE__TIMED_OUT);
	server_signal(f, SIGCONT);
	ask_ok(&w);
	assert_int_equal(w.router.results, 2);
	world_close(&w);
}

static void test_free_within(void **state)
{
	struct world w;

	/* in the result, with others outstanding */
	world_open(&w, *state);
	w.router.free_in_result = true;
	for (int i = 0; i < 5; i++)
		ask(&w.router, "node-1", "x", 0);
	w.router.want = 1;
	run_until(w.f, got_result, &w.router);
	run_until(w.f, fixture_always, NULL);
	assert_int_equal(w.router.results, 1);
	world_close(&w);

	/* in the result that the deadline made */
	world_open(&w, *state);
	w.router.free_in_result = true;
	w.node.how = HOW_NEVER;
	ask(&w.router, "node-1", "x", 50);
	run_until(w.f, got_result, &w.router);
	answer(w.node.req, "too late");
	world_close(&w);

	/* in a command, which is answered after that */
	world_open(&w, *state);
	w.node.how = HOW_FREE_BUS;
	ask(&w.router, "node-1", "x", 100);
	run_until(w.f, got_command, &w.node);
	run_until(w.f, got_result, &w.router);
	assert_int_not_equal(w.router.code, SY__RESULT_CODE__OK);
	world_close(&w);

	/* a command kept beyond the bus */
	world_open(&w, *state);
	w.node.how = HOW_LATER;
	ask(&w.router, "node-1", "x", 0);
	run_until(w.f, got_command, &w.node);
	world_close(&w);
	bus_replyf(w.node.req, SY__RESULT_CODE__CONFLICT, "gone: %d", 1);
}

static void test_replyf(void **state)
{
	struct world w;

	world_open(&w, *state);
	w.node.how = HOW_LATER;
	ask(&w.router, "node-1", "x", 0);
	run_until(w.f, got_command, &w.node);
	bus_replyf(w.node.req, SY__RESULT_CODE__NOT_FOUND, "no call %s", "x");
	run_until(w.f, got_result, &w.router);
	assert_int_equal(w.router.code, SY__RESULT_CODE__NOT_FOUND);
	assert_string_equal(w.router.error, "no call x");
	world_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fixture_test(test_request),
		fixture_test(test_no_subscriber),
		fixture_test(test_timeout),
		fixture_test_re(test_retry_in_progress),
		fixture_test_re(test_retry_after_reply),
		fixture_test_re(test_publish),
		fixture_test(test_redis_away),
		fixture_test_re(test_redis_dies),
		fixture_test_re(test_redis_stalls),
		fixture_test(test_free_within),
		fixture_test_re(test_replyf),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
