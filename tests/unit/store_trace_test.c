/* libs: sy_proto sy_proto_uv uv hiredis */
/* SPDX-License-Identifier: MIT */
/* The trace of a call, against a Redis: order, bounds, and how long it stays.
 */

#include "redis_fixture.h"
#include "proto/script.h"
#include "proto/store_trace.h"

#define HUB "01J00000000000000000000000"

struct client {
	struct fixture *f;
	struct redis *r;
	int up, done, err;
	struct store_trace *trace;
	long long number;
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
}

static void client_close(struct client *c)
{
	mem_deref(c->trace);
	mem_deref(c->r);
}

/* What the store takes over. */
struct ticket {
	struct client *c;
};

static void put_handler(int err, void *arg)
{
	struct ticket *t = arg;

	t->c->err = err;
	t->c->done = 1;
	mem_deref(t);
}

static void wait_done(struct client *c)
{
	run_until(c->f, is_nonzero, &c->done);
	c->done = 0;
	assert_int_equal(c->err, 0);
}

/* n messages, the first at a time, with a text of so many bytes. */
static void put(struct client *c, uint32_t ttl_s, int64_t at, size_t n,
		size_t textlen)
{
	struct store_trace_put p = {
	    .hub = HUB, .ttl_s = ttl_s, .running_s = 1000, .n = n};
	uint8_t *buf[STORE_TRACE_BATCH];
	char *text = calloc(1, textlen + 1);
	struct ticket *t = mem_zalloc(sizeof(*t), NULL);

	memset(text, 'x', textlen);
	for (size_t i = 0; i < n; i++) {
		Google__Protobuf__Timestamp ts =
		    GOOGLE__PROTOBUF__TIMESTAMP__INIT;
		Sy__TraceMessage m = SY__TRACE_MESSAGE__INIT;

		ts.seconds = at + (int64_t)i;
		m.at = &ts;
		m.text = text;
		p.itemv[i].len = sy__trace_message__get_packed_size(&m);
		p.itemv[i].p = buf[i] = malloc(p.itemv[i].len);
		(void)sy__trace_message__pack(&m, buf[i]);
	}
	t->c = c;
	assert_int_equal(store_trace_put(c->r, &p, put_handler, t), 0);
	wait_done(c);
	for (size_t i = 0; i < n; i++)
		free(buf[i]);
	free(text);
}

static void get_handler(int err, struct store_trace *trace, void *arg)
{
	struct ticket *t = arg;

	t->c->err = err;
	t->c->trace = trace;
	t->c->done = 1;
	mem_deref(t);
}

static const struct store_trace *get(struct client *c)
{
	struct ticket *t = mem_zalloc(sizeof(*t), NULL);

	t->c = c;
	c->trace = mem_deref(c->trace);
	assert_int_equal(store_trace_get(c->r, HUB, get_handler, t), 0);
	wait_done(c);
	assert_non_null(c->trace);

	return c->trace;
}

static void number_handler(int err, const redisReply *reply, void *arg)
{
	struct client *c = arg;

	c->err = err;
	c->number = reply ? reply->integer : 0;
	c->done = 1;
}

static long long ttl(struct client *c)
{
	assert_int_equal(
	    redis_command(c->r, 0, number_handler, c, "TTL sy:trace:{" HUB "}"),
	    0);
	wait_done(c);

	return c->number;
}

static void test_order(void **state)
{
	const struct store_trace *trace;
	struct client c;

	client_open(&c, *state);
	assert_int_equal(get(&c)->n, 0);
	put(&c, 100, 20, 2, 10);
	put(&c, 100, 10, 2, 10); /* of a router that was later */
	trace = get(&c);
	assert_int_equal(trace->n, 4);
	assert_int_equal(trace->messagev[0]->at->seconds, 10);
	assert_int_equal(trace->messagev[3]->at->seconds, 21);
	assert_string_equal(trace->messagev[0]->text, "xxxxxxxxxx");
	client_close(&c);
}

static void test_ttl(void **state)
{
	struct client c;

	client_open(&c, *state);
	put(&c, 0, 1, 1, 1);
	assert_in_range(ttl(&c), 990, 1000); /* that of a running call */
	put(&c, 50, 2, 1, 1);
	assert_in_range(ttl(&c), 45, 50);
	put(&c, 0, 3, 1, 1); /* as it was */
	assert_in_range(ttl(&c), 40, 50);
	client_close(&c);
}

static void test_number(void **state)
{
	const struct store_trace *trace;
	const size_t over = 40;
	int64_t at = 0;
	struct client c;

	client_open(&c, *state);
	while (at < STORE_TRACE_MAX + (int64_t)over) {
		put(&c, 100, at, 20, 10);
		at += 20;
	}
	trace = get(&c);
	assert_int_equal(trace->n, STORE_TRACE_MAX);
	/* the first stay, and the last */
	for (size_t i = 0; i < STORE_TRACE_FIRST; i++)
		assert_int_equal(trace->messagev[i]->at->seconds, i);
	for (size_t i = STORE_TRACE_FIRST; i < trace->n; i++)
		assert_int_equal(trace->messagev[i]->at->seconds, i + over);
	client_close(&c);
}

static void test_bytes(void **state)
{
	const struct store_trace *trace;
	size_t sum = 0;
	struct client c;

	client_open(&c, *state);
	for (int64_t at = 0; at < 100; at++)
		put(&c, 100, at, 1, 16000);
	trace = get(&c);
	for (size_t i = 0; i < trace->n; i++)
		sum += 16000;
	assert_in_range(sum, STORE_TRACE_BYTES - 20000, STORE_TRACE_BYTES);
	assert_int_equal(trace->messagev[trace->n - 1]->at->seconds, 99);
	assert_int_equal(trace->messagev[0]->at->seconds, 0);
	client_close(&c);
}

static void test_wrong(void **state)
{
	struct store_trace_put p = {.hub = HUB};
	struct client c;

	client_open(&c, *state);
	assert_int_equal(store_trace_put(c.r, &p, NULL, NULL), EINVAL);
	p.n = STORE_TRACE_BATCH + 1;
	assert_int_equal(store_trace_put(c.r, &p, NULL, NULL), EINVAL);
	assert_int_equal(store_trace_get(c.r, NULL, get_handler, &c), EINVAL);
	client_close(&c);
}

#define T(f, uv)                                                               \
	cmocka_unit_test_prestate_setup_teardown(f, fixture_setup,             \
						 fixture_teardown, uv)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    T(test_order, &fixture_re),	 T(test_ttl, &fixture_uv),
	    T(test_number, &fixture_re), T(test_bytes, &fixture_uv),
	    T(test_wrong, &fixture_re),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
