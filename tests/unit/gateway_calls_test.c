/* libs: sy_gateway_core sy_proto_uv sy_proto uv hiredis */
/* SPDX-License-Identifier: MIT */
/* Calls by REST: what nodes are told, and what the client is told. */

#include "gateway_fake.h"

#define CALL FAKE_CALL
#define LEG "01ARZ3NDEKTSV4RRFFQ69G5FAA"

static struct fake_node *busy(struct fake_world *w)
{
	assert_int_equal(w->nodev[0].commands + w->nodev[1].commands, 1);

	return &w->nodev[w->nodev[0].commands ? 0 : 1];
}

static void test_create(void **state)
{
	struct fake_answer ans;
	struct fake_world w;
	const Sy__Originate *o;

	fake_start(&w, state);
	fake_ask(&w, &ans, "POST", "/api/calls",
		 "{\"from\":\"1001\",\"to\":\"1002\",\"callerName\":\"Bob\"}");
	assert_int_equal(ans.status, 201);
	o = busy(&w)->last->originate;
	assert_non_null(o);
	assert_string_equal(o->from->device, "1001");
	assert_string_equal(o->to->device, "1002");
	assert_string_equal(o->caller_name, "Bob");
	assert_int_equal(o->ring_seconds, 33);
	assert_int_equal(o->source->kind_case, SY__SOURCE__KIND_API);
	assert_string_equal(o->source->api, "admin");
	assert_true(ulid_is_valid(o->hub));
	assert_string_equal(ans.location + strlen("/api/calls/"), o->hub);
	has(ans, "\"node\":\"node-");
	has(ans, o->hub);
	fake_stop(&w);
}

/* Numbers: outside by the dial plan; ring time of the request wins. */
static void test_create_outside(void **state)
{
	struct fake_answer ans;
	struct fake_world w;
	const Sy__Originate *o;

	fake_start(&w, state);
	fake_ask(&w, &ans, "POST", "/api/calls",
		 "{\"from\":\"712\",\"to\":\"600\",\"ringSeconds\":5}");
	assert_int_equal(ans.status, 201);
	o = busy(&w)->last->originate;
	assert_string_equal(o->from->external->trunk, "loop");
	assert_string_equal(o->from->external->number, "712");
	assert_int_equal(o->to->kind_case, SY__DESTINATION__KIND_ECHO);
	assert_int_equal(o->ring_seconds, 5);

	fake_ask(&w, &ans, "POST", "/api/calls",
		 "{\"from\":\"600\",\"to\":\"55\"}");
	assert_int_equal(ans.status, 400);
	has(ans, "\"field\":\"from\"");
	has(ans, "\"field\":\"to\"");
	assert_int_equal(w.nodev[0].commands + w.nodev[1].commands, 1);
	fake_stop(&w);
}

static void test_create_elsewhere(void **state)
{
	static const char body[] = "{\"from\":\"1001\",\"to\":\"600\"}";
	struct fake_answer ans;
	struct fake_world w;

	fake_start(&w, state);
	w.nodev[0].code = SY__RESULT_CODE__UNAVAILABLE;
	for (int i = 0; i < 8; i++) {
		fake_ask(&w, &ans, "POST", "/api/calls", body);
		assert_int_equal(ans.status, 201);
		has(ans, "\"node\":\"node-2\"");
	}
	assert_int_equal(w.nodev[1].commands, 8);
	assert_true(w.nodev[0].commands > 0);

	w.nodev[1].code = SY__RESULT_CODE__UNAVAILABLE;
	fake_ask(&w, &ans, "POST", "/api/calls", body);
	assert_int_equal(ans.status, 503);
	assert_string_equal(ans.retry, "2");
	fake_stop(&w);
}

/* It may have been done: never twice. */
static void test_create_silent(void **state)
{
	struct fake_answer ans;
	struct fake_world w;

	fake_start(&w, state);
	w.nodev[0].code = w.nodev[1].code = FAKE_SILENT;
	fake_ask(&w, &ans, "POST", "/api/calls",
		 "{\"from\":\"1001\",\"to\":\"600\"}");
	assert_int_equal(ans.status, 504);
	assert_int_equal(w.nodev[0].commands + w.nodev[1].commands, 1);
	fake_stop(&w);
}

