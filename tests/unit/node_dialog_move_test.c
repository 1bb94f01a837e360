/* libs: sy_node_sip sy_proto */
/* SPDX-License-Identifier: MIT */
/* Dialogs that leave for another node that lives: what comes for them waits,
 * and is handed on.  The second router's socket is that node. */

#include "node_dialog.h"

#define CONTACT "Contact: <sip:1002@192.0.2.2:5062>\r\n"

enum { EPOCH = 4 };

static bool on_owns(const uint8_t hub[ULID_BYTES], uint32_t epoch, void *arg)
{
	(void)hub;
	(void)arg;

	return epoch <= EPOCH;
}

static bool more_cond(void *arg)
{
	return fx.r[0].msgc > *(size_t *)arg;
}

/* Nothing new came to router 1, though the loop ran. */
static void silence(void)
{
	size_t n = fx.r[0].msgc;

	assert_false(wait_for(more_cond, &n, 20));
}

/* The peer calls; answered and ACKed. */
static void called(struct peer *p)
{
	peer_init(p);
	peer_send(&fx.r[0], p, "INVITE");
	wait_event(&fx.seen.incoming);
	(void)expect(&fx.r[0], "SIP/2.0 100 ");
	assert_true(dialog_is_quiet(fx.d));
	assert_int_equal(answer(ANSWER), 0);
	str_ncpy(p->to, hdr(expect(&fx.r[0], "SIP/2.0 200 "), "To", 0),
		 sizeof(p->to));
	assert_false(dialog_is_quiet(fx.d)); /* its ACK has not come */
	peer_ack(&fx.r[0], p, NULL);
	wait_event(&fx.seen.established);
	assert_true(dialog_is_quiet(fx.d));
	re_snprintf(p->ruri, sizeof(p->ruri), "sip:x@192.0.2.100");
	p->body = NULL;
}

static const char *call(void)
{
	struct mbuf *sdp = mb_text(OFFER);
	struct dialog_invite inv = {
	    .uri = "sip:1002@192.0.2.2:5062",
	    .from_uri = "sip:1001@switchyard",
	    .router = "router-1",
	    .tok = {.kind = TOKEN_NODE, .instance = INSTANCE, .leg = 9},
	    .sdp = sdp,
	};

	assert_int_equal(dialog_invite(&fx.d, fx.ua, &inv, &handlers, NULL), 0);
	mem_deref(sdp);
	assert_true(dialog_is_quiet(fx.d));

	return expect(&fx.r[0], "INVITE ");
}

static const char *call_rings(void)
{
	const char *req = call();

	reply(&fx.r[0], req, "180 Ringing", "bob", CONTACT, NULL);
	wait_event(&fx.seen.progress);

	return req;
}

static void bye(void)
{
	dialog_hangup(fx.d, 0, NULL);
	fx.d = mem_deref(fx.d);
	reply(&fx.r[0], expect(&fx.r[0], "BYE "), "200 OK", NULL, NULL, NULL);
}

static const struct sa *heir(void)
{
	return &fx.r[1].laddr;
}

/* The next that was handed on, as it was sent. */
static void relayed(const char *text)
{
	assert_string_equal(expect(&fx.r[1], ""), text);
}

/* ---------------------------------------------------------------- freezing */

static void test_thaw(void **state)
{
	struct peer p;

	(void)state;

	called(&p);
	assert_int_equal(dialog_freeze(fx.d), 0);
	assert_int_equal(dialog_freeze(fx.d), 0);
	peer_next(&p);
	peer_send(&fx.r[0], &p, "OPTIONS");
	silence();
	peer_next(&p);
	peer_send(&fx.r[0], &p, "MESSAGE");
	silence();

	dialog_thaw(fx.d);
	HAS(expect(&fx.r[0], "SIP/2.0 200 "), " OPTIONS\r\n");
	HAS(expect(&fx.r[0], "SIP/2.0 200 "), " MESSAGE\r\n");
	dialog_thaw(fx.d);
	peer_next(&p);
	peer_send(&fx.r[0], &p, "OPTIONS");
	(void)expect(&fx.r[0], "SIP/2.0 200 ");
	bye();
}

/* What ends it was held as well. */
static void test_thaw_bye(void **state)
{
	struct peer p;

	(void)state;

	called(&p);
	assert_int_equal(dialog_freeze(fx.d), 0);
	peer_next(&p);
	peer_send(&fx.r[0], &p, "BYE");
	silence();
	dialog_thaw(fx.d);
	assert_null(fx.d);
	(void)expect(&fx.r[0], "SIP/2.0 200 ");
	assert_int_equal(fx.seen.closed, 1);
}

