/* libs: sy_proto sy_proto_uv uv hiredis */
/* SPDX-License-Identifier: MIT */
#include "redis_fixture.h"
#include "proto/script.h"
#include "proto/script_texts.h"

struct client {
	struct fixture *f;
	struct redis *r;
	int up, calls, want, err;
	long long sum;
	char text[128];
	bool inside;
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
	assert_int_equal(redis_alloc(&c->r, f->loop, f->url, state_handler,
				     c), 0);
	run_until(f, is_nonzero, &c->up);
}

static void reply_handler(int err, const redisReply *reply, void *arg)
{
	struct client *c = arg;

	assert_false(c->inside);
	c->calls++;
	c->err = err;
	c->text[0] = '\0';
	if (reply && reply->str)
		snprintf(c->text, sizeof(c->text), "%s", reply->str);
	if (reply && reply->type == REDIS_REPLY_INTEGER)
		c->sum += reply->integer;
}

static bool all_called(void *arg)
{
	const struct client *c = arg;

	return c->calls >= c->want;
}

static int hub_put(struct client *c, const char *epoch, const char *value,
		   size_t len)
{
	const char *argv[] = {"sy:hub:{x}", "sy:gone:{x}", epoch, "node-1",
			      "7", "60", "1", "1", "call", value};
	const size_t lenv[] = {10, 11, strlen(epoch), 6, 1, 2, 1, 1, 4, len};
	int err;

	c->want++;
	c->inside = true;
	err = script_run(c->r, SCRIPT_HUB_PUT, 0, reply_handler, c, 2, 10,
			 argv, lenv);
	c->inside = false;

	return err;
}

/* Each says at its top what it takes and returns, and is in the program as
 * its file has it. */
static void test_texts(void **state)
{
	int n = 0;
	(void)state;

	for (; script_texts[n].name; n++) {
		const char *text = script_texts[n].text;

		if (strncmp(text, "-- ", 3) || !strstr(text, "\n-- KEYS ") ||
		    !strcasestr(text, "\n-- returns"))
			fail_msg("%s.lua has no contract", script_texts[n].name);
		assert_int_equal(text[strlen(text) - 1], '\n');
	}
	assert_int_equal(n, SCRIPT_COUNT);
}

/* Redis compiles each of them. */
static void test_load(void **state)
{
	struct fixture *f = *state;
	struct client c;

	client_open(&c, f);
	for (int i = 0; script_texts[i].name; i++) {
		c.want++;
		assert_int_equal(redis_command(c.r, 0, reply_handler, &c,
					       "SCRIPT LOAD %s",
					       script_texts[i].text), 0);
		run_until(f, all_called, &c);
		if (c.err)
			fail_msg("%s: %s", script_texts[i].name, c.text);
		assert_int_equal(strlen(c.text), 40);
	}
	mem_deref(c.r);
}

static void test_run(void **state)
{
	static const uint8_t bin[] = {0, 255, 13, 10, 0};
	struct fixture *f = *state;
	struct client c;

	client_open(&c, f);
	/* by digest, then by text: one reply */
	assert_int_equal(hub_put(&c, "1", (const char *)bin, sizeof(bin)), 0);
	run_until(f, all_called, &c);
	assert_int_equal(c.err, 0);
	assert_int_equal(c.sum, 1);
	assert_int_equal(server_ask(f, "HGET sy:hub:{x} call"), sizeof(bin));

	/* known now; pipelined */
	for (int i = 0; i < 100; i++)
		assert_int_equal(hub_put(&c, "2", "v", 1), 0);
	run_until(f, all_called, &c);
	assert_int_equal(c.calls, 101);
	assert_int_equal(c.sum, 101);

	/* forgotten with many under way: each is answered once */
	assert_int_equal(server_ask(f, "SCRIPT FLUSH"), 0);
	for (int i = 0; i < 100; i++)
		assert_int_equal(hub_put(&c, "3", "v", 1), 0);
	run_until(f, all_called, &c);
	run_until(f, fixture_always, NULL);
	assert_int_equal(c.calls, 201);
	assert_int_equal(c.sum, 201);

	/* an error within is an error of the run */
	assert_int_equal(hub_put(&c, "no number", "v", 1), 0);
	run_until(f, all_called, &c);
	assert_int_equal(c.err, EPROTO);
	assert_true(strlen(c.text) > 0);
	mem_deref(c.r);
}

static void test_errors(void **state)
{
	struct fixture *f = *state;
	struct client c;

	client_open(&c, f);
	assert_int_equal(script_run(c.r, SCRIPT_COUNT, 0, NULL, NULL, 0, 0,
				    NULL, NULL), EINVAL);
	assert_int_equal(script_run(c.r, SCRIPT_HUB_PUT, 0, NULL, NULL, 1, 0,
				    NULL, NULL), EINVAL);

	/* the connection goes, before the first and before the second try */
	assert_int_equal(server_ask(f, "SCRIPT FLUSH"), 0);
	assert_int_equal(hub_put(&c, "1", "v", 1), 0);
	mem_deref(c.r);
	run_until(f, fixture_always, NULL);
	assert_int_equal(c.calls, 0);

	client_open(&c, f);
	server_signal(f, SIGSTOP);
	assert_int_equal(hub_put(&c, "1", "v", 1), 0);
	server_kill(f);
	run_until(f, all_called, &c);
	assert_int_equal(c.err, ENOTCONN);
	assert_int_equal(hub_put(&c, "1", "v", 1), ENOTCONN);
	assert_int_equal(c.calls, 1);
	mem_deref(c.r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_texts),
		fixture_test_re(test_load),
		fixture_test(test_run),
		fixture_test(test_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