/* All who are called into a conference meet on one hub of one node. */
static void test_create_conference(void **state)
{
	struct fake_answer first, ans;
	struct fake_world w;
	unsigned i;

	fake_start(&w, state);
	fake_ask(&w, &first, "POST", "/api/calls",
		 "{\"from\":\"1001\",\"to\":\"601\"}");
	assert_int_equal(first.status, 201);
	for (i = 0; i < 6; i++) {
		fake_ask(&w, &ans, "POST", "/api/calls",
			 "{\"from\":\"1002\",\"to\":\"601\"}");
		assert_int_equal(ans.status, 201);
		assert_string_equal(ans.location, first.location);
	}
	assert_true(!w.nodev[0].commands || !w.nodev[1].commands);
	fake_stop(&w);
}

static void test_get(void **state)
{
	struct fake_answer ans;
	struct fake_world w;

	fake_start(&w, state);
	fake_ask(&w, &ans, "GET", "/api/calls/" CALL, NULL);
	assert_int_equal(ans.status, 404);

	/* Live figures from the owner, else what was stored. */
	fake_call(&w, CALL, "node-2");
	fake_ask(&w, &ans, "GET", "/api/calls/01arz3ndektsv4rrffq69g5fav",
		 NULL);
	assert_int_equal(ans.status, 200);
	has(ans, "\"destination\":\"live\"");
	has(ans, "\"mos\":4.2");
	assert_int_equal(w.nodev[1].commands, 1);
	w.nodev[1].code = SY__RESULT_CODE__NOT_FOUND;
	fake_ask(&w, &ans, "GET", "/api/calls/" CALL, NULL);
	assert_int_equal(ans.status, 200);
	has(ans, "\"destination\":\"stored\"");

	fake_call(&w, CALL, "node-9");
	fake_ask(&w, &ans, "GET", "/api/calls/" CALL "/legs", NULL);
	assert_int_equal(ans.status, 200);
	has(ans, "{\"items\":[],\"nextCursor\":\"\"}");
	fake_stop(&w);
}

static void put_sample(struct fake_world *w, float mos, bool total)
{
	Sy__HubSample msg = SY__HUB_SAMPLE__INIT;
	Sy__LegSample leg = SY__LEG_SAMPLE__INIT, other = leg;
	Sy__Quality q = SY__QUALITY__INIT;
	Sy__LegSample *legv[] = {&leg, &other};

	q.mos = mos;
	leg.leg = (char *)LEG;
	leg.user = (char *)"1001";
	leg.codec = (char *)"opus";
	leg.quality = &q;
	other.leg = (char *)"01ARZ3NDEKTSV4RRFFQ69G5FAC";
	msg.legs = legv;
	msg.n_legs = total ? 1 : 2;
	msg.total = total;
	assert_int_equal(store_quality_put(view_redis(w->view), CALL, &msg),
			 0);
}

