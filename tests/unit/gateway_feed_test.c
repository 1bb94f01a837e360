/* libs: sy_gateway_core sy_proto_uv sy_proto uv hiredis */
/* SPDX-License-Identifier: MIT */
/* Clients of /ws without a socket: what waits for one that takes nothing, and
 * the log of events. */

#include "gateway_fake.h"
#include "gateway/feed/feed.h"
#include "gateway/feed/log.h"
#include "gateway/http/engine.h"

struct client {
	struct fake_world *w;
	struct engine *engine;
	struct mbuf *got;
	struct ws_client *ws;    /* as the phones' handler had it         */
	unsigned gone;
	const char *wanted;
};

static void on_phone(struct ws_client *c, const Sy__WsClient *msg, void *arg)
{
	struct client *cl = arg;

	assert_int_equal(msg->body_case, SY__WS_CLIENT__BODY_PHONE_CALL);
	assert_string_equal(msg->phone_call->to, "1002");
	cl->ws = c;
}

static void on_gone(struct ws_client *c, void *phone)
{
	struct client *cl = phone;

	assert_ptr_equal(c, cl->ws);
	cl->ws = NULL;
	cl->gone++;
}

static void client_say(struct client *c, const char *text)
{
	uint8_t frame[256] = {0x81, (uint8_t)(0x80 | strlen(text))};

	/* A mask of zeroes. */
	assert_true(strlen(text) < 126);
	memcpy(frame + 6, text, strlen(text));
	assert_int_equal(engine_feed(c->engine, frame, 6 + strlen(text), 0),
			 0);
}

static void client_open(struct client *c, struct fake_world *w)
{
	static const char ask[] =
	    "GET /ws HTTP/1.1\r\nhost: x\r\nconnection: Upgrade\r\n"
	    "upgrade: websocket\r\nsec-websocket-version: 13\r\n"
	    "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
	    "authorization: Bearer sesame\r\n\r\n";
	const struct engine_conf conf = {
	    .lim = &web_limits_default,
	    .peer = "127.0.0.1:9",
	    .headh = api_head,
	    .requesth = api_request,
	    .arg = &w->api,
	};
	struct feed_conf fconf = {.view = w->view, .auth = &w->api.auth};

	memset(c, 0, sizeof(*c));
	c->w = w;
	c->got = mbuf_alloc(4096);
	assert_int_equal(feed_alloc(&w->api.feed, &fconf), 0);
	feed_phones(w->api.feed, on_phone, c);
	assert_int_equal(h1_alloc(&c->engine, &conf, 0), 0);
	assert_int_equal(engine_feed(c->engine, (const uint8_t *)ask,
				     sizeof(ask) - 1, 0), 0);
}

static void client_pull(struct client *c)
{
	c->got->pos = c->got->end;
	assert_int_equal(engine_pull(c->engine, c->got, 65536, 0), 0);
	c->got->pos = c->got->end;
	assert_int_equal(mbuf_write_u8(c->got, 0), 0);
	c->got->end--;
}

static bool contains(const struct client *c, const char *text)
{
	return memmem(c->got->buf, c->got->end, text, strlen(text)) != NULL;
}

static bool has_come(void *arg)
{
	struct client *c = arg;

	client_pull(c);

	return contains(c, c->wanted);
}

static void client_wait(struct client *c, const char *wanted)
{
	c->wanted = wanted;
	run_until(c->w->f, has_come, c);
}

static void client_close(struct client *c)
{
	feed_stop(c->w->api.feed);
	mem_deref(c->engine);
	mem_deref(c->got);
	fake_stop(c->w);
	mem_deref(c->w->api.feed);
}

