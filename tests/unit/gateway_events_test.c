/* libs: sy_gateway_core sy_proto_uv sy_proto uv hiredis */
/* SPDX-License-Identifier: MIT */
/* The stream of events: what comes, from where on, and how it ends. */

#include "gateway_fake.h"
#include "gateway/feed/feed.h"
#include "gateway/http/engine.h"

#define CALL FAKE_CALL
#define OTHER "01ARZ3NDEKTSV4RRFFQ69G5FAW"

/* A client with a connection of its own, without a socket. */
struct client {
	struct fake_world *w;
	struct engine *engine;
	struct mbuf *got;
	const char *wanted;
};

static void client_ask(struct client *c, struct fake_world *w,
		       const char *query, const char *field)
{
	const struct engine_conf conf = {
	    .lim = &web_limits_default,
	    .peer = "127.0.0.1:9",
	    .headh = api_head,
	    .requesth = api_request,
	    .arg = &w->api,
	};
	char text[512];
	int n;

	memset(c, 0, sizeof(*c));
	c->w = w;
	c->got = mbuf_alloc(4096);
	assert_int_equal(h1_alloc(&c->engine, &conf, 0), 0);
	n = snprintf(text, sizeof(text),
		     "GET /api/events%s HTTP/1.1\r\n"
		     "host: x\r\nauthorization: Bearer sesame\r\n%s\r\n",
		     query, field);
	assert_int_equal(engine_feed(c->engine, (uint8_t *)text, (size_t)n, 0),
			 0);
}

static void client_pull(struct client *c)
{
	c->got->pos = c->got->end;
	assert_int_equal(engine_pull(c->engine, c->got, 65536, 0), 0);
	c->got->pos = c->got->end;
	assert_int_equal(mbuf_write_u8(c->got, 0), 0);
	c->got->end--;
}

static bool has_come(void *arg)
{
	struct client *c = arg;

	client_pull(c);

	return strstr((char *)c->got->buf, c->wanted) != NULL;
}

static void client_wait(struct client *c, const char *wanted)
{
	c->wanted = wanted;
	run_until(c->w->f, has_come, c);
}

static const char *text_of(const struct client *c)
{
	return (const char *)c->got->buf;
}

static void client_close(struct client *c)
{
	mem_deref(c->engine);
	mem_deref(c->got);
}

/* ... of the last one: no read of its stream is under way. */
static void client_close_all(struct client *c)
{
	client_close(c);
	run_until(c->w->f, fake_is_free, c->w);
	assert_int_equal(c->w->api.streams, 0);
}

/* A world whose gateway tells news. */
static void news_start(struct fake_world *w, void **state)
{
	struct feed_conf conf = {.auth = &w->api.auth};

	fake_start(w, state);
	conf.view = w->view;
	assert_int_equal(feed_alloc(&w->api.feed, &conf), 0);
}

static void news_stop(struct fake_world *w)
{
	feed_stop(w->api.feed);
	fake_stop(w);
	mem_deref(w->api.feed);
}

static void tell(struct fake_world *w, Sy__EventType type, const char *call,
		 const char *reason)
{
	Sy__Event ev = SY__EVENT__INIT;

	ev.type = type;
	ev.member = "node-2";
	ev.call_id = (char *)call;
	ev.reason = (char *)reason;
	ev.from_node = "node-1";
	ev.gap_ms = 321;
	assert_int_equal(store_event(view_redis(w->view), &ev), 0);
}

/* What was before is not told; what comes is, with all that it says. */
static void test_new_events(void **state)
{
	struct fake_world w;
	struct client c;

	news_start(&w, state);
	tell(&w, SY__EVENT_TYPE__CALL_STARTED, CALL, "before");
	client_ask(&c, &w, "", "");
	client_wait(&c, "retry: 2000\n\n");
	assert_non_null(strstr(text_of(&c), "text/event-stream"));
	tell(&w, SY__EVENT_TYPE__CALL_ADOPTED, CALL, "first");
	tell(&w, SY__EVENT_TYPE__LEG_LOST, OTHER, "second");
	client_wait(&c, "second");
	assert_non_null(strstr(text_of(&c), "event: CALL_ADOPTED\ndata: {"));
	assert_non_null(strstr(text_of(&c), "\"gapMs\":321"));
	assert_non_null(strstr(text_of(&c), "\"fromNode\":\"node-1\""));
	assert_non_null(strstr(text_of(&c), "\"member\":\"node-2\""));
	assert_null(strstr(text_of(&c), "before"));
	assert_int_equal(w.api.held, 1);

	client_close_all(&c);
	news_stop(&w);
}