/* The series, and the present as long as there is one. */
static void test_stats(void **state)
{
	struct fake_answer ans;
	struct fake_world w;

	fake_start(&w, state);
	fake_ask(&w, &ans, "GET", "/api/calls/" CALL "/stats", NULL);
	assert_int_equal(ans.status, 404);
	fake_ask(&w, &ans, "GET", "/api/calls/nonsense/stats", NULL);
	assert_int_equal(ans.status, 404);

	/* No sample yet: the present alone. */
	fake_call(&w, CALL, "node-2");
	fake_ask(&w, &ans, "GET", "/api/calls/" CALL "/stats", NULL);
	assert_int_equal(ans.status, 200);
	has(ans, "\"call\":\"" CALL "\"");
	has(ans, "\"now\":{");
	has(ans, "\"mos\":4.2");

	put_sample(&w, 3.5f, false);
	put_sample(&w, 2.5f, false);
	fake_ask(&w, &ans, "GET", "/api/calls/" CALL "/stats", NULL);
	assert_int_equal(ans.status, 200);
	has(ans, "\"user\":\"1001\"");
	assert_true(strstr(ans.body, "\"mos\":3.5") <
		    strstr(ans.body, "\"mos\":2.5"));
	has(ans, "\"now\":{");

	/* Its end: the record is gone, the series stays. */
	put_sample(&w, 3.25f, true);
	w.stored = 0;
	assert_int_equal(store_hub_drop(view_redis(w.view), CALL, 1, "n", 0, NULL,
					fake_stored, &w), 0);
	run_until(w.f, is_nonzero, &w.stored);
	fake_ask(&w, &ans, "GET", "/api/calls/" CALL "/stats", NULL);
	assert_int_equal(ans.status, 200);
	has(ans, "\"mos\":3.5");
	has(ans, "\"total\":{");
	has(ans, "\"mos\":3.25");
	assert_null(strstr(ans.body, "\"now\""));
	fake_stop(&w);
}

static void test_hangup(void **state)
{
	struct fake_answer ans;
	struct fake_world w;

	fake_start(&w, state);
	fake_call(&w, CALL, "node-1");
	fake_ask(&w, &ans, "DELETE", "/api/calls/" CALL, NULL);
	assert_int_equal(ans.status, 204);
	assert_string_equal(ans.body, "");
	assert_string_equal(w.nodev[0].last->hangup_call->call, CALL);

	w.nodev[0].code = SY__RESULT_CODE__NOT_FOUND;
	fake_ask(&w, &ans, "DELETE", "/api/calls/" CALL, NULL);
	assert_int_equal(ans.status, 404);

	/* Its node has died and nobody took it over yet. */
	fake_call(&w, CALL, "node-9");
	fake_ask(&w, &ans, "DELETE", "/api/calls/" CALL, NULL);
	assert_int_equal(ans.status, 503);
	assert_string_equal(ans.retry, "2");
	fake_stop(&w);
}

/* Pages by the ids of legs, whatever their order in the call. */
static void test_legs_list(void **state)
{
	static const char url[] = "/api/calls/" CALL "/legs";
	struct fake_answer ans;
	struct fake_world w;

	fake_start(&w, state);
	fake_call(&w, CALL, "node-1");
	w.nodev[0].crowd = true;
	fake_ask(&w, &ans, "GET", url, NULL);
	has(ans, "\"nextCursor\":\"\"");
	assert_true(strstr(ans.body, "5FAA") < strstr(ans.body, "5FAB"));
	assert_true(strstr(ans.body, "5FAB") < strstr(ans.body, "5FAC"));

	fake_ask(&w, &ans, "GET", "/api/calls/" CALL "/legs?limit=2", NULL);
	has(ans, "\"id\":\"01ARZ3NDEKTSV4RRFFQ69G5FAA\"");
	has(ans, "\"nextCursor\":\"01ARZ3NDEKTSV4RRFFQ69G5FAB\"");
	assert_null(strstr(ans.body, "5FAC"));
	fake_ask(&w, &ans, "GET", "/api/calls/" CALL "/legs?limit=2&cursor="
		 "01ARZ3NDEKTSV4RRFFQ69G5FAB", NULL);
	has(ans, "\"id\":\"01ARZ3NDEKTSV4RRFFQ69G5FAC\"");
	has(ans, "\"nextCursor\":\"\"");
	assert_null(strstr(ans.body, "5FAB"));

	w.nodev[0].commands = 0;
	fake_ask(&w, &ans, "GET", "/api/calls/" CALL "/legs?limit=0", NULL);
	assert_int_equal(ans.status, 400);
	has(ans, "\"field\":\"limit\"");
	assert_int_equal(w.nodev[0].commands, 0);
	fake_stop(&w);
}