/* The answer to the handshake is the one of RFC 6455 1.3. */
static void test_open(void **state)
{
	struct fake_world w;
	struct client c;

	fake_start(&w, state);
	client_open(&c, &w);
	client_pull(&c);
	assert_true(contains(&c, "HTTP/1.1 101 Switching Protocols\r\n"));
	assert_true(contains(&c, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
	assert_true(contains(&c, "\"welcome\":{\"gateway\":\"gateway-1\""));
	client_say(&c, "{\"id\":5,\"ping\":{}}");
	client_wait(&c, "{\"id\":5,\"done\":{}}");
	client_close(&c);
}

/* A queue has an end; its owner is told, and the client why. */
static void test_shed(void **state)
{
	Sy__WsServer msg = SY__WS_SERVER__INIT;
	Sy__PhoneEnded ended = SY__PHONE_ENDED__INIT;
	char reason[1024];
	struct feed_stat st;
	struct fake_world w;
	struct client c;
	unsigned n = 0;
	int err;

	fake_start(&w, state);
	client_open(&c, &w);
	client_say(&c, "{\"id\":1,\"phoneCall\":{\"to\":\"1002\"}}");
	assert_non_null(c.ws);
	ws_phone_set(c.ws, &c, on_gone);
	assert_ptr_equal(ws_phone(c.ws), &c);

	memset(reason, 'r', sizeof(reason) - 1);
	reason[sizeof(reason) - 1] = '\0';
	ended.reason = reason;
	msg.body_case = SY__WS_SERVER__BODY_PHONE_ENDED;
	msg.phone_ended = &ended;
	do {
		struct ws_client *ws = c.ws;

		err = ws_send(ws, &msg);
		n++;
	} while (!err && n < 10000);
	assert_int_equal(err, ENOBUFS);
	assert_in_range(n, WS_QUEUE_MAX / 1100, WS_QUEUE_MAX / 1000);
	assert_int_equal(c.gone, 1);
	feed_stat(w.api.feed, &st);
	assert_int_equal(st.shed, 1);

	/* What waited is not sent: the close is, 1013. */
	client_pull(&c);
	assert_true(contains(&c, "\x03\xf5too slow"));
	assert_false(contains(&c, "rrrr"));
	assert_true(engine_is_done(c.engine));
	feed_stat(w.api.feed, &st);
	assert_int_equal(st.h1, 0);
	client_close(&c);
}

/* A peer that goes. */
static void test_gone(void **state)
{
	struct feed_stat st;
	struct fake_world w;
	struct client c;

	fake_start(&w, state);
	client_open(&c, &w);
	client_say(&c, "{\"phoneCall\":{\"to\":\"1002\"}}");
	ws_phone_set(c.ws, &c, on_gone);
	engine_eof(c.engine);
	assert_int_equal(c.gone, 1);
	feed_stat(w.api.feed, &st);
	assert_int_equal(st.h1, 0);
	client_close(&c);
}

/* A gateway that ends. */
static void test_end(void **state)
{
	struct fake_world w;
	struct client c;

	fake_start(&w, state);
	client_open(&c, &w);
	client_say(&c, "{\"phoneCall\":{\"to\":\"1002\"}}");
	ws_phone_set(c.ws, &c, on_gone);
	feed_stop(w.api.feed);
	assert_int_equal(c.gone, 1);
	client_pull(&c);
	assert_true(contains(&c, "\x03\xe9this gateway ends"));
	client_close(&c);
}

static void tell(struct fake_world *w, Sy__EventType type, const char *id)
{
	Sy__Event ev = SY__EVENT__INIT;
	Sy__Call call = SY__CALL__INIT;

	call.id = (char *)id;
	call.node = "node-1";
	ev.type = type;
	ev.call_id = call.id;
	ev.call = &call;
	assert_int_equal(store_event(view_redis(w->view), &ev), 0);
}

#define OTHER "01ARZ3NDEKTSV4RRFFQ69G5FAW"
#define THIRD "01ARZ3NDEKTSV4RRFFQ69G5FAX"

/* While the records are read, calls come and go: of those whose record is not
 * there yet, or still is, the events have the last word. */
static void test_calls(void **state)
{
	struct fake_world w;
	struct client c;

	fake_start(&w, state);
	fake_call(&w, OTHER, "node-1");
	fake_call(&w, THIRD, "node-2");
	client_open(&c, &w);
	client_say(&c, "{\"subscribe\":{\"topics\":[\"events\"]}}");
	client_wait(&c, "\"topic\":\"events\"");
	client_say(&c, "{\"subscribe\":{\"topics\":[\"calls\"]}}");
	tell(&w, SY__EVENT_TYPE__CALL_STARTED, FAKE_CALL);
	tell(&w, SY__EVENT_TYPE__CALL_FINISHED, OTHER);
	client_wait(&c, "CALL_FINISHED");
	mbuf_rewind(c.got);
	client_wait(&c, "\"topic\":\"calls\"");
	assert_true(contains(&c, "\"id\":\"" FAKE_CALL));
	assert_true(contains(&c, "\"id\":\"" THIRD));
	assert_false(contains(&c, OTHER));

	/* From here on by events alone. */
	mbuf_rewind(c.got);
	tell(&w, SY__EVENT_TYPE__CALL_FINISHED, THIRD);
	client_wait(&c, THIRD);
	assert_false(contains(&c, "snapshot"));
	client_close(&c);
}

/* -------------------------------------------------------------------- log */

static void add(struct feed_log *log, uint64_t ms, Sy__Event *ev)
{
	struct store_entry entry = {.event = ev};
	struct feed_id id = {ms, 3};

	feed_id_print(entry.id, &id);
	assert_int_equal(feed_log_add(log, &entry), 0);
}

static void test_log(void **state)
{
	struct feed_id id = {77, 0};
	struct feed_log log = {0};
	Sy__Event ev = SY__EVENT__INIT;
	uint64_t number;
	(void)state;

	assert_false(feed_log_find(&log, &id, &number));
	feed_log_reset(&log, &id);
	assert_true(feed_log_find(&log, &id, &number));
	assert_int_equal(number, log.next);
	for (uint64_t i = 0; i < FEED_LOG_ENTRIES + 100; i++)
		add(&log, 100 + 2 * i, i % 3 ? &ev : NULL);
	assert_int_equal(log.next - log.first, FEED_LOG_ENTRIES);
	assert_null(feed_log_get(&log, log.next));
	assert_null(feed_log_get(&log, log.first - 1));

	/* Each leads to the one behind it; the last that went, too. */
	for (uint64_t i = 99; i < FEED_LOG_ENTRIES + 100; i++) {
		id = (struct feed_id){100 + 2 * i, 3};
		assert_true(feed_log_find(&log, &id, &number));
		feed_log_before(&log, number, &id);
		assert_int_equal(id.ms, 100 + 2 * i);
	}
	feed_log_newest(&log, &id);
	assert_int_equal(id.ms, 100 + 2 * (FEED_LOG_ENTRIES + 99));
	assert_int_equal(number, log.next);
	id = (struct feed_id){100 + 2 * 98, 3};
	assert_false(feed_log_find(&log, &id, &number));
	id = (struct feed_id){100 + 2 * 5000 + 1, 3};
	assert_false(feed_log_find(&log, &id, &number));
	id = (struct feed_id){UINT64_MAX, 0};
	assert_false(feed_log_find(&log, &id, &number));
	feed_log_close(&log);
}

/* The bound in bytes. */
static void test_log_bytes(void **state)
{
	const struct feed_id id = {1, 0};
	struct feed_log log = {0};
	Sy__Event ev = SY__EVENT__INIT;
	char *reason = malloc(100001);
	(void)state;

	memset(reason, 'x', 100000);
	reason[100000] = '\0';
	ev.reason = reason;
	feed_log_reset(&log, &id);
	for (uint64_t i = 0; i < 300; i++)
		add(&log, 100 + i, &ev);
	assert_in_range(log.next - log.first, 150, 180);
	assert_in_range(log.bytes, 15000000, FEED_LOG_BYTES + 101000);
	free(reason);
	feed_log_close(&log);
}

#define uv_test(fn)                                                            \
	{                                                                      \
#fn, fn, fixture_setup, fixture_teardown, &fixture_uv          \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    uv_test(test_open),
	    uv_test(test_shed),
	    uv_test(test_gone),
	    uv_test(test_end),
	    uv_test(test_calls),
	    cmocka_unit_test(test_log),
	    cmocka_unit_test(test_log_bytes),
	};
	(void)fixture_re; /* this program has the other loop only */

	return cmocka_run_group_tests(tests, NULL, NULL);
}
