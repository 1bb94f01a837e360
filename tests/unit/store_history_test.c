/* libs: sy_proto sy_proto_uv uv hiredis */
/* SPDX-License-Identifier: MIT */
/* What happened: events, and series of quality. */
#include "proto/bus.h"
#include "store_client.h"

static void series_handler(int err, struct store_series *series, void *arg)
{
	struct client *c = arg;

	c->done++;
	c->err = err;
	mem_deref(c->series);
	c->series = series;
}

static void sample(struct client *c, const char *hub, float mos, size_t legs)
{
	Sy__HubSample msg = SY__HUB_SAMPLE__INIT;
	Sy__LegSample leg = SY__LEG_SAMPLE__INIT;
	Sy__Quality q = SY__QUALITY__INIT;
	Sy__LegSample *legv[100];
	size_t i;

	q.mos = mos;
	leg.leg = (char *)"leg-2";
	leg.user = (char *)"1001";
	leg.quality = &q;
	for (i = 0; i < legs; i++)
		legv[i] = &leg;
	msg.legs = legv;
	msg.n_legs = legs;
	assert_int_equal(store_quality_put(c->r, hub, &msg), 0);
}

static size_t series_length(struct client *c, const char *hub)
{
	assert_int_equal(answered(c, store_quality_get(c->r, hub,
						       series_handler, c)),
			 0);

	return c->series->n;
}

static void test_quality(void **state)
{
	static const char *const legs[] = {"leg-1", "leg-2"};
	struct client c;
	int i;

	client_open(&c, *state);
	script_load_all(c.r); /* or the first put would come late */
	assert_int_equal(series_length(&c, HUB_A), 0);

	sample(&c, HUB_A, 4.4f, 1);
	sample(&c, HUB_A, 3.3f, 2);
	assert_int_equal(series_length(&c, HUB_A), 2);
	assert_true(c.series->samplev[0]->legs[0]->quality->mos == 4.4f);
	assert_int_equal(c.series->samplev[1]->n_legs, 2);
	assert_string_equal(c.series->samplev[1]->legs[1]->user, "1001");

	/* A list of calls has the latest of each leg. */
	assert_int_equal(hub_put(&c, HUB_A, 1, 7, legs, 2, NULL, 0), 0);
	assert_int_equal(hub_put(&c, HUB_B, 1, 7, NULL, 0, NULL, 0), 0);
	assert_int_equal(answered(&c, store_hub_list(c.r, NULL, 10,
						     calls_handler, &c)), 0);
	assert_string_equal(c.ids, "A:2 B:0 ");
	assert_true(c.mos == 3.3f);

	/* Bounded in number, less for many legs, and in time. */
	for (i = 0; i < STORE_QUALITY_MAX + 10; i++)
		sample(&c, HUB_A, 1, 1);
	assert_int_equal(series_length(&c, HUB_A), STORE_QUALITY_MAX);
	assert_in_range(server_ask(c.f, "TTL sy:quality:{%s}", HUB_A),
			STORE_QUALITY_TTL_S - 60, STORE_QUALITY_TTL_S);
	sample(&c, HUB_A, 2, 100);
	assert_int_equal(series_length(&c, HUB_A),
			 STORE_QUALITY_MAX * 16 / 100);

	/* What is no sample is passed over. */
	(void)server_ask(c.f, "RPUSH sy:quality:{%s} %s", HUB_B, "\377junk");
	sample(&c, HUB_B, 2, 1);
	assert_int_equal(series_length(&c, HUB_B), 1);

	mem_deref(c.series);
	client_close(&c);
}

/* --------------------------------------------------------------- history */

static void event_message(const char *channel, const uint8_t *p, size_t len,
			  void *arg)
{
	Sy__Envelope *env = sy__envelope__unpack(NULL, len, p);
	struct client *c = arg;
	(void)channel;

	assert_non_null(env);
	assert_string_equal(env->from, "router-1");
	assert_int_equal(env->body_case, SY__ENVELOPE__BODY_EVENT);
	assert_string_equal(env->event->call_id, HUB_A);
	assert_int_equal(strlen(env->event->digit), c->count);
	sy__envelope__free_unpacked(env, NULL);
	c->done++;
}

static void range_handler(int err, const redisReply *reply, void *arg)
{
	struct client *c = arg;
	const redisReply *entry, *value;
	Sy__Event *ev;

	assert_int_equal(err, 0);
	assert_int_equal(reply->elements, 1);
	entry = reply->element[0]->element[1];
	assert_int_equal(entry->elements, 2);
	assert_string_equal(entry->element[0]->str, "e");
	value = entry->element[1];
	ev = sy__event__unpack(NULL, value->len, (uint8_t *)value->str);
	assert_non_null(ev);
	assert_string_equal(ev->member, "router-1");
	assert_int_equal(strlen(ev->digit), c->count);
	sy__event__free_unpacked(ev, NULL);
	c->done++;
	c->err = 0;
}

/* The same event goes to the stream and, in an Envelope, to who listens; its
 * length takes one, two and three bytes to tell. */
static void test_event(void **state)
{
	static const size_t lenv[] = {1, 300, 20000};
	static char text[20001];
	Sy__Event ev = SY__EVENT__INIT;
	struct redis *sub;
	struct client c;
	int up = 0;

	client_open(&c, *state);
	assert_int_equal(redis_alloc(&sub, c.f->loop, c.f->url, NULL, NULL),
			 0);
	assert_int_equal(redis_subscribe(sub, BUS_CHANNEL_EVENTS,
					 event_message, &c), 0);
	for (; !up; up = redis_is_up(sub))
		(void)answered(&c, store_hub_count(c.r, count_handler, &c));

	ev.type = SY__EVENT_TYPE__REGISTERED;
	ev.member = (char *)"router-1";
	ev.call_id = (char *)HUB_A;
	ev.digit = text;
	for (size_t i = 0; i < ARRAY_SIZE(lenv); i++) {
		memset(text, '1', lenv[i]);
		c.count = lenv[i];
		assert_int_equal(answered(&c, store_event(c.r, &ev)), 0);
		assert_int_equal(answered(&c, redis_command(c.r, 0,
				range_handler, &c,
				"XREVRANGE sy:events + - COUNT 1")), 0);
	}
	assert_int_equal(server_ask(c.f, "XLEN sy:events"), 3);
	mem_deref(sub);
	client_close(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fixture_test(test_quality),
		fixture_test_re(test_event),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