static void test_legs(void **state)
{
	struct fake_answer ans;
	struct fake_world w;
	const Sy__UpdateLeg *u;

	fake_start(&w, state);
	fake_call(&w, CALL, "node-1");
	fake_ask(&w, &ans, "POST", "/api/calls/" CALL "/legs",
		 "{\"kind\":\"device\",\"to\":\"1002\"}");
	assert_int_equal(ans.status, 201);
	assert_string_equal(ans.location, "/api/calls/" CALL "/legs/" LEG);
	has(ans, "\"id\":\"" LEG "\"");
	assert_string_equal(w.nodev[0].last->add_leg->destination->device,
			    "1002");

	fake_ask(&w, &ans, "POST", "/api/calls/" CALL "/legs",
		 "{\"kind\":\"device\",\"to\":\"712\"}");
	assert_int_equal(ans.status, 400);
	has(ans, "\"field\":\"to\"");

	fake_ask(&w, &ans, "PATCH", "/api/calls/" CALL "/legs/" LEG,
		 "{\"muted\":true}");
	assert_int_equal(ans.status, 200);
	has(ans, "\"muted\":true");
	u = w.nodev[0].last->update_leg;
	assert_string_equal(u->call, CALL);
	assert_string_equal(u->leg, LEG);
	assert_int_equal(u->set_muted_case, SY__UPDATE_LEG__SET_MUTED_MUTED);
	assert_int_equal(u->set_deaf_case, 0);
	assert_int_equal(u->set_held_case, 0);

	/* "false" is not "absent". */
	fake_ask(&w, &ans, "PATCH", "/api/calls/" CALL "/legs/" LEG,
		 "{\"muted\":false}");
	assert_int_equal(ans.status, 200);
	assert_int_equal(w.nodev[0].last->update_leg->set_muted_case,
			 SY__UPDATE_LEG__SET_MUTED_MUTED);
	fake_ask(&w, &ans, "PATCH", "/api/calls/" CALL "/legs/" LEG, "{}");
	assert_int_equal(ans.status, 400);

	/* The voice: 0 and "off" are values, too. */
	fake_ask(&w, &ans, "PATCH", "/api/calls/" CALL "/legs/" LEG,
		 "{\"gainInDb\":-6.5,\"gainOutDb\":0,\"agc\":false,"
		 "\"denoise\":\"off\",\"comfortNoiseDb\":-60}");
	assert_int_equal(ans.status, 200);
	u = w.nodev[0].last->update_leg;
	assert_true(u->set_gain_in_case && u->gain_in_db == -6.5f);
	assert_true(u->set_gain_out_case && u->gain_out_db == 0);
	assert_true(u->set_agc_case && !u->agc);
	assert_true(u->set_denoise_case);
	assert_string_equal(u->denoise, "off");
	assert_true(u->set_comfort_noise_case && u->comfort_noise_db == -60);
	assert_int_equal(u->set_muted_case, 0);
	fake_ask(&w, &ans, "PATCH", "/api/calls/" CALL "/legs/" LEG,
		 "{\"gainInDb\":41,\"gainOutDb\":-40.5,\"denoise\":\"loud\","
		 "\"comfortNoiseDb\":-20}");
	assert_int_equal(ans.status, 400);
	has(ans, "\"field\":\"gainInDb\"");
	has(ans, "\"field\":\"gainOutDb\"");
	has(ans, "\"field\":\"denoise\"");
	has(ans, "\"field\":\"comfortNoiseDb\"");

	fake_ask(&w, &ans, "DELETE", "/api/calls/" CALL "/legs/" LEG, NULL);
	assert_int_equal(ans.status, 204);
	assert_string_equal(w.nodev[0].last->remove_leg->leg, LEG);
	w.nodev[0].code = SY__RESULT_CODE__CONFLICT;
	fake_ask(&w, &ans, "DELETE", "/api/calls/" CALL "/legs/" LEG, NULL);
	assert_int_equal(ans.status, 409);
	fake_stop(&w);
}