static void test_thaw_cancel(void **state)
{
	struct peer p;

	(void)state;

	peer_init(&p);
	peer_send(&fx.r[0], &p, "INVITE");
	wait_event(&fx.seen.incoming);
	(void)expect(&fx.r[0], "SIP/2.0 100 ");
	assert_int_equal(dialog_freeze(fx.d), 0);
	peer_send(&fx.r[0], &p, "INVITE"); /* a copy */
	p.body = NULL;
	peer_send(&fx.r[0], &p, "CANCEL");
	silence();
	dialog_thaw(fx.d);
	assert_int_equal(fx.seen.closed, 1);
	(void)expect(&fx.r[0], "SIP/2.0 200 ");
	(void)expect(&fx.r[0], "SIP/2.0 487 ");
	peer_send(&fx.r[0], &p, "ACK");
}

static void test_thaw_answer(void **state)
{
	const char *req = call_rings();

	(void)state;

	assert_int_equal(dialog_freeze(fx.d), 0);
	reply(&fx.r[0], req, "200 OK", "bob", CONTACT, ANSWER);
	silence();
	assert_int_equal(fx.seen.established, 0);
	dialog_thaw(fx.d);
	assert_int_equal(fx.seen.established, 1);
	(void)expect(&fx.r[0], "ACK ");
	bye();
}

/* So many wait, and no more. */
static void test_bounds(void **state)
{
	struct peer p;
	size_t i, n;

	(void)state;

	called(&p);
	assert_int_equal(dialog_freeze(fx.d), 0);
	for (i = 0; i < RELAY_MSGS_MAX + 6; i++) {
		peer_next(&p);
		peer_send(&fx.r[0], &p, "OPTIONS");
		silence();
	}
	n = fx.r[0].msgc;
	dialog_thaw(fx.d);
	while (wait_for(more_cond, &n, 20))
		n = fx.r[0].msgc;
	for (i = 0; i < RELAY_MSGS_MAX; i++)
		(void)expect(&fx.r[0], "SIP/2.0 200 ");
	expect_nothing(&fx.r[0], 20);
	bye();
}

/* Freed while it is frozen: by BYE, and nothing of it stays. */
static void test_freed(void **state)
{
	struct peer p;

	(void)state;

	called(&p);
	assert_int_equal(dialog_freeze(fx.d), 0);
	peer_next(&p);
	peer_send(&fx.r[0], &p, "OPTIONS");
	silence();
	dialog_abandon(fx.d);
	fx.d = mem_deref(fx.d);
	expect_nothing(&fx.r[0], 20);
}

/* --------------------------------------------------------------- departing */

static void test_depart(void **state)
{
	char *held, *later;
	struct peer p;

	(void)state;

	called(&p);
	assert_int_equal(dialog_freeze(fx.d), 0);
	peer_next(&p);
	held = request_text(&fx.r[0], &p, "OPTIONS");
	router_send(&fx.r[0], held);
	silence();

	dialog_depart(fx.d, heir());
	assert_int_equal(dialog_state(fx.d), DIALOG_ENDED);
	relayed(held);
	peer_next(&p);
	p.body = OFFER;
	later = request_text(&fx.r[0], &p, "INVITE");
	router_send(&fx.r[0], later);
	relayed(later);
	silence();
	assert_int_equal(fx.seen.closed, 0);

	/* its owner is gone: it goes on */
	fx.d = mem_deref(fx.d);
	mem_deref(later);
	p.body = NULL;
	peer_next(&p);
	later = request_text(&fx.r[0], &p, "BYE");
	router_send(&fx.r[0], later);
	relayed(later);
	silence();
	mem_deref(held);
	mem_deref(later);
}

/* Without freezing before; and answers, too. */
static void test_depart_ringing(void **state)
{
	const char *req = call(), *answer_text;
	size_t copies_before = copies(&fx.r[0], req);

	(void)state;

	dialog_depart(fx.d, heir());
	fx.d = mem_deref(fx.d);
	reply(&fx.r[0], req, "180 Ringing", "bob", CONTACT, NULL);
	(void)expect(&fx.r[1], "SIP/2.0 180 Ringing");
	reply(&fx.r[0], req, "200 OK", "bob", CONTACT, ANSWER);
	answer_text = expect(&fx.r[1], "SIP/2.0 200 OK");
	HAS(answer_text, ANSWER);

	/* nothing is repeated here any more */
	silence();
	assert_int_equal(copies(&fx.r[0], req), copies_before);
	assert_int_equal(fx.seen.progress, 0);
}

/* Other dialogs, though of the same Call-ID, stay. */
static void test_others(void **state)
{
	struct dialog *gone;
	struct peer p, q;

	(void)state;

	called(&p);
	gone = fx.d;
	fx.d = NULL;
	q = p;
	q.body = OFFER;
	str_ncpy(q.to, "<sip:600@switchyard>", sizeof(q.to));
	str_ncpy(q.ftag, "another", sizeof(q.ftag));
	str_ncpy(q.branch, "z9hG4bKanother", sizeof(q.branch));
	dialog_depart(gone, heir());
	mem_deref(gone);

	peer_send(&fx.r[0], &q, "INVITE");
	wait_event(&fx.seen.incoming);
	(void)expect(&fx.r[0], "SIP/2.0 100 ");
	expect_nothing(&fx.r[1], 20);
	dialog_hangup(fx.d, 486, NULL);
	fx.d = mem_deref(fx.d);
	(void)expect(&fx.r[0], "SIP/2.0 486 ");
	q.body = NULL;
	peer_send(&fx.r[0], &q, "ACK");
}

