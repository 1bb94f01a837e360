/* libs: sy_gateway_core sy_proto_uv sy_proto uv hiredis */
/* SPDX-License-Identifier: MIT */
/* How long a client of /ws may say nothing, take nothing, and not say who it
 * is.  Each client_check() is a second; the loop does not run meanwhile. */

#include "gateway_fake.h"
#include "gateway/feed/feed_impl.h"
#include "gateway/http/engine.h"

#define HANDSHAKE                                                             \
	"GET /ws HTTP/1.1\r\nhost: x\r\nconnection: Upgrade\r\n"              \
	"upgrade: websocket\r\nsec-websocket-version: 13\r\n"                 \
	"sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n"

struct peer {
	struct fake_world *w;
	struct engine *engine;
	struct mbuf *got;        /* what came since the last look          */
	struct ws_client *c;     /* NULL: gone                             */
};

static void peer_open(struct peer *p, struct fake_world *w, const char *head)
{
	const struct engine_conf conf = {
		.lim = &web_limits_default,
		.peer = "127.0.0.1:9",
		.headh = api_head,
		.requesth = api_request,
		.arg = &w->api,
	};
	const struct feed_conf fconf = {.view = w->view, .auth = &w->api.auth};

	memset(p, 0, sizeof(*p));
	p->w = w;
	p->got = mbuf_alloc(4096);
	assert_int_equal(feed_alloc(&w->api.feed, &fconf), 0);
	assert_int_equal(h1_alloc(&p->engine, &conf, 0), 0);
	assert_int_equal(engine_feed(p->engine, (const uint8_t *)head,
				     strlen(head), 0), 0);
	p->c = list_ledata(w->api.feed->clientl.head);
	assert_non_null(p->c);
}

static void peer_close(struct peer *p)
{
	feed_stop(p->w->api.feed);
	mem_deref(p->engine);
	mem_deref(p->got);
	fake_stop(p->w);
	mem_deref(p->w->api.feed);
}

/* What the peer takes now. */
static void pull(struct peer *p)
{
	mbuf_rewind(p->got);
	assert_int_equal(engine_pull(p->engine, p->got, 65536, 0), 0);
}

static bool has_come(const struct peer *p, const char *bytes, size_t len)
{
	return memmem(p->got->buf, p->got->end, bytes, len) != NULL;
}

static bool is_asked(struct peer *p)
{
	pull(p);

	return has_come(p, "\x89", 1);
}

/* A pong with a mask of zeroes. */
static void say_pong(struct peer *p)
{
	static const uint8_t pong[] = {0x8a, 0x80, 0, 0, 0, 0};

	assert_int_equal(engine_feed(p->engine, pong, sizeof(pong), 0), 0);
}

static void test_silent(void **state)
{
	struct fake_world w;
	struct peer p;
	int s;

	fake_start(&w, state);
	peer_open(&p, &w, HANDSHAKE "authorization: Bearer sesame\r\n\r\n");
	pull(&p);

	/* Asked after 25 s; one that answers stays, for ever. */
	for (int round = 0; round < 5; round++) {
		for (s = 1; s <= 25; s++) {
			assert_false(is_asked(&p));
			client_check(p.c);
		}
		assert_true(is_asked(&p));
		say_pong(&p);
		client_check(p.c);
	}

	/* One that does not is asked once more, and gone after 60 s. */
	for (s = 1; s < 60; s++) {
		client_check(p.c);
		if (is_asked(&p))
			assert_true(s == 25 || s == 50);
		assert_int_equal(p.c->state, CLIENT_IN);
	}
	client_check(p.c);
	assert_int_equal(p.c->state, CLIENT_CLOSED);
	pull(&p);
	assert_true(has_come(&p, "\x03\xe9nothing was heard", 19));
	peer_close(&p);
}

/* It asks for something, and takes a byte of what there is. */
static void ask_and_take_one(struct peer *p)
{
	static const uint8_t ask[] = {
		0x81, 0x92, 0, 0, 0, 0, '{', '"', 'i', 'd', '"', ':', '5',
		',', '"', 'p', 'i', 'n', 'g', '"', ':', '{', '}', '}'};

	assert_int_equal(engine_feed(p->engine, ask, sizeof(ask), 0), 0);
	mbuf_rewind(p->got);
	assert_int_equal(engine_pull(p->engine, p->got, 1, 0), 0);
	assert_int_equal(p->got->end, 1);
}

static void test_stuck(void **state)
{
	static const uint8_t ping[] = {0x89, 0x80, 0, 0, 0, 0};
	struct feed_stat st;
	struct fake_world w;
	struct peer p;

	fake_start(&w, state);
	peer_open(&p, &w, HANDSHAKE "authorization: Bearer sesame\r\n\r\n");
	pull(&p);
	ask_and_take_one(&p);
	client_check(p.c);

	/* It speaks, and takes no more of the answer. */
	for (int s = 1; s < 30; s++) {
		assert_int_equal(engine_feed(p.engine, ping, sizeof(ping), 0),
				 0);
		client_check(p.c);
		assert_int_equal(p.c->state, CLIENT_IN);
	}
	client_check(p.c);
	assert_int_equal(p.c->state, CLIENT_CLOSED);
	feed_stat(w.api.feed, &st);
	assert_int_equal(st.shed, 1);
	pull(&p);
	assert_true(has_come(&p, "\x03\xf5too slow", 10));
	peer_close(&p);
}

/* Who takes a little now and then is slow, and not stuck. */
static void test_slow(void **state)
{
	struct fake_world w;
	struct peer p;

	fake_start(&w, state);
	peer_open(&p, &w, HANDSHAKE "authorization: Bearer sesame\r\n\r\n");
	pull(&p);
	for (int s = 1; s < 120; s++) {
		if (s % 20 == 1)
			ask_and_take_one(&p);
		client_check(p.c);
		assert_int_equal(p.c->state, CLIENT_IN);
	}
	peer_close(&p);
}

static void test_no_hello(void **state)
{
	struct fake_world w;
	struct peer p;

	fake_start(&w, state);
	peer_open(&p, &w, HANDSHAKE "\r\n");
	for (int s = 1; s < 5; s++) {
		client_check(p.c);
		assert_int_equal(p.c->state, CLIENT_NEW);
	}
	client_check(p.c);
	assert_int_equal(p.c->state, CLIENT_CLOSED);
	pull(&p);
	assert_true(has_come(&p, "\x03\xf0no hello", 10));
	peer_close(&p);
}

/* One that takes not even the close is gone 10 s later. */
static void test_close_is_not_taken(void **state)
{
	struct feed_stat st;
	struct fake_world w;
	struct peer p;

	fake_start(&w, state);
	peer_open(&p, &w, HANDSHAKE "\r\n");
	for (int s = 1; s <= 5; s++)
		client_check(p.c);
	for (int s = 1; s < 10; s++) {
		client_check(p.c);
		feed_stat(w.api.feed, &st);
		assert_int_equal(st.h1, 1);
	}
	client_check(p.c);
	feed_stat(w.api.feed, &st);
	assert_int_equal(st.h1, 0);
	peer_close(&p);
}

#define uv_test(fn)                                                           \
	{                                                                     \
		#fn, fn, fixture_setup, fixture_teardown, &fixture_uv         \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		uv_test(test_silent), uv_test(test_stuck),
		uv_test(test_slow), uv_test(test_no_hello),
		uv_test(test_close_is_not_taken),
	};
	(void)fixture_re; /* this program has the other loop only */

	return cmocka_run_group_tests(tests, NULL, NULL);
}