/* Digits: what is wrong with them is said before a node is asked. */
static void test_dtmf(void **state)
{
	static const struct {
		const char *body, *field;
	} badv[] = {
		{"{}", "digits"},
		{"{\"digits\":\"12x\"}", "digits"},
		{"{\"digits\":\"1 2\"}", "digits"},
		{"{\"digits\":\"012345678901234567890123456789012\"}", "digits"},
		{"{\"digits\":\"1\",\"durationMs\":39}", "durationMs"},
		{"{\"digits\":\"1\",\"durationMs\":8001}", "durationMs"},
		{"{\"digits\":\"1\",\"leg\":\"first\"}", "leg"},
		{"{\"digits\":\"1\",\"call\":\"" LEG "\"}", "call"},
	};
	const Sy__SendDtmf *d;
	struct fake_answer ans;
	struct fake_world w;
	char field[64];

	fake_start(&w, state);
	fake_call(&w, CALL, "node-1");
	for (size_t i = 0; i < sizeof(badv) / sizeof(badv[0]); i++) {
		fake_ask(&w, &ans, "POST", "/api/calls/" CALL "/dtmf",
			 badv[i].body);
		assert_int_equal(ans.status, 400);
		(void)snprintf(field, sizeof(field), "\"field\":\"%s\"",
			       badv[i].field);
		has(ans, field);
	}
	assert_int_equal(w.nodev[0].commands, 0);

	fake_ask(&w, &ans, "POST", "/api/calls/" CALL "/dtmf",
		 "{\"digits\":\"12*#aD\",\"durationMs\":200,"
		 "\"leg\":\"" LEG "\"}");
	assert_int_equal(ans.status, 202);
	has(ans, "\"destination\":\"live\"");
	d = w.nodev[0].last->send_dtmf;
	assert_string_equal(d->call, CALL);
	assert_string_equal(d->leg, LEG);
	assert_string_equal(d->digits, "12*#aD");
	assert_int_equal(d->duration_ms, 200);

	fake_ask(&w, &ans, "POST", "/api/calls/" CALL "/dtmf",
		 "{\"digits\":\"5\"}");
	assert_int_equal(ans.status, 202);
	assert_string_equal(w.nodev[0].last->send_dtmf->leg, "");

	w.nodev[0].code = SY__RESULT_CODE__CONFLICT;
	fake_ask(&w, &ans, "POST", "/api/calls/" CALL "/dtmf",
		 "{\"digits\":\"5\"}");
	assert_int_equal(ans.status, 409);
	fake_stop(&w);
}

static void test_pages(void **state)
{
	char target[64] = "/api/calls?limit=2", id[ULID_LEN + 1];
	unsigned pages = 0, items = 0;
	struct fake_answer ans;
	struct fake_world w;

	fake_start(&w, state);
	for (int i = 0; i < 5; i++) {
		ulid_make(id);
		fake_call(&w, id, "node-1");
	}
	for (;;) {
		const char *next;

		fake_ask(&w, &ans, "GET", target, NULL);
		assert_int_equal(ans.status, 200);
		pages++;
		for (next = ans.body; (next = strstr(next, "\"stored\""));
		     next++)
			items++;
		next = strstr(ans.body, "\"nextCursor\":\"");
		assert_non_null(next);
		next += strlen("\"nextCursor\":\"");
		if (*next == '"')
			break;
		(void)snprintf(target, sizeof(target),
			       "/api/calls?limit=2&cursor=%.26s", next);
		assert_true(pages < 9);
	}
	assert_int_equal(pages, 3);
	assert_int_equal(items, 5);

	fake_ask(&w, &ans, "GET", "/api/nodes?limit=1", NULL);
	has(ans, "\"id\":\"node-1\"");
	has(ans, "\"nextCursor\":\"node-1\"");
	fake_ask(&w, &ans, "GET", "/api/nodes?limit=1&cursor=node-1", NULL);
	has(ans, "\"id\":\"node-2\"");
	has(ans, "\"nextCursor\":\"\"");
	fake_ask(&w, &ans, "GET", "/api/status", NULL);
	has(ans, "\"calls\":5");
	has(ans, "\"legs\":14");
	has(ans, "\"redis\":true");
	fake_stop(&w);
}

