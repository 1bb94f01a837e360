/* libs: sy_gateway_core sy_proto_uv sy_proto uv hiredis */
/* SPDX-License-Identifier: MIT */
/* Calls that change their node, or have lost it: what the client is told. */

#include "gateway_fake.h"

#define CALL FAKE_CALL
#define URL "/api/calls/" CALL
#define LEG "01ARZ3NDEKTSV4RRFFQ69G5FAA"

/* The second node takes the call over, 0.3 s from now. */
static void adopt(void *arg)
{
	struct fake_world *w = arg;

	fake_put(w, view_redis(w->view), CALL, "node-2",
		 member_instance(w->nodev[1].members));
}

static void adopt_soon(struct fake_world *w, struct loop_timer **tp)
{
	assert_int_equal(loop_timer_start(tp, w->f->loop, 300, adopt, w), 0);
}

/* ------------------------------------------------------------------- move */

static void test_move(void **state)
{
	struct fake_answer ans;
	struct fake_world w;
	char instance[32];

	fake_start(&w, state);
	fake_ask(&w, &ans, "POST", URL "/move", NULL);
	assert_int_equal(ans.status, 404);

	fake_call(&w, CALL, "node-1");
	fake_ask(&w, &ans, "POST", URL "/move", "{\"node\":\"node-2\"}");
	assert_int_equal(ans.status, 202);
	assert_string_equal(ans.location, URL);
	has(ans, "\"node\":\"node-2\"");
	(void)snprintf(instance, sizeof(instance), "\"instance\":%u",
		       member_instance(w.nodev[1].members));
	has(ans, instance);
	assert_string_equal(w.nodev[0].last->move_call->call, CALL);
	assert_string_equal(w.nodev[0].last->move_call->node, "node-2");

	/* Where to is the owner's choice, if nobody says. */
	fake_ask(&w, &ans, "POST", URL "/move", NULL);
	assert_int_equal(ans.status, 202);
	assert_string_equal(w.nodev[0].last->move_call->node, "");
	fake_ask(&w, &ans, "POST", URL "/move", "{}");
	assert_int_equal(ans.status, 202);
	fake_stop(&w);
}

static void test_move_wrong(void **state)
{
	struct fake_answer ans;
	struct fake_world w;

	fake_start(&w, state);
	fake_call(&w, CALL, "node-1");
	fake_ask(&w, &ans, "POST", URL "/move", "{\"node\":\"node-3\"}");
	assert_int_equal(ans.status, 400);
	has(ans, "\"field\":\"node\"");
	has(ans, "\"allowed\":\"node-1, node-2\"");
	fake_ask(&w, &ans, "POST", URL "/move", "{\"node\":\"gateway-1\"}");
	assert_int_equal(ans.status, 400);
	fake_ask(&w, &ans, "POST", URL "/move", "{\"nodes\":\"node-2\"}");
	assert_int_equal(ans.status, 400);
	fake_ask(&w, &ans, "POST", URL "/move", "{\"call\":\"" LEG "\"}");
	assert_int_equal(ans.status, 400);
	has(ans, "\"field\":\"call\"");
	assert_int_equal(w.nodev[0].commands, 0);

	/* What the node says of it; no room will not come within seconds. */
	w.nodev[0].code = SY__RESULT_CODE__CONFLICT;
	fake_ask(&w, &ans, "POST", URL "/move", NULL);
	assert_int_equal(ans.status, 409);
	w.nodev[0].code = SY__RESULT_CODE__UNAVAILABLE;
	w.nodev[0].commands = 0;
	fake_ask(&w, &ans, "POST", URL "/move", NULL);
	assert_int_equal(ans.status, 503);
	assert_string_equal(ans.retry, "2");
	assert_int_equal(w.nodev[0].commands, 1);
	fake_stop(&w);
}

static bool is_draining(void *arg)
{
	const struct fake_world *w = arg;
	const Sy__Member *m = member_find(view_members(w->view), "node-2");

	return m && m->state == SY__MEMBER_STATE__DRAINING;
}

static void test_move_closed(void **state)
{
	struct fake_answer ans;
	struct fake_world w;

	fake_start(&w, state);
	fake_call(&w, CALL, "node-1");
	w.nodev[1].drain_ms = 1000000000000;
	member_beat(w.nodev[1].members);
	run_until(w.f, is_draining, &w);
	fake_ask(&w, &ans, "POST", URL "/move", "{\"node\":\"node-2\"}");
	assert_int_equal(ans.status, 409);
	has(ans, "node-2 is draining");
	assert_int_equal(w.nodev[0].commands, 0);
	fake_ask(&w, &ans, "POST", URL "/move", "{\"node\":\"node-3\"}");
	has(ans, "\"allowed\":\"node-1\"");

	/* How it gets on. */
	fake_ask(&w, &ans, "GET", "/api/nodes?cursor=node-1", NULL);
	has(ans, "\"drainStartedAt\":\"2001-09-09T01:46:40.000Z\"");
	has(ans, "\"moved\":3");
	has(ans, "\"moveFailures\":2");
	has(ans, "\"adopted\":4");
	has(ans, "\"lostLegs\":1");
	fake_ask(&w, &ans, "DELETE", "/api/nodes/node-2/drain", NULL);
	assert_int_equal(ans.status, 202);
	assert_null(strstr(ans.body, "drainStartedAt"));
	fake_ask(&w, &ans, "POST", "/api/nodes/node-1/drain", NULL);
	assert_int_equal(ans.status, 202);
	has(ans, "\"drainStartedAt\":\"20");
	fake_stop(&w);
}

/* ------------------------------------------------------------------ moved */