static void test_filters(void **state)
{
	struct fake_world w;
	struct client c;

	news_start(&w, state);
	client_ask(&c, &w, "?type=LEG_LOST,LEG_RESUMED&call=" CALL, "");
	client_wait(&c, "retry: 2000\n\n");
	tell(&w, SY__EVENT_TYPE__LEG_LOST, OTHER, "of another call");
	tell(&w, SY__EVENT_TYPE__CALL_CHANGED, CALL, "of another type");
	tell(&w, SY__EVENT_TYPE__LEG_RESUMED, CALL, "that one");
	client_wait(&c, "that one");
	assert_null(strstr(text_of(&c), "of another"));
	client_close_all(&c);
	news_stop(&w);
}

/* Who comes again goes on where it was, whatever the length of the pause. */
static void test_again(void **state)
{
	struct fake_world w;
	struct client c;
	char field[128], name[32];
	const char *id;

	news_start(&w, state);
	for (int i = 0; i < 450; i++) {
		(void)snprintf(name, sizeof(name), "number %d.", i);
		tell(&w, SY__EVENT_TYPE__CALL_STARTED, CALL, name);
	}
	client_ask(&c, &w, "?after=0-0&type=CALL_STARTED", "");
	client_wait(&c, "number 449.");
	assert_non_null(strstr(text_of(&c), "number 0."));

	id = strstr(text_of(&c), "\nid: ");
	assert_non_null(id);
	(void)snprintf(field, sizeof(field), "last-event-id: %.*s\r\n",
		       (int)strcspn(id + 5, "\n"), id + 5);
	client_close(&c);
	client_ask(&c, &w, "?after=0-0&type=CALL_STARTED", field);
	client_wait(&c, "number 1.");
	assert_null(strstr(text_of(&c), "number 0."));
	client_close_all(&c);
	news_stop(&w);
}

static void test_wrong(void **state)
{
	static const char *const queryv[] = {
	    "?after=yesterday", "?after=1-",	     "?call=x",
	    "?type=LEG_LOS",	"?type=LEG_LOST,,x",
	};
	struct fake_world w;
	struct client c;

	news_start(&w, state);
	for (size_t i = 0; i < ARRAY_SIZE(queryv); i++) {
		client_ask(&c, &w, queryv[i], "");
		client_wait(&c, "\"allowed\":");
		assert_non_null(strstr(text_of(&c), " 400 "));
		client_close(&c);
	}
	assert_int_equal(w.api.held, 0);
	assert_int_equal(w.api.streams, 0);
	news_stop(&w);
}

static bool redis_is_away(void *arg)
{
	return !fake_has_redis(arg);
}

/* Redis goes and comes back empty: the stream stays. */
static void test_redis_away(void **state)
{
	struct fake_world w;
	struct client c, late;

	news_start(&w, state);
	tell(&w, SY__EVENT_TYPE__CALL_STARTED, CALL, "before");
	client_ask(&c, &w, "", "");
	client_wait(&c, "retry: 2000\n\n");
	server_kill(w.f);
	run_until(w.f, redis_is_away, &w);
	client_ask(&late, &w, "", "");
	client_wait(&late, " 503 ");
	client_close(&late);

	server_start(w.f);
	run_until(w.f, fake_has_redis, &w);
	tell(&w, SY__EVENT_TYPE__CALL_STARTED, CALL, "afterwards");
	client_wait(&c, "afterwards");
	client_close_all(&c);
	news_stop(&w);
}

/* The gateway stops: streams end in order, so clients go elsewhere. */
static void test_stop(void **state)
{
	struct fake_world w;
	struct client c, late;

	news_start(&w, state);
	client_ask(&c, &w, "", "");
	client_wait(&c, "retry: 2000\n\n");
	feed_stop(w.api.feed);
	client_wait(&c, "\r\n0\r\n\r\n");
	assert_int_equal(w.api.held, 0);
	client_ask(&late, &w, "", "");
	client_wait(&late, " 503 ");
	client_close(&late);
	client_close_all(&c);
	news_stop(&w);
}

#define uv_test(fn)                                                            \
	{                                                                      \
#fn, fn, fixture_setup, fixture_teardown, &fixture_uv          \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    uv_test(test_new_events), uv_test(test_filters),
	    uv_test(test_again),      uv_test(test_wrong),
	    uv_test(test_redis_away), uv_test(test_stop),
	};
	(void)fixture_re; /* this program has the other loop only */

	return cmocka_run_group_tests(tests, NULL, NULL);
}