static void test_drain(void **state)
{
	struct fake_answer ans;
	struct fake_world w;

	fake_start(&w, state);
	fake_ask(&w, &ans, "POST", "/api/nodes/node-2/drain", NULL);
	assert_int_equal(ans.status, 202);
	has(ans, "\"state\":\"DRAINING\"");
	assert_true(w.nodev[1].last->drain_node->drain);
	fake_ask(&w, &ans, "DELETE", "/api/nodes/node-2/drain", NULL);
	assert_int_equal(ans.status, 202);
	assert_false(w.nodev[1].last->drain_node->drain);

	fake_ask(&w, &ans, "POST", "/api/nodes/node-3/drain", NULL);
	assert_int_equal(ans.status, 404);
	fake_ask(&w, &ans, "POST", "/api/nodes/gateway-1/drain", NULL);
	assert_int_equal(ans.status, 404);
	assert_int_equal(w.nodev[1].commands, 2);
	fake_stop(&w);
}

static bool redis_is_away(void *arg)
{
	return !fake_has_redis(arg);
}

/* Nobody has asked for it before Redis goes. */
static bool has_registration(void *arg)
{
	const struct fake_world *w = arg;

	return view_registrations(w->view) == 1;
}

static void test_redis_away(void **state)
{
	static const char *const needv[] = {"/api/calls", "/api/calls/" CALL,
					    "/api/registrations"};
	struct fake_answer ans;
	struct fake_world w;

	fake_start(&w, state);
	fake_ask(&w, &ans, "GET", "/readyz", NULL);
	assert_int_equal(ans.status, 200);
	(void)server_ask(w.f, "ZADD sy:regs:expiry 9999999999999 1001");
	run_until(w.f, has_registration, &w);

	server_kill(w.f);
	run_until(w.f, redis_is_away, &w);
	fake_ask(&w, &ans, "GET", "/healthz", NULL);
	assert_int_equal(ans.status, 200);
	fake_ask(&w, &ans, "GET", "/readyz", NULL);
	assert_int_equal(ans.status, 503);
	has(ans, "Redis");
	for (size_t i = 0; i < 3; i++) {
		fake_ask(&w, &ans, "GET", needv[i], NULL);
		assert_int_equal(ans.status, 503);
		assert_string_equal(ans.retry, "2");
	}
	fake_ask(&w, &ans, "POST", "/api/calls",
		 "{\"from\":\"1001\",\"to\":\"600\"}");
	assert_int_equal(ans.status, 503);
	fake_ask(&w, &ans, "GET", "/api/status", NULL);
	assert_int_equal(ans.status, 200);
	has(ans, "\"redis\":false");
	has(ans, "\"asOf\":\"20");
	has(ans, "\"registrations\":1");
	has(ans, "\"id\":\"node-1\"");

	server_start(w.f);
	run_until(w.f, fake_is_ready, &w);
	fake_ask(&w, &ans, "GET", "/readyz", NULL);
	assert_int_equal(ans.status, 200);
	fake_stop(&w);
}

#define uv_test(fn)                                                           \
	{#fn, fn, fixture_setup, fixture_teardown, &fixture_uv}

int main(void)
{
	const struct CMUnitTest tests[] = {
		uv_test(test_create),
		uv_test(test_create_outside),
		uv_test(test_create_elsewhere),
		uv_test(test_create_silent),
		uv_test(test_create_conference),
		uv_test(test_get),
		uv_test(test_stats),
		uv_test(test_hangup),
		uv_test(test_legs),
		uv_test(test_legs_list),
		uv_test(test_dtmf),
		uv_test(test_pages),
		uv_test(test_drain),
		uv_test(test_redis_away),
	};
	(void)fixture_re; /* this program has the other loop only */

	return cmocka_run_group_tests(tests, NULL, NULL);
}