/* The node that was asked has given the call away meanwhile. */
static void test_moved_meanwhile(void **state)
{
	struct fake_answer ans;
	struct fake_world w;

	fake_start(&w, state);
	fake_call(&w, CALL, "node-1");
	w.nodev[0].code = SY__RESULT_CODE__NOT_FOUND;
	w.nodev[0].heir = &w.nodev[1];
	fake_ask(&w, &ans, "PATCH", URL "/legs/" LEG, "{\"muted\":true}");
	assert_int_equal(ans.status, 200);
	has(ans, "\"muted\":true");
	assert_int_equal(w.nodev[0].commands, 1);
	assert_int_equal(w.nodev[1].commands, 1);
	assert_true(metric_value(w.api.met.again) >= 1);

	w.epoch = 9;
	fake_call(&w, CALL, "node-1");
	fake_ask(&w, &ans, "GET", URL, NULL);
	assert_int_equal(ans.status, 200);
	has(ans, "\"destination\":\"live\"");
	has(ans, "\"node\":\"node-2\"");
	has(ans, "\"adopting\":false");
	fake_stop(&w);
}

static void free_node(void *arg)
{
	struct fake_node *n = arg;

	n->code = SY__RESULT_CODE__OK;
}

/* Not now, says its node: it is asked again. */
static void test_busy_meanwhile(void **state)
{
	struct loop_timer *timer = NULL;
	struct fake_answer ans;
	struct fake_world w;

	fake_start(&w, state);
	fake_call(&w, CALL, "node-1");
	w.nodev[0].code = SY__RESULT_CODE__UNAVAILABLE;
	assert_int_equal(
	    loop_timer_start(&timer, w.f->loop, 300, free_node, &w.nodev[0]),
	    0);
	fake_ask(&w, &ans, "DELETE", URL, NULL);
	assert_int_equal(ans.status, 204);
	assert_in_range(w.nodev[0].commands, 2, 8);
	mem_deref(timer);
	fake_stop(&w);
}

/* --------------------------------------------------------------- adopting */

static void test_adopting(void **state)
{
	struct loop_timer *timer = NULL;
	struct fake_answer ans;
	struct fake_world w;

	/* Its process is gone, though its node has started again. */
	fake_start(&w, state);
	fake_put(&w, view_redis(w.view), CALL, "node-1", 5);
	run_until(w.f, is_nonzero, &w.stored);
	fake_ask(&w, &ans, "GET", URL, NULL);
	assert_int_equal(ans.status, 200);
	has(ans, "\"adopting\":true");
	has(ans, "\"destination\":\"stored\"");
	fake_ask(&w, &ans, "GET", "/api/calls", NULL);
	has(ans, "\"adopting\":true");
	assert_int_equal(w.nodev[0].commands, 0);

	/* A command waits for who takes it over. */
	adopt_soon(&w, &timer);
	fake_ask(&w, &ans, "PATCH", URL "/legs/" LEG, "{\"held\":true}");
	assert_int_equal(ans.status, 200);
	assert_int_equal(w.nodev[0].commands, 0);
	assert_int_equal(w.nodev[1].commands, 1);
	assert_string_equal(w.nodev[1].last->update_leg->call, CALL);
	fake_ask(&w, &ans, "GET", "/api/calls", NULL);
	has(ans, "\"adopting\":false");
	mem_deref(timer);
	fake_stop(&w);
}

/* It died a moment ago: its lease still runs, but it does not listen. */
static void test_adopting_at_once(void **state)
{
	struct loop_timer *timer = NULL;
	struct fake_answer ans;
	struct fake_world w;

	fake_start(&w, state);
	fake_call(&w, CALL, "node-1");
	fake_node_stop(&w.nodev[0]);
	adopt_soon(&w, &timer);
	fake_ask(&w, &ans, "GET", URL, NULL);
	assert_int_equal(ans.status, 200);
	has(ans, "\"adopting\":true");
	fake_ask(&w, &ans, "DELETE", URL, NULL);
	assert_int_equal(ans.status, 204);
	assert_string_equal(w.nodev[1].last->hangup_call->call, CALL);
	mem_deref(timer);
	fake_stop(&w);
}

static bool is_waiting(void *arg)
{
	const struct fake_world *w = arg;
	struct redis_stat st;

	redis_stat(view_redis(w->view), &st);

	return !st.pending;
}

/* The gateway ends while a command waits. */
static void test_adopting_end(void **state)
{
	struct web_req *req;
	struct fake_world w;

	fake_start(&w, state);
	fake_call(&w, CALL, "node-9");
	assert_int_equal(web_req_alloc(&req, NULL), 0);
	assert_int_equal(web_req_target(req, "DELETE", 6, URL, strlen(URL)), 0);
	assert_int_equal(
	    fields_addf(&req->head, "authorization", "Bearer sesame"), 0);
	api_head(req, &w.api);
	api_request(req, &w.api);
	assert_int_equal(w.api.held, 1);
	run_until(w.f, is_waiting, &w);
	w.api.view = NULL;
	fake_stop(&w);
	run_until(w.f, fake_is_free, &w);
	mem_deref(req);
}

#define uv_test(fn)                                                            \
	{                                                                      \
#fn, fn, fixture_setup, fixture_teardown, &fixture_uv          \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    uv_test(test_move),
	    uv_test(test_move_wrong),
	    uv_test(test_move_closed),
	    uv_test(test_moved_meanwhile),
	    uv_test(test_busy_meanwhile),
	    uv_test(test_adopting),
	    uv_test(test_adopting_at_once),
	    uv_test(test_adopting_end),
	};
	(void)fixture_re; /* this program has the other loop only */

	return cmocka_run_group_tests(tests, NULL, NULL);
}
