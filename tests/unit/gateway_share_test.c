/* libs: sy_gateway_core sy_proto_uv sy_proto uv hiredis */
/* SPDX-License-Identifier: MIT */
/* Lists that many ask for at once: they are read once for all, and nobody is
 * told what was so before he asked. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <hiredis/hiredis.h>
#include <re.h>

#include "gateway_fake.h"

enum { MANY = 20 };

static struct web_req *ask(struct fake_world *w, const char *target)
{
	struct web_req *req;

	assert_int_equal(web_req_alloc(&req, NULL), 0);
	assert_int_equal(web_req_target(req, "GET", 3, target,
					strlen(target)), 0);
	assert_int_equal(fields_addf(&req->head, "authorization",
				     "Bearer sesame"), 0);
	api_head(req, &w->api);
	assert_int_equal(req->res.status, 0);
	api_request(req, &w->api);

	return req;
}

static void expect(struct fake_world *w, struct web_req *req, const char *id)
{
	const char *p;
	size_t len;

	run_until(w->f, fake_ended, req);
	assert_int_equal(req->res.status, 200);
	p = (const char *)web_res_peek(req, &len);
	if (id && !memmem(p, len, id, strlen(id)))
		fail_msg("no %s in %.*s", id, (int)len, p);
	mem_deref(req);
}

struct stats {
	long reads;
	bool done;
};

static void on_stats(int err, const redisReply *reply, void *arg)
{
	static const char name[] = "cmdstat_zrangebylex:calls=";
	struct stats *s = arg;
	const char *p;

	assert_int_equal(err, 0);
	p = reply->str ? strstr(reply->str, name) : NULL;
	s->reads = p ? strtol(p + sizeof(name) - 1, NULL, 10) : 0;
	s->done = true;
}

static bool is_done(void *arg)
{
	return ((struct stats *)arg)->done;
}

static long reads(struct fake_world *w)
{
	struct stats s = {0};

	assert_int_equal(redis_command(view_redis(w->view), 0, on_stats, &s,
				       "INFO commandstats"), 0);
	run_until(w->f, is_done, &s);

	return s.reads;
}

static void test_many_at_once(void **state)
{
	struct web_req *reqv[MANY], *other;
	struct fake_world w;
	long before;

	fake_start(&w, state);
	fake_call(&w, FAKE_CALL, "node-1");
	before = reads(&w);
	for (size_t i = 0; i < MANY; i++)
		reqv[i] = ask(&w, "/api/calls");
	other = ask(&w, "/api/calls?limit=1");
	for (size_t i = 0; i < MANY; i++)
		expect(&w, reqv[i], FAKE_CALL);
	expect(&w, other, FAKE_CALL);
	run_until(w.f, fake_is_free, &w);

	/* The first one's, one for all others, and that of another list. */
	assert_int_equal(reads(&w) - before, 3);
	assert_null(w.api.shares);
	fake_stop(&w);
}

/* Who asks after a change sees it, whatever is under way. */
static void test_nobody_sees_the_past(void **state)
{
	struct web_req *early, *late;
	struct fake_world w;

	fake_start(&w, state);
	early = ask(&w, "/api/calls");
	fake_put(&w, view_redis(w.view), FAKE_CALL, "node-1", 5);
	late = ask(&w, "/api/calls");
	expect(&w, early, NULL);
	expect(&w, late, FAKE_CALL);
	run_until(w.f, fake_is_free, &w);
	fake_stop(&w);
}

/* Those whose peers went cost nothing, and harm nobody. */
static void test_gone(void **state)
{
	struct web_req *gone, *stays;
	struct fake_world w;

	fake_start(&w, state);
	gone = ask(&w, "/api/calls");
	stays = ask(&w, "/api/calls");
	mem_deref(gone);
	expect(&w, stays, NULL);
	run_until(w.f, fake_is_free, &w);
	assert_null(w.api.shares);
	fake_stop(&w);
}

#define uv_test(fn)                                                           \
	{#fn, fn, fixture_setup, fixture_teardown, &fixture_uv}

int main(void)
{
	const struct CMUnitTest tests[] = {
		uv_test(test_many_at_once),
		uv_test(test_nobody_sees_the_past),
		uv_test(test_gone),
	};
	(void)fixture_re; /* this program has the other loop only */

	return cmocka_run_group_tests(tests, NULL, NULL);
}