static Sy__DialogState *written(void)
{
	Sy__DialogState st = SY__DIALOG_STATE__INIT, *copy;
	uint8_t *buf;
	size_t n;

	dialog_checkpoint(fx.d, &st);
	n = sy__dialog_state__get_packed_size(&st);
	buf = mem_alloc(n, NULL);
	assert_non_null(buf);
	sy__dialog_state__pack(&st, buf);
	copy = sy__dialog_state__unpack(NULL, n, buf);
	mem_deref(buf);

	return copy;
}

static void resume(struct sipua *ua, uint32_t instance, const struct token *tok,
		   const Sy__DialogState *ds)
{
	struct dialog_resume prm = {.ds = ds, .tok = *tok};

	prm.tok.instance = instance;
	prm.tok.epoch = EPOCH;
	assert_int_equal(dialog_resume(&fx.d, ua, &prm, &handlers, NULL), 0);
}

/* It leaves, and comes back: what comes is dealt with here again. */
static void test_back(void **state)
{
	struct peer p;
	Sy__DialogState *ds;

	(void)state;

	called(&p);
	ds = written();
	dialog_depart(fx.d, heir());
	fx.d = mem_deref(fx.d);
	resume(fx.ua, INSTANCE, &p.tok, ds);
	sy__dialog_state__free_unpacked(ds, NULL);

	peer_next(&p);
	peer_send(&fx.r[0], &p, "OPTIONS");
	(void)expect(&fx.r[0], "SIP/2.0 200 ");
	expect_nothing(&fx.r[1], 20);
	peer_next(&p);
	peer_send(&fx.r[0], &p, "BYE");
	(void)expect(&fx.r[0], "SIP/2.0 200 ");
	wait_event(&fx.seen.closed);
}

/* Rings, leaves, and comes back within the time of copies. */
static void test_back_ringing(void **state)
{
	struct peer p;
	Sy__DialogState *ds;

	(void)state;

	peer_init(&p);
	peer_send(&fx.r[0], &p, "INVITE");
	wait_event(&fx.seen.incoming);
	(void)expect(&fx.r[0], "SIP/2.0 100 ");
	ds = written();
	dialog_depart(fx.d, heir());
	fx.d = mem_deref(fx.d);
	resume(fx.ua, INSTANCE, &p.tok, ds);
	sy__dialog_state__free_unpacked(ds, NULL);

	assert_int_equal(dialog_progress(fx.d, 180, NULL, NULL), 0);
	(void)expect(&fx.r[0], "SIP/2.0 180 ");
	p.body = NULL;
	peer_send(&fx.r[0], &p, "CANCEL");
	(void)expect(&fx.r[0], "SIP/2.0 200 ");
	(void)expect(&fx.r[0], "SIP/2.0 487 ");
	wait_event(&fx.seen.closed);
	peer_send(&fx.r[0], &p, "ACK");
}

/* Two nodes: what comes to the old one is answered by the new one, to the
 * router and not to who handed it on. */
static void test_two_nodes(void **state)
{
	struct sipua_conf conf = {.addr = "127.0.0.1:0",
				  .key = fx.key,
				  .ownsh = on_owns,
				  .t1_ms = T1_MS};
	struct sipua *giver = fx.ua, *taker;
	struct sipua_stat st;
	struct peer p;
	Sy__DialogState *ds;

	(void)state;

	assert_int_equal(ua_alloc(&taker, &conf), 0);
	sipua_set_routers(taker, fx.memberv, ROUTERS, INSTANCE + 1);

	called(&p);
	assert_int_equal(dialog_freeze(fx.d), 0);
	ds = written();
	peer_next(&p);
	peer_send(&fx.r[0], &p, "OPTIONS");
	silence();
	dialog_depart(fx.d, sipua_laddr(taker));
	fx.d = mem_deref(fx.d);
	resume(taker, INSTANCE + 1, &p.tok, ds);
	sy__dialog_state__free_unpacked(ds, NULL);
	HAS(expect(&fx.r[0], "SIP/2.0 200 "), " OPTIONS\r\n");

	peer_next(&p);
	peer_send(&fx.r[0], &p, "BYE");
	HAS(expect(&fx.r[0], "SIP/2.0 200 "), " BYE\r\n");
	wait_event(&fx.seen.closed);
	sipua_stat(taker, &st);
	assert_int_equal(st.requests, 2);

	fx.ua = taker;
	assert_true(wait_for(quiet_cond, NULL, WAIT_MS));
	fx.ua = giver;
	mem_deref(taker);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_thaw),	     TEST(test_thaw_bye),
	    TEST(test_thaw_cancel),  TEST(test_thaw_answer),
	    TEST(test_bounds),	     TEST(test_freed),
	    TEST(test_depart),	     TEST(test_depart_ringing),
	    TEST(test_others),	     TEST(test_back),
	    TEST(test_back_ringing), TEST(test_two_nodes),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
